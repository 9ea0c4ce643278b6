SELECT
    trunc(order_date, 'MONTH') AS month,
    delivery_minutes > :promise_minutes AS late_delivery,
    order_to_door_minutes > :promise_minutes AS late_order_to_door,
    is_complaint AS complaint,
    if(is_complaint, coalesce(nullif(trim(complaint_reason), ''), 'not stated'), NULL) AS complaint_reason,
    area,
    CAST(order_hour AS string) AS order_hour,
    CASE
        WHEN order_hour < 6 THEN 'night (0 to 5)'
        WHEN order_hour < 12 THEN 'morning (6 to 11)'
        WHEN order_hour < 15 THEN 'midday (12 to 14)'
        WHEN order_hour < 17 THEN 'afternoon (15 to 16)'
        WHEN order_hour < 20 THEN 'evening (17 to 19)'
        ELSE 'late evening (20 to 23)'
    END AS day_part,
    date_format(order_date, 'EEEE') AS order_date,
    size,
    order_mode,
    order_taker,
    dough_prep,
    stylist,
    oven,
    boxer,
    deliverer,
    CAST(oven_temp_c AS double) AS oven_temp_c,
    CAST(receipt_minutes AS double) AS receipt_minutes,
    CAST(base_prep_minutes AS double) AS base_prep_minutes,
    CAST(styling_minutes AS double) AS styling_minutes,
    CAST(cooking_minutes AS double) AS cooking_minutes,
    CAST(boxing_minutes AS double) AS boxing_minutes,
    CAST(delivery_minutes AS double) AS delivery_minutes
FROM orders
