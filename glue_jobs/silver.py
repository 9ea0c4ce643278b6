"""The silver job: load the batch that a manifest names. The work is in lake.silver; here are its arguments only."""

from __future__ import annotations

from lake.script import run
from lake.silver.job import run_job

TEXTS = ("silver_database", "lake_bucket", "ledger_table", "batch_id", "manifest", "pseudonym_key")


def main() -> None:
    run(__doc__, {**dict.fromkeys(TEXTS, str), "fence": int}, run_job, "silver batch {batch_id}")


if __name__ == "__main__":
    main()
