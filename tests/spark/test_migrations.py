"""Upgrades: from the first release's tables on, after a crash at any statement, and under an older release's code."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lake import publishing
from lake.gold.marts import load_marts
from lake.gold.refresh import GoldRun, refresh
from lake.migrations.apply import OWNER, Wanted, ensure, shape_of
from lake.migrations.numbered import MIGRATIONS
from lake.migrations.plan import FLOOR, VERSION, Migration, TableTooNew, newest
from lake.migrations.steps import DropColumn, Recompute, RenameColumn, ReplacePartition, SetProperties, WidenType
from lake.publishing import ColumnSpec

from . import first_release
from .silver_support import SilverLake, order

pytestmark = pytest.mark.spark

CLOCKS = {"loaded_at", "published_at", "silver_snapshot_id"}  # when and in which commit: two lakes never agree on these


class Whole:
    """A silver lake with gold beside it."""

    def __init__(self, spark, folder):
        folder.mkdir(exist_ok=True)
        self.spark = spark
        self.silver = SilverLake(spark, folder)
        self.gold = f"gold_{uuid.uuid4().hex[:8]}"
        spark.sql(f"CREATE NAMESPACE glue_catalog.{self.gold}")

    def refresh(self, run_id):
        silver, gold = f"glue_catalog.{self.silver.database}", f"glue_catalog.{self.gold}"
        return refresh(self.spark, GoldRun(run_id, silver, gold, Decimal(30), lambda: True))

    def drop(self, name, at, rows, batch):
        return self.silver.run(self.silver.orders(name, *rows, at=at), batch=batch)

    def everything(self):
        """Every row of every table as JSON, without its clocks."""
        found = {}
        for database in (self.silver.database, self.gold):
            for row in self.spark.sql(f"SHOW TABLES IN glue_catalog.{database}").collect():
                frame = self.spark.table(f"glue_catalog.{database}.{row.tableName}")
                names = ", ".join(f"`{name}`" for name in sorted(set(frame.columns) - CLOCKS))
                texts = frame.selectExpr(f"to_json(struct({names}))").collect()
                found[row.tableName] = sorted((json.loads(text[0]) for text in texts), key=json.dumps)
        return found


class Mortal:
    """A session that dies at its n-th statement of ALTER TABLE, and says which it ran."""

    def __init__(self, spark, lives=1_000):
        self._spark, self._lives = spark, lives
        self.ran: list[str] = []

    def sql(self, text):
        if text.startswith("ALTER TABLE"):
            if len(self.ran) == self._lives:
                raise ConnectionError("the job was killed")
            self.ran.append(text)
        return self._spark.sql(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spark, name)


def ours():
    """The lease is still held."""


def test_a_lake_of_the_first_release_goes_on_as_if_it_had_always_been_one_of_today(spark, tmp_path):
    later = [
        order(2, day="17/03/2018", complaint="yes", reason="Late delivery"),
        order(6, day="01/05/2018"),
        order(10, delivery="x"),
    ]
    fresh, old = Whole(spark, tmp_path / "fresh"), Whole(spark, tmp_path / "old")
    for file in first_release.WRITTEN["files"]:
        fresh.drop(file["name"], file["at"], file["rows"], file["batch"])
    fresh.refresh("gold-first-1")
    first_release.restore(spark, f"glue_catalog.{old.silver.database}", f"glue_catalog.{old.gold}")

    for lake in (fresh, old):
        lake.drop("c.csv", 3, later, "silver-third")
        lake.refresh("gold-second")

    expected, found = fresh.everything(), old.everything()
    for row in expected["quarantine"]:
        if row["batch_id"] != "silver-third":
            del row["object_time"]  # the first release did not write it there
    assert found == expected
    for mart in load_marts().values():
        shapes = [shape_of(spark, f"glue_catalog.{lake.gold}.{mart.name}") for lake in (fresh, old)]
        assert shapes[0].partition == shapes[1].partition == tuple(filter(None, [mart.partition]))


COLUMNS = (
    ColumnSpec("month", "date", "The month."),
    ColumnSpec("amount", "bigint", "How many."),
    ColumnSpec("kind", "date"),
)
UPGRADES = (
    Migration(1, "a rename and a wider type", ("gold.t",),
              (RenameColumn("count", "amount"), WidenType("amount", "bigint"))),
    Migration(2, "years", ("gold.t",), (ReplacePartition("month", "years(month)"), Recompute())),
    Migration(3, "another kind, and how files are written", ("gold.t",),
              (DropColumn("kind", "string"), SetProperties({"write.parquet.compression-codec": "gzip"}))),
)  # fmt: skip


@pytest.fixture
def table(spark):
    """A table of before there were migrations, with a row in it."""
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.migrations")
    name = f"glue_catalog.migrations.t_{uuid.uuid4().hex[:8]}"
    old = [
        ColumnSpec("month", "date", "The mnth."),
        ColumnSpec("count", "int", "How many."),
        ColumnSpec("kind", "string"),
    ]
    publishing.create_table(spark, name, old, "month")
    spark.sql(f"INSERT INTO {name} VALUES (DATE'2018-03-01', 7, 'x')")
    yield name
    spark.sql(f"DROP TABLE {name} PURGE")


def wanted(table, columns=COLUMNS):
    return Wanted("gold.t", table, columns, "What it holds.", "Analytics", "years(month)")


def test_a_run_that_dies_at_any_statement_of_an_upgrade_is_finished_by_the_next_one(spark, table):
    whole = Mortal(spark)
    twin = f"{table}_twin"
    old = [ColumnSpec("month", "date"), ColumnSpec("count", "int"), ColumnSpec("kind", "string")]
    publishing.create_table(spark, twin, old, "month")
    ensure(whole, wanted(twin), ours, UPGRADES)
    deaths = 0

    for _ in whole.ran:  # each run does one statement more and dies at the next
        try:
            ensure(Mortal(spark, 1), wanted(table), ours, UPGRADES)
        except ConnectionError:
            deaths += 1

    shapes = [shape_of(spark, name) for name in (table, twin)]
    assert deaths == len(whole.ran) - 1
    assert shapes[0].columns == shapes[1].columns == {"month": "date", "amount": "bigint", "kind": "date"}
    assert shapes[0].partition == ("years(month)",)
    assert {key: shapes[0].properties[key] for key in (VERSION, FLOOR, OWNER)} == {
        VERSION: "3", FLOOR: "3", OWNER: "Analytics"
    }  # fmt: skip
    assert [tuple(row) for row in spark.sql(f"SELECT amount, kind FROM {table}").collect()] == [(7, None)]
    spark.sql(f"DROP TABLE {twin} PURGE")


def test_a_table_that_is_up_to_date_is_not_altered(spark, table):
    ensure(spark, wanted(table), ours, UPGRADES)
    again = Mortal(spark)

    ensure(again, wanted(table), ours, UPGRADES)

    assert again.ran == []


def test_a_table_that_is_up_to_date_costs_no_call(spark, table):
    ensure(spark, wanted(table), ours, UPGRADES)
    described = {row.col_name: row.data_type for row in spark.sql(f"DESCRIBE TABLE EXTENDED {table}").collect()}
    metadata = Path(described["Location"].removeprefix("file:")) / "metadata"
    metadata.rename(metadata.with_name("away"))  # whoever asks the catalog or the storage now finds no table

    try:
        created = ensure(spark, wanted(table), ours, UPGRADES)
    finally:
        metadata.with_name("away").rename(metadata)

    assert not created


def test_a_table_that_is_created_needs_no_upgrade(spark, table):
    new = f"{table}_new"

    created = ensure(spark, wanted(new), ours, UPGRADES)

    again = Mortal(spark)
    ensure(again, wanted(new), ours, UPGRADES)
    assert created
    assert again.ran == []
    assert shape_of(spark, new).properties[FLOOR] == "3"
    spark.sql(f"DROP TABLE {new} PURGE")


def test_words_of_a_column_that_changed_are_renewed_in_the_catalog(spark, table):
    ensure(spark, wanted(table), ours, UPGRADES)

    comments = {row.col_name: row.comment for row in spark.sql(f"DESCRIBE {table}").collect()}
    described = {row.col_name: row.data_type for row in spark.sql(f"DESCRIBE TABLE EXTENDED {table}").collect()}
    assert comments["month"] == "The month."
    assert described["Comment"] == "What it holds. Owner: Analytics."


def test_without_the_lease_an_old_table_is_left_as_it_is(spark, table):
    def lost():
        raise PermissionError("another run took over")

    before = shape_of(spark, table)
    with pytest.raises(PermissionError):
        ensure(spark, wanted(table), lost, UPGRADES)

    assert shape_of(spark, table) == before


def test_a_breaking_upgrade_holds_the_older_release_back_from_its_first_statement_on(spark, table):
    with pytest.raises(ConnectionError):  # the newer release dies right after it has begun
        ensure(Mortal(spark, 1), wanted(table), ours, UPGRADES)

    with pytest.raises(TableTooNew, match="Deploy that release again"):
        ensure(spark, wanted(table), ours, ())


FUTURE = newest(MIGRATIONS) + 1


def test_after_an_additive_upgrade_the_older_release_goes_on(spark, tmp_path):
    lake = Whole(spark, tmp_path)
    lake.drop("a.csv", 1, [order(1), order(2)], "silver-1")
    lake.refresh("gold-1")
    for table in (
        f"{lake.silver.database}.orders",
        f"{lake.silver.database}.file_loads",
        f"{lake.gold}.stage_bottlenecks",
    ):
        spark.sql(f"ALTER TABLE glue_catalog.{table} ADD COLUMNS (of_tomorrow string)")
        spark.sql(f"ALTER TABLE glue_catalog.{table} SET TBLPROPERTIES ('{VERSION}'='{FUTURE}')")

    result = lake.drop("b.csv", 2, [order(2, delivery="44.0", total="56.0"), order(3)], "silver-2")
    lake.refresh("gold-2")

    assert [outcome.state for outcome in result.files] == ["LOADED"]
    assert lake.silver.rows("order_id", "delivery_minutes", "of_tomorrow") == [
        ("1", Decimal("30.00"), None), ("2", Decimal("44.00"), None), ("3", Decimal("30.00"), None)
    ]  # fmt: skip
    orders = spark.sql(f"SELECT sum(orders) FROM glue_catalog.{lake.gold}.stage_bottlenecks WHERE stage = 'delivery'")
    assert orders.first()[0] == 3
    assert shape_of(spark, f"glue_catalog.{lake.gold}.stage_bottlenecks").properties[VERSION] == str(FUTURE)


@pytest.mark.parametrize("layer", ["silver", "gold"])
def test_after_a_breaking_upgrade_the_older_release_writes_nothing(spark, tmp_path, layer):
    lake = Whole(spark, tmp_path)
    lake.drop("a.csv", 1, [order(1)], "silver-1")
    lake.refresh("gold-1")
    before = lake.everything()
    table = f"{lake.silver.database}.orders" if layer == "silver" else f"{lake.gold}.root_causes"
    spark.sql(f"ALTER TABLE glue_catalog.{table} SET TBLPROPERTIES ('{VERSION}'='{FUTURE}', '{FLOOR}'='{FUTURE}')")

    def go_on():
        return lake.drop("b.csv", 2, [order(1)], "silver-2") if layer == "silver" else lake.refresh("gold-2")

    with pytest.raises(TableTooNew, match=f"{layer}.* was changed by a newer release"):
        go_on()

    assert lake.everything() == before


def test_a_mart_that_was_lost_and_made_anew_by_a_run_that_died_is_filled_by_the_next(spark, tmp_path):
    lake = Whole(spark, tmp_path)
    lake.drop("a.csv", 1, [order(1)], "silver-1")
    lake.refresh("gold-1")
    before = lake.everything()
    spark.sql(f"DROP TABLE glue_catalog.{lake.gold}.stage_bottlenecks PURGE")
    mart = load_marts()["stage_bottlenecks"]
    columns = [ColumnSpec(column.name, column.type, column.comment) for column in mart.columns]
    name = f"glue_catalog.{lake.gold}.stage_bottlenecks"
    ensure(spark, Wanted("gold.stage_bottlenecks", name, columns, mart.grain, mart.owner, mart.partition), ours)

    lake.refresh("gold-1b")
    again = lake.refresh("gold-1c")

    assert lake.everything()["stage_bottlenecks"] == before["stage_bottlenecks"]
    assert again.months == ()  # nothing is left to be done, also where a mart has no rows
