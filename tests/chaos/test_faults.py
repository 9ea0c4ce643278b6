"""A process that dies, is throttled or loses an answer at any single call: the flow ends as if it had not.

The calls are recorded from one undisturbed flow, so the number of points grows with the code.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lake.batches import Batches
from lake.conductor import Conductor
from lake.digest import Digest
from lake.intake import Intake
from lake.progress import Progress, progress
from lake.sweeper import Sweeper
from tests.chaos.conftest import LONG
from tests.chaos.faults import FAULTS, CrashError, Injector
from tests.chaos.spark_model import Spark
from tests.odd_files import packed
from tests.unit.dynamo_fake import FakeDynamo
from tests.unit.flow_fakes import World, object_event, orders_csv

FILES: Mapping[str, bytes] = {
    "orders/a.csv": orders_csv(1, 2),
    "orders/copy of a.csv": orders_csv(1, 2),
    "orders/later.csv": orders_csv(2, 3).replace(b",A,", b",B,"),
    "orders/menu.pdf": b"%PDF-1.7",
    "orders/week.zip": packed({"b.csv": orders_csv(4), "bill.pdf": b"%PDF-1.7"}),
}
HELD_FILE = "orders/copy of a.csv"  # on a bad day
SAMPLED = 60  # points of each kind of day and fault in the short version
REDELIVERY_SECONDS = 400  # after the queue's visibility timeout, and after the grace of a lease


def deliver(world: World, handle: Callable[[], object], again: bool) -> None:
    """One invocation; one that fails is given again after a while, or never."""
    try:
        handle()
    except (CrashError, ClientError):
        world.time.seconds += REDELIVERY_SECONDS
        if again:
            handle()


def take_in(world: World, events: list[dict[str, Any]]) -> None:
    intake = Intake(world.flow())
    intake.finish([entry for event in events for entry in intake.accept(event)])


def tell(world: World, station: type[Conductor] | type[Digest], event: dict[str, Any]) -> None:
    station(world.flow()).handle(event)


def play(world: World, spark: Spark, again: bool, troubled: bool) -> None:
    """Spark and Glue do their part until nothing runs; every end is told to the functions.

    In a troubled world the first run of silver dies after its commit and the first of gold before, and silver holds a
    file.
    """
    for _ in range(20):
        job = next((job for job in ("silver-job", "gold-job") if world.live(job)), None)
        if job is None:
            return
        if troubled and not any(run.state == "FAILED" for run in world.jobs.recent(job)):
            if job == "silver-job":
                spark.commit_silver()
            event = world.fails(job)
        else:
            event = spark.gold_ends_well() if job == "gold-job" else spark.silver_ends_well()
        for station in (Conductor, Digest) if job == "gold-job" else (Conductor,):
            deliver(world, partial(tell, world, station, event), again)
    raise AssertionError("the flow does not come to rest")


def whole_way(world: World, spark: Spark, again: bool, troubled: bool) -> None:
    """Files, events, runs, and sweeps until everything is settled."""
    events = []
    for key, body in FILES.items():
        events.append(object_event(key, world.objects.put(key, body)))
        world.time.seconds += 1
    deliver(world, lambda: take_in(world, events), again)
    for _ in range(6):
        play(world, spark, again, troubled)
        world.crawlers.end()
        deliver(world, lambda: Sweeper(world.flow()).sweep(), again)
        world.time.seconds += 900
        world.crawlers.end()
        if not world.live("silver-job") and not world.live("gold-job") and look(world).settled:
            return
    raise AssertionError(f"not settled: {look(world)}")


def look(world: World) -> Progress:
    """Progress as the CLI sees it, from a process of its own that nothing disturbs."""
    wrap, world.wrap = world.wrap, lambda port: port
    try:
        return progress(world.flow())
    finally:
        world.wrap = wrap


def outcome(world: World, spark: Spark) -> dict[str, Any]:
    """What must be the same whatever happened."""
    return {
        "silver": spark.silver,
        "gold": dict(spark.gold),
        "loads": set(spark.loads),
        "files": {entry.key: (entry.state, entry.reason, dict(entry.counts)) for entry in world.ledger.entries()},
        "set aside told": any("orders/menu.pdf" in message for _, message in world.alerts.sent),
        "set aside inside told": any("orders/week.zip!/bill.pdf" in message for _, message in world.alerts.sent),
        "gold told": any("gold is fresh" in subject for subject, _ in world.alerts.sent),
        "event": {kind for kind, _ in world.events.sent},
        "crawled": world.crawlers.starts > 0,
        "loaded and not shown": Batches(world.ledger.store).unshown(),
        "leases": [world.ledger.lease(name).held for name in ("silver", "gold")],
        "held told": any("9 of 9 rows" in message for _, message in world.alerts.sent),
        "failed runs told": {subject for subject, _ in world.alerts.sent if "ended" in subject},
    }


def disturbed(again: bool, troubled: bool, injector: Injector) -> dict[str, Any]:
    """The outcome of one whole way in a fresh world with one fault."""
    world = World(FakeDynamo())
    world.wrap = injector.wrap
    spark = Spark(world, held={HELD_FILE} if troubled else ())
    whole_way(world, spark, again, troubled)
    return outcome(world, spark)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("troubled", [False, True], ids=["a good day", "a bad day"])
@pytest.mark.parametrize("again", [False, True], ids=["events are lost", "events come again"])
def test_a_fault_at_any_call_changes_nothing_in_the_end(
    again: bool, troubled: bool, fault: str, seed: int, say: Callable[[str], None]
) -> None:
    undisturbed = Injector()
    good = disturbed(again, troubled, undisturbed)
    assert good["gold"] == {"A": 2, "B": 2}
    assert good["loaded and not shown"] == []
    points = list(range(len(undisturbed.calls)))
    chosen = points if LONG else sorted(random.Random(seed).sample(points, min(SAMPLED, len(points))))
    say(f"{len(chosen)} of {len(points)} points, a process {fault} each of them")

    for point in chosen:
        where = f"a process {fault} call {point} ({undisturbed.calls[point]})"
        try:
            found = disturbed(again, troubled, Injector(point, FAULTS[fault]))
        except (AssertionError, CrashError, ClientError) as error:
            raise AssertionError(f"{where}: {error}") from error
        assert found == good, where
