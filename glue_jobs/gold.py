"""The gold job: bring the marts to what silver says now. The work is in lake.gold; here are its arguments only."""

from __future__ import annotations

import argparse
import traceback

from pyspark.sql import SparkSession

from lake.gold.failure import in_one_sentence
from lake.gold.job import run_job

NAMES = ("silver_database", "gold_database", "lake_bucket", "ledger_table", "promise_minutes", "gold_run_id")


def main() -> None:
    """Glue adds arguments of its own (--JOB_NAME, --JOB_RUN_ID, ...): whatever is not named here is left aside."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    for name in NAMES:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--fence", required=True, type=int)
    arguments, _ = parser.parse_known_args()
    spark = SparkSession.builder.getOrCreate()
    try:
        run_job(spark, **vars(arguments))
    except Exception as error:
        traceback.print_exc()
        # Glue shows the last line of a failed run: it should be a sentence.
        raise SystemExit(f"gold run {arguments.gold_run_id} failed: {in_one_sentence(error)}") from error
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
