"""`lake runs --timeline`: a batch's stations in order, with the seconds between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta

import pytest

from lake.manifest import FileOutcome, SilverResult

from .conftest import NOON, Ended, FakeLake

Run = Callable[..., Ended]


@pytest.fixture
def loaded(lake: FakeLake) -> FakeLake:
    """A batch of two files, the second 2 s after the first; its silver run takes 3 s, and gold's 5 s after it."""
    for number, key in enumerate(("orders/a.csv", "orders/b.csv")):
        at = NOON + timedelta(seconds=2 * number)
        lake.add(key, "RECEIVED", "PENDING", "LOADING", "LOADED", at=at, batch_id="b-1", run_id="jr_silver_0")
    outcomes = tuple(FileOutcome(key, "v1", "LOADED") for key in ("orders/a.csv", "orders/b.csv"))
    lake.put_result("b-1", asdict(SilverResult("b-1", changed=True, files=outcomes)))
    lake.glue.add("gold", minutes=-1)  # an earlier one, of another batch
    lake.glue.add("silver", minutes=0.1, seconds=3, Arguments={"--batch_id": "b-1"})
    lake.glue.add("gold", minutes=0.2, seconds=5)
    return lake


def test_each_station_has_its_seconds_since_the_first_object_and_since_the_station_before(
    run: Run, loaded: FakeLake
) -> None:
    (batch,) = run("runs", "--timeline", "--json").json

    assert (batch["batch_id"], batch["files"]) == ("b-1", 2)
    assert [(station["at"], station["took"], station["station"]) for station in batch["stations"]] == [
        (2.0, 2.0, "intake saw the last of them"),
        (3.0, 1.0, "intake took the last of them"),
        (4.0, 1.0, "they went into the batch"),
        (5.0, 1.0, "the ledger was settled"),
        (6.0, 1.0, "silver run started"),
        (9.0, 3.0, "silver run succeeded"),
        (12.0, 3.0, "gold run started"),
        (17.0, 5.0, "gold run succeeded"),
    ]


def test_people_read_it_as_a_table_a_batch(run: Run, loaded: FakeLake) -> None:
    lines = run("runs", "--timeline").out.splitlines()
    assert lines[0] == "b-1: 2 files, the first written at 2026-03-05 12:00:00"
    assert lines[-2] == "17.0\t5.0\tgold run succeeded"


def test_a_batch_whose_result_is_gone_is_left_out(run: Run, loaded: FakeLake) -> None:
    loaded.client("s3").delete_object(Bucket="lake", Key="runs/silver/b-1/result.json")
    assert run("runs", "--timeline", "--json").json == []
    assert "lake drop" in run("runs", "--timeline").out
