"""The catalog's words: every table and column is described, personal data is named, and the page says what they say."""

from __future__ import annotations

import pytest

from cli.dictionary import PAGE
from lake.contracts import load_contracts
from lake.dictionary import Table, page, tables
from lake.gold.marts import load_marts
from lake.silver.tables import PERSONAL

TABLES = tables(load_contracts(), load_marts())


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_and_column_says_what_it_is(table: Table) -> None:
    assert table.description.strip().endswith(".")
    assert [column.name for column in table.columns if not column.comment.strip()] == []


def test_columns_with_personal_data_say_so() -> None:
    orders = next(table for table in TABLES if table.name == "silver.orders")

    personal = {column.name for column in orders.columns if PERSONAL in column.comment}

    people = {"order_taker", "dough_prep", "stylist", "oven", "boxer", "deliverer", "customer_id"}
    assert personal == people


def test_the_committed_page_is_what_make_docs_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(TABLES), "run `make docs`"
