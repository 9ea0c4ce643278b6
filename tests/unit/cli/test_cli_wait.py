"""`lake wait`: what it waits for, what it shows, and when it calls something failed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cli import following
from lake.flow import Ports
from lake.leases import Leases
from lake.ports import CrawlerState, JobRun, TableSnapshot

from .conftest import Ended, FakeLake, counts

Run = Callable[..., Ended]


class World:
    """The ports that `wait` looks at, all quiet. `script` holds steps, one taken at each look."""

    def __init__(self, lake: FakeLake) -> None:
        self.lake = lake
        self.depths = (0, 0)
        self.crawler = "READY"
        self.runs: dict[str, list[JobRun]] = {"silver": [], "gold": [], "maintain": []}
        self.snapshots: dict[str, TableSnapshot] = {}
        self.script: Iterator[Callable[[], Any]] = iter(())
        flow = lake.flow
        real = flow.ports
        flow.ports = Ports(
            objects=real.objects, documents=real.documents, jobs=self, crawlers=self, alerts=real.alerts,
            events=real.events, tables=self, arrivals=self, dead_letters=self,
        )  # fmt: skip
        flow.crawling.crawlers = self

    def depth(self) -> tuple[int, int]:
        next(self.script, lambda: None)()
        return self.depths

    def state(self, name: str) -> CrawlerState:
        return CrawlerState(self.crawler)

    def run(self, job: str, run_id: str) -> JobRun | None:
        return next((run for run in self.runs[job] if run.id == run_id), None)

    def recent(self, job: str) -> list[JobRun]:
        return self.runs[job]

    def snapshot(self, database: str, table: str, having: str | None = None) -> TableSnapshot | None:
        return self.snapshots.get(f"{database}.{table}")

    def hold(self, name: str, owner: str, run_id: str) -> None:
        leases = Leases(self.lake.ledger.store)
        lease = leases.acquire(name, owner, time.time())
        assert lease is not None
        leases.change(lease, stage="running", job_run_id=run_id)
        self.end(name, "RUNNING", run_id)

    def release(self, name: str, **values: Any) -> None:
        leases = Leases(self.lake.ledger.store)
        leases.release(leases.read(name), **values)

    def end(self, job: str, state: str, run_id: str, error: str | None = None) -> None:
        self.runs[job] = [JobRun(run_id, job, state, {}, error, time.time() - 3, 3.0)]


@pytest.fixture
def world(lake: FakeLake, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(following, "POLL_SECONDS", 0.005)
    return World(lake)


def test_a_quiet_lake_is_settled_at_once(run: Run, world: World) -> None:
    ended = run("wait")
    assert ended.code == 0
    assert ended.out.startswith("All is settled after ")


def test_an_object_whose_event_has_not_arrived_is_waited_for(run: Run, world: World) -> None:
    s3 = world.lake.client("s3")
    version = s3.put_object(Bucket="bronze", Key="orders/a b.csv", Body=b"x")["VersionId"]
    s3.put_object(Bucket="bronze", Key="orders/", Body=b"")
    world.script = iter([
        lambda: None, lambda: None, lambda: None,
        lambda: world.lake.add("orders/a b.csv", "LOADED", version=version, received={"counts": counts(inserted=2)}),
    ])  # fmt: skip
    ended = run("wait")
    assert ended.code == 0
    assert "orders/a b.csv: in bronze; its event is on the way to intake" in ended.out
    assert "orders/a b.csv: LOADED: 2 rows in = 2 inserted" in ended.out


def test_files_and_runs_are_shown_as_they_move(run: Run, world: World) -> None:
    lake = world.lake
    entry = lake.add("a.csv", "PENDING", received={"contract": "orders"})

    def start() -> None:
        world.hold("silver", "b-1", "jr_1")
        lake.ledger.transition(entry, "LOADING", at=1.0, set_={"batch_id": "b-1", "run_id": "jr_1"})

    def finish() -> None:
        loading = lake.ledger.entry("a.csv", "v1")
        assert loading is not None
        lake.ledger.transition(loading, "LOADED", at=2.0, set_={"counts": counts(inserted=5)})
        world.end("silver", "SUCCEEDED", "jr_1")
        world.release("silver")

    world.script = iter([lambda: None, start, lambda: None, finish])
    ended = run("wait")
    assert ended.code == 0
    lines = [line.split(" s  ", 1)[1] for line in ended.out.splitlines()[:-1]]
    assert lines == [
        "a.csv: accepted as orders; waits for a silver run",
        "a.csv: silver batch b-1 loads it",
        "silver run jr_1: running, for b-1",
        "a.csv: LOADED: 5 rows in = 5 inserted",
        "silver run jr_1: SUCCEEDED after 3.0 s",
    ]


def test_gold_behind_silver_is_waited_for(run: Run, world: World) -> None:
    world.snapshots["jozi_dev_silver.orders"] = TableSnapshot(7, {})
    fresh = TableSnapshot(1, {"silver-snapshot-id": "7"})
    world.script = iter([lambda: None, lambda: world.snapshots.update({"jozi_dev_gold.freshness": fresh})])
    ended = run("wait")
    assert ended.code == 0
    assert "gold: behind silver" in ended.out


def test_the_queue_and_the_crawler_are_waited_for(run: Run, world: World) -> None:
    world.depths, world.crawler = (3, 1), "RUNNING"
    world.script = iter(
        [lambda: None, lambda: vars(world).update(depths=(0, 0)), lambda: vars(world).update(crawler="READY")]
    )
    ended = run("wait")
    assert ended.code == 0
    assert "arrivals: 3 waiting, 1 at intake" in ended.out
    assert "crawler bronze: running" in ended.out


def test_a_file_set_aside_meanwhile_is_a_failure_and_one_from_before_is_not(run: Run, world: World) -> None:
    lake = world.lake
    lake.add("old.csv", "HELD", version="v0")
    assert run("wait").code == 0
    entry = lake.add("new.csv", "PENDING")
    world.script = iter([lambda: None, lambda: lake.ledger.transition(entry, "HELD", at=1.0, reason="it breaks runs")])
    ended = run("wait")
    assert ended.code == 1
    assert "Failed: new.csv is HELD: it breaks runs" in ended.out
    assert "old.csv" not in ended.out


def test_a_refused_file_is_an_answer_not_a_failure(run: Run, world: World) -> None:
    entry = world.lake.add("new.csv", "RECEIVED")
    world.script = iter([lambda: None, lambda: world.lake.ledger.transition(entry, "REJECTED", at=1.0, reason="empty")])
    ended = run("wait")
    assert ended.code == 0
    assert "REJECTED: empty" in ended.out


def test_a_failed_run_is_a_failure_with_its_error(run: Run, world: World) -> None:
    world.hold("gold", "g-1", "jr_9")

    def fail() -> None:
        world.end("gold", "FAILED", "jr_9", "AccessDenied: glue:UpdateTable")
        world.release("gold")

    world.script = iter([lambda: None, fail])
    ended = run("wait")
    assert ended.code == 1
    assert "gold run jr_9: FAILED after 3.0 s: AccessDenied: glue:UpdateTable" in ended.out
    assert "Failed: gold run jr_9 ended FAILED" in ended.out


def test_a_job_that_rests_after_failures_ends_the_wait_early(run: Run, world: World) -> None:
    world.hold("gold", "g-1", "jr_9")
    world.end("gold", "FAILED", "jr_9", "no room")
    world.release("gold", waiting=True, failures=1, not_before=int(time.time()) + 300, last_error="no room")
    started = time.monotonic()
    ended = run("wait", "--timeout", "60")
    assert ended.code == 1
    assert time.monotonic() - started < 30
    assert "Nothing moves any more" in ended.out


def test_the_timeout_names_what_is_open(run: Run, world: World) -> None:
    world.lake.add("a.csv", "PENDING")
    ended = run("wait", "--timeout", "0.05")
    assert ended.code == 1
    assert "Still open: a.csv is PENDING" in ended.out
    assert "Not settled after " in ended.out


def test_many_files_are_counted_not_listed(run: Run, world: World) -> None:
    for number in range(30):
        world.lake.add(f"{number}.csv", "PENDING")
    ended = run("wait", "--timeout", "0.05")
    assert "files: 30 PENDING" in ended.out
    assert "more file" in ended.out


def test_json_says_how_it_ended(run: Run, world: World) -> None:
    ended = json.loads(run("wait", "--json").out)
    assert (ended["ok"], ended["settled"], ended["failures"], ended["open"]) == (True, True, [], [])
