"""Which months a gold run touches, that it can be repeated, and that it is never told from a full recomputation.

A gold run takes seconds, so most tests here look at one story of runs on one lake, recorded step by step.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from lake import publishing
from lake.gold import marts as declared
from lake.gold.audit import AuditFailed
from lake.gold.refresh import LeaseLost
from lake.gold.writing import BY_MONTH
from lake.manifest import GoldResult
from lake.publishing import PublishConflict
from tests.spark import gold_support as support
from tests.spark.gold_support import Lake, load, order

pytestmark = pytest.mark.spark

MARCH, APRIL, MAY = (datetime(2018, month, 7, 19) for month in (3, 4, 5))
MARTS = declared.load_marts()
MONTHLY = {name for name, mart in MARTS.items() if mart.refresh in BY_MONTH}


@dataclass
class Step:
    """What a run reported (or raised), and what gold shows afterwards."""

    result: GoldResult | None
    error: Exception | None
    orders: dict[int, int]  # by number of the month
    snapshots: dict[str, int | None]
    leftovers: set[str]  # branches that are not main
    deleted_files: Any  # of delivery_performance's last commit


class Story:
    """Runs gold on one lake and records what every run did."""

    def __init__(self, spark):
        self.lake = Lake(spark)
        self.steps: dict[str, Step] = {}

    def run(self, step, run_id=None, **options):
        result, error = None, None
        try:
            result = self.lake.run(run_id or step, **options)
        except (AuditFailed, LeaseLost, PublishConflict) as raised:
            error = raised
        tables = {name: f"{self.lake.gold}.{name}" for name in MARTS}
        heads = publishing.heads(self.lake.spark, tables.values())
        summaries = publishing.ancestry(self.lake.spark, tables["delivery_performance"])
        self.steps[step] = Step(
            result,
            error,
            {row["order_date"].month: row["orders"] for row in self.lake.dicts("delivery_performance")},
            {name: heads[table].get("main") for name, table in tables.items()},
            {branch for branches in heads.values() for branch in branches if branch != "main"},
            summaries[0].summary.get("deleted-data-files") if summaries else None,
        )


@pytest.fixture(scope="module")
def told(spark):
    """A lake's life: three months, then one change after another, a gold run after each."""
    story = Story(spark)
    lake = story.lake
    story.run("no lease", holds_lease=lambda: False)
    lake.upsert([order("m", MARCH), order("a", APRIL), order("y", MAY)])
    story.run("first")
    lake.upsert([order("m2", MARCH), order("m3", MARCH)])
    story.run("march changed")
    lake.upsert([order("m", MAY)])
    story.run("a row moved")
    story.run("repeated", run_id="march changed")
    story.run("nothing to do")
    lake.delete(["y", "m"])
    story.run("may emptied")
    lake.append("file_loads", support.FILE_LOADS, [load("again.csv", rows_in=1, unchanged=1)])
    story.run("only a load")
    story.run("another promise", promise="19.5")
    lake.spark.sql(f"DROP TABLE {lake.gold}.delivery_performance PURGE")
    story.run("mart dropped", promise="19.5")
    _expire(lake)
    lake.upsert([order("m4", MARCH)])
    _expire(lake)
    story.run("watermark expired", promise="19.5")
    lake.upsert([order("m5", MARCH)])
    story.run("overtaken", promise="19.5", holds_lease=lambda: _write_elsewhere(lake))
    story.run("mended", promise="19.5")
    lake.append("file_loads", support.FILE_LOADS, [load("odd.csv", rows_in=5, inserted=4)])
    lake.upsert([order("m6", MARCH)])
    story.run("audit failed", promise="19.5")
    return story


def _expire(lake):
    lake.spark.sql(
        f"CALL glue_catalog.system.expire_snapshots(table => '{lake.silver}.orders', "
        "older_than => TIMESTAMP '2100-01-01 00:00:00', retain_last => 1)"
    ).collect()


def _write_elsewhere(lake):
    """Somebody else writes to a mart after the run has begun; the lease is held all the same."""
    columns = "DATE'1990-01-01', 'from elsewhere', 1, 1, 1, 1, 0, 0"
    lake.spark.sql(f"INSERT INTO {lake.gold}.complaint_summary SELECT {columns}")
    return True


def test_a_run_without_its_lease_publishes_nothing(told):
    step = told.steps["no lease"]

    assert isinstance(step.error, LeaseLost)
    assert set(step.snapshots.values()) == {None}


def test_what_a_run_that_died_left_behind_is_cleared_away(told):
    assert told.steps["no lease"].leftovers == {"gold-no lease"}
    assert told.steps["first"].leftovers == set()


def test_the_first_run_takes_every_month(told):
    step = told.steps["first"]

    assert step.result.months == ("2018-03-01", "2018-04-01", "2018-05-01")
    assert step.orders == {3: 1, 4: 1, 5: 1}


def test_only_the_months_that_changed_are_recomputed(told):
    step = told.steps["march changed"]

    assert step.result.months == ("2018-03-01",)
    assert (step.result.rows["delivery_performance"], step.deleted_files) == (1, "1")
    assert step.orders == {3: 3, 4: 1, 5: 1}
    assert step.result.headline["orders"] == 5


def test_a_row_that_moves_to_another_month_changes_both(told):
    step = told.steps["a row moved"]

    assert step.result.months == ("2018-03-01", "2018-05-01")
    assert step.orders == {3: 2, 4: 1, 5: 2}


def test_a_result_names_the_snapshots_that_were_read_and_those_that_show_it(told):
    first, quiet = told.steps["march changed"], told.steps["nothing to do"]
    assert first.result.silver_snapshot_ids["orders"] == first.result.silver_snapshot_id
    assert {first.result.snapshot_ids[name] for name in first.result.snapshot_ids} <= set(first.snapshots.values())
    assert first.result.snapshot_ids["freshness"] == first.snapshots["freshness"]
    assert quiet.result.snapshot_ids == {"freshness": quiet.snapshots["freshness"]}


def test_a_repeated_run_changes_nothing_and_reports_the_same(told):
    step = told.steps["repeated"]

    assert step.result == told.steps["march changed"].result
    assert step.snapshots == told.steps["a row moved"].snapshots


def test_a_run_with_nothing_to_do_publishes_nothing_and_still_reports(told):
    step, before = told.steps["nothing to do"], told.steps["a row moved"]

    assert (step.result.gold_run_id, step.result.months, step.result.rows) == ("nothing to do", (), {})
    assert (step.result.headline, step.result.published_at) == (before.result.headline, before.result.published_at)
    assert step.snapshots == before.snapshots


def test_a_month_whose_last_row_goes_is_emptied(told):
    step = told.steps["may emptied"]

    assert (step.result.months, step.result.headline["data_through"]) == (("2018-05-01",), "2018-04-07")
    assert step.orders == {3: 2, 4: 1}


def test_a_load_that_changed_no_order_still_shows_in_data_quality(told):
    step, before = told.steps["only a load"], told.steps["may emptied"]

    assert (step.result.months, step.result.rows["data_quality"]) == ((), 1)
    assert {name for name in MARTS if step.snapshots[name] == before.snapshots[name]} == MONTHLY


def test_another_promise_makes_every_month_due(told):
    step = told.steps["another promise"]

    assert step.result.months == ("2018-03-01", "2018-04-01")
    assert (step.result.headline["late_deliveries"], step.result.headline["promise_minutes"]) == (3, 19.5)


def test_a_mart_that_was_dropped_comes_back_whole(told):
    assert told.steps["mart dropped"].orders == {3: 2, 4: 1}


def test_an_expired_watermark_makes_every_month_due(told):
    step = told.steps["watermark expired"]

    assert step.result.months == ("2018-03-01", "2018-04-01")
    assert step.orders == {3: 3, 4: 1}


def test_a_run_that_was_overtaken_is_refused_and_the_next_one_mends(told):
    refused, mended = told.steps["overtaken"], told.steps["mended"]

    assert isinstance(refused.error, PublishConflict)
    assert "complaint_summary moved while gold-overtaken was written" in str(refused.error)
    # How far the refused run had published is not asked: every month is due.
    assert mended.result.months == ("2018-03-01", "2018-04-01")
    assert mended.orders == {3: 4, 4: 1}
    assert mended.leftovers == set()


def test_an_audit_that_fails_is_named_and_nothing_is_published(told):
    step = told.steps["audit failed"]

    assert isinstance(step.error, AuditFailed)
    assert "data_quality: the arithmetic of every file holds (1 times)" in str(step.error)
    assert step.snapshots == told.steps["mended"].snapshots


def test_many_small_refreshes_equal_one_recomputation(spark):
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    lake = Lake(spark)
    lake.upsert([support.random_order(rng, n) for n in range(60)])
    lake.run("run-0")

    for step in range(1, 4):
        chosen = rng.sample(range(80), rng.randrange(1, 6))
        if rng.random() < 0.4:
            lake.delete([str(n) for n in chosen])
        else:
            lake.upsert([support.random_order(rng, n) for n in chosen])
        if rng.random() < 0.3:
            month = f"2018-{rng.randrange(1, 6):02d}"
            lake.spark.sql(f"DELETE FROM {lake.silver}.orders WHERE date_format(order_date, 'yyyy-MM') = '{month}'")
        lake.run(f"run-{step}")

    whole = lake.new_gold("whole")
    lake.run("run-whole", gold=whole)
    for mart in MARTS:
        if mart != "freshness":
            assert lake.rows(mart) == lake.rows(mart, whole), mart
