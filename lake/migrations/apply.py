"""Bring a table to what this release wants: create it, or migrate it, add its new columns and renew its words.

One commit a statement. A table that is as it should be costs no call: what a session knows of it already is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lake import publishing
from lake.migrations.numbered import MIGRATIONS
from lake.migrations.plan import FLOOR, VERSION, Migration, Standing, at_birth, pending
from lake.migrations.steps import Shape, set_properties
from lake.publishing import ColumnSpec, quoted

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OWNER = "lake.owner"


@dataclass(frozen=True)
class Wanted:
    """A table as this release declares it. `name` has the layer in front, `table` is the whole identifier.

    `properties`: what follows from its contract for how its files are written.
    """

    name: str
    table: str
    columns: Sequence[ColumnSpec]
    comment: str
    owner: str
    partition: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What the catalog says about the table. Glue shows no property of an Iceberg table, so it names the owner."""
        return f"{self.comment} Owner: {self.owner}."


def ensure(
    spark: SparkSession,
    wanted: Wanted,
    still_ours: Callable[[], None],
    migrations: Sequence[Migration] = MIGRATIONS,
) -> bool:
    """Create the table or bring it up to date. True when it was created.

    `still_ours` is asked before anything of an existing table is changed, and raises when the run lost its lease.
    Raises TableTooNew, MigrationError, or ValueError for a type that no migration changes.
    """
    table = wanted.table
    if not spark.catalog.tableExists(table):
        born = at_birth(wanted.name, migrations) | {OWNER: wanted.owner, **wanted.properties}
        publishing.create_table(spark, table, wanted.columns, wanted.partition, wanted.words, born)
        return True
    properties = _properties(spark, table)
    standing = Standing.of(properties)
    for migration in pending(wanted.name, standing, migrations):
        still_ours()
        standing = _apply(spark, table, migration, standing)
    for statement in _additions(spark, wanted, properties):
        still_ours()
        spark.sql(statement)
    return False


def shape_of(spark: SparkSession, table: str) -> Shape:
    """The table as it is now."""
    columns = {field.name: field.dataType.simpleString() for field in spark.table(quoted(table)).schema.fields}
    return Shape(table, columns, _partition(spark, table), _properties(spark, table))


def _apply(spark: SparkSession, table: str, migration: Migration, standing: Standing) -> Standing:
    """All steps of one migration, then its number."""
    floor = max(standing.floor, migration.number) if migration.breaking else standing.floor
    if floor != standing.floor:
        spark.sql(set_properties(table, {FLOOR: str(floor)}))
    for step in migration.steps:
        statement = step.statement(shape_of(spark, table))
        if statement:
            spark.sql(statement)
    spark.sql(set_properties(table, {VERSION: str(migration.number)}))
    return Standing(migration.number, floor)


def _additions(spark: SparkSession, wanted: Wanted, properties: dict[str, str]) -> list[str]:
    """What needs no migration: columns that are new, words of columns that changed, the owner, declared properties."""
    found = publishing.additions(spark, wanted.table, wanted.columns)
    if properties.get(OWNER) != wanted.owner:
        found.append(set_properties(wanted.table, {OWNER: wanted.owner, "comment": wanted.words}))
    lacking = {key: value for key, value in wanted.properties.items() if properties.get(key) != value}
    if lacking:
        found.append(set_properties(wanted.table, lacking))
    return found


def _properties(spark: SparkSession, table: str) -> dict[str, str]:
    return {row.key: row.value for row in spark.sql(f"SHOW TBLPROPERTIES {quoted(table)}").collect()}


def _partition(spark: SparkSession, table: str) -> tuple[str, ...]:
    """The transforms by which the table is partitioned, as DESCRIBE tells them."""
    rows = [(row.col_name, row.data_type) for row in spark.sql(f"DESCRIBE TABLE {quoted(table)}").collect()]
    for title, found in (("# Partitioning", 1), ("# Partition Information", 0)):
        at = next((at for at, row in enumerate(rows) if row[0] == title), None)
        if at is not None:
            return tuple(re.sub(r"`", "", row[found]) for row in rows[at + 1 :] if row[0] and row[0] != "# col_name")
    return ()
