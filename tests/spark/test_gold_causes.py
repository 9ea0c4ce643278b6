"""Root causes on Spark, end to end: counted on the workers, tested on the driver, refreshed month by month."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from lake.gold import causes as counting_on_spark
from tests.spark.gold_support import ORDERS, Lake, order
from tests.unit.causes_world import Shop

pytestmark = pytest.mark.spark

MONDAY = {"2025-05": dt.date(2025, 5, 5), "2025-06": dt.date(2025, 6, 2)}


def put(lake: Lake, shop: Shop, month: str) -> None:
    """The shop's orders as rows of silver, in that month."""
    columns = {name: values for name, values in shop.columns.items() if name not in ("day_part", "order_date")}
    number = {"Monday": 0, "Tuesday": 1, "Wednesday": 2, "Thursday": 3, "Friday": 4, "Saturday": 5, "Sunday": 6}
    days = [MONDAY[month] + dt.timedelta(days=number[name]) for name in shop.columns["order_date"]]
    hours = columns.pop("order_hour").astype(int)
    minutes = [name for name in columns if name.endswith("_minutes")]
    table = pa.table(
        {
            "order_id": [f"{month} {n}" for n in range(shop.orders)],
            "ordered_at": [dt.datetime.combine(day, dt.time(hour)) for day, hour in zip(days, hours.tolist())],
            "order_date": pa.array(days, pa.date32()),
            "order_hour": pa.array(hours, pa.int32()),
            "is_complaint": shop.complaint,
            "complaint_reason": pa.array(np.where(shop.complaint, shop.reason, None), pa.string()),
            "order_to_door_minutes": sum(columns[name] for name in minutes),
            **columns,
        }
    )
    rows = lake.spark.createDataFrame(table)
    given = [f"CAST({c.name if c.name in rows.columns else 'NULL'} AS {c.type}) AS {c.name}" for c in ORDERS]
    rows.selectExpr(*given).writeTo(f"{lake.silver}.orders").append()


@pytest.fixture(scope="module")
def told(spark) -> tuple[Lake, list[dict], str]:
    """May, then June with a cause of its own, then one June order that moves to another area; a run after each."""
    lake = Lake(spark)
    put(lake, Shop(seed=21, orders=4000).late({"area": "E", "order_hour": "21"}), "2025-05")
    lake.run("may")
    after_may = lake.dicts("root_causes")
    june = Shop(seed=22, orders=4000).late({"area": "E", "order_hour": "21"})
    put(lake, june.complain({"stylist": "Marco", "size": "Large"}, times=8, reason="Wrong topping"), "2025-06")
    lake.run("june")
    lake.upsert([order("2025-06 7", dt.datetime(2025, 6, 3, 19), area="Wüste 'x'", delivery_minutes=Decimal(70))])
    lake.run("one order changed")
    whole = lake.new_gold("whole")
    lake.run("whole", gold=whole)
    return lake, after_may, whole


def test_planted_causes_are_first_in_their_months_and_in_all(told) -> None:
    lake, _, _ = told

    first = {(r["period"], r["outcome"]): r for r in lake.dicts("root_causes") if r["rank"] == 1}

    late = first["all", "late_delivery"]
    assert (late["dimension_1"], late["value_1"], late["dimension_2"], late["value_2"]) == (
        "area", "E", "order_hour", "21",
    )  # fmt: skip
    assert late["rate"] == late["hits"] / late["orders"]
    assert late["excess_hits"] == pytest.approx(late["hits"] - late["orders"] * late["baseline_rate"])
    assert f"{late['hits']:,} of {late['orders']:,} orders to area E placed in the hour from 21:00" in late["evidence"]
    wrong = first["2025-06", "complaint: Wrong topping"]
    assert (wrong["value_1"], wrong["value_2"], wrong["about_person"]) == ("Large", "Marco", True)
    assert ("2025-05", "complaint: Wrong topping") not in first


def test_the_causes_of_may_are_those_of_may_alone(told) -> None:
    lake, after_may, _ = told

    def of_may(rows: list[dict]) -> list[tuple]:
        return sorted(tuple(row.items()) for row in rows if row["period"] == "2025-05")

    assert of_may(lake.dicts("root_causes")) == of_may(after_may)
    assert of_may(after_may)


def test_refreshed_month_by_month_equals_one_recomputation(told) -> None:
    lake, _, whole = told

    assert lake.rows("cause_counts") == lake.rows("cause_counts", whole)
    assert lake.rows("root_causes") == lake.rows("root_causes", whole)
    assert any(row["value_1"] == "Wüste 'x'" for row in lake.dicts("cause_counts"))


def test_a_factor_with_countless_values_is_bounded_and_its_orders_still_count(spark) -> None:
    lake = Lake(spark)
    put(lake, Shop(seed=23, orders=3000).late({"area": "E"}, share=0.5), "2025-05")
    lake.spark.sql(f"UPDATE {lake.silver}.orders SET order_taker = concat('taker ', order_id)")

    lake.run("many takers")

    takers = {r["value_1"] for r in lake.dicts("cause_counts") if r["dimension_1"] == "order_taker"}
    assert len(takers) == 100
    (cause,) = (row for row in lake.dicts("root_causes") if row["outcome"] == "late_delivery" and row["rank"] == 1
                and row["period"] == "all")  # fmt: skip
    assert (cause["dimension_1"], cause["value_1"], cause["dimension_2"]) == ("area", "E", None)


def test_the_driver_holds_a_few_periods_at_a_time_and_finds_the_same(told, monkeypatch) -> None:
    lake, _, _ = told
    monkeypatch.setattr(counting_on_spark, "PERIODS_AT_ONCE", 1)
    one_by_one = lake.new_gold("one")

    lake.run("one by one", gold=one_by_one)

    assert lake.rows("root_causes", one_by_one) == lake.rows("root_causes")
