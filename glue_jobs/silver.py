"""The silver job: load the batch that a manifest names. The work is in lake.silver; here are its arguments only."""

from __future__ import annotations

import argparse
import traceback

from pyspark.sql import SparkSession

from lake.silver.job import run_job


def main() -> None:
    """Glue adds arguments of its own (--JOB_NAME, --JOB_RUN_ID, ...): whatever is not named here is left aside."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    for name in ("silver_database", "lake_bucket", "ledger_table", "batch_id", "manifest", "pseudonym_key"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--fence", required=True, type=int)
    arguments, _ = parser.parse_known_args()
    spark = SparkSession.builder.getOrCreate()
    try:
        run_job(spark, **vars(arguments))
    except Exception as error:
        traceback.print_exc()
        # Glue shows the last line of a failed run: it should be a sentence.
        sentence = " ".join(str(error).split("\n")[0].split())[:500] or type(error).__name__
        raise SystemExit(f"silver batch {arguments.batch_id} failed: {sentence}") from error
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
