"""The gold job: bring the marts to what silver says now. The work is in lake.gold; here are its arguments only."""

from __future__ import annotations

from lake.gold.job import run_job
from lake.script import run

TEXTS = ("silver_database", "gold_database", "lake_bucket", "ledger_table", "promise_minutes", "gold_run_id")


def main() -> None:
    run(__doc__, {**dict.fromkeys(TEXTS, str), "fence": int}, run_job, "gold run {gold_run_id}")


if __name__ == "__main__":
    main()
