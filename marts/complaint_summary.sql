WITH reasons AS (  -- orders without a complaint are the row of their month whose reason is null
    SELECT
        trunc(order_date, 'MONTH') AS month,
        if(is_complaint, coalesce(nullif(trim(complaint_reason), ''), 'not stated'), NULL) AS reason,
        count(*) AS orders,
        count_if(delivery_minutes <= :promise_minutes) AS within,
        count_if(order_to_door_minutes <= :promise_minutes) AS order_to_door_within
    FROM orders
    GROUP BY 1, 2
),
compared AS (
    SELECT
        *,
        sum(orders) OVER (PARTITION BY month) AS orders_of_month,
        sum(if(reason IS NULL, 0, orders)) OVER (PARTITION BY month) AS complaints_of_month
    FROM reasons
)
SELECT
    month,
    reason,
    orders AS complaints,
    CAST(orders AS double) / complaints_of_month AS share,
    orders_of_month AS orders,
    CAST(orders AS double) / orders_of_month AS complaint_rate,
    within AS complaints_within_30,
    order_to_door_within AS complaints_order_to_door_within_30
FROM compared
WHERE reason IS NOT NULL
