"""The gold run as the job starts it: databases by name, the lease in the ledger, the result in the lake bucket."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from lake.flight import holds_lease
from lake.gold.refresh import GoldRun, refresh
from lake.manifest import GoldResult
from lake.refresh import gold_result_key
from lake.steps import about, step

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LEASE = "gold"
CATALOG = "glue_catalog"


def run_job(
    spark: SparkSession,
    *,
    silver_database: str,
    gold_database: str,
    lake_bucket: str,
    ledger_table: str,
    promise_minutes: str,
    gold_run_id: str,
    fence: int,
) -> GoldResult:
    """Refresh gold and leave result.json in the lake bucket, where the conductor and the digest look for it.

    Raises ValueError when the promise is no number of minutes, and whatever `refresh` raises.
    """
    import boto3

    try:
        promise = Decimal(promise_minutes)
    except InvalidOperation as error:
        raise ValueError(f"the promise in minutes must be a number, not {promise_minutes!r}") from error
    run = GoldRun(
        run_id=gold_run_id,
        silver=f"{CATALOG}.{silver_database}",
        gold=f"{CATALOG}.{gold_database}",
        promise_minutes=promise,
        holds_lease=lambda: holds_lease(ledger_table, LEASE, fence),
    )
    with about(gold_run_id=gold_run_id, fence=fence), step("run") as told:
        result = refresh(spark, run)
        told |= {
            "months": len(result.months),
            "silver_snapshot_ids": result.silver_snapshot_ids,
            "snapshot_ids": result.snapshot_ids,
        }
    boto3.client("s3").put_object(
        Bucket=lake_bucket,
        Key=gold_result_key(gold_run_id),
        Body=result.to_json().encode(),
        ContentType="application/json",
    )
    return result
