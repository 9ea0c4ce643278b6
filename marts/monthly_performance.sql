SELECT
    trunc(order_date, 'MONTH') AS month,
    order_hour,
    area,
    count(*) AS orders,
    count_if(delivery_minutes > :promise_minutes) AS late_deliveries,
    count_if(order_to_door_minutes > :promise_minutes) AS late_order_to_door,
    CAST(sum(delivery_minutes) AS double) / count(delivery_minutes) AS avg_delivery_minutes,
    CAST(sum(order_to_door_minutes) AS double) / count(order_to_door_minutes) AS avg_order_to_door_minutes,
    count_if(is_complaint) AS complaints,
    count(delivery_minutes) AS deliveries_timed,
    count(order_to_door_minutes) AS order_to_door_timed
FROM orders
GROUP BY 1, 2, 3
