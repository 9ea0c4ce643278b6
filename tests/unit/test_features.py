"""delivery_features: no feature knows anything that came after the order. The mart's SQL runs in DuckDB here."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import sqlglot

from lake.gold.marts import load_marts
from lake.gold.windows import last_train_day

MART = load_marts()["delivery_features"]
LABELS = [column.name for column in MART.columns if column.name.startswith("label_")]


def some_orders(seed: int, count: int = 400) -> list[dict[str, Any]]:
    """Orders of ten weeks in 2018 in which anything that may be unknown sometimes is."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        at = dt.datetime(2018, 3, 1) + dt.timedelta(days=rng.randrange(70), hours=rng.choice((12, 18, 19)),
                                                    minutes=rng.randrange(60))  # fmt: skip
        found.append(
            {
                "order_id": str(number), "ordered_at": at, "order_date": at.date(), "order_hour": at.hour,
                "area": rng.choice(("A", "B", None)), "size": rng.choice(("Large", None)), "order_mode": "App",
                "delivery_minutes": rng.choice((None, 20.0, 29.0, 31.0, 45.0)), "order_to_door_minutes": 40.0,
                "is_complaint": rng.choice((True, False, None)),
            }
        )  # fmt: skip
    return found


def features(orders: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The mart's rows by order."""
    connection = duckdb.connect()
    for view in ("due_orders", "recent_orders"):
        connection.register(view, pa.Table.from_pylist(orders))
    split = last_train_day(Counter(order["order_date"] for order in orders))
    statement = MART.statement({"promise_minutes": 30, "last_train_day": str(split)})
    answer = connection.sql(sqlglot.transpile(statement, read="spark", write="duckdb")[0])
    return {row[0]: dict(zip(answer.columns, row)) for row in answer.fetchall()}


def known_at_order_time(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in LABELS}


def test_every_order_is_there_once_with_its_labels() -> None:
    orders = some_orders(1)

    found = features(orders)

    assert set(found) == {order["order_id"] for order in orders}
    for order in orders:
        minutes = order["delivery_minutes"]
        row = found[order["order_id"]]
        assert row["label_late_delivery"] == (None if minutes is None else minutes > 30)
        assert (row["label_complaint"], row["label_late_order_to_door"]) == (order["is_complaint"], True)


@pytest.mark.parametrize("seed", range(3))
def test_how_orders_end_changes_no_feature_of_that_day_or_before(seed: int) -> None:
    orders = some_orders(seed)
    day = dt.date(2018, 4, 5)
    other_ends = [
        order | {"delivery_minutes": 77.0, "is_complaint": True} if order["order_date"] >= day else order
        for order in orders
    ]

    before, after = features(orders), features(other_ends)

    same = [known_at_order_time(before[o["order_id"]]) == known_at_order_time(after[o["order_id"]]) for o in orders]
    early = [order["order_date"] <= day for order in orders]
    assert all(equal for equal, is_early in zip(same, early) if is_early)
    assert not all(same), "later orders learn from that day"


def test_later_orders_change_nothing_but_the_split() -> None:
    orders = some_orders(4)
    until = [order for order in orders if order["ordered_at"] < dt.datetime(2018, 4, 10, 18, 30)]

    whole, part = features(orders), features(until)

    for order in until:
        with_later, without = (known_at_order_time(rows[order["order_id"]]) for rows in (whole, part))
        assert with_later | {"split": ""} == without | {"split": ""}


def test_rates_are_those_of_the_28_days_before() -> None:
    orders = some_orders(5)

    found = features(orders)

    for order in orders[:60]:

        def past(same: tuple[str, ...], order: dict[str, Any] = order) -> list[float]:
            return [
                o["delivery_minutes"]
                for o in orders
                if 1 <= (order["order_date"] - o["order_date"]).days <= 28
                and o["delivery_minutes"] is not None
                and all(o[name] == order[name] for name in same)
            ]

        row = found[order["order_id"]]
        for name, same in (("area", ("area",)), ("hour", ("order_hour",)), ("area_hour", ("area", "order_hour"))):
            drives = past(same)
            expected = sum(minutes > 30 for minutes in drives) / len(drives) if drives else None
            assert row[f"{name}_late_rate_28d"] == pytest.approx(expected), (order, name)
        drives = past(("area",))
        assert row["area_avg_delivery_minutes_28d"] == pytest.approx(sum(drives) / len(drives) if drives else None)
        recent = [o for o in orders if o["order_date"] == order["order_date"]
                  and dt.timedelta(0) < order["ordered_at"] - o["ordered_at"] <= dt.timedelta(hours=1)]  # fmt: skip
        assert row["orders_last_hour"] == len(recent)
        assert row["area_orders_last_hour"] == sum(o["area"] == order["area"] for o in recent)


def test_the_test_days_come_after_the_training_days_and_hold_about_a_fifth() -> None:
    rows = features(some_orders(6)).values()

    train = [row["order_date"] for row in rows if row["split"] == "train"]
    test = [row["order_date"] for row in rows if row["split"] == "test"]
    assert max(train) < min(test)
    assert 0.15 < len(test) / (len(train) + len(test)) < 0.25


def test_orders_of_one_day_are_all_for_training() -> None:
    orders = [order | {"order_date": dt.date(2018, 3, 1)} for order in some_orders(7, 5)]

    assert {row["split"] for row in features(orders).values()} == {"train"}
    assert features(orders)["0"]["area_late_rate_28d"] is None


def test_no_feature_is_a_fact_of_the_kitchen_or_the_road() -> None:
    names = {column.name for column in MART.columns} - set(LABELS)

    assert not names & {"oven", "boxer", "deliverer", "stylist", "dough_prep", "oven_temp_c", "complaint_reason"}
    assert not [name for name in names if name.endswith("_minutes")]
