"""What has to hold on the branches before a batch is shown to anybody."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lake.contracts import Contract
from lake.manifest import FATES, FileOutcome
from lake.publishing import quoted
from lake.silver.conform import violations
from lake.words import count


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


def nothing_forgotten(spark: SparkSession, file_loads: str, wanted: DataFrame) -> None:
    """A rebuild reads every file version that silver holds. `wanted`: source_file and source_version of its files."""
    name = ["source_file", "source_version"]
    last = spark.table(file_loads).groupBy(*name).agg(F.max_by("state", "loaded_at").alias("state"))
    forgotten = last.where("state = 'LOADED'").join(wanted, name, "left_anti").orderBy(*name).limit(2).collect()
    if forgotten:
        more = " and others" if len(forgotten) > 1 else ""
        raise AuditFailed(
            f"the rebuild would forget {forgotten[0].source_file}{more}, whose rows silver holds; `lake wait`, then "
            "ask for the rebuild again"
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


def values_of_branch(spark: SparkSession, contract: Contract, branch: str, batch_id: str) -> None:
    """No row that the batch wrote holds what the contract sends to quarantine: asked of the table, by its own columns.

    Required values are there, numbers and dates are in their ranges, texts are not too long, and the rules of severity
    error hold. Rows that were repaired or taken back to an older claim were judged when that claim came.
    """
    names = {column.name for column in contract.columns}
    broken: dict[str, str] = {}
    for field in contract.fields:
        if field.name in names:
            broken |= {f"{field.name} {words}": condition for words, condition in violations(field)}
    broken |= {rule.message: f"NOT ({rule.sql})" for rule in contract.rules if rule.severity == "quarantine"}
    if not broken:
        return
    sums = [F.count_if(F.expr(condition)).alias(str(at)) for at, condition in enumerate(broken.values())]
    found = spark.table(branch).where(F.col("batch_id") == batch_id).agg(*sums).collect()[0]
    wrong = [f"{words} ({count(rows, 'row')})" for words, rows in zip(broken, found) if rows]
    if wrong:
        raise AuditFailed(f"{contract.table} would hold rows that belong in quarantine: {'; '.join(wrong)}")


def keys_of_branch(spark: SparkSession, contract: Contract, branch: str, touched: DataFrame, within: Column) -> None:
    """No key that the batch touched stands twice, and no row is without a key.

    `touched` holds the keys; `within`: what they keep.
    """
    key = list(contract.key)
    rows = spark.table(branch).select(*key)
    empty = " OR ".join(f"`{name}` IS NULL" for name in key)
    twice = rows.where(within).join(touched, key, "left_semi").groupBy(*key).count().where("count > 1").select(*key)
    wrong = rows.where(empty).limit(1).union(twice.limit(1)).collect()
    if wrong:
        value = ", ".join(str(part) for part in wrong[0])
        raise AuditFailed(f"key {value} of {contract.table} would be empty or stand more than once after this batch")
