"""A process that dies after any single call: the flow ends as if it had not.

The calls are recorded from one undisturbed flow, so the number of crash points grows with the code; a sample of them is
tried (LAKE_CRASH_POINTS=9999 tries all, LAKE_SEED repeats a sample). A crash comes right after a call did its work: the
worst moment, because what it did is there and nobody remembers it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from lake.conductor import Conductor
from lake.digest import Digest
from lake.entries import HELD
from lake.intake import Intake
from lake.manifest import FileOutcome
from lake.progress import Progress, progress
from lake.sweeper import Sweeper

from .flow_fakes import TABLE, World, make_table, object_event, orders_csv

FILES: Mapping[str, bytes] = {
    "orders/a.csv": orders_csv(1),
    "orders/copy of a.csv": orders_csv(1),
    "orders/menu.pdf": b"%PDF-1.7",
}
SAMPLED = int(os.environ.get("LAKE_CRASH_POINTS", "8"))  # of each kind of day; a large number tries them all
REDELIVERY_SECONDS = 400  # after the queue's visibility timeout, and after the grace of a lease


class CrashError(BaseException):
    """The process is gone; nothing may catch it."""


class Counter:
    """Counts the calls of every wrapped port and dies after the one it was told to."""

    def __init__(self, die_after: int = -1) -> None:
        self.die_after = die_after
        self.calls: list[str] = []

    def wrap(self, port: Any) -> Any:
        counter = self

        class Wrapped:
            def __getattr__(self, name: str) -> Any:
                value = getattr(port, name)
                return counter.counted(value, name) if callable(value) else value

        return Wrapped()

    def counted(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def made(*args: Any, **kwargs: Any) -> Any:
            try:
                return call(*args, **kwargs)
            finally:
                self.calls.append(name)
                if len(self.calls) - 1 == self.die_after:
                    raise CrashError(name)

        return made


def deliver(world: World, handle: Callable[[], object], again: bool) -> None:
    """One invocation; one that dies is given again after a while, or never."""
    try:
        handle()
    except CrashError:
        world.time.seconds += REDELIVERY_SECONDS
        if again:
            handle()


def take_in(world: World, events: list[dict[str, Any]]) -> None:
    intake = Intake(world.flow())
    intake.finish([entry for event in events for entry in intake.accept(event)])


def tell(world: World, station: type[Conductor] | type[Digest], event: dict[str, Any]) -> None:
    station(world.flow()).handle(event)


def play(world: World, again: bool, troubled: bool) -> None:
    """Spark and Glue do their part until nothing runs; every end is told to the functions.

    In a troubled world the first run of silver and of gold fails, and silver holds one file.
    """
    for _ in range(20):
        job = next((job for job in ("silver-job", "gold-job") if world.live(job)), None)
        if job is None:
            return
        if troubled and not any(run.state == "FAILED" for run in world.jobs.recent(job)):
            event = world.fails(job)
        elif job == "gold-job":
            event = world.gold_succeeds()
        else:
            version = world.objects.stored["orders/copy of a.csv"][0][0].version
            held = FileOutcome("orders/copy of a.csv", version, HELD, "9 of 9 rows are bad.")
            event = world.silver_succeeds(*([held] if troubled else []))
        for station in (Conductor, Digest) if job == "gold-job" else (Conductor,):
            deliver(world, partial(tell, world, station, event), again)
    raise AssertionError("the flow does not come to rest")


def whole_way(world: World, again: bool, troubled: bool) -> None:
    """Files, events, runs, and sweeps until everything is settled."""
    events = [object_event(key, world.objects.put(key, body)) for key, body in FILES.items()]
    deliver(world, lambda: take_in(world, events), again)
    for _ in range(6):
        play(world, again, troubled)
        world.crawlers.running = False
        deliver(world, lambda: Sweeper(world.flow()).sweep(), again)
        world.time.seconds += 900
        world.crawlers.running = False
        if not world.live("silver-job") and not world.live("gold-job") and look(world).settled:
            return
    raise AssertionError(f"not settled: {look(world)}")


def look(world: World) -> Progress:
    """Progress as the CLI sees it, from a process of its own that does not die."""
    wrap, world.wrap = world.wrap, lambda port: port
    try:
        return progress(world.flow())
    finally:
        world.wrap = wrap


def outcome(world: World) -> dict[str, Any]:
    """What must be the same however often a process died."""
    return {
        "files": {entry.key: (entry.state, entry.reason, dict(entry.counts)) for entry in world.ledger.entries()},
        "set aside told": any("orders/menu.pdf" in message for _, message in world.alerts.sent),
        "gold told": any("gold is fresh" in subject for subject, _ in world.alerts.sent),
        "event": {kind for kind, _ in world.events.sent},
        "crawled": world.crawlers.starts > 0,
        "leases": [world.ledger.lease(name).held for name in ("silver", "gold")],
        "held told": any("9 of 9 rows" in message for _, message in world.alerts.sent),
        "failed runs told": {subject for subject, _ in world.alerts.sent if "ended" in subject},
    }


def disturbed(client: Any, die_after: int, again: bool, troubled: bool) -> tuple[dict[str, Any], Counter]:
    """One whole way in a fresh world with a crash after a call."""
    make_table(client)
    try:
        world = World(client)
        counter = Counter(die_after)
        world.wrap = counter.wrap
        whole_way(world, again, troubled)
        return outcome(world), counter
    finally:
        client.delete_table(TableName=TABLE)


@pytest.mark.parametrize("troubled", [False, True], ids=["a good day", "a bad day"])
@pytest.mark.parametrize("again", [False, True], ids=["events are lost", "events come again"])
def test_a_crash_after_a_call_changes_nothing_in_the_end(
    dynamodb: Any, again: bool, troubled: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    good, counter = disturbed(dynamodb, -1, again, troubled)
    seed = int(os.environ.get("LAKE_SEED", random.randrange(10_000)))
    points = list(range(len(counter.calls)))
    chosen = sorted(random.Random(seed).sample(points, min(SAMPLED, len(points))))
    with capsys.disabled():
        print(f"\n{len(chosen)} of {len(points)} crash points, LAKE_SEED={seed}", end=" ")

    for point in chosen:
        try:
            found, _ = disturbed(dynamodb, point, again, troubled)
        except (AssertionError, CrashError) as error:
            raise AssertionError(f"crash after call {point} ({counter.calls[point]}): {error}") from error
        assert found == good, f"crash after call {point} ({counter.calls[point]})"
