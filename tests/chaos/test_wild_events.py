"""Events as they really come: tripled, shuffled, late, lost; two functions at once; clocks that differ; a burst."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

import pytest

from lake import intake as intake_module
from lake.conductor import Conductor
from lake.detect import detect
from lake.digest import Digest
from lake.entries import LOADED, timestamp
from lake.flight import holds_lease
from lake.intake import Intake
from lake.leases import EXPIRY_SECONDS
from lake.progress import progress
from lake.sweeper import Sweeper
from tests.chaos.conftest import LONG
from tests.chaos.spark_model import Claim, Spark, claims_of, standing
from tests.unit.dynamo_fake import FakeDynamo
from tests.unit.flow_fakes import COLUMNS, TABLE, World, object_event, orders_csv

BATCH = 10  # messages an invocation of intake gets
VERSIONS = 10_000 if LONG else 2_000


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


def orders_in(areas: dict[int, str]) -> bytes:
    """A file with these orders, each from its area."""
    lines = [orders_csv(number).decode().splitlines()[1].replace(",A,", f",{area},") for number, area in areas.items()]
    return "\n".join([COLUMNS, *lines, ""]).encode()


def truth(world: World) -> dict[str, Claim]:
    """What silver has to hold, from the bucket alone: versions of a key in one second count in the order they came."""
    files = []
    for versions in world.objects.stored.values():
        for place, (item, body) in enumerate(versions):
            older = sum(other.object_time == item.object_time for other, _ in versions[place + 1 :])
            moment = timestamp(datetime.fromisoformat(item.object_time) + timedelta(microseconds=older))
            files.append(claims_of(body, moment, item.version))
    return standing(files)


def all_is_there(world: World, spark: Spark, names: Collection[tuple[str, str]]) -> None:
    """Each version loaded once, silver by the rule, gold equal to a count of all of silver, the ledger in agreement."""
    assert {(entry.name, entry.state) for entry in world.ledger.entries()} == {(name, LOADED) for name in names}
    assert set(spark.loads) == set(names)
    assert spark.silver == truth(world)
    assert spark.gold == Counter(area for *_, area in truth(world).values())


def run_on(world: World, spark: Spark, dice: random.Random, loss: float) -> None:
    """Runs end one after the other, and die before or after their commit; events come once, twice, or are lost.

    Gold may read silver before another silver run publishes, and end after it.
    """
    for _ in range(200):
        silver, gold = world.live("silver-job"), world.live("gold-job")
        if gold and dice.random() < 0.5:
            spark.gold_reads()
        if not silver and not gold:
            return
        job = "silver-job" if silver else "gold-job"
        if dice.random() < loss:
            if dice.random() < 0.5:
                spark.commit_silver() if silver else spark.commit_gold()
            event = world.fails(job, error="The process was killed: exit code -9")
        else:
            event = spark.silver_ends_well() if silver else spark.gold_ends_well()
        world.crawlers.end()
        for _ in range(dice.choice((1, 2)) if dice.random() >= loss else 0):
            Conductor(world.flow()).handle(event)
            Digest(world.flow()).handle(event)
    raise AssertionError("the flow does not come to rest")


def test_events_tripled_and_shuffled_lose_and_double_nothing(
    world: World, one_layout: None, seed: int, say: Callable[[str], None]
) -> None:
    dice = random.Random(seed)
    spark = Spark(world)
    keys = [f"orders/{number % (VERSIONS * 4 // 5):05d}.csv" for number in range(VERSIONS)]  # a fifth comes twice
    names = []
    for key in keys:  # an order stands in three files, more or less
        areas = {dice.randrange(VERSIONS): dice.choice("ABCDE") for _ in range(3)}
        names.append((key, world.objects.put(key, orders_in(areas))))
        world.time.seconds += dice.choice((0, 0, 1))
    events = [object_event(key, dice.choice((version, None))) for key, version in names] * 3
    dice.shuffle(events)

    for batch in chunks(events):
        world.arrivals.visible = dice.randrange(40)
        invoke_intake(world, batch)
        world.time.seconds += 1
        if dice.random() < 0.01:
            run_on(world, spark, dice, loss=0.0)
    world.arrivals.visible = 0
    run_on(world, spark, dice, loss=0.0)
    Sweeper(world.flow()).sweep()
    run_on(world, spark, dice, loss=0.0)

    all_is_there(world, spark, names)
    assert all(spark.loads[entry.name] == entry.batch_id for entry in world.ledger.entries())
    assert not [subject for subject, _ in world.alerts.sent if "ended" in subject]
    runs = len(world.jobs.recent("silver-job"))
    say(f"{len(events):,} events, {len(names):,} versions, {len(spark.silver):,} orders, {runs} silver runs")


@pytest.mark.parametrize("round_", range(60 if LONG else 6))
def test_events_lost_late_and_doubled_runs_killed_and_clocks_that_differ_end_well(round_: int, seed: int) -> None:
    dice = random.Random(f"{seed} {round_}")
    world = World(FakeDynamo(page_size=dice.choice((1, 7, 500))))
    spark = Spark(world)
    names = []
    for number in range(30):
        key = f"orders/{number % 20}.csv"
        areas = {dice.randrange(40): dice.choice("ABCDE") for _ in range(5)}
        names.append((key, world.objects.put(key, orders_in(areas))))
    events = [object_event(*name) for name in names for _ in range(dice.choice((0, 1, 3)))]
    dice.shuffle(events)

    for batch in chunks(events):
        skew = dice.uniform(-300, 300)  # the clock of this function
        world.time.seconds += skew
        invoke_intake(world, batch)
        world.time.seconds -= skew
        if dice.random() < 0.5:
            run_on(world, spark, dice, loss=0.3)
        world.time.seconds += dice.choice((1, 60, 900))
    for _ in range(40):
        Sweeper(world.flow()).sweep()
        run_on(world, spark, dice, loss=0.3)
        world.time.seconds += 900
        if progress(world.flow()).settled:
            break

    assert progress(world.flow()).settled
    all_is_there(world, spark, names)


def test_a_burst_of_a_thousand_files_makes_two_silver_runs_at_most_and_no_failure(
    world: World, one_layout: None
) -> None:
    events = [
        object_event(key, world.objects.put(key, orders_csv(number)))
        for number, key in ((number, f"orders/{number}.csv") for number in range(1_000))
    ]
    spark = Spark(world)
    world.jobs.slow_to_free = 1

    for place, batch in enumerate(chunks(events), 1):
        world.arrivals.visible = max(0, len(events) - place * BATCH)
        invoke_intake(world, batch)
    run_on(world, spark, random.Random(1), loss=0.0)

    assert len(world.jobs.recent("silver-job")) <= 2
    assert len(spark.loads) == 1_000
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
        spark = Spark(world)
        run_on(world, spark, random.Random(1), loss=0.0)
        assert len(spark.loads) == 2, point
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
