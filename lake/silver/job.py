"""The silver run as the job starts it: manifest and result in the lake bucket, the lease in the ledger."""

from __future__ import annotations

from functools import cache

from pyspark.sql import SparkSession

from lake.contracts import load_contracts
from lake.flight import holds_lease
from lake.manifest import Manifest, SilverResult
from lake.parsing.source import read_text, write_text
from lake.pseudonyms import secret_of
from lake.silver.run import SilverRun
from lake.steps import about, step, tell

LEASE = "silver"


def run_job(
    spark: SparkSession,
    *,
    silver_database: str,
    lake_bucket: str,
    ledger_table: str,
    batch_id: str,
    manifest: str,
    fence: int,
    pseudonym_key: str,
) -> SilverResult:
    """Load the manifest's batch into `silver_database` and leave result.json beside the manifest.

    Raises LookupError when there is no manifest, ValueError when it is another batch's; LeaseLost, AuditFailed and
    PublishConflict when the batch must not be published.
    """
    text = read_text(manifest)
    if text is None:
        raise LookupError(f"there is no manifest at {manifest}")
    batch = Manifest.from_json(text)
    if batch.batch_id != batch_id:
        raise ValueError(f"the manifest at {manifest} is of batch {batch.batch_id}")

    def result_of(which: str) -> SilverResult | None:
        stored = read_text(_result_uri(lake_bucket, which))
        return SilverResult.from_json(stored) if stored else None

    run = SilverRun(
        spark,
        batch,
        load_contracts(),
        silver_database,
        result_of=result_of,
        store_result=lambda result: write_text(_result_uri(lake_bucket, result.batch_id), result.to_json()),
        may_publish=lambda: holds_lease(ledger_table, LEASE, fence),
        secret=cache(lambda: secret_of(pseudonym_key)),
    )
    with about(batch_id=batch_id, fence=fence):
        with step("run", files=len(batch.files)) as told:
            result = run.run()
            told["snapshot_ids"] = result.snapshot_ids
        for outcome in result.files:
            tell(
                "file",
                key=outcome.key,
                version=outcome.version,
                state=outcome.state,
                reason=outcome.reason,
                **outcome.counts,
            )
    return result


def _result_uri(bucket: str, batch_id: str) -> str:
    place = bucket if bucket.startswith("file://") else f"s3://{bucket}"
    return f"{place}/runs/silver/{batch_id}/result.json"
