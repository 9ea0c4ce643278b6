"""What the marts say, against figures that plain Python makes of the same rows."""

from __future__ import annotations

import random
from datetime import datetime
from decimal import Decimal

import pytest

from tests.spark import gold_support as support
from tests.spark.gold_support import Lake, load, order

pytestmark = pytest.mark.spark

EXPECTED = {
    "delivery_performance": support.expected_delivery,
    "monthly_performance": support.expected_monthly,
    "stage_bottlenecks": support.expected_stages,
    "complaint_summary": support.expected_complaints,
    "customer_retention": support.expected_retention,
}
LATER = support.LOADED_AT.replace(hour=13)


@pytest.fixture(scope="module")
def loaded(spark):
    """300 random orders and four files, refreshed once; the tests only read."""
    lake = Lake(spark)
    rng = random.Random(20180305)
    orders = [support.random_order(rng, n) for n in range(300)]
    lake.upsert(orders)
    lake.append(
        "file_loads",
        support.FILE_LOADS,
        [
            load("a.csv", rows_in=10, inserted=8, quarantined=2),
            load("a.csv", rows_in=10, unchanged=8, quarantined=2, batch_id="b2", loaded_at=LATER),
            load("clean.csv", rows_in=4, inserted=1, updated=1, superseded=1, duplicate=1),
            load("empty.csv"),
            load("odd.csv", state="HELD", reason="half of its rows are bad", findings=["no area"]),
        ],
    )
    bad = {"source_file": "a.csv", "source_version": "v1", "raw_row": "x", "loaded_at": support.LOADED_AT}
    both = ["no date", "no number"]
    lake.append(
        "quarantine",
        support.QUARANTINE,
        [
            bad | {"batch_id": "b1", "source_row": 3, "reasons": ["no date"]},
            bad | {"batch_id": "b1", "source_row": 4, "reasons": both},
            bad | {"batch_id": "b2", "source_row": 4, "reasons": both},
        ],
    )
    return lake, orders, lake.run()


@pytest.fixture(scope="module")
def corners(spark):
    """A promise of 25 minutes and orders at the edges: on the line (2018), far away (1999), unknown (2031)."""
    lake = Lake(spark)
    unknown = dict.fromkeys([*(f"{stage}_minutes" for stage in support.STAGES), "order_to_door_minutes"])
    minutes = ("24.99", "25.00", "25.01", None)
    lake.upsert(
        [
            *(
                order(n, datetime(2018, 3, 5, 12), is_complaint=True, delivery_minutes=m and Decimal(m))
                for n, m in enumerate(minutes)
            ),
            order("eve", datetime(1999, 12, 31, 23, 59)),
            order("unknown", datetime(2031, 1, 1), is_complaint=None, complaint_reason="Wrong size", **unknown),
        ]
    )
    return lake, lake.run(promise="25")


@pytest.mark.parametrize("mart", EXPECTED)
def test_a_mart_says_what_the_rows_say(loaded, mart):
    lake, orders, _ = loaded
    expected = EXPECTED[mart](orders)

    rows = lake.dicts(mart)

    width = len(next(iter(expected)))
    found = {tuple(list(row.values())[:width]): dict(list(row.items())[width:]) for row in rows}
    assert set(found) == set(expected)
    for key, values in expected.items():
        assert found[key] == pytest.approx(values), (mart, key)


def test_order_details_are_silvers_orders_a_day_a_file(loaded):
    lake, orders, _ = loaded
    days = {one["order_date"] for one in orders}

    rows = {row["order_id"]: row for row in lake.dicts("order_details")}

    assert set(rows) == {one["order_id"] for one in orders}
    for one in orders:
        found = rows[one["order_id"]]
        assert found == {name: one.get(name) for name in found}
    files = lake.spark.table(f"{lake.gold}.order_details.files").collect()
    assert {file["partition"]["order_date_day"] for file in files} == days
    assert len(files) == len(days)


def test_months_are_first_days_and_minutes_doubles(loaded):
    lake, _, _ = loaded

    schema = lake.spark.table(f"{lake.gold}.stage_bottlenecks").schema

    types = {field.name: field.dataType.simpleString() for field in schema.fields}
    assert {row["month"].day for row in lake.dicts("stage_bottlenecks")} == {1}
    assert (types["month"], types["orders"], types["avg_minutes"]) == ("date", "bigint", "double")


def test_the_result_carries_the_figures_for_the_digest(loaded):
    _, orders, result = loaded
    cells = support.expected_delivery(orders).values()
    timed = sum(cell["order_to_door_timed"] for cell in cells)

    headline = result.headline

    for name in ("orders", "late_deliveries", "late_order_to_door", "complaints"):
        assert headline[name] == sum(cell[name] for cell in cells), name
    assert headline["late_order_to_door_rate"] == pytest.approx(headline["late_order_to_door"] / timed)
    assert headline["data_through"] == max(order["order_date"] for order in orders).isoformat()
    assert headline["longest_stage"]["stage"] == "delivery"
    assert result.months == tuple(sorted({support.month_of(order["order_date"]).isoformat() for order in orders}))
    assert headline["months"] == len(result.months)
    assert result.rows["delivery_performance"] == len(cells)


def test_data_quality_tells_of_every_file_what_became_of_it_and_why(loaded):
    lake, _, _ = loaded

    rows = {row["source_file"]: row for row in lake.dicts("data_quality")}

    assert {name: row["status"] for name, row in rows.items()} == {
        "a.csv": "loaded, with rows in quarantine",
        "clean.csv": "loaded",
        "empty.csv": "no rows",
        "odd.csv": "held",
    }
    assert (rows["a.csv"]["loads"], rows["a.csv"]["batch_id"], rows["a.csv"]["unchanged"]) == (2, "b2", 8)
    assert rows["a.csv"]["quarantine_reasons"] == ["no date: 2", "no number: 1"]
    assert (rows["a.csv"]["quarantined_share"], rows["empty.csv"]["quarantined_share"]) == (pytest.approx(0.2), None)
    assert (rows["odd.csv"]["reason"], rows["odd.csv"]["findings"]) == ("half of its rows are bad", ["no area"])


def test_freshness_has_a_row_for_every_other_table(loaded):
    lake, orders, result = loaded

    rows = lake.dicts("freshness")

    tables = {row.tableName for row in lake.spark.sql(f"SHOW TABLES IN {lake.gold}").collect()}
    assert {row["mart"] for row in rows} == tables - {"freshness"}
    assert {row["gold_run_id"] for row in rows} == {"run-1"}
    assert {row["silver_snapshot_id"] for row in rows} == {result.silver_snapshot_id}
    assert {row["data_through"] for row in rows} == {max(order["order_date"] for order in orders)}


def test_the_promise_is_a_parameter_and_on_the_line_is_in_time(corners):
    lake, _ = corners

    (row,) = (row for row in lake.dicts("delivery_performance") if row["order_date"].year == 2018)
    (complaint,) = lake.dicts("complaint_summary")

    assert (row["late_deliveries"], row["deliveries_timed"], row["late_order_to_door"]) == (1, 3, 4)
    assert (complaint["reason"], complaint["complaints"], complaint["complaints_within_30"]) == ("not stated", 4, 2)
    assert complaint["complaints_order_to_door_within_30"] == 0


def test_unknown_minutes_and_complaints_make_no_zero_and_no_row(corners):
    lake, _ = corners

    (row,) = (row for row in lake.dicts("delivery_performance") if row["order_date"].year == 2031)

    assert (row["orders"], row["late_deliveries"], row["avg_delivery_minutes"]) == (1, 0, None)
    assert (row["p95_delivery_minutes"], row["complaints"]) == (None, 0)
    assert {row["month"].year for row in lake.dicts("stage_bottlenecks")} == {1999, 2018}


def test_orders_far_apart_stand_in_their_months(corners):
    lake, result = corners

    months = sorted(row["month"].isoformat() for row in lake.dicts("customer_retention"))

    assert months == ["1999-12-01", "2018-03-01", "2031-01-01"] == list(result.months)


def test_silver_without_any_row_gives_empty_marts_and_says_so(spark):
    lake = Lake(spark)

    result = lake.run()

    assert result.silver_snapshot_id is None
    assert (result.months, result.headline["orders"], result.headline["late_delivery_rate"]) == ((), 0, None)
    assert set(result.rows.values()) == {0}
    assert {row["data_through"] for row in lake.dicts("freshness")} == {None}
