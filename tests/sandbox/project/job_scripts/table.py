"""Makes an Iceberg table in the Glue catalog, and reads it again."""

import argparse
import os
from collections.abc import Iterable

import pyarrow as pa
from pyspark.sql import SparkSession

parser = argparse.ArgumentParser()
parser.add_argument("--table", default="numbers")
parser.add_argument("--do", default="")
arguments, _ = parser.parse_known_args()


def shout(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    import extra_library

    for batch in batches:
        yield pa.RecordBatch.from_pydict({"word": [extra_library.WHERE] * batch.num_rows})


def worker(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    for batch in batches:
        yield pa.RecordBatch.from_pydict({"pid": [os.getpid()] * batch.num_rows})


def wait(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    import time

    time.sleep(120)
    yield from batches


spark = SparkSession.builder.getOrCreate()
print("engine", "warm" if "SPARK_REMOTE" in os.environ else "cold")
name = f"glue_catalog.seams.{arguments.table}"
spark.sql(f"CREATE TABLE IF NOT EXISTS {name} (n bigint) USING iceberg")
if arguments.do == "wait":
    spark.range(1).mapInArrow(wait, "id bigint").collect()
spark.sql(f"INSERT INTO {name} SELECT id FROM range(10)")
print("rows", spark.table(name).count())
if arguments.do == "library":
    print("word", spark.range(1).mapInArrow(shout, "word string").collect()[0]["word"])
if arguments.do == "worker":
    print("script", os.getpid())
    print("worker", spark.range(1).coalesce(1).mapInArrow(worker, "pid bigint").collect()[0]["pid"])
