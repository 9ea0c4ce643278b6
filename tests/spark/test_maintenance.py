"""Maintenance changes no answer: same rows, fewer files and snapshots, and gold goes on as if nothing had been.

A run over all tables takes many seconds, so most tests look at one story of runs on one lake, recorded step by step.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlparse

import pytest

from lake import publishing
from lake.gold import marts as declared
from lake.maintenance.care import Keeper, LeaseLost
from lake.maintenance.plan import Limits
from lake.maintenance.run import NOT_READ, UNFINISHED, maintain, tables_of
from tests.spark.gold_support import Lake as GoldLake
from tests.spark.silver_support import SilverLake, order

pytestmark = [pytest.mark.spark, pytest.mark.timeout(900)]
# As soon as two files lie in one partition and whatever its age: more than any night does.
AT_ONCE = Limits(snapshot_days=0, retain_last=1, min_input_files=2)
DAYS = ("05/03/2018", "06/03/2018", "07/04/2018")
OLD = 4 * 86_400


class DiedError(BaseException):
    """The process is gone; nothing may catch it."""


class Whole:
    """Silver fed with files, and gold on top of it."""

    def __init__(self, spark: Any, folder: Path) -> None:
        self.spark = spark
        self.silver = SilverLake(spark, folder)
        self.gold = GoldLake(spark)
        self.gold.silver = f"glue_catalog.{self.silver.database}"
        self.orders, self.mart = f"{self.gold.silver}.orders", f"{self.gold.gold}.delivery_performance"
        self._runs = 0

    def load(self, *numbers: int, at: int, batch: str | None = None, **changes: str) -> None:
        rows = [order(number, **{"day": DAYS[number % 3], **changes}) for number in numbers]
        self.silver.run(self.silver.orders("a.csv", *rows, at=at), batch=batch)

    def refresh(self) -> Any:
        self._runs += 1
        return self.gold.run(f"run-{self._runs}")

    def maintain(self, limits: Limits = AT_ONCE, holds_leases: Any = lambda: True) -> dict[str, Any]:
        done = maintain(self.spark, "m", self.gold.silver, self.gold.gold, limits, holds_leases)
        return {care.table: care for care in done.tables}

    def tables(self) -> list[str]:
        return [f"{base}.{name}" for base in (self.gold.silver, self.gold.gold) for name in tables_of(self.spark, base)]

    def rows(self) -> dict[str, list[str]]:
        """All rows of all tables, whatever order they are read in."""
        return {table: sorted(map(repr, self.spark.table(table).collect())) for table in self.tables()}

    def marts(self, gold: str) -> dict[str, list[str]]:
        names = [name for name in declared.load_marts() if name != "freshness"]
        return {name: sorted(map(repr, self.spark.table(f"{gold}.{name}").collect())) for name in names}

    def snapshots(self, table: str) -> set[int]:
        return {row.snapshot_id for row in self.spark.table(f"{table}.snapshots").select("snapshot_id").collect()}

    def watermark(self) -> int:
        line = publishing.ancestry(self.spark, f"{self.gold.gold}.freshness")
        return int(next(one.summary["silver-snapshot-id"] for one in line if "silver-snapshot-id" in one.summary))

    def folder_of(self, table: str) -> Path:
        first = self.spark.table(f"{table}.files").select("file_path").first()
        return Path(urlparse(first.file_path).path.split("/data/")[0])


@pytest.fixture(scope="module")
def story(spark, tmp_path_factory) -> SimpleNamespace:
    """Files are loaded and gold refreshed, with maintenance in between; what was seen on the way."""
    lake, told = Whole(spark, tmp_path_factory.mktemp("files")), SimpleNamespace()
    lake.load(1, 2, 3, at=1)
    lake.load(4, 5, 6, 1, at=2, area="B")
    lake.silver.run(lake.silver.orders("bad.csv", order(7), order(8, day="no day at all"), at=3))
    lake.refresh()
    data = lake.folder_of(lake.orders) / "data"
    told.forgotten, told.fresh = data / "forgotten.parquet", data / "just-written.parquet"
    told.forgotten.write_bytes(b"a run died before its commit")
    _age(lake.folder_of(lake.orders).parent)
    told.fresh.write_bytes(b"a run is writing this")
    for table, name in ((lake.orders, "run_dead"), (lake.orders, "experiment"), (lake.mart, "gold-dead")):
        publishing.branch(spark, table, name)
    told.rows_before = lake.rows()
    told.first = lake.maintain()
    told.rows_after, told.heads = lake.rows(), publishing.heads(spark, [lake.orders, lake.mart])
    told.months_quiet = lake.refresh().months

    lake.load(10, 13, at=4)
    told.unread, told.watermark = lake.silver.snapshot(), lake.watermark()
    told.rows_unread = lake.rows()
    told.second = lake.maintain()
    told.rows_still_unread, told.kept = lake.rows(), lake.snapshots(lake.orders)

    lake.load(11, at=5, area="C")
    told.months_new = lake.refresh().months
    anew = lake.gold.new_gold("anew")
    lake.gold.run("all", gold=anew)
    told.marts, told.marts_anew = lake.marts(lake.gold.gold), lake.marts(anew)
    return told


def _age(folder: Path) -> None:
    """Everything in it was written four days ago."""
    old = time.time() - OLD
    for path in folder.rglob("*"):
        os.utime(path, (old, old))


def test_no_row_of_any_table_changes(story: SimpleNamespace) -> None:
    assert len(story.rows_before) > 10
    assert story.rows_after == story.rows_before
    assert story.rows_still_unread == story.rows_unread


def test_there_are_fewer_files_and_fewer_snapshots(story: SimpleNamespace) -> None:
    orders = story.first["silver.orders"]
    assert orders.files_after < orders.files_before
    assert orders.rewritten
    assert orders.snapshots_expired > 0
    assert sum(c.files_after for c in story.first.values()) < sum(c.files_before for c in story.first.values())
    assert sum(care.snapshots_expired for table, care in story.second.items() if table.startswith("gold.")) > 0


def test_packed_files_are_no_change_to_gold(story: SimpleNamespace) -> None:
    assert story.months_quiet == ()


def test_what_gold_has_not_read_is_kept(story: SimpleNamespace) -> None:
    assert {story.unread, story.watermark} <= story.kept


def test_gold_computes_the_months_of_new_files_and_equals_a_full_recomputation(story: SimpleNamespace) -> None:
    assert story.months_new == ("2018-03-01", "2018-04-01")
    assert story.marts == story.marts_anew


def test_what_no_metadata_names_goes_when_it_is_old_and_a_neighbour_is_left_alone(story: SimpleNamespace) -> None:
    """orders and orders_history begin alike: the listing of one must not reach into the other."""
    assert (story.forgotten.exists(), story.fresh.exists()) == (False, True)
    assert story.first["silver.orders"].orphans_removed == 1
    assert story.rows_after == story.rows_before


def test_branches_of_dead_runs_go_and_others_stay(story: SimpleNamespace) -> None:
    orders, mart = story.heads.values()
    assert (set(orders), set(mart)) == ({"main", "experiment"}, {"main"})
    assert story.first["silver.orders"].branches_dropped == 1


def test_what_was_packed_and_not_written_since_is_left_alone(story: SimpleNamespace) -> None:
    assert not story.second["gold.delivery_performance"].rewritten


def test_before_gold_has_read_anything_no_snapshot_that_it_reads_goes(spark, tmp_path) -> None:
    lake = Whole(spark, tmp_path)
    lake.load(1, 2, at=1)
    lake.load(4, at=2)
    before = lake.snapshots(lake.orders)

    done = lake.maintain()

    assert before <= lake.snapshots(lake.orders)
    assert (done["silver.orders"].snapshots_expired, done["silver.orders"].note) == (0, NOT_READ)
    assert done["silver.orders"].rewritten


def test_a_batch_that_was_interrupted_while_it_was_published_can_still_be_finished(
    spark, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Whole(spark, tmp_path)
    lake.load(1, 2, at=1)
    original = publishing.publish

    def dies(session: Any, table: str, branch: str) -> Any:
        original(session, table, branch)
        raise DiedError

    with monkeypatch.context() as patch:
        patch.setattr("lake.silver.commit.publish", dies)  # file_loads is published first
        with pytest.raises(DiedError):
            lake.load(4, 5, at=2, batch="silver-cut")

    done = lake.maintain()

    assert done["silver.orders"].note == UNFINISHED
    lake.load(7, at=3)
    assert {row[0] for row in lake.silver.rows("order_id")} == {"1", "2", "4", "5", "7"}


def test_a_death_in_the_middle_harms_nothing(spark, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Whole(spark, tmp_path)
    lake.load(1, 2, 3, at=1)
    lake.load(4, 5, 6, at=2)
    lake.refresh()
    rows, steps, lock = lake.rows(), [], threading.Lock()
    original = Keeper._call
    dying = SimpleNamespace(after=0)

    def dies(self: Keeper, table: str, procedure: str, **arguments: str) -> Any:
        answer = original(self, table, procedure, **arguments)
        with lock:
            steps.append(procedure)
            if len(steps) == dying.after:
                raise DiedError
        return answer

    monkeypatch.setattr(Keeper, "_call", dies)
    for dying.after in (1, 7, 13):
        steps.clear()
        with pytest.raises(DiedError):
            lake.maintain()
        assert lake.rows() == rows
    dying.after = 0
    lake.maintain()

    assert lake.rows() == rows
    lake.load(7, at=3)
    assert lake.refresh().months


def test_nothing_is_done_without_the_leases(spark, tmp_path) -> None:
    lake = Whole(spark, tmp_path)
    lake.load(1, at=1)
    lake.load(4, at=2)
    before = lake.snapshots(lake.orders)

    with pytest.raises(LeaseLost):
        lake.maintain(holds_leases=lambda: False)

    assert lake.snapshots(lake.orders) == before
