"""The maintenance run as the job starts it: databases by name, leases in the ledger, the result in the lake bucket."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from pyspark.sql import SparkSession

from lake.contracts import load_contracts
from lake.flight import holds_lease
from lake.maintenance.plan import Limits
from lake.maintenance.result import MaintenanceResult, result_key
from lake.maintenance.retention import forgettings
from lake.maintenance.run import maintain
from lake.silver.tables import Names
from lake.steps import tell

CATALOG = "glue_catalog"


def run_job(
    spark: SparkSession,
    *,
    silver_database: str,
    gold_database: str,
    lake_bucket: str,
    ledger_table: str,
    snapshot_days: float,
    personal_data_days: int,
    maintain_run_id: str,
    fence: int,
    silver_fence: int,
    gold_fence: int,
) -> MaintenanceResult:
    """Care for all tables and leave result.json in the lake bucket. Raises whatever `maintain` raises."""
    import boto3

    ledger = boto3.client("dynamodb")  # one for all looks: there are many
    fences = {"maintain": fence, "silver": silver_fence, "gold": gold_fence}
    result = maintain(
        spark,
        maintain_run_id,
        f"{CATALOG}.{silver_database}",
        f"{CATALOG}.{gold_database}",
        Limits(snapshot_days),
        holds_leases=lambda: all(holds_lease(ledger_table, name, number, ledger) for name, number in fences.items()),
        tell=lambda care: tell("table", **asdict(care)),
        forget=forgettings(
            Names(silver_database), load_contracts().values(), personal_data_days, datetime.now(UTC).date()
        ),
    )
    boto3.client("s3").put_object(
        Bucket=lake_bucket,
        Key=result_key(maintain_run_id),
        Body=result.to_json().encode(),
        ContentType="application/json",
    )
    return result
