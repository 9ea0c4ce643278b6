WITH stages AS (
    SELECT trunc(order_date, 'MONTH') AS month, order_hour, stage, minutes, order_to_door_minutes
    FROM orders UNPIVOT INCLUDE NULLS (minutes FOR stage IN (
        receipt_minutes AS receipt, base_prep_minutes AS base_prep, styling_minutes AS styling,
        cooking_minutes AS cooking, boxing_minutes AS boxing, delivery_minutes AS delivery))
),
by_hour AS (
    SELECT
        month, order_hour, stage,
        if(order_hour IS NULL, NULL, count(*)) AS placed,
        count(minutes) AS orders,
        sum(minutes) AS total,
        percentile(minutes, 0.95) AS p95_minutes,
        sum(if(order_to_door_minutes IS NULL, NULL, minutes)) AS part,
        sum(if(minutes IS NULL, NULL, order_to_door_minutes)) AS whole
    FROM stages
    GROUP BY month, order_hour, stage
),
ranked AS (  -- a peak hour takes more orders than the month's mean hour
    SELECT *, placed > avg(placed) OVER (PARTITION BY month, stage) AS is_peak
    FROM by_hour
),
compared AS (
    SELECT
        *,
        CAST(total AS double) / nullif(orders, 0) AS avg_minutes,
        CAST(sum(if(is_peak, NULL, total)) OVER (PARTITION BY month, stage) AS double)
            / nullif(sum(if(is_peak, 0, orders)) OVER (PARTITION BY month, stage), 0) AS off_peak_avg_minutes
    FROM ranked
)
SELECT
    month,
    order_hour,
    stage,
    orders,
    avg_minutes,
    p95_minutes,
    CAST(part AS double) / nullif(whole, 0) AS share_of_order_to_door,
    off_peak_avg_minutes,
    avg_minutes / nullif(off_peak_avg_minutes, 0) AS peak_ratio,
    is_peak
FROM compared
WHERE orders > 0
