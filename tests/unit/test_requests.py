"""What a person asks of a file: take it back, read it again, rebuild everything. It goes the way of every file."""

from __future__ import annotations

import pytest

from lake import batch
from lake.conductor import Conductor
from lake.entries import HELD, LOADED, LOADING, PENDING, REJECTED, RETRACTED, FileEntry
from lake.intake import Intake
from lake.manifest import LOAD, RELOAD, RETRACT, FileOutcome
from lake.requests import CannotError, read_again, take_back, to_take_back
from lake.sweeper import Sweeper

from .flow_fakes import World, object_event, orders_csv
from .test_flight import drop, play


def entry_of(world: World, key: str) -> FileEntry:
    return world.ledger.versions(key)[-1]


def loaded(world: World, key: str = "orders/a.csv") -> FileEntry:
    drop(world, key)
    play(world, breaks=set())
    entry = entry_of(world, key)
    assert entry.state == LOADED
    return entry


def test_a_loaded_file_is_taken_back_by_a_silver_run_and_gold_follows(world: World) -> None:
    entry = loaded(world)

    moved = take_back(world.flow(), entry, "the wrong shop")
    world.flow().move_on()

    assert moved.state == PENDING
    run = world.live("silver-job")
    assert run is not None
    assert [(file.key, file.action) for file in world.manifest(run).files] == [("orders/a.csv", RETRACT)]
    Conductor(world.flow()).handle(world.silver_succeeds())
    assert world.live("gold-job") is not None
    after = entry_of(world, "orders/a.csv")
    assert (after.state, after.reason, after.action) == (RETRACTED, "Taken back on request: the wrong shop", None)
    assert after.counts["rows_in"] == 0


def test_what_was_taken_back_stays_so_when_its_event_comes_again(world: World) -> None:
    entry = loaded(world)
    take_back(world.flow(), entry, "")
    world.flow().move_on()
    play(world, breaks=set())

    intake = Intake(world.flow())
    intake.finish(intake.accept(object_event(entry.key, entry.version)))
    Sweeper(world.flow()).sweep()

    assert play(world, breaks=set()) == 0
    assert entry_of(world, entry.key).state == RETRACTED


def test_a_file_that_was_never_loaded_is_taken_back_at_once(world: World) -> None:
    version = world.objects.put("orders/page.csv", b"<html><body>no orders</body></html>")
    intake = Intake(world.flow())
    intake.finish(intake.take("orders/page.csv", version))
    entry = entry_of(world, "orders/page.csv")
    assert entry.state == REJECTED

    assert take_back(world.flow(), entry, "").state == RETRACTED
    assert world.live("silver-job") is None


def test_a_file_that_is_being_loaded_is_not_taken_back_meanwhile(world: World) -> None:
    drop(world, "orders/a.csv")
    entry = entry_of(world, "orders/a.csv")
    assert entry.state == LOADING

    with pytest.raises(CannotError, match=r"^a\.csv is being loaded right now: `lake wait`, then ask again\.$"):
        take_back(world.flow(), entry, "")


def test_the_newest_version_that_counts_is_the_one_to_take_back(world: World) -> None:
    for _ in range(3):
        world.time.seconds += 10
        loaded(world)
    versions = world.ledger.versions("orders/a.csv")

    for expected in reversed(versions):
        entry = to_take_back(world.ledger.versions("orders/a.csv"))
        assert entry is not None
        assert entry.version == expected.version
        take_back(world.flow(), entry, "")
        world.flow().move_on()
        play(world, breaks=set())

    assert to_take_back(world.ledger.versions("orders/a.csv")) is None


def test_a_held_file_is_released_and_loads(world: World) -> None:
    drop(world, "orders/bad.csv")
    play(world, breaks={"orders/bad.csv"})
    entry = entry_of(world, "orders/bad.csv")
    assert entry.state == HELD

    read_again(world.flow(), entry)

    assert play(world, breaks=set()) == 1
    assert entry_of(world, "orders/bad.csv").state == LOADED


def test_a_rejected_file_gets_another_chance_when_its_contract_has_changed(world: World) -> None:
    version = world.objects.put("orders/a.csv", orders_csv(1))
    contracts, world.contracts = world.contracts, {}
    intake = Intake(world.flow())
    intake.finish(intake.take("orders/a.csv", version))
    assert entry_of(world, "orders/a.csv").state == REJECTED
    world.contracts = contracts

    read_again(world.flow(), entry_of(world, "orders/a.csv"))

    play(world, breaks=set())
    assert entry_of(world, "orders/a.csv").state == LOADED


def test_a_loaded_file_is_read_again_in_the_place_of_its_first_reading(world: World) -> None:
    entry = loaded(world)

    read_again(world.flow(), entry)

    run = world.live("silver-job")
    assert run is not None
    assert [file.action for file in world.manifest(run).files] == [RELOAD]
    play(world, breaks=set())
    after = entry_of(world, entry.key)
    assert (after.state, after.action) == (LOADED, None)


def test_a_loaded_file_that_would_be_refused_today_stays_as_it_is(world: World) -> None:
    entry = loaded(world)
    world.contracts = {}

    with pytest.raises(CannotError, match="It stays as it was loaded, since it would be refused now"):
        read_again(world.flow(), entry)

    assert entry_of(world, entry.key) == entry


def test_a_file_that_cannot_be_taken_back_or_read_again_still_counts_and_people_are_told(world: World) -> None:
    entry = loaded(world)
    read_again(world.flow(), entry)
    play(world, breaks={entry.key})

    after = entry_of(world, entry.key)
    assert (after.state, after.action, dict(after.counts)) == (LOADED, None, dict(entry.counts))
    assert str(after.reason).startswith("It was to be read again and broke the silver run 2 times, so what it said")

    take_back(world.flow(), after, "")
    world.flow().move_on()
    play(world, breaks={entry.key})

    assert entry_of(world, entry.key).state == LOADED
    told = [title for title, _ in world.alerts.sent if "could not" in title]
    assert told == ["A file could not be read again", "A file could not be taken back"]


def test_a_held_file_that_breaks_runs_again_is_held_again_and_told_again(world: World) -> None:
    drop(world, "orders/bad.csv")
    for _ in range(2):
        play(world, breaks={"orders/bad.csv"})
        entry = entry_of(world, "orders/bad.csv")
        assert (entry.state, sum(entry.counts.values())) == (HELD, 0)
        told = [message for title, message in world.alerts.sent if "not loaded" in title]
        read_again(world.flow(), entry)

    assert len(told) == 2
    assert all("HELD: orders/bad.csv: It broke the silver run 2 times and is set aside" in message for message in told)


def test_a_crash_after_the_asking_is_made_up_for_by_the_sweeper(world: World) -> None:
    entry = loaded(world)
    take_back(world.flow(), entry, "")  # and nobody starts the run

    Sweeper(world.flow()).sweep()
    play(world, breaks=set())

    assert entry_of(world, entry.key).state == RETRACTED


def test_a_rebuild_reads_every_loaded_file_while_they_all_stay_loaded(world: World) -> None:
    back = loaded(world, "orders/back.csv")
    take_back(world.flow(), back, "")
    loaded(world, "orders/a.csv")
    loaded(world, "orders/b.csv")
    world.ledger.ask_for_rebuild()

    assert world.flow().move_on()["silver"] == "started"
    drop(world, "orders/new.csv")

    run = world.live("silver-job")
    assert run is not None
    manifest = world.manifest(run)
    assert (manifest.rebuild, sorted(file.key for file in manifest.files)) == (1, ["orders/a.csv", "orders/b.csv"])
    assert entry_of(world, "orders/a.csv").state == LOADED
    outcome = FileOutcome("orders/a.csv", manifest.files[0].version, "LOADED", None, rows_in=1, unchanged=1)
    Conductor(world.flow()).handle(world.silver_succeeds(outcome))
    assert entry_of(world, "orders/b.csv").batch_id == manifest.batch_id
    assert str(entry_of(world, "orders/b.csv").reason).startswith("Read again in a rebuild from bronze.")
    play(world, breaks=set())
    assert entry_of(world, "orders/new.csv").state == LOADED
    assert not world.ledger.rebuild().pending


def test_a_rebuild_takes_everything_that_silver_holds_and_more_than_a_batch_may(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "MAX_FILES", 2)
    entries = [loaded(world, f"orders/{number}.csv") for number in range(5)]
    read_again(world.flow(), entries[0])
    world.ledger.ask_for_rebuild()
    take_back(world.flow(), entries[1], "")

    Conductor(world.flow()).handle(world.silver_succeeds())

    run = world.live("silver-job")
    assert run is not None
    files = world.manifest(run).files
    assert sorted(file.key for file in files) == [f"orders/{number}.csv" for number in range(5)]
    assert {file.action for file in files} == {LOAD}
    play(world, breaks=set())
    assert entry_of(world, "orders/1.csv").state == RETRACTED
    assert [entry_of(world, f"orders/{number}.csv").state for number in (0, 2, 3, 4)] == [LOADED] * 4


def test_a_rebuild_that_fails_is_told_and_changes_no_entry(world: World) -> None:
    entry = loaded(world)
    world.ledger.ask_for_rebuild()
    world.flow().move_on()

    play(world, breaks={entry.key})

    assert entry_of(world, entry.key) == entry
    assert not world.ledger.rebuild().pending
    assert [title for title, _ in world.alerts.sent if "rebuild" in title] == ["The rebuild of silver failed"]
