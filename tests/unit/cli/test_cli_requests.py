"""`retract` and `replay`: what may be asked of which file, asked twice, asked at a bad moment, and what is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lake.intake import Intake
from tests.unit.dynamo_fake import FakeDynamo
from tests.unit.flow_fakes import World, orders_csv
from tests.unit.test_flight import drop, play

from .conftest import Ended, FakeLake, FakeLambda

Run = Callable[..., Ended]
KEY = "orders/a.csv"


@pytest.fixture
def world(lake: FakeLake) -> World:
    """A lake in memory behind the commands: runs end when a test says so."""
    world = World(FakeDynamo())
    lake.__dict__.update(ledger=world.ledger, flow=world.flow())
    return world


def states(world: World, key: str = KEY) -> list[str]:
    return [entry.state for entry in world.ledger.versions(key)]


def refuse(world: World) -> None:
    intake = Intake(world.flow())
    intake.finish(intake.take("orders/menu.pdf", world.objects.put("orders/menu.pdf", b"%PDF-1.7")))


@pytest.mark.parametrize("words", [("retract",), ("replay", "--file")])
def test_a_key_that_never_came_is_said(run: Run, world: World, words: tuple[str, ...]) -> None:
    ended = run(*words, "orders/never.csv", "--no-wait")
    assert ended.code == 1
    assert ended.err.startswith("No file 'orders/never.csv' in the ledger or in bronze")


def test_retract_asked_twice_is_done_once_and_a_third_time_there_is_nothing(run: Run, world: World) -> None:
    drop(world, KEY)
    play(world, set())

    first, second = (run("retract", KEY, "--no-wait", "--reason", "wrong shop") for _ in range(2))

    assert (first.code, first.out.split(", ")[-1].strip()) == (0, "will be taken back by the next silver run.")
    assert (second.code, "`lake wait`, then ask again" in second.err) == (1, True)
    assert play(world, set()) == 1

    assert states(world) == ["RETRACTED"]
    ended = run("retract", KEY, "--no-wait")
    assert (ended.code, ended.err) == (1, f"Nothing to take back: no version of {KEY} counts any more.\n")


def test_a_version_that_was_taken_back_is_so_when_it_is_asked_for_again(run: Run, world: World) -> None:
    drop(world, KEY)
    play(world, set())
    version = world.ledger.versions(KEY)[0].version
    run("retract", KEY, "--no-wait")
    play(world, set())

    ended = run("retract", f"{KEY}@{version}", "--no-wait")

    assert (ended.code, "is taken back" in ended.out) == (0, True)
    assert play(world, set()) == 0


def test_nothing_is_asked_of_a_file_while_a_run_has_it(run: Run, world: World) -> None:
    drop(world, KEY)

    for words in (("retract", KEY), ("replay", "--file", KEY)):
        ended = run(*words, "--no-wait")
        assert ended.code == 1
        assert "a.csv is being loaded right now: `lake wait`, then ask again." in ended.err
    play(world, set())
    assert states(world) == ["LOADED"]


def test_what_is_asked_while_another_file_is_loaded_waits_for_its_turn(run: Run, world: World) -> None:
    drop(world, KEY)
    play(world, set())
    drop(world, "orders/b.csv")

    assert run("retract", KEY, "--no-wait").code == 0
    assert states(world) == ["PENDING"]

    assert play(world, set()) == 2
    assert states(world) == ["RETRACTED"]


def test_a_refused_file_is_read_again_and_says_again_why_not(run: Run, world: World) -> None:
    refuse(world)

    ended = run("replay", "--file", "menu", "--no-wait")

    assert "REJECTED: menu.pdf is a PDF document" in ended.out
    assert states(world, "orders/menu.pdf") == ["REJECTED"]
    assert len([title for title, _ in world.alerts.sent if "rejected" in title]) == 2


def test_a_refused_file_has_nothing_to_take_back_unless_it_is_named(run: Run, world: World) -> None:
    refuse(world)

    assert "Nothing to take back" in run("retract", "orders/menu.pdf", "--no-wait").err


def test_a_held_file_is_released_by_replay(run: Run, world: World) -> None:
    drop(world, KEY)
    play(world, {KEY})
    assert states(world) == ["HELD"]

    assert run("replay", "--file", KEY, "--no-wait").code == 0
    play(world, set())

    assert states(world) == ["LOADED"]


def test_replay_twice_reads_it_again_once_and_tells_the_second_to_wait(run: Run, world: World) -> None:
    drop(world, KEY)
    play(world, set())

    first, second = (run("replay", "--file", KEY, "--no-wait") for _ in range(2))

    assert (first.code, second.code) == (0, 1)
    assert "`lake wait`, then ask again" in second.err
    play(world, set())
    assert states(world) == ["LOADED"]


def test_a_rebuild_is_asked_for_while_a_run_goes_and_comes_after_it(run: Run, world: World, lake: FakeLake) -> None:
    lake.outputs["SilverJobName"] = "jozi-dev-silver"
    lake.clients["lambda"] = assets = FakeLambda({"Prefix": "assets/1"}, name="assets")
    drop(world, KEY)
    play(world, set())
    drop(world, "orders/b.csv")

    ended = run("replay", "--all", "--no-wait")

    assert ended.code == 0
    assert "as soon as the run under way has ended" in ended.out
    assert [event["Bucket"] for event in assets.events] == [lake.outputs["LakeBucketName"]]
    assert play(world, set()) == 2
    assert not world.ledger.rebuild().pending


def test_a_rebuild_without_the_jobs_code_is_not_begun(run: Run, world: World, lake: FakeLake) -> None:
    lake.outputs["SilverJobName"] = "jozi-dev-silver"
    lake.clients["lambda"] = FakeLambda({"errorMessage": "no such bucket"}, "Unhandled", name="assets")

    ended = run("replay", "--all", "--no-wait")

    assert ended.code == 1
    assert "The jobs' code could not be put into the lake bucket (no such bucket)." in ended.err
    assert not world.ledger.rebuild().pending


@pytest.mark.parametrize("words", [(), ("--all", "--file", KEY)])
def test_replay_wants_one_file_or_all(run: Run, world: World, words: tuple[str, ...]) -> None:
    ended = run("replay", *words)
    assert (ended.code, ended.err) == (2, "Say which: --file KEY for one file, or --all for everything.\n")


def test_two_versions_are_taken_back_one_after_the_other(run: Run, world: World) -> None:
    for number in range(2):
        world.objects.put(KEY, orders_csv(number))
        world.time.seconds += 1
    intake = Intake(world.flow())
    intake.finish(intake.take(KEY))
    play(world, set())

    for expected in (["LOADED", "RETRACTED"], ["RETRACTED", "RETRACTED"]):
        run("retract", KEY, "--no-wait")
        play(world, set())
        assert states(world) == expected
