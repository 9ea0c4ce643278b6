"""The maintenance job: care for silver's and gold's tables. The work is in lake.maintenance; here are its arguments."""

from __future__ import annotations

import argparse
import traceback

from pyspark.sql import SparkSession

from lake.maintenance.job import run_job


def main() -> None:
    """Glue adds arguments of its own (--JOB_NAME, --JOB_RUN_ID, ...): whatever is not named here is left aside."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    for name in ("silver_database", "gold_database", "lake_bucket", "ledger_table", "maintain_run_id"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("fence", "silver_fence", "gold_fence"):
        parser.add_argument(f"--{name}", required=True, type=int)
    parser.add_argument("--snapshot_days", required=True, type=float)
    arguments, _ = parser.parse_known_args()
    spark = SparkSession.builder.getOrCreate()
    try:
        run_job(spark, **vars(arguments))
    except Exception as error:
        traceback.print_exc()
        # Glue shows the last line of a failed run: it should be a sentence.
        sentence = " ".join(str(error).split("\n")[0].split())[:500] or type(error).__name__
        raise SystemExit(f"maintenance run {arguments.maintain_run_id} failed: {sentence}") from error
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
