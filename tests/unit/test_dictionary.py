"""The catalog's words: every table and column is described, personal data is named, and the page says what they say."""

from __future__ import annotations

import pytest

from cli.dictionary import PAGE
from lake.contracts import load_contracts
from lake.dictionary import Table, page, tables
from lake.gold.marts import load_marts
from lake.silver.tables import PERSONAL

from .stack import of_type

TABLES = tables(load_contracts(), load_marts())


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_and_column_says_what_it_is(table: Table) -> None:
    assert table.description.strip().endswith(".")
    assert [column.name for column in table.columns if not column.comment.strip()] == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_has_an_owner_that_the_page_names(table: Table) -> None:
    section = page([table])

    assert table.owner.strip()
    assert f"\nOwner: {table.owner}.\n" in section


def test_every_database_says_what_it_is_for_and_who_owns_it() -> None:
    databases = [one["DatabaseInput"] for one in of_type("AWS::Glue::Database").values()]

    assert len(databases) == 3
    assert all(one["Description"].endswith(".") and one["Parameters"]["owner"] for one in databases)


def test_columns_of_numbers_say_their_unit() -> None:
    without = {
        f"{mart.name}.{column.name}"
        for mart in load_marts().values()
        for column in mart.columns
        if column.type in ("bigint", "int", "double") and not column.unit
    }

    assert without == {"freshness.silver_snapshot_id", "root_causes.rank"}  # a name and a place: neither measures


def test_columns_with_personal_data_say_so() -> None:
    orders = next(table for table in TABLES if table.name == "silver.orders")

    personal = {column.name for column in orders.columns if PERSONAL in column.comment}

    people = {"order_taker", "dough_prep", "stylist", "oven", "boxer", "deliverer", "customer_id"}
    assert personal == people


def test_the_committed_page_is_what_make_docs_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(TABLES), "run `make docs`"
