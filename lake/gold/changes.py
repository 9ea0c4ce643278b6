"""What silver has changed since gold last looked: found in Iceberg's metadata, without reading a row."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from lake.gold.months import first_day
from lake.publishing import ancestry, quoted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

REPLACE = "replace"  # Iceberg's word for a commit that changes files and no row
MONTH_PARTITION = "order_date_month"  # what Iceberg calls the partition months(order_date)


def changed_months(spark: SparkSession, table: str, before: int | None, now: int | None) -> tuple[date, ...] | None:
    """First days of the months in which the data or delete files of two snapshots of `table` differ, in order.

    Comparing the two lists of files holds whatever happened between: merges, deletes, a rollback to a snapshot on
    another line. What maintenance did right after `before` does not count: its files differ, its rows do not. Any other
    rewritten file counts although its rows may be the same; that costs a recomputation, no more.
    None where it cannot be told and every month is due: a snapshot is missing or expired, or the table is not
    partitioned by months.
    """
    if before == now:
        return ()
    if before is None or now is None or not _is_kept(spark, table, before):
        return None
    before = _past_maintenance(spark, table, before, now)
    if before == now:
        return ()
    if f"partition.{MONTH_PARTITION}" not in _columns(_at(spark, table, now)):
        return None
    old, new = (
        _at(spark, table, s).selectExpr("file_path", f"partition.{MONTH_PARTITION} AS month") for s in (before, now)
    )
    only_in_one = old.unionAll(new).groupBy("file_path", "month").count().where("count = 1")
    numbers = [row.month for row in only_in_one.select("month").distinct().collect()]
    return None if None in numbers else tuple(first_day(number) for number in sorted(numbers))


def _is_kept(spark: SparkSession, table: str, snapshot: int) -> bool:
    return spark.table(quoted(f"{table}.snapshots")).where(f"snapshot_id = {snapshot}").count() > 0


def _past_maintenance(spark: SparkSession, table: str, before: int, now: int) -> int:
    """The last of the snapshots right after `before` that replaced files by others with the same rows."""
    after = []
    for snapshot in ancestry(spark, table, now):
        if snapshot.id == before:
            break
        after.append(snapshot)
    else:
        return before  # on another line
    for snapshot in reversed(after):
        if snapshot.operation != REPLACE:
            break
        before = snapshot.id
    return before


def _columns(frame: DataFrame) -> list[str]:
    """Column names, those inside structs as "struct.name"."""
    inner = (f"{f.name}.{name}" for f in frame.schema.fields for name in getattr(f.dataType, "names", ()))
    return [*frame.columns, *inner]


def _at(spark: SparkSession, table: str, snapshot: int) -> DataFrame:
    """The files that make up the table at a snapshot."""
    return spark.read.option("versionAsOf", str(snapshot)).table(quoted(f"{table}.files"))
