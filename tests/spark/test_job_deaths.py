"""A job that dies after any of its steps, and is started again: silver and gold end as if it had not died.

The steps are recorded from an undisturbed run, so their number grows with the code. `make test` tries a seeded sample,
`make chaos` all of them; LAKE_SEED=n repeats what a failure printed.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

import lake.gold.refresh
import lake.gold.writing
import lake.silver.commit
import lake.silver.run
from lake import publishing
from lake.manifest import RELOAD, RETRACT, ManifestFile
from lake.silver.commit import Commit
from tests.spark.gold_support import Lake as GoldLake
from tests.spark.gold_support import order as gold_order
from tests.spark.silver_support import SilverLake, order

LONG = os.environ.get("LAKE_CHAOS") == "long"
pytestmark = [pytest.mark.spark, pytest.mark.timeout(5400 if LONG else 600)]
SAMPLED = 2
STATE = ("order_id", "area", "source_version", "source_row")


class DiedError(BaseException):
    """The process is gone; nothing may catch it."""


class Steps:
    """Counts what a job does to the world, and dies after one of these things."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.dies_after = -1
        self._patch = patch
        self._lock = threading.Lock()  # a job does some of its steps at the same time

    def watch(self, owner: Any, *names: str) -> None:
        for name in names:
            self._patch.setattr(owner, name, self.counted(getattr(owner, name), name))

    def counted(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def made(*args: Any, **kwargs: Any) -> Any:
            answer = call(*args, **kwargs)
            self._count(name)
            return answer

        return made

    def watch_blocks(self, owner: Any, name: str) -> None:
        """The same for a context manager: what counts is that its block has ended well."""
        original = getattr(owner, name)

        @contextmanager
        def block(what: str, **facts: Any) -> Iterator[Any]:
            with original(what, **facts) as told:
                yield told
            self._count(what)

        self._patch.setattr(owner, name, block)

    def _count(self, name: str) -> None:
        with self._lock:
            self.done.append(name)
            now = len(self.done) - 1
        if now == self.dies_after:
            raise DiedError(f"after {name}, step {self.dies_after}")

    def undisturbed(self, run: Callable[[], Any]) -> Any:
        self.done, self.dies_after = [], -1
        return run()

    def disturbed(self, point: int, run: Callable[[], Any]) -> None:
        """Runs until the point; a run of another round may have fewer steps, and then it just ends."""
        self.done, self.dies_after = [], point
        try:
            run()
        except DiedError as death:
            print(death)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps(monkeypatch)


@pytest.fixture
def chance(capsys: pytest.CaptureFixture[str]) -> random.Random:
    seed = int(os.environ.get("LAKE_SEED") or random.randrange(1_000_000))
    with capsys.disabled():
        print(f"\nLAKE_SEED={seed}", end=" ")
    return random.Random(seed)


def points(steps: Steps, chance: random.Random, capsys: pytest.CaptureFixture[str]) -> list[int]:
    every = range(len(steps.done))
    chosen = list(every) if LONG else sorted(chance.sample(every, SAMPLED))
    with capsys.disabled():
        print(f"{len(chosen)} of {len(every)} steps", end=" ")
    return chosen


class Story:
    """Rounds of a life of one file: a new version comes, the last one is read again, the one before is taken back."""

    def __init__(self, spark: Any, folder: Any, chance: random.Random) -> None:
        self.lake = SilverLake(spark, folder)
        self.chance = chance
        self.counting: list[tuple[ManifestFile, dict[int, str]]] = []
        self.round = 0

    def next_batch(self) -> Callable[[], Any]:
        self.round += 1
        areas = {n: self.chance.choice("ABCDE") for n in self.chance.sample(range(1, 16), 10)}
        spoilt = order(1000 + self.round, delivery="soon")
        file = self.lake.orders(
            "orders.csv", *(order(n, area=a) for n, a in areas.items()), spoilt, version=f"v{self.round:03d}"
        )
        file = replace(file, object_time=f"2026-11-01T01:{self.round // 60:02d}:{self.round % 60:02d}Z")
        files = [file]
        if self.counting:
            files.append(replace(self.counting[-1][0], action=RELOAD))
        if len(self.counting) > 1:
            files.append(replace(self.counting[0][0], action=RETRACT))
            del self.counting[0]
        self.counting.append((file, areas))
        name = f"batch-{self.round}"
        return lambda: self.lake.run(*files, batch=name)

    def expected(self) -> list[tuple]:
        rows: dict[int, tuple] = {}
        for file, areas in self.counting:
            for place, (number, area) in enumerate(areas.items(), 1):
                if number not in rows or rows[number][1] != area:
                    rows[number] = (str(number), area, file.version, place)
        return sorted(rows.values(), key=str)

    def check(self, result: Any) -> None:
        assert self.lake.rows(*STATE) == self.expected()
        assert self.lake.rows("source_version", "source_row", of="quarantine") == [
            (file.version, 11) for file, _ in self.counting
        ]
        assert all(outcome.adds_up for outcome in result.files)
        recorded = self.lake.rows("source_version", "batch_id", of="file_loads")
        assert len(recorded) == len(set(recorded))
        heads = publishing.heads(self.lake.spark, [f"glue_catalog.{self.lake.database}.orders"])
        assert [list(found) for found in heads.values()] == [["main"]]


def test_a_silver_run_may_die_after_any_step(spark, tmp_path, steps, chance, capsys):
    story = Story(spark, tmp_path, chance)
    for _ in range(2):
        story.next_batch()()
    steps.watch(lake.silver.commit, "branch", "discard", "publish")
    steps.watch(Commit, "append", "change", "remove")
    steps.watch_blocks(lake.silver.run, "step")
    story.check(steps.undisturbed(story.next_batch()))

    for point in points(steps, chance, capsys):
        batch = story.next_batch()
        steps.disturbed(point, batch)
        story.check(steps.undisturbed(batch))


def test_a_gold_run_may_die_after_any_step(spark, steps, chance, capsys):
    gold = GoldLake(spark)
    orders: dict[str, datetime] = {}

    def change() -> None:
        day = datetime(2018, chance.choice((3, 4, 5)), chance.randrange(1, 28), 19)
        name = f"o{chance.randrange(8)}"
        orders[name] = day
        gold.upsert([gold_order(name, day)])

    def check(run_id: str) -> None:
        found = {row["order_date"]: row["orders"] for row in gold.dicts("delivery_performance")}
        days = [day.date() for day in orders.values()]
        assert found == {day: days.count(day) for day in days}
        assert {row["gold_run_id"] for row in gold.dicts("freshness")} == {run_id}
        tables = [f"{gold.gold}.{name}" for name in lake.gold.refresh.declared.load_marts()]
        assert {name for heads in publishing.heads(spark, tables).values() for name in heads} == {"main"}

    change()
    gold.run("first")
    steps.watch(publishing, "branch", "discard", "publish")
    steps.watch(lake.gold.writing.Writing, "write")
    steps.watch(lake.gold.writing, "look")
    steps.watch(lake.gold.refresh, "look", "passed")
    change()
    steps.undisturbed(lambda: gold.run("second"))
    check("second")

    for point in points(steps, chance, capsys):
        change()
        run_id = f"run-{point}"
        steps.disturbed(point, lambda: gold.run(run_id))  # noqa: B023 - called at once
        steps.undisturbed(lambda: gold.run(run_id))  # noqa: B023
        check(run_id)
