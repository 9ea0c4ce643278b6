WITH placed AS (
    SELECT
        order_id, ordered_at, order_date, order_hour, area, size, order_mode,
        delivery_minutes, order_to_door_minutes, is_complaint,
        datediff(order_date, DATE'1970-01-01') AS day,
        hour(ordered_at) * 3600 + minute(ordered_at) * 60 + second(ordered_at) AS second
    FROM due_orders
),
recent AS (
    SELECT
        order_hour, area, delivery_minutes,
        datediff(order_date, DATE'1970-01-01') AS day,
        if(delivery_minutes > :promise_minutes, 1, 0) AS late
    FROM recent_orders
),
-- What earlier days taught: windows end the day before, so that an order's own day and outcome are in none of them.
area_days AS (
    SELECT
        area, day,
        sum(sum(late)) OVER past AS late, sum(count(delivery_minutes)) OVER past AS timed,
        CAST(sum(sum(delivery_minutes)) OVER past AS double) AS minutes
    FROM recent
    GROUP BY area, day
    WINDOW past AS (PARTITION BY area ORDER BY day RANGE BETWEEN 28 PRECEDING AND 1 PRECEDING)
),
hour_days AS (
    SELECT
        order_hour, day,
        sum(sum(late)) OVER past AS late, sum(count(delivery_minutes)) OVER past AS timed
    FROM recent
    GROUP BY order_hour, day
    WINDOW past AS (PARTITION BY order_hour ORDER BY day RANGE BETWEEN 28 PRECEDING AND 1 PRECEDING)
),
area_hour_days AS (
    SELECT
        area, order_hour, day,
        sum(sum(late)) OVER past AS late, sum(count(delivery_minutes)) OVER past AS timed
    FROM recent
    GROUP BY area, order_hour, day
    WINDOW past AS (PARTITION BY area, order_hour ORDER BY day RANGE BETWEEN 28 PRECEDING AND 1 PRECEDING)
),
busy AS (  -- how much was going on when the order came in: orders placed up to one second before it
    SELECT
        order_id,
        count(*) OVER (PARTITION BY day ORDER BY second RANGE BETWEEN 3600 PRECEDING AND 1 PRECEDING) AS orders_last_hour,
        count(*) OVER (PARTITION BY day, area ORDER BY second RANGE BETWEEN 3600 PRECEDING AND 1 PRECEDING)
            AS area_orders_last_hour
    FROM placed
)
SELECT
    p.order_id,
    if(p.order_date <= CAST(:last_train_day AS DATE), 'train', 'test') AS split,
    p.order_date,
    p.order_hour,
    dayofweek(p.order_date) AS weekday,
    p.area,
    p.size,
    p.order_mode,
    b.orders_last_hour,
    b.area_orders_last_hour,
    CAST(a.late AS double) / nullif(a.timed, 0) AS area_late_rate_28d,
    a.minutes / nullif(a.timed, 0) AS area_avg_delivery_minutes_28d,
    CAST(h.late AS double) / nullif(h.timed, 0) AS hour_late_rate_28d,
    CAST(ah.late AS double) / nullif(ah.timed, 0) AS area_hour_late_rate_28d,
    coalesce(ah.timed, 0) AS area_hour_deliveries_28d,
    p.delivery_minutes > :promise_minutes AS label_late_delivery,
    p.order_to_door_minutes > :promise_minutes AS label_late_order_to_door,
    p.is_complaint AS label_complaint,
    CAST(p.delivery_minutes AS double) AS label_delivery_minutes,
    CAST(p.order_to_door_minutes AS double) AS label_order_to_door_minutes
FROM placed p
    JOIN busy b ON b.order_id = p.order_id
    JOIN area_days a ON a.area <=> p.area AND a.day = p.day
    JOIN hour_days h ON h.order_hour <=> p.order_hour AND h.day = p.day
    JOIN area_hour_days ah ON ah.area <=> p.area AND ah.order_hour <=> p.order_hour AND ah.day = p.day
