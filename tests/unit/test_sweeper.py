"""The sweeper: whatever was lost, one sweep heals; a second one finds nothing to do."""

from __future__ import annotations

import json
from collections.abc import Callable

from botocore.exceptions import ClientError

from lake.conductor import Conductor
from lake.entries import HELD, LOADED, LOADING, PENDING, RECEIVED, REJECTED, FileEntry, timestamp
from lake.intake import Intake
from lake.leases import GRACE_SECONDS
from lake.progress import progress
from lake.sweeper import Sweeper

from .flow_fakes import World, object_event, orders_csv


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


def test_a_table_whose_metadata_is_gone_is_told_and_everything_else_is_healed(world: World) -> None:
    drop(world, "orders/a.csv")
    play(world)
    world.tables.unreadable.add(("silver", "orders"))
    world.objects.put("orders/late.csv", orders_csv(2))

    report = sweep(world)

    [words] = report["lost_metadata"]
    assert "silver.orders points to metadata that is gone (s3://lake/warehouse/" in words
    assert "aws glue delete-table --database-name silver --name orders), then run: lake sweep" in words
    assert report["taken_in"] == 1
    play(world)
    assert [entry.state for entry in world.ledger.entries()] == [LOADED, LOADED]


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


def test_dead_letters_are_handled_once_their_cause_is_gone_and_never_dropped(world: World) -> None:
    version = world.objects.put("orders/a.csv", orders_csv(1))
    world.objects.tags.clear()
    world.dead_letters.send("m1", json.dumps(object_event("orders/a.csv", version)))
    world.dead_letters.send("m2", "not json")
    world.dead_events.send(
        "m3", json.dumps({"requestPayload": {"source": "aws.events", "detail-type": "Scheduled Event"}})
    )
    world.dead_events.send("m4", json.dumps({"RequestType": "Create"}))

    report = sweep(world)

    assert (report["redriven"], report["redrive_failed"], report["dead_letters"]) == (2, 2, 2)
    assert [entry.state for entry in world.ledger.entries()] == [LOADING]
    assert (world.dead_letters.depth(), world.dead_events.depth()) == ((1, 0), (1, 0))


def test_a_dead_letter_is_tried_three_times_then_told_once_and_tried_again_only_when_asked(world: World) -> None:
    world.dead_letters.send("m1", json.dumps(object_event("orders/a.csv", "v1", bucket="another")))

    for _ in range(5):
        report = sweep(world)

    assert (report["redrive_failed"], report["redrive_given_up"], report["dead_letters"]) == (0, 1, 1)
    assert [title for title, _ in world.alerts.sent] == ["A dead letter stays"]
    assert "lake sweep --again" in world.alerts.sent[0][1]
    assert Sweeper(world.flow(), again=True).sweep()["redrive_failed"] == 1


def test_an_alert_that_reached_nobody_is_sent_once_more_and_then_stays(world: World) -> None:
    alert = {
        "Type": "Notification",
        "Subject": "1 file was rejected",
        "Message": "REJECTED: orders/menu.pdf: no orders",
    }
    world.dead_events.send("m1", json.dumps(alert))
    assert sweep(world)["redriven"] == 1
    assert world.alerts.sent == [("1 file was rejected", "REJECTED: orders/menu.pdf: no orders")]

    world.dead_events.send("m2", json.dumps(alert))  # it came back
    for _ in range(3):
        assert sweep(world)["redriven"] == 0

    assert world.dead_events.depth() == (1, 0)
    assert [title for title, _ in world.alerts.sent] == ["1 file was rejected", "A dead letter stays"]
    assert Sweeper(world.flow(), again=True).sweep()["redriven"] == 1


def test_a_run_whose_event_died_is_settled_by_its_dead_letter(world: World) -> None:
    drop(world, "orders/a.csv")
    Conductor(world.flow()).handle(world.silver_succeeds())
    world.dead_events.send("m1", json.dumps(world.gold_succeeds()))

    report = sweep(world)

    assert report["redriven"] == 1
    assert [kind for kind, _ in world.events.sent] == ["Gold Refreshed"]
    assert not world.ledger.lease("gold").held


def lose(world: World, table: str) -> None:
    """The catalog forgets a silver table; its files stay."""
    world.tables.lost.add(("silver", table))
    world.documents.put(f"warehouse/silver/{table}/metadata/00001-a.metadata.json", b"{}")
    world.crawlers.finds = world.tables.lost.clear


def test_a_table_that_the_catalog_lost_is_brought_back_while_no_run_can_commit(world: World) -> None:
    drop(world, "orders/a.csv")
    play(world)
    lose(world, "orders")
    held: list[bool] = []
    world.time.passes = lambda: (held.append(world.ledger.lease("silver").held), world.crawlers.end())

    report = sweep(world)

    assert report["tables"] == {"silver.orders": "it is back"}
    assert held == [True]
    assert not world.ledger.lease("silver").held
    assert sweep(world)["tables"] == {}


def test_no_table_is_brought_back_while_a_run_is_under_way(world: World) -> None:
    drop(world, "orders/a.csv")
    play(world)
    lose(world, "orders")
    drop(world, "orders/b.csv")
    starts = world.crawlers.starts

    report = sweep(world)

    assert "a silver run is under way" in report["tables"]["silver.orders"]  # type: ignore[index]
    assert world.crawlers.starts == starts


def test_a_lease_for_a_repair_is_given_back_only_when_the_crawler_is_done(world: World) -> None:
    drop(world, "orders/a.csv")
    play(world)
    lose(world, "orders")
    assert "is bringing it back" in str(sweep(world)["tables"])  # a crawl that takes longer than a sweep waits

    world.time.seconds += GRACE_SECONDS
    assert world.flow().silver.tend() == "repairing"
    world.crawlers.end()
    assert world.flow().silver.tend() == "undone"


def test_what_a_sweep_did_stands_in_the_history_and_not_in_the_answer(world: World) -> None:
    world.objects.put("orders/a.csv", orders_csv(1))

    sweep(world)

    [entry] = world.ledger.entries()
    assert all(str(change.reason).endswith("(Done by a sweep.)") for change in entry.history)
    assert "sweep" not in str(entry.reason)


def test_gold_that_is_fresh_is_settled_although_the_end_of_its_run_was_never_told(world: World) -> None:
    drop(world, "orders/a.csv")
    Conductor(world.flow()).handle(world.silver_succeeds())
    world.gold_succeeds()
    world.crawlers.end()

    assert not progress(world.flow()).settled  # its event may be on the way
    world.time.seconds += 20
    assert progress(world.flow()).settled


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


def test_a_sweep_measures_how_things_are(world: World) -> None:
    drop(world, "orders/a.csv")
    world.silver_succeeds()  # and nobody hears of it
    flow = world.flow()

    Sweeper(flow).sweep()

    assert flow.measures.values["FilesLoaded"] == [1]
    assert flow.measures.values["GoldBehindNow"] == [2]
    assert flow.measures.values["FilesHeldNow"] == [0]
    assert flow.measures.values["Healed"][0] >= 1


def test_a_sweep_counts_what_is_held_and_finds_fresh_gold(world: World) -> None:
    drop(world, "orders/a.csv")
    play(world)
    drop(world, "orders/b.csv")
    [loading] = world.ledger.entries([LOADING])
    flow = world.flow()
    world.ledger.transition(loading, HELD, at=flow.clock.now(), reason="It broke its run.")

    Sweeper(flow).sweep()

    assert flow.measures.values["FilesHeldNow"] == [1]
    assert flow.measures.values["GoldBehindNow"] == [0]
