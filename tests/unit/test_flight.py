"""Single flight: leases, batches, retries, the search for a file that breaks runs, and healing after every crash."""

from __future__ import annotations

import pytest

from lake.conductor import Conductor
from lake.entries import HELD, LOADED, LOADING, PENDING
from lake.flight import holds_lease
from lake.intake import Intake
from lake.leases import EXPIRY_SECONDS, GRACE_SECONDS, Leases
from lake.manifest import FileOutcome
from lake.migrations.plan import Standing, TableTooNew, pending

from .flow_fakes import TABLE, World, orders_csv


def drop(world: World, *keys: str) -> dict[str, object]:
    """Puts a file under each key and takes it in, all in one invocation."""
    intake = Intake(world.flow())
    entries = []
    for number, key in enumerate(keys):
        version = world.objects.put(key, orders_csv(number, hash(key) % 10_000))
        entries += intake.take(key, version)
    return intake.finish(entries)


def states(world: World) -> dict[str, str]:
    return {entry.key: entry.state for entry in world.ledger.entries()}


def play(world: World, breaks: set[str], limit: int = 60) -> int:
    """Runs of both jobs until nothing is live; a silver run with one of these keys fails. Gives the silver runs."""
    silver_runs = 0
    for _ in range(limit):
        if run := world.live("silver-job"):
            silver_runs += 1
            bad = breaks & {file.key for file in world.manifest(run).files}
            event = world.fails("silver-job") if bad else world.silver_succeeds()
        elif world.live("gold-job"):
            event = world.gold_succeeds()
        else:
            return silver_runs
        Conductor(world.flow()).handle(event)
    raise AssertionError("the flow does not come to rest")


def test_the_first_file_starts_a_run_with_a_manifest_that_names_it(world: World) -> None:
    drop(world, "orders/a.csv")

    run = world.live("silver-job")
    assert run is not None
    manifest = world.manifest(run)
    assert [file.key for file in manifest.files] == ["orders/a.csv"]
    assert run.arguments["--batch_id"] == manifest.batch_id == world.ledger.lease("silver").owner
    assert run.arguments["--fence"] == str(manifest.fence) == "1"
    assert world.ledger.lease("silver").job_run_id == run.id
    assert states(world) == {"orders/a.csv": LOADING}


def test_files_that_come_during_a_run_wait_and_go_together_into_the_next_one(world: World) -> None:
    drop(world, "orders/a.csv")
    assert drop(world, "orders/b.csv", "orders/c.csv")["silver"] == "busy"
    drop(world, "orders/d.csv")
    assert world.ledger.lease("silver").waiting

    Conductor(world.flow()).handle(world.silver_succeeds())

    run = world.live("silver-job")
    assert run is not None
    assert [file.key for file in world.manifest(run).files] == ["orders/b.csv", "orders/c.csv", "orders/d.csv"]
    assert run.arguments["--fence"] == "2"


def test_a_settled_run_gives_every_file_its_counts_and_starts_gold(world: World) -> None:
    drop(world, "orders/a.csv")

    done = Conductor(world.flow()).handle(world.silver_succeeds())

    [entry] = world.ledger.entries([LOADED])
    assert entry.counts["rows_in"] == entry.counts["inserted"] == 1
    assert entry.run_id == "jr_0"
    assert [change.state for change in entry.history] == ["RECEIVED", "PENDING", "LOADING", "LOADED"]
    assert done["started"]["gold"] == "started"
    assert world.live("gold-job") is not None


def test_an_event_that_comes_again_changes_nothing(world: World) -> None:
    drop(world, "orders/a.csv")
    event = world.silver_succeeds()
    Conductor(world.flow()).handle(event)
    runs, alerts = len(world.jobs.runs), len(world.alerts.sent)
    before = world.ledger.entry("orders/a.csv", next(world.objects.versions("orders/a.csv")).version)

    again = Conductor(world.flow()).handle(event)

    assert again["silver"] == "free"
    assert (len(world.jobs.runs), len(world.alerts.sent)) == (runs, alerts)
    assert world.ledger.entry(before.key, before.version) == before  # type: ignore[union-attr]


def test_a_failed_run_alerts_and_is_retried_with_the_same_batch_under_a_new_fence(world: World) -> None:
    drop(world, "orders/a.csv", "orders/b.csv")
    first = world.live("silver-job")

    Conductor(world.flow()).handle(world.fails("silver-job", error="ValueError: row 7 is odd"))

    second = world.live("silver-job")
    assert first is not None
    assert second is not None
    assert second.arguments["--batch_id"] == first.arguments["--batch_id"]
    assert second.arguments["--fence"] == "2"
    assert world.manifest(second).fence == 2
    assert not holds_lease(TABLE, "silver", 1, world.client)
    assert holds_lease(TABLE, "silver", 2, world.client)
    [(subject, message)] = world.alerts.sent
    assert "silver-job" in subject
    assert "row 7 is odd" in message
    assert "2 files" in message


def test_a_file_that_breaks_runs_is_found_and_held_and_all_others_are_loaded(world: World) -> None:
    keys = [f"orders/{number:02d}.csv" for number in range(16)]
    drop(world, *keys)

    runs = play(world, {"orders/11.csv"})

    found = states(world)
    assert found.pop("orders/11.csv") == HELD
    assert set(found.values()) == {LOADED}
    [held] = world.ledger.entries([HELD])
    assert "row 7 is odd" in (held.reason or "")
    assert held.attempts == 5
    assert dict(held.counts) == dict.fromkeys(held.counts, 0)
    assert any("HELD" in message and "orders/11.csv" in message for _, message in world.alerts.sent)
    assert world.objects.tags[held.name]["lake-status"] == HELD
    assert runs <= 16


def test_two_files_that_break_runs_are_both_found(world: World) -> None:
    drop(world, *[f"orders/{number}.csv" for number in range(7)])

    play(world, {"orders/2.csv", "orders/5.csv"})

    assert [key for key, state in states(world).items() if state == HELD] == ["orders/2.csv", "orders/5.csv"]


def test_fresh_files_do_not_wait_for_the_whole_search(world: World) -> None:
    drop(world, *[f"orders/{number}.csv" for number in range(8)])
    for _ in range(2):
        Conductor(world.flow()).handle(world.fails("silver-job"))
    drop(world, "orders/fresh.csv")  # a search batch of four is under way now

    Conductor(world.flow()).handle(world.silver_succeeds())

    run = world.live("silver-job")
    assert run is not None
    assert [file.key for file in world.manifest(run).files] == ["orders/fresh.csv"]


def too_new() -> str:
    """What a run of a former release says over a table that a newer one changed."""
    with pytest.raises(TableTooNew) as refused:
        pending("silver.orders", Standing(9, 9), ())
    return str(refused.value)


@pytest.mark.parametrize(
    "error",
    [
        "The process was killed: exit code -9",
        f"silver batch b1 failed: {too_new()}",
        "The script was ended by signal SIGKILL",
        "The sandbox was stopped while this job run was going.",
        "SparkConnectGrpcException: <_MultiThreadedRendezvous of RPC that terminated with: status = "
        'StatusCode.UNAVAILABLE details = "Socket closed">',
        "ClientError: An error occurred (SlowDown) when calling the GetObject operation: Reduce your request rate.",
        "Internal service error. Please try again later.",
    ],
)
def test_a_run_that_was_killed_or_lost_its_engine_says_nothing_about_its_file(world: World, error: str) -> None:
    drop(world, "orders/a.csv")

    for _ in range(4):
        Conductor(world.flow()).handle(world.fails("silver-job", error=error))

    assert states(world) == {"orders/a.csv": LOADING}
    Conductor(world.flow()).handle(world.silver_succeeds())
    assert states(world) == {"orders/a.csv": LOADED}


@pytest.mark.parametrize("state", ["TIMEOUT", "STOPPED", "ERROR"])
def test_every_bad_end_of_a_run_alerts_once_and_is_retried(world: World, state: str) -> None:
    drop(world, "orders/a.csv")
    event = world.fails("silver-job", state=state, error="")

    Conductor(world.flow()).handle(event)
    Conductor(world.flow()).handle(event)

    assert len(world.alerts.sent) == 1
    assert len(world.jobs.runs) == 2


def test_when_every_batch_fails_silver_rests_and_says_so(world: World) -> None:
    drop(world, *[f"orders/{number:03d}.csv" for number in range(40)])

    with pytest.raises(AssertionError):  # it would go on for ever if it did not rest
        play(world, {f"orders/{number:03d}.csv" for number in range(40)}, limit=15)
    play(world, {f"orders/{number:03d}.csv" for number in range(40)})

    assert world.live("silver-job") is None
    assert world.ledger.lease("silver").not_before > world.time.now()
    assert any("rests" in subject for subject, _ in world.alerts.sent)
    assert world.flow().start_silver() == "resting"
    world.time.seconds += 3600
    assert world.flow().start_silver() == "started"


def test_a_success_without_a_result_is_a_failure(world: World) -> None:
    drop(world, "orders/a.csv")
    run = world.live("silver-job")
    assert run is not None

    Conductor(world.flow()).handle(world.ends(run, "SUCCEEDED"))

    assert states(world) == {"orders/a.csv": LOADING}
    assert "left no result" in world.alerts.sent[0][1]
    assert len(world.jobs.runs) == 2


def test_a_result_that_does_not_add_up_is_not_believed(world: World) -> None:
    drop(world, "orders/a.csv")
    version = next(world.objects.versions("orders/a.csv")).version
    wrong = FileOutcome("orders/a.csv", version, "LOADED", None, rows_in=2, inserted=1)

    Conductor(world.flow()).handle(world.silver_succeeds(wrong))

    assert states(world) == {"orders/a.csv": LOADING}
    assert "do not add up" in world.alerts.sent[0][1]


def test_a_file_without_an_answer_is_retried_and_the_others_are_settled(world: World) -> None:
    drop(world, "orders/a.csv", "orders/b.csv")
    run = world.live("silver-job")
    assert run is not None
    event = world.silver_succeeds()
    key = f"runs/silver/{run.arguments['--batch_id']}/result.json"
    text = world.documents.stored[key].decode().replace("orders/b.csv", "orders/x.csv")
    world.documents.stored[key] = text.encode()

    Conductor(world.flow()).handle(event)

    assert states(world) == {"orders/a.csv": LOADED, "orders/b.csv": LOADING}
    assert "gave no answer for 1 file" in world.alerts.sent[0][1]


def test_a_file_held_by_silver_is_told_and_the_others_are_loaded(world: World) -> None:
    drop(world, "orders/a.csv", "orders/b.csv")
    version = next(world.objects.versions("orders/b.csv")).version
    held = FileOutcome("orders/b.csv", version, HELD, "12 of 20 rows cannot be used.")

    Conductor(world.flow()).handle(world.silver_succeeds(held))

    assert states(world) == {"orders/a.csv": LOADED, "orders/b.csv": HELD}
    assert "12 of 20 rows" in world.alerts.sent[0][1]


def test_no_room_in_glue_is_not_a_failure_and_the_batch_starts_later(world: World) -> None:
    by_hand = world.jobs.start("silver-job", {})
    assert drop(world, "orders/a.csv")["silver"] == "blocked"
    assert world.ledger.lease("silver").stage == "blocked"
    assert states(world) == {"orders/a.csv": LOADING}

    run = world.jobs.run("silver-job", by_hand)
    assert run is not None
    Conductor(world.flow()).handle(world.ends(run, "SUCCEEDED"))

    live = world.live("silver-job")
    assert live is not None
    assert live.arguments["--batch_id"] == world.ledger.lease("silver").owner
    assert world.alerts.sent == []


def test_a_place_that_glue_frees_late_is_waited_for(world: World) -> None:
    world.jobs.slow_to_free = 2

    assert drop(world, "orders/a.csv")["silver"] == "started"

    assert world.time.waited == [1.0, 2.0]


def test_a_holder_that_died_while_collecting_is_undone_after_the_grace(world: World) -> None:
    leases = Leases(world.ledger.store)
    flow = world.flow()
    version = world.objects.put("orders/a.csv", orders_csv(1))
    [entry] = Intake(flow).take("orders/a.csv", version)
    assert leases.acquire("silver", "silver-dead", world.time.now()) is not None
    world.ledger.transition(entry, LOADING, at=world.time.now(), set_={"batch_id": "silver-dead"})

    assert world.flow().silver.tend() == "starting"
    world.time.seconds += GRACE_SECONDS + 1
    assert world.flow().silver.tend() == "undone"

    assert states(world) == {"orders/a.csv": PENDING}
    assert world.flow().move_on() == {"silver": "started"}


def test_a_run_that_was_started_but_not_noted_is_found_again(world: World) -> None:
    drop(world, "orders/a.csv")
    lease = world.ledger.lease("silver")
    Leases(world.ledger.store).change(lease, stage="ready", job_run_id=None)  # the crash after StartJobRun

    assert world.flow().silver.tend() == "running"

    assert world.ledger.lease("silver").job_run_id == "jr_0"
    assert len(world.jobs.runs) == 1


def test_a_batch_that_was_ready_but_never_started_is_started(world: World) -> None:
    drop(world, "orders/a.csv")
    lease = world.ledger.lease("silver")
    Leases(world.ledger.store).change(lease, stage="ready", job_run_id=None)
    world.jobs.runs.clear()  # the crash before StartJobRun

    assert world.flow().silver.tend() == "starting"
    world.time.seconds += GRACE_SECONDS + 1
    assert world.flow().silver.tend() == "started"
    assert world.live("silver-job") is not None


def test_a_lost_event_is_made_up_for_by_tending(world: World) -> None:
    drop(world, "orders/a.csv")
    world.silver_succeeds()

    assert world.flow().silver.tend() == "settled"

    assert states(world) == {"orders/a.csv": LOADED}


def test_a_run_that_outlives_its_lease_is_stopped_before_anything_else(world: World) -> None:
    drop(world, "orders/a.csv")
    world.time.seconds += EXPIRY_SECONDS + 1

    assert world.flow().silver.tend() == "stopping"
    assert world.flow().silver.tend() == "stopping"

    assert world.jobs.stopped == ["jr_0"]
    assert len(world.alerts.sent) == 1
    assert drop(world, "orders/b.csv")["silver"] == "busy"
    Conductor(world.flow()).handle(world.fails("silver-job", state="STOPPED", error=""))
    assert world.live("silver-job") is not None


def test_a_run_that_glue_has_forgotten_counts_as_failed(world: World) -> None:
    drop(world, "orders/a.csv")
    world.jobs.runs.clear()

    assert world.flow().silver.tend() == "retry started"


def test_a_burst_starts_one_run_and_not_one_for_each_invocation(world: World) -> None:
    world.arrivals.visible = 30
    assert drop(world, *[f"orders/{number}.csv" for number in range(10)])["silver"] == "deferred"
    world.arrivals.visible = 20
    assert drop(world, *[f"orders/{number}.csv" for number in range(10, 20)])["silver"] == "deferred"
    world.arrivals.visible = 0
    assert drop(world, *[f"orders/{number}.csv" for number in range(20, 30)])["silver"] == "started"

    run = world.live("silver-job")
    assert run is not None
    assert len(world.manifest(run).files) == 30


def test_nobody_waits_for_a_burst_for_more_than_a_minute(world: World) -> None:
    world.arrivals.visible = 500
    assert drop(world, "orders/a.csv")["silver"] == "deferred"
    world.time.seconds += 61
    assert drop(world, "orders/b.csv")["silver"] == "started"


def test_gold_is_retried_once_and_then_rests_until_silver_changes_again(world: World) -> None:
    drop(world, "orders/a.csv")
    Conductor(world.flow()).handle(world.silver_succeeds())
    for _ in range(2):
        Conductor(world.flow()).handle(world.fails("gold-job"))
    assert world.live("gold-job") is None
    assert world.flow().gold.due
    assert world.flow().move_on() == {"gold": "resting"}
    assert sum("gold-job" in subject for subject, _ in world.alerts.sent) == 3  # two runs, and that it rests

    drop(world, "orders/b.csv")
    Conductor(world.flow()).handle(world.silver_succeeds())

    assert world.live("gold-job") is not None


def test_silver_changed_during_a_gold_run_makes_gold_run_again(world: World) -> None:
    drop(world, "orders/a.csv")
    Conductor(world.flow()).handle(world.silver_succeeds())
    drop(world, "orders/b.csv")
    Conductor(world.flow()).handle(world.silver_succeeds())
    assert len(world.jobs.recent("gold-job")) == 1

    Conductor(world.flow()).handle(world.gold_succeeds())

    assert len(world.jobs.recent("gold-job")) == 2
    Conductor(world.flow()).handle(world.gold_succeeds())
    assert world.live("gold-job") is None


def test_only_the_current_fence_holds_the_lease(world: World) -> None:
    leases = Leases(world.ledger.store)
    assert not holds_lease(TABLE, "gold", 0, world.client)
    lease = leases.acquire("gold", "one", world.time.now())
    assert lease is not None
    assert leases.acquire("gold", "two", world.time.now()) is None
    assert holds_lease(TABLE, "gold", 1, world.client)

    leases.release(lease)

    assert not holds_lease(TABLE, "gold", 1, world.client)
    taken = leases.acquire("gold", "two", world.time.now())
    assert taken is not None
    assert taken.fence == 2
    assert leases.release(lease) is None
    assert holds_lease(TABLE, "gold", 2, world.client)
