"""`sweep`: the sweeper is called as its timer calls it, and what it did is told in sentences."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cli import local
from sandbox import UpReport

from .conftest import Ended, FakeLake, FakeLambda

Run = Callable[..., Ended]
QUIET = {"silver": "free", "gold": "free", "failed": 0, "listed_to_the_end": True}


@pytest.fixture(autouse=True)
def _names(lake: FakeLake) -> None:
    lake.outputs["SilverJobName"] = "jozi-dev-silver"


def test_nothing_to_heal_is_said(lake: FakeLake, run: Run) -> None:
    lake.clients["lambda"] = answering = FakeLambda(QUIET)

    ended = run("sweep", "--once")

    assert (ended.code, ended.out) == (0, "Nothing had to be healed.\n")
    [event] = answering.events
    assert (event["detail-type"], event["source"], event["detail"]) == ("Scheduled Event", "aws.events", {})


def test_what_was_healed_and_what_stays_is_told_in_words(lake: FakeLake, run: Run) -> None:
    report = {"silver": "settled", "taken_in": 2, "redriven": 1, "redrive_given_up": 1, "gold_behind": ["orders"],
              "tables": {"s.orders": "it is back"}, "started": {"gold": "started"}}  # fmt: skip
    lake.clients["lambda"] = FakeLambda(QUIET | report)

    out = run("sweep", "--once").out

    for words in ("2 files lay in bronze without an entry and were taken in", "1 dead letter handled after all",
                  "nobody had heard of it", "Table s.orders was missing from the catalog: it is back",
                  "A gold run was started", "1 dead letter given up"):  # fmt: skip
        assert words in out


def test_what_people_have_to_do_first_is_told_and_ends_with_a_failure(lake: FakeLake, run: Run) -> None:
    lake.clients["lambda"] = FakeLambda(QUIET | {"lost_metadata": ["The entry of s.orders leads nowhere."]})

    ended = run("sweep", "--once")

    assert ended.code == 1
    assert "Not healed: The entry of s.orders leads nowhere." in ended.out


def test_given_up_letters_are_tried_again_only_when_asked(lake: FakeLake, run: Run) -> None:
    lake.clients["lambda"] = answering = FakeLambda(QUIET)

    run("sweep", "--again", "--once")

    assert answering.events[0]["detail"] == {"again": True}


@pytest.mark.parametrize("error", ["Unhandled", "Handled"])
def test_a_sweep_that_failed_is_a_failure(lake: FakeLake, run: Run, error: str) -> None:
    lake.clients["lambda"] = FakeLambda({"errorMessage": "no table"}, error)

    ended = run("sweep", "--once")

    assert ended.code == 1
    assert "no table" in ended.err


def test_a_sandbox_that_comes_back_goes_on_with_what_was_cut_short(
    lake: FakeLake, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.clients["lambda"] = answering = FakeLambda(QUIET)
    for already_running, deployed, sweeps in ((False, True, 0), (True, False, 0), (False, False, 1)):
        report = UpReport(already_running, deployed, "http://127.0.0.1:4566", {})
        monkeypatch.setattr(local, "start", lambda stack, quiet, report=report: report)
        assert run("up").code == 0
        assert [event["detail-type"] for event in answering.events] == ["Scheduled Event"] * sweeps
