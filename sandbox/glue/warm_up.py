"""Makes a Spark Connect server load its classes: a table is made, merged into and read, as jobs do.

Handed to a fresh interpreter as a file, with SPARK_REMOTE set. It touches a catalog on the local disk only.
"""

from collections.abc import Iterable

import pyarrow as pa
from pyspark.sql import SparkSession


def same(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    yield from batches


spark = SparkSession.builder.getOrCreate()
rows = spark.range(1000).selectExpr(
    "id", "cast(id % 7 as string) as name", "timestampadd(DAY, cast(id % 90 as int), timestamp'2020-01-01') as at"
)
rows.mapInArrow(same, rows.schema).createOrReplaceTempView("warm_up")
spark.sql("DROP TABLE IF EXISTS sandbox_warm_up.db.t")
spark.sql(
    "CREATE TABLE sandbox_warm_up.db.t (id bigint, name string, at timestamp) USING iceberg PARTITIONED BY (months(at))"
)
for _ in range(2):
    spark.sql(
        "MERGE INTO sandbox_warm_up.db.t t USING warm_up s ON t.id = s.id "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
spark.sql(
    "SELECT name, count(*), percentile(id, 0.95), row_number() OVER (ORDER BY name) FROM sandbox_warm_up.db.t "
    "GROUP BY name ORDER BY name"
).collect()
spark.sql("DROP TABLE sandbox_warm_up.db.t PURGE")
spark.stop()
