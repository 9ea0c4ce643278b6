"""A second feed by its contract alone: its tables, its rules, its quarantine and its history, beside the first one."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.feeds import customers_csv, with_customers
from tests.spark.silver_support import SilverLake, order

pytestmark = pytest.mark.spark


@pytest.fixture
def lake(spark, tmp_path):
    lake = SilverLake(spark, tmp_path)
    (tmp_path / "contracts").mkdir()
    lake.contracts = with_customers(tmp_path / "contracts")
    return lake


def counts(outcome):
    return {name: value for name, value in outcome.counts.items() if value}


def test_two_feeds_in_one_batch(lake):
    first = lake.file("a.csv", customers_csv("C-1;Zoë;05/03/2018;12;yes", "C-2;;06/03/2018;10;no"), at=1)
    lake.run(first)
    assert lake.table("orders").count() == 0  # gold finds what it reads, whichever feed comes first
    later = customers_csv("C-1;Zoë;05/03/2018;13;yes", "C-2;;06/03/2018;10;no", "C-3;Ann;yesterday;-1;maybe")

    result = lake.run(lake.file("b.csv", later, at=2), lake.orders("o.csv", order(1), order("", day="x"), at=2))

    assert [counts(outcome) for outcome in result.files] == [
        {"rows_in": 3, "updated": 1, "unchanged": 1, "quarantined": 1, "flagged": 1},
        {"rows_in": 2, "inserted": 1, "quarantined": 1},
    ]
    assert lake.rows("customer_id", "first_name", "since", "visits", "newsletter", "is_regular", of="customers") == [
        ("C-1", "Zoë", dt.date(2018, 3, 5), 13, True, True),
        ("C-2", None, dt.date(2018, 3, 6), 10, False, True),
    ]
    assert lake.rows("flags", of="customers") == [(["a regular customer without a name"],), ([],)]
    assert lake.rows("customer_id", "fate", of="customers_history") == [("C-1", "replaced"), ("C-2", "unchanged")]
    waiting = lake.table("quarantine").where("contract = 'customers'").collect()
    assert [(row.source_file, row.source_row, row.raw_row, len(row.reasons)) for row in waiting] == [
        ("b.csv", 3, "C-3;Ann;yesterday;-1;maybe", 3)
    ]
    assert lake.rows("contract", "rows_in", of="file_loads") == [("customers", 2), ("customers", 3), ("orders", 2)]
    assert set(result.snapshot_ids) >= {"customers", "orders"}
