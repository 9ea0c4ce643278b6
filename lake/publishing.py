"""Write, audit, publish: a run writes to a branch of an Iceberg table, looks at it, and only then moves main to it.

Readers see main only, so they never see half a run. The last commit of a run carries the run's id in its snapshot's
summary; a run that is started a second time finds the id in main's ancestry and does nothing twice.

Only the DataFrame and SQL API is used, so that the same calls work in a Glue job, in a local session and over Spark
Connect. Table names are whole identifiers ("catalog.database.table"), without quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PROPERTY_PREFIX = "spark.sql.iceberg.snapshot-property."

# Athena reads Iceberg version 2, not 3. A run writes few, small partitions: sorting rows by partition first (a shuffle)
# costs more than keeping one open file a partition (fanout) does.
TABLE_PROPERTIES: Mapping[str, str] = {
    "format-version": "2",
    "write.distribution-mode": "none",
    "write.spark.fanout.enabled": "true",
    "write.parquet.compression-codec": "zstd",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
}

_TYPE_SYNONYMS = {"integer": "int", "long": "bigint", "short": "smallint", "real": "float"}


class PublishConflict(RuntimeError):  # noqa: N818 - the name says what happened; that it is an error is clear
    """Main moved while a run wrote to its branch: somebody else published. Nothing of the run became visible."""


@dataclass(frozen=True)
class ColumnSpec:
    """One column of a table: its Spark SQL type ("decimal(9,2)") and the sentence that explains it in the catalog."""

    name: str
    type: str
    comment: str = ""


@dataclass(frozen=True)
class Snapshot:
    """One commit of a table: its id, what its summary says, snapshot properties among it, and Iceberg's kind of it."""

    id: int
    summary: Mapping[str, str]
    operation: str = ""


def quoted(identifier: str) -> str:
    """An identifier ("catalog.db.table") as SQL takes it, whatever characters are in its parts."""
    return ".".join(f"`{part}`" for part in identifier.split("."))


def literal(text: str) -> str:
    """A text as a Spark SQL string literal. (Doubling the quote would silently join two literals.)"""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def create_table(
    spark: SparkSession,
    table: str,
    columns: Sequence[ColumnSpec],
    partitioned_by: str = "",
    comment: str = "",
    properties: Mapping[str, str] | None = None,
) -> None:
    """Create the table. `partitioned_by` stands in PARTITIONED BY; `properties` are added to TABLE_PROPERTIES."""
    definitions = ", ".join(_definition(column) for column in columns)
    clauses = [f"CREATE TABLE IF NOT EXISTS {quoted(table)} ({definitions}) USING iceberg"]
    if partitioned_by:
        clauses.append(f"PARTITIONED BY ({partitioned_by})")
    if comment:
        clauses.append(f"COMMENT {literal(comment)}")
    wanted = {**TABLE_PROPERTIES, **(properties or {})}
    clauses.append("TBLPROPERTIES (" + ", ".join(f"{literal(k)}={literal(v)}" for k, v in wanted.items()) + ")")
    spark.sql(" ".join(clauses))


def additions(spark: SparkSession, table: str, columns: Sequence[ColumnSpec]) -> list[str]:
    """The statements that add the columns which the table lacks and renew the words of those it has; none is usual.

    Raises ValueError for a column whose type differs from the one wanted.
    """
    present = {field.name: field for field in spark.table(quoted(table)).schema.fields}
    for column in columns:
        now = present[column.name].dataType.simpleString() if column.name in present else column.type
        if plain_type(column.type) != plain_type(now):
            raise ValueError(
                f"column {column.name} of {table} is {now}, and {column.type} is wanted: types are not changed by "
                "themselves, it takes a migration (docs/decisions/0021)"
            )
    missing = [column for column in columns if column.name not in present]
    stale = [c for c in columns if c.name in present and c.comment not in ("", present[c.name].metadata.get("comment"))]
    statements = []
    if missing:
        statements.append(f"ALTER TABLE {quoted(table)} ADD COLUMNS ({', '.join(_definition(c) for c in missing)})")
    if stale:
        words = ", ".join(f"`{column.name}` COMMENT {literal(column.comment)}" for column in stale)
        statements.append(f"ALTER TABLE {quoted(table)} ALTER COLUMN {words}")
    return statements


def branch(spark: SparkSession, table: str, name: str) -> str:
    """Start branch `name` at main as it is now. Fails where there is one: runs clear away what is left first.

    Returns the identifier that reads and writes the branch, ready for SQL and for `spark.table`. A table that nothing
    was ever published to has no main; its branch starts empty.
    """
    spark.sql(f"ALTER TABLE {quoted(table)} CREATE BRANCH `{name}`")
    return quoted(f"{table}.branch_{name}")


def discard(spark: SparkSession, table: str, name: str) -> None:
    """Drop the branch, if there is one. What was written to it was never visible and is now unreachable."""
    spark.sql(f"ALTER TABLE {quoted(table)} DROP BRANCH IF EXISTS `{name}`")


@contextmanager
def snapshot_properties(spark: SparkSession, properties: Mapping[str, str | int]) -> Iterator[None]:
    """Every commit of INSERT, MERGE and UPDATE inside the block carries these properties in its snapshot's summary.

    Not those of a DELETE that drops whole files: Iceberg leaves the properties out there. A run's mark therefore
    belongs on an INSERT or MERGE; find_snapshot finds it below the deletes of the same run.
    """
    earlier = {key: spark.conf.get(PROPERTY_PREFIX + key, None) for key in properties}
    try:
        for key, value in properties.items():
            spark.conf.set(PROPERTY_PREFIX + key, str(value))
        yield
    finally:
        for key, before in earlier.items():
            if before is None:
                spark.conf.unset(PROPERTY_PREFIX + key)
            else:
                spark.conf.set(PROPERTY_PREFIX + key, before)


def publish(spark: SparkSession, table: str, name: str) -> int | None:
    """Move main to the branch's head in one atomic step, drop the branch, and return main's snapshot id.

    None when neither main nor the branch ever had a snapshot. Raises PublishConflict when main has moved since the
    branch began (the branch stays, for whoever wants to look), LookupError when there is no such branch.
    """
    catalog = table.partition(".")[0]
    try:
        moved = spark.sql(
            f"CALL {quoted(catalog)}.system.fast_forward("
            f"table => {literal(table)}, branch => 'main', to => {literal(name)})"
        ).first()
        head = moved.updated_ref if moved else None
    except Exception as error:
        # The message of a refused commit differs between classic sessions and Connect; what the table says does not
        # (the table itself, not what this session still knows of it).
        spark.catalog.refreshTable(quoted(table))
        now = heads(spark, [table])[table]
        if name not in now:
            raise LookupError(f"table {table} has no branch {name} to publish") from error
        head, main = now[name], now.get("main")
        if main is not None and main not in [snapshot.id for snapshot in ancestry(spark, table, head)]:
            raise PublishConflict(f"main of {table} moved while {name} was written; it was not published") from error
        if main != head:  # equal: the commit went through and only its answer was lost
            raise
    discard(spark, table, name)
    return head


def current_snapshot(spark: SparkSession, table: str) -> int | None:
    """The snapshot that readers of the table see now; None while nothing was published to it."""
    return current_snapshots(spark, [table])[table]


def current_snapshots(spark: SparkSession, tables: Iterable[str]) -> dict[str, int | None]:
    """The snapshot that readers of each table see now, in one Spark action."""
    return {table: branches.get("main") for table, branches in heads(spark, tables).items()}


def find_snapshot(spark: SparkSession, table: str, key: str, value: str | int) -> int | None:
    """The newest snapshot of main's ancestry whose summary says `key` = `value`."""
    return next((s.id for s in ancestry(spark, table) if s.summary.get(key) == str(value)), None)


def ancestry(spark: SparkSession, table: str, head: int | None = None) -> list[Snapshot]:
    """The snapshots from main (or `head`) back to the oldest one that is kept, newest first; empty without any.

    Parents are followed one by one: `.history` knows only where main's head has been, and publishing a branch of
    several commits moves it over all but the last. As many small rows as the table keeps snapshots are collected.
    """
    at = current_snapshot(spark, table) if head is None else head
    rows = spark.table(quoted(f"{table}.snapshots")).select("snapshot_id", "parent_id", "summary", "operation")
    by_id = {row.snapshot_id: row for row in rows.collect()}
    line = []
    while at is not None and at in by_id:
        line.append(Snapshot(at, dict(by_id[at].summary or {}), by_id[at].operation or ""))
        at = by_id[at].parent_id
    return line


def heads(spark: SparkSession, tables: Iterable[str]) -> dict[str, dict[str, int]]:
    """The snapshot that each branch of each table points at; main is missing while nothing was published."""
    found: dict[str, dict[str, int]] = {table: {} for table in tables}
    frames = [
        spark.table(quoted(f"{table}.refs")).selectExpr(f"{literal(table)} AS table", "name", "snapshot_id")
        for table in found
    ]
    for row in reduce(lambda one, other: one.unionAll(other), frames).collect():
        found[row.table][row.name] = row.snapshot_id
    return found


def _definition(column: ColumnSpec) -> str:
    return f"`{column.name}` {column.type}" + (f" COMMENT {literal(column.comment)}" if column.comment else "")


def plain_type(name: str) -> str:
    """A type's name in the one spelling that comparisons need: "DECIMAL(9, 2)" is "decimal(9,2)"."""
    return re.sub(r"[a-z_]+", lambda m: _TYPE_SYNONYMS.get(m[0], m[0]), re.sub(r"\s+", "", name.lower()))
