WITH visits AS (  -- orders without a customer make one row a month, so that the month is there
    SELECT
        trunc(order_date, 'MONTH') AS month,
        customer_id,
        max(order_date) AS last_day,
        min(min(order_date)) OVER (PARTITION BY customer_id) AS first_day
    FROM all_orders
    GROUP BY trunc(order_date, 'MONTH'), customer_id
),
counted AS (
    SELECT
        month,
        nullif(count(customer_id), 0) AS customers,
        count_if(customer_id IS NOT NULL AND last_day > first_day) AS returning_customers
    FROM visits
    GROUP BY month
)
SELECT
    month,
    customers,
    if(customers IS NULL, NULL, returning_customers) AS returning_customers,
    CAST(returning_customers AS double) / customers AS repeat_rate,
    if(customers IS NULL, 'not available: no customer id in the source', 'available') AS status
FROM counted
