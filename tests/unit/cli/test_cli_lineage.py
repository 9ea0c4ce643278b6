"""`lineage`: from a file to the tables that show it, and back."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from lake import lineage
from lake.batches import Batches, LoadedBatch
from lake.contracts import load_contracts
from lake.lineage import COMPLETE, FAIL, START, Attempt, Places
from lake.lineage_log import event_key
from lake.manifest import ColumnMapping, FileFacts, FileOutcome, GoldResult, Manifest, ManifestFile, SilverResult

from .conftest import NOON, Ended, FakeLake

Run = Callable[..., Ended]
PLACES = Places("dev", "us-east-1", "000000000000", "jozi_dev_silver", "jozi_dev_gold")
FACTS = FileFacts("orders", "csv", (ColumnMapping(0, "Order ID", "order_id"),))
BATCH = Manifest("b-1", 1, "", (ManifestFile("orders/a.csv", "v1", 9, "2026-03-05T12:00:00Z", FACTS, "bronze"),))


def keep(lake: FakeLake, layer: str, kind: str, fence: int, event: lineage.Event, unit: str) -> None:
    body = (json.dumps(event) + "\n").encode()
    lake.client("s3").put_object(Bucket="lake", Key=event_key(layer, unit, fence, kind), Body=body)


@pytest.fixture
def shown(lake: FakeLake) -> FakeLake:
    """A file that silver took on the second try, and gold shows."""
    lake.add("orders/a.csv", "PENDING", "LOADING", "LOADED", batch_id="b-1")
    batches, batch, at = Batches(lake.ledger.store), LoadedBatch("b-1", "jr_2", 1), NOON.timestamp()
    batches.loaded(batch)
    batches.shown(batch, "g-1", 701, 2)
    read = lineage.silver_inputs(BATCH)
    for fence, kind, error in ((1, START, None), (1, FAIL, "row 7 is odd"), (2, START, None)):
        attempt = Attempt("silver", "b-1", fence, f"jr_{fence}")
        keep(lake, "silver", kind, fence, lineage.event(kind, PLACES, attempt, at, read, [], error), "b-1")
    outcome = FileOutcome("orders/a.csv", "v1", "LOADED", rows_in=2, inserted=2)
    result = SilverResult("b-1", True, {"orders": 41, "file_loads": 42}, files=(outcome,))
    written = lineage.silver_outputs(PLACES, BATCH, load_contracts(), result)
    silver = lineage.event(COMPLETE, PLACES, Attempt("silver", "b-1", 2, "jr_2"), at, read, written)
    keep(lake, "silver", COMPLETE, 2, silver, "b-1")
    gold = GoldResult("g-1", 41, (), {"delivery_performance": 3}, {}, "", {"orders": 41}, {"delivery_performance": 700})
    told = lineage.event(
        COMPLETE,
        PLACES,
        Attempt("gold", "g-1", 5, "jr_9"),
        at,
        lineage.gold_inputs(PLACES, gold),
        lineage.gold_outputs(PLACES, gold),
    )
    keep(lake, "gold", COMPLETE, 5, told, "g-1")
    lake.glue.add("silver", Arguments={"--batch_id": "b-1"})
    lake.glue.add("gold", minutes=1, Arguments={"--gold_run_id": "g-1"})
    return lake


def test_a_file_leads_to_the_marts(run: Run, shown: FakeLake) -> None:
    lines = run("lineage", "orders/a.csv").out.splitlines()

    assert lines[:3] == [
        "s3://bronze/orders/a.csv, version v1",
        "  -> silver, run jr_2: COMPLETE at 2026-03-05 12:00:00",
        "     -> jozi_dev_silver.orders, snapshot 41, 2 rows written",
    ]
    assert "jozi_dev_silver.orders, snapshot 41" in lines
    assert "     -> jozi_dev_gold.delivery_performance, snapshot 700, 3 rows written" in lines


@pytest.mark.parametrize(
    ("table", "made_from"),
    [("gold.delivery_performance", "table/jozi_dev_silver/orders"), ("silver.orders", "orders/a.csv")],
)
def test_a_table_leads_back_to_what_it_was_made_from(run: Run, shown: FakeLake, table: str, made_from: str) -> None:
    [event] = run("lineage", table, "--json").json

    assert event["eventType"] == "COMPLETE"
    assert made_from in [dataset["name"] for dataset in event["inputs"]]


def test_a_try_that_failed_says_why(run: Run, lake: FakeLake) -> None:
    lake.add("orders/a.csv", "PENDING", "LOADING", "HELD", batch_id="b-1")
    for kind, error in ((START, None), (FAIL, "row 7 is odd")):
        attempt = Attempt("silver", "b-1", 1, "jr_1")
        keep(lake, "silver", kind, 1, lineage.event(kind, PLACES, attempt, NOON.timestamp(), [], [], error), "b-1")

    assert "FAIL at 2026-03-05 12:00:00\n     row 7 is odd" in run("lineage", "orders/a.csv").out


def test_what_has_no_lineage_is_said_in_one_sentence(run: Run, lake: FakeLake) -> None:
    lake.add("orders/menu.pdf", "REJECTED")
    lake.add("orders/old.csv", "PENDING", "LOADING", "LOADED", batch_id="b-0")

    assert "orders/menu.pdf was in no run: it is REJECTED." in run("lineage", "orders/menu.pdf").err
    assert "No lineage is kept of batch b-0." in run("lineage", "orders/old.csv").err
    assert "None of the last 200 runs wrote gold.nothing." in run("lineage", "gold.nothing").err
