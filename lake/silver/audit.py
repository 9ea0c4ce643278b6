"""What has to hold on the branches before a batch is shown to anybody."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lake.contracts import Contract
from lake.manifest import FATES, FileOutcome
from lake.publishing import quoted


class AuditFailed(RuntimeError):  # noqa: N818 - the name says what happened
    """The result contradicts itself; nothing of it was published."""


def arithmetic(outcomes: Iterable[FileOutcome]) -> None:
    """Each file's rows went somewhere, each of them once."""
    for outcome in outcomes:
        if not outcome.adds_up:
            parts = ", ".join(f"{getattr(outcome, fate)} {fate}" for fate in FATES)
            raise AuditFailed(f"the rows of {outcome.key} do not add up: {outcome.rows_in} came in, but {parts}")


def all_loaded(outcomes: Iterable[FileOutcome]) -> None:
    """A rebuild puts aside no file that counted before."""
    lost = [outcome for outcome in outcomes if outcome.state != "LOADED"]
    if lost:
        raise AuditFailed(
            f"{len(lost)} files that counted until now would not count after the rebuild, {lost[0].key} first "
            f"({lost[0].reason}); retract them or mend the contract, and rebuild again"
        )


def rows_of_branch(spark: SparkSession, table: str, before: int | None, after: int, added: int) -> None:
    """The branch holds what the table held and the rows added (less those gone), by the table's own records.

    `before` None: the table held nothing, or nothing that counts.
    """
    rows = spark.table(quoted(f"{table}.snapshots")).where(F.col("snapshot_id").isin([before or after, after]))
    totals = {
        row.snapshot_id: int(row.total or 0)
        for row in rows.selectExpr("snapshot_id", "element_at(summary, 'total-records') AS total").collect()
    }
    expected = (totals[before] if before is not None else 0) + added
    if totals[after] != expected:
        raise AuditFailed(f"{table} would hold {totals[after]} rows after this batch, but {expected} are right")


def keys_of_branch(spark: SparkSession, contract: Contract, branch: str, touched: DataFrame) -> None:
    """No key that the batch touched stands twice, and no row is without a key. `touched` holds the keys."""
    key = list(contract.key)
    rows = spark.table(branch).select(*key)
    empty = " OR ".join(f"`{name}` IS NULL" for name in key)
    twice = rows.join(touched, key, "left_semi").groupBy(*key).count().where("count > 1").select(*key)
    wrong = rows.where(empty).limit(1).union(twice.limit(1)).collect()
    if wrong:
        value = ", ".join(str(part) for part in wrong[0])
        raise AuditFailed(f"key {value} of {contract.table} would be empty or stand more than once after this batch")
