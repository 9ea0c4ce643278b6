"""The maintenance job: care for silver's and gold's tables. The work is in lake.maintenance; here are its arguments."""

from __future__ import annotations

from lake.maintenance.job import run_job
from lake.script import run

TEXTS = ("silver_database", "gold_database", "lake_bucket", "ledger_table", "maintain_run_id")
NUMBERS = ("fence", "silver_fence", "gold_fence", "personal_data_days")


def main() -> None:
    arguments = {**dict.fromkeys(TEXTS, str), **dict.fromkeys(NUMBERS, int), "snapshot_days": float}
    run(__doc__, arguments, run_job, "maintenance run {maintain_run_id}")


if __name__ == "__main__":
    main()
