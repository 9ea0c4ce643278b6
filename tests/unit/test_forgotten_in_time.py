"""What is forgotten in time: which rows, and which of their columns."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import sqlglot

from lake.contracts import load_contracts
from lake.maintenance.retention import forgettings
from lake.silver.tables import Names, history_columns, row_columns

ORDERS = load_contracts()["orders"]
NAMES = Names("silver")
TODAY = date(2026, 3, 31)


def by_table(*contracts, days=30):
    return {one.table.rpartition(".")[2]: one for one in forgettings(NAMES, contracts, days, TODAY)}


def test_without_a_time_nothing_is_forgotten():
    assert forgettings(NAMES, [ORDERS], 0, TODAY) == []


def test_a_feeds_rows_lose_every_personal_column_and_nothing_else():
    found = by_table(ORDERS)

    for table, columns in (("orders", row_columns(ORDERS)), ("orders_history", history_columns(ORDERS))):
        update = sqlglot.parse_one(found[table].statement, dialect="spark")
        emptied = {pair.this.name for pair in update.expressions}
        assert emptied == {c.name for c in columns if "Personal data." in c.comment} | {"flags", "unmapped"}
        assert {"customer_id", "deliverer", "oven"} <= emptied
        assert "`order_date` < DATE'2026-03-01'" in found[table].where


def test_an_order_without_a_date_goes_by_when_it_came():
    where = by_table(ORDERS)["orders"].where

    assert "`order_date` IS NULL AND `object_time` < TIMESTAMP_NTZ'2026-03-01 00:00:00'" in where


def test_a_feed_that_is_parted_by_no_date_goes_by_when_its_rows_came():
    where = by_table(replace(ORDERS, partition="bucket(8, order_id)"))["orders"].where

    assert where.startswith("`object_time` < TIMESTAMP_NTZ'2026-03-01 00:00:00' AND (")


def test_a_feed_about_nobody_is_left_alone():
    about_nobody = replace(ORDERS, columns=tuple(replace(column, pii=False) for column in ORDERS.columns))

    assert set(by_table(about_nobody)) == {"quarantine", "quarantine_history", "file_loads"}


def test_rows_that_were_kept_as_they_came_go():
    found = by_table(ORDERS)

    for table in ("quarantine", "quarantine_history"):
        assert found[table].statement.startswith(f"DELETE FROM `glue_catalog`.`silver`.`{table}` WHERE `object_time` <")
