"""Events as they really come: tripled, shuffled, late, lost; two functions at once; clocks that differ; a burst."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from lake import intake as intake_module
from lake.conductor import Conductor
from lake.detect import detect
from lake.digest import Digest
from lake.entries import LOADED
from lake.flight import holds_lease
from lake.intake import Intake
from lake.leases import EXPIRY_SECONDS
from lake.progress import progress
from lake.sweeper import Sweeper
from tests.chaos.conftest import LONG
from tests.unit.dynamo_fake import FakeDynamo
from tests.unit.flow_fakes import TABLE, World, object_event, orders_csv

BATCH = 10  # messages an invocation of intake gets
VERSIONS = 10_000 if LONG else 2_000


class Silver:
    """What Spark publishes (lake/silver/run.py): under the current fence only, of a batch what no earlier one loaded.

    A batch that was killed after its commit, again and again, is split; its files then come in batches of other names.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.loads: dict[tuple[str, str], str] = {}  # version -> the batch that loaded it
        self.batches: set[str] = set()

    def publish(self) -> None:
        """The live run publishes, and may die before it says so."""
        run = self.world.live("silver-job")
        assert run is not None
        batch, fence = run.arguments["--batch_id"], int(run.arguments["--fence"])
        if batch in self.batches or not holds_lease(TABLE, "silver", fence, self.world.client):
            return
        self.batches.add(batch)
        files = {(file.key, file.version) for file in self.world.manifest(run).files}
        self.loads.update(dict.fromkeys(files - set(self.loads), batch))


@pytest.fixture
def one_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """All files are of one layout, so the desk's real answer for the first (25 ms of work) is that for all of them."""
    first: list[Any] = []

    def answer(*args: Any, **how: Any) -> Any:
        if not first:
            first.append(detect(*args, **how))
        return first[0]

    monkeypatch.setattr(intake_module, "detect", answer)


def invoke_intake(world: World, events: list[dict[str, Any]]) -> dict[str, Any]:
    intake = Intake(world.flow())
    return intake.finish([entry for event in events for entry in intake.accept(event)])


def chunks(events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [events[start : start + BATCH] for start in range(0, len(events), BATCH)]


def run_on(world: World, silver: Silver, dice: random.Random, loss: float) -> None:
    """Runs end one after the other; their events come once, twice, or are lost."""
    for _ in range(200):
        if world.live("silver-job"):
            silver.publish()
            killed = dice.random() < loss
            event = (
                world.fails("silver-job", error="The process was killed: exit code -9")
                if killed
                else world.silver_succeeds()
            )
        elif world.live("gold-job"):
            event = world.gold_succeeds()
        else:
            return
        world.crawlers.end()
        for _ in range(dice.choice((1, 2)) if dice.random() >= loss else 0):
            Conductor(world.flow()).handle(event)
            Digest(world.flow()).handle(event)
    raise AssertionError("the flow does not come to rest")


def test_events_tripled_and_shuffled_lose_and_double_nothing(
    world: World, one_layout: None, seed: int, say: Callable[[str], None]
) -> None:
    dice = random.Random(seed)
    silver = Silver(world)
    keys = [f"orders/{number % (VERSIONS * 4 // 5):05d}.csv" for number in range(VERSIONS)]  # a fifth comes twice
    names = [(key, world.objects.put(key, orders_csv(number))) for number, key in enumerate(keys)]
    events = [object_event(key, dice.choice((version, None))) for key, version in names] * 3
    dice.shuffle(events)

    for batch in chunks(events):
        world.arrivals.visible = dice.randrange(40)
        invoke_intake(world, batch)
        world.time.seconds += 1
        if dice.random() < 0.01:
            run_on(world, silver, dice, loss=0.0)
    world.arrivals.visible = 0
    run_on(world, silver, dice, loss=0.0)
    Sweeper(world.flow()).sweep()
    run_on(world, silver, dice, loss=0.0)

    assert {entry.state for entry in world.ledger.entries()} == {LOADED}
    assert set(silver.loads) == set(names)
    assert all(silver.loads[entry.name] == entry.batch_id for entry in world.ledger.entries())
    marks = world.tables.snapshots["gold", "freshness"].properties
    assert marks["silver-snapshot-id"] == str(world.tables.snapshots["silver", "orders"].id)
    assert not [subject for subject, _ in world.alerts.sent if "ended" in subject]
    say(f"{len(events):,} events, {len(names):,} versions, {len(world.jobs.recent('silver-job'))} silver runs")


@pytest.mark.parametrize("round_", range(60 if LONG else 6))
def test_events_lost_late_and_doubled_runs_killed_and_clocks_that_differ_end_well(round_: int, seed: int) -> None:
    dice = random.Random(f"{seed} {round_}")
    world = World(FakeDynamo(page_size=dice.choice((1, 7, 500))))
    silver = Silver(world)
    names = []
    for number in range(30):
        key = f"orders/{number % 20}.csv"
        names.append((key, world.objects.put(key, orders_csv(number))))
    events = [object_event(*name) for name in names for _ in range(dice.choice((0, 1, 3)))]
    dice.shuffle(events)

    for batch in chunks(events):
        skew = dice.uniform(-300, 300)  # the clock of this function
        world.time.seconds += skew
        invoke_intake(world, batch)
        world.time.seconds -= skew
        if dice.random() < 0.5:
            run_on(world, silver, dice, loss=0.3)
        world.time.seconds += dice.choice((1, 60, 900))
    for _ in range(40):
        Sweeper(world.flow()).sweep()
        run_on(world, silver, dice, loss=0.3)
        world.time.seconds += 900
        if progress(world.flow()).settled:
            break

    assert progress(world.flow()).settled
    assert {(entry.name, entry.state) for entry in world.ledger.entries()} == {(name, LOADED) for name in names}
    assert set(silver.loads) == set(names)


def test_a_burst_of_a_thousand_files_makes_two_silver_runs_at_most_and_no_failure(
    world: World, one_layout: None
) -> None:
    events = [
        object_event(key, world.objects.put(key, orders_csv(number)))
        for number, key in ((number, f"orders/{number}.csv") for number in range(1_000))
    ]
    silver = Silver(world)
    world.jobs.slow_to_free = 1

    for place, batch in enumerate(chunks(events), 1):
        world.arrivals.visible = max(0, len(events) - place * BATCH)
        invoke_intake(world, batch)
    run_on(world, silver, random.Random(1), loss=0.0)

    assert len(world.jobs.recent("silver-job")) <= 2
    assert len(silver.loads) == 1_000
    assert not [subject for subject, _ in world.alerts.sent if "gold is fresh" not in subject]


def test_two_intakes_at_once_make_one_entry_one_run_and_one_answer(say: Callable[[str], None]) -> None:
    def meet(point: int) -> tuple[World, int]:
        """Intake B does all its work at this call of intake A, on the same events."""
        world = World(FakeDynamo())
        events = [object_event(key, world.objects.put(key, orders_csv(1))) for key in ("orders/a.csv", "orders/b.csv")]
        calls = 0

        def wrap(port: Any) -> Any:
            class Met:
                def __getattr__(self, name: str) -> Any:
                    value = getattr(port, name)
                    if not callable(value):
                        return value

                    def call(*args: Any, **kwargs: Any) -> Any:
                        nonlocal calls
                        calls += 1
                        if calls == point:
                            world.wrap = lambda other: other
                            invoke_intake(world, events)
                        return value(*args, **kwargs)

                    return call

            return Met()

        world.wrap = wrap
        invoke_intake(world, events)
        world.wrap = lambda port: port
        return world, calls

    _, points = meet(-1)
    say(f"{points} meeting points of two intakes")

    for point in range(1, points + 1):
        world, _ = meet(point)
        silver = Silver(world)
        run_on(world, silver, random.Random(1), loss=0.0)
        assert len(silver.loads) == 2, point
        assert len(world.jobs.recent("silver-job")) <= 2, point
        assert [entry.state for entry in world.ledger.entries()] == [LOADED, LOADED], point


def test_a_run_that_outlived_its_lease_publishes_nothing_after_it_was_replaced(world: World) -> None:
    key = "orders/a.csv"
    invoke_intake(world, [object_event(key, world.objects.put(key, orders_csv(1)))])
    old = world.live("silver-job")
    assert old is not None
    world.time.seconds += EXPIRY_SECONDS + 1
    Sweeper(world.flow()).sweep()  # stops it
    Conductor(world.flow()).handle(world.ends(old, "STOPPED"))

    new = world.live("silver-job")

    assert new is not None
    assert new.arguments["--batch_id"] == old.arguments["--batch_id"]
    fences = [int(run.arguments["--fence"]) for run in (old, new)]
    assert [holds_lease(TABLE, "silver", fence, world.client) for fence in fences] == [False, True]
