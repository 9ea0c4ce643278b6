"""The sweeper: whatever was lost, one sweep heals; a second one finds nothing to do."""

from __future__ import annotations

from collections.abc import Callable

from botocore.exceptions import ClientError

from lake.conductor import Conductor
from lake.entries import HELD, LOADED, LOADING, PENDING, RECEIVED, REJECTED, FileEntry, timestamp
from lake.intake import Intake
from lake.leases import GRACE_SECONDS
from lake.progress import progress
from lake.sweeper import Sweeper

from .flow_fakes import World, orders_csv


def sweep(world: World, time_left: Callable[[], float] = lambda: 900.0) -> dict[str, object]:
    return Sweeper(world.flow(), time_left).sweep()


def drop(world: World, key: str) -> None:
    intake = Intake(world.flow())
    intake.finish(intake.take(key, world.objects.put(key, orders_csv(len(key)))))


def play(world: World) -> None:
    """Ends every run well, with its event, until nothing runs."""
    while world.live("silver-job") or world.live("gold-job"):
        event = world.silver_succeeds() if world.live("silver-job") else world.gold_succeeds()
        Conductor(world.flow()).handle(event)
    world.crawlers.running = False


def test_without_any_arrival_event_one_sweep_takes_everything_in(world: World) -> None:
    for number in range(5):
        world.objects.put(f"orders/{number}.csv", orders_csv(number))
    world.objects.put("orders/0.csv", orders_csv(10))
    world.objects.put("orders/menu.pdf", b"%PDF")
    world.objects.put("orders/", b"")

    report = sweep(world)

    assert report["taken_in"] == 7
    assert report["listed_to_the_end"] is True
    run = world.live("silver-job")
    assert run is not None
    assert len(world.manifest(run).files) == 6
    assert [entry.key for entry in world.ledger.entries([REJECTED])] == ["orders/menu.pdf"]


def test_without_any_glue_event_sweeps_bring_everything_to_rest(world: World) -> None:
    drop(world, "orders/a.csv")
    world.silver_succeeds()
    assert sweep(world)["silver"] == "settled"
    world.gold_succeeds()
    report = sweep(world)

    assert report["gold"] == "settled"
    assert report["announced"] == "told"
    world.crawlers.running = False
    assert progress(world.flow()).settled


def test_a_sweep_with_nothing_to_do_does_nothing(world: World) -> None:
    drop(world, "orders/a.csv")
    play(world)
    sweep(world)
    runs, alerts, entries = len(world.jobs.runs), list(world.alerts.sent), list(world.ledger.entries())

    report = sweep(world)

    assert (report["taken_in"], report["put_back"], report["judged_again"], report["started"]) == (0, 0, 0, {})
    assert report["announced"] == "told before"
    assert (len(world.jobs.runs), world.alerts.sent, list(world.ledger.entries())) == (runs, alerts, entries)


def test_a_file_that_never_got_its_answer_is_judged_again(world: World) -> None:
    version = world.objects.put("orders/a.csv", orders_csv(1))
    now = timestamp(world.time.now())
    world.ledger.receive(FileEntry("orders/a.csv", version, RECEIVED, 999, "e", now, now, digest="d"))

    assert sweep(world)["judged_again"] == 0  # its intake may still be at it
    world.time.seconds += GRACE_SECONDS + 1
    assert sweep(world)["judged_again"] == 1

    assert [entry.state for entry in world.ledger.entries()] == [LOADING]


def test_entries_of_a_batch_that_nobody_flies_are_put_back_and_loaded(world: World) -> None:
    version = world.objects.put("orders/a.csv", orders_csv(1))
    [entry] = Intake(world.flow()).take("orders/a.csv", version)
    world.ledger.transition(entry, LOADING, at=1.0, set_={"batch_id": "silver-gone"})

    report = sweep(world)

    assert report["put_back"] == 1
    play(world)
    assert [entry.state for entry in world.ledger.entries()] == [LOADED]


def test_a_pending_file_that_nobody_started_is_started(world: World) -> None:
    version = world.objects.put("orders/a.csv", orders_csv(1))
    Intake(world.flow()).take("orders/a.csv", version)
    assert [entry.state for entry in world.ledger.entries()] == [PENDING]

    assert sweep(world)["started"] == {"silver": "started"}


def test_silver_newer_than_gold_asks_for_gold(world: World) -> None:
    drop(world, "orders/a.csv")
    play(world)
    assert sweep(world)["gold_behind"] == []
    world.tables.snapshots["silver", "orders"] = world.tables.snapshots["silver", "file_loads"]

    report = sweep(world)

    assert report["gold_behind"] == ["orders"]
    assert report["started"] == {"gold": "started"}


def test_a_failed_crawl_is_started_again(world: World) -> None:
    world.crawlers.last = "FAILED"

    assert sweep(world)["crawler"] == "started"


def test_the_listing_goes_on_where_the_time_was_up(world: World) -> None:
    world.objects.page_size = 2
    for number in range(7):
        world.objects.put(f"orders/{number}.csv", orders_csv(number))
    calls = iter(range(1_000))

    first = sweep(world, lambda: 900.0 if next(calls) < 5 else 0.0)
    second = sweep(world)

    assert first["listed_to_the_end"] is False
    assert 0 < int(str(first["taken_in"])) < 7
    assert int(str(first["taken_in"])) + int(str(second["taken_in"])) == 7
    assert second["listed_to_the_end"] is True


def test_a_file_that_cannot_be_read_does_not_stop_the_sweep(world: World) -> None:
    world.objects.put("orders/a.csv", orders_csv(1))
    world.objects.put("orders/b.csv", orders_csv(2))
    read = world.objects.read

    def refuse(key: str, version: str, start: int, length: int) -> bytes:
        if key == "orders/a.csv":
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")
        return read(key, version, start, length)

    world.objects.read = refuse  # type: ignore[method-assign]
    report = sweep(world)

    assert (report["failed"], report["taken_in"]) == (1, 1)


def test_dead_letters_are_counted(world: World) -> None:
    world.dead_letters.visible = 3

    assert sweep(world)["dead_letters"] == 3


def test_progress_names_what_is_pending_running_and_set_aside(world: World) -> None:
    drop(world, "orders/a.csv")
    world.objects.put("orders/b.csv", orders_csv(2))
    world.arrivals.visible = 1

    seen = progress(world.flow())

    assert not seen.settled
    assert [(key, state) for key, _, state in seen.pending] == [("orders/a.csv", LOADING)]
    assert [(run.job, run.state) for run in seen.running] == [("silver-job", "RUNNING")]
    assert seen.queue_visible == 1
    assert seen.crawler_states == {"bronze-crawler": "RUNNING"}

    world.arrivals.visible = 0
    for _ in range(2):
        Conductor(world.flow()).handle(world.fails("silver-job"))
    world.crawlers.running = False
    seen = progress(world.flow())
    assert [(key, state) for key, _, state, _ in seen.failed] == [("orders/a.csv", HELD)]
    assert [key for key, _ in seen.missing] == ["orders/b.csv"]
    assert not seen.settled
