"""Persons are forgotten in time: old orders stay and are nobody's, new ones are as they were, and gold follows."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from lake.contracts import load_contracts
from lake.maintenance.care import LeaseLost
from lake.maintenance.plan import Limits
from lake.maintenance.retention import forgettings
from lake.maintenance.run import maintain
from lake.silver.tables import Names
from tests.spark.gold_support import Lake as GoldLake
from tests.spark.silver_support import SilverLake, order

pytestmark = [pytest.mark.spark, pytest.mark.timeout(900)]
QUIET = Limits(snapshot_days=7)
OLD, NEW = "05/03/2018", "06/05/2018"
SINCE = (datetime.now(UTC).date() - date(2018, 4, 1)).days


@pytest.fixture
def gold(lake):
    made = GoldLake(lake.spark)
    made.silver = f"glue_catalog.{lake.database}"
    return made


@pytest.fixture
def lake(spark, tmp_path):
    silver = SilverLake(spark, tmp_path)
    rows = [order(n, day=day, driver="Thandi", stylist="Marco") for n, day in ((1, OLD), (2, NEW), (3, OLD))]
    silver.run(silver.orders("a.csv", *rows, order(4, day="no day at all"), at=1))
    return silver


def forget(lake, gold, holds_leases=lambda: True):
    due = forgettings(Names(lake.database), load_contracts().values(), SINCE, datetime.now(UTC).date())
    done = maintain(lake.spark, "m", gold.silver, gold.gold, QUIET, holds_leases, forget=due)
    return {care.table: care.rows_forgotten for care in done.tables if care.rows_forgotten}


def test_old_orders_become_nobodys_and_gold_counts_them_as_before(lake, gold):
    gold.run("before")
    performance = gold.rows("delivery_performance")

    told = forget(lake, gold)
    again = forget(lake, gold)
    result = gold.run("after")

    assert told == {"silver.orders": 2}
    assert again == {}
    assert lake.rows("order_id", "deliverer", "stylist") == [
        ("1", None, None), ("2", "Thandi", "Marco"), ("3", None, None)
    ]  # fmt: skip
    assert result.months == ("2018-03-01",)
    assert gold.rows("delivery_performance") == performance
    named = {row["order_id"]: row["deliverer"] for row in gold.dicts("order_details")}
    assert named == {"1": None, "2": "Thandi", "3": None}


def test_what_came_today_is_kept_as_it_came(lake, gold):
    forget(lake, gold)

    assert len(lake.rows("source_row", of="quarantine")) == 1


def test_without_the_leases_nobody_is_forgotten(lake, gold):
    with pytest.raises(LeaseLost):
        forget(lake, gold, holds_leases=lambda: False)

    assert {row[0] for row in lake.rows("deliverer")} == {"Thandi"}
