-- What too few orders share can be no cause; leaving it out here bounds what the statistics have to hold.
WITH shared AS (
    SELECT period, dimension_1 AS dimension, value_1 AS value, max(orders) AS orders
    FROM period_counts
    WHERE dimension_1 IS NOT NULL AND dimension_2 IS NULL
    GROUP BY period, dimension_1, value_1
    HAVING max(orders) >= :least_orders
),
kept AS (
    SELECT period, dimension, value
    FROM (
        SELECT *, row_number() OVER (PARTITION BY period, dimension ORDER BY orders DESC, value) AS place FROM shared
    )
    WHERE place <= :most_values
)
SELECT c.*
FROM period_counts c
    LEFT JOIN kept k1 ON k1.period = c.period AND k1.dimension = c.dimension_1 AND k1.value = c.value_1
    LEFT JOIN kept k2 ON k2.period = c.period AND k2.dimension = c.dimension_2 AND k2.value = c.value_2
WHERE (c.dimension_1 IS NULL OR k1.value IS NOT NULL) AND (c.dimension_2 IS NULL OR k2.value IS NOT NULL)
