"""customer_retention against plain Python, the mart's SQL run in DuckDB."""

from __future__ import annotations

import random

import duckdb
import pyarrow as pa
import pytest
import sqlglot

from lake.gold.marts import load_marts
from tests.spark import gold_support as support

SQL = sqlglot.transpile(load_marts()["customer_retention"].sql, read="spark", write="duckdb")[0]


def retention(orders: list[dict]) -> dict:
    connection = duckdb.connect()
    rows = [{"customer_id": order["customer_id"], "order_date": order["order_date"]} for order in orders]
    schema = pa.schema([("customer_id", pa.string()), ("order_date", pa.date32())])
    connection.register("all_orders", pa.Table.from_pylist(rows, schema))
    answer = connection.sql(SQL)
    found = [dict(zip(answer.columns, row)) for row in answer.fetchall()]
    return {(row.pop("month").date(),): row for row in found}


@pytest.mark.parametrize("seed", range(5))
def test_it_says_what_the_rows_say(seed: int) -> None:
    rng = random.Random(seed)
    orders = [support.random_order(rng, number) for number in range(rng.choice((3, 40, 300)))]

    expected = support.expected_retention(orders)

    found = retention(orders)
    assert found.keys() == expected.keys()
    for month, row in expected.items():
        assert found[month] == pytest.approx(row), month


def test_without_any_customer_nothing_is_a_zero() -> None:
    orders = [support.random_order(random.Random(n), n) | {"customer_id": None} for n in range(9)]

    for row in retention(orders).values():
        assert row.pop("status") == "not available: no customer id in the source"
        assert set(row.values()) == {None}
