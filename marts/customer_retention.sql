WITH days AS (  -- orders without a customer make one row a day, so that their month is there
    SELECT DISTINCT customer_id, order_date FROM all_orders
),
visits AS (
    SELECT
        trunc(order_date, 'MONTH') AS month,
        customer_id,
        order_date,
        lead(order_date) OVER customer AS next_day,
        min(order_date) OVER (PARTITION BY customer_id) AS first_day
    FROM days
    WINDOW customer AS (PARTITION BY customer_id ORDER BY order_date)
),
customers AS (  -- one row a customer and month; days until they ordered again after their first order of the month
    SELECT
        month,
        customer_id,
        max(order_date) AS last_order,
        max(order_date) > min(first_day) AS came_back,
        datediff(min_by(next_day, order_date), min(order_date)) AS days_until_next
    FROM visits
    GROUP BY month, customer_id
),
counted AS (
    SELECT
        month,
        nullif(count(customer_id), 0) AS customers,
        count_if(customer_id IS NOT NULL AND came_back) AS returning_customers,
        count_if(customer_id IS NOT NULL AND coalesce(days_until_next <= 30, false)) AS within_30,
        count_if(customer_id IS NOT NULL AND coalesce(days_until_next <= 60, false)) AS within_60,
        count_if(customer_id IS NOT NULL AND coalesce(days_until_next <= 90, false)) AS within_90,
        datediff(max(max(last_order)) OVER (), last_day(month)) AS days_since
    FROM customers
    GROUP BY month
)
SELECT
    month,
    customers,
    if(customers IS NULL, NULL, returning_customers) AS returning_customers,
    CAST(returning_customers AS double) / customers AS repeat_rate,
    if(customers IS NULL, 'not available: no customer id in the source', 'available') AS status,
    if(days_since >= 30, CAST(within_30 AS double) / customers, NULL) AS repeat_rate_30_days,
    if(days_since >= 60, CAST(within_60 AS double) / customers, NULL) AS repeat_rate_60_days,
    if(days_since >= 90, CAST(within_90 AS double) / customers, NULL) AS repeat_rate_90_days
FROM counted
