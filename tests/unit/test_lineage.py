"""Lineage: every run leaves OpenLineage events that lead from a file's version to the marts, however it ended."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lake.conductor import Conductor
from lake.intake import Intake
from lake.leases import GRACE_SECONDS
from lake.lineage import MOST_FILES_WITH_COLUMNS, column_lineage, silver_inputs
from lake.manifest import ColumnMapping, FileFacts, Manifest, ManifestFile
from lake.sweeper import Sweeper

from . import openlineage_rules
from .flow_fakes import FakeDocuments, World, object_event, orders_csv

Event = dict[str, Any]
TABLES = "arn:aws:glue:us-east-1:000000000000"


def drop(world: World, key: str, body: bytes | None = None) -> str:
    version = world.objects.put(key, orders_csv(len(key)) if body is None else body)
    intake = Intake(world.flow())
    intake.finish(intake.accept(object_event(key, version)))
    return version


def conduct(world: World, event: dict[str, Any]) -> None:
    Conductor(world.flow()).handle(event)


def events(world: World, job: str = "") -> list[Event]:
    """Every event that was kept, in order; each is a line of JSON and keeps the rules."""
    kept = [body for key, body in sorted(world.documents.stored.items()) if key.startswith("lineage/")]
    found = [json.loads(line) for body in kept for line in body.decode().splitlines()]
    for event in found:
        openlineage_rules.check(event)
    return [event for event in found if event["job"]["name"].startswith(job)]


def one(world: World, job: str, kind: str) -> Event:
    [found] = [event for event in events(world, job) if event["eventType"] == kind]
    return found


def versions(datasets: list[Event]) -> dict[str, str]:
    return {one["name"]: one["facets"]["version"]["datasetVersion"] for one in datasets}


def test_a_file_leads_to_silver_and_on_to_the_marts(world: World) -> None:
    version = drop(world, "orders/a.csv")
    conduct(world, world.silver_succeeds())
    conduct(world, world.gold_succeeds())

    silver, gold = one(world, "silver-job", "COMPLETE"), one(world, "gold-job", "COMPLETE")

    assert silver["inputs"][0]["namespace"] == "s3://bronze"
    assert versions(silver["inputs"]) == {"orders/a.csv": version}
    assert {table["namespace"] for table in (*silver["outputs"], *gold["inputs"], *gold["outputs"])} == {TABLES}
    written, read = versions(silver["outputs"]), gold["inputs"]
    assert written["table/silver/orders"] == str(world.tables.snapshots["silver", "orders"].id)
    assert versions([table for table in read if "facets" in table]) == written
    shown = versions(gold["outputs"])
    assert shown["table/gold/freshness"] == str(world.tables.snapshots["gold", "freshness"].id)
    assert "table/gold/delivery_performance" in shown


def test_start_and_end_of_a_try_are_one_run(world: World) -> None:
    drop(world, "orders/a.csv")
    started = one(world, "silver-job", "START")
    world.time.seconds += 42
    conduct(world, world.silver_succeeds())

    ended = one(world, "silver-job", "COMPLETE")

    assert started["run"] == ended["run"]
    assert started["inputs"] == ended["inputs"]
    assert {table["name"] for table in ended["outputs"]} <= {table["name"] for table in started["outputs"]}
    assert started["eventTime"] < ended["eventTime"]
    facets = started["run"]["facets"]
    assert facets["externalQuery"]["externalQueryId"] == world.jobs.recent("silver-job")[0].id
    assert facets["nominalTime"]["nominalStartTime"] == "2027-01-15T08:00:00+00:00"


def test_rows_and_columns_are_told(world: World) -> None:
    drop(world, "orders/a.csv")
    conduct(world, world.silver_succeeds())

    outputs = {table["name"]: table for table in one(world, "silver-job", "COMPLETE")["outputs"]}

    orders = outputs["table/silver/orders"]
    assert orders["outputFacets"]["outputStatistics"]["rowCount"] == 1
    fields = orders["facets"]["columnLineage"]["fields"]
    source = {"namespace": "s3://bronze", "name": "orders/a.csv", "field": "delivery_driver"}
    assert fields["deliverer"] == {"inputFields": [source]}


def test_each_failed_try_is_a_run_of_its_own_with_its_error(world: World) -> None:
    drop(world, "orders/a.csv")
    conduct(world, world.fails("silver-job", error="ValueError: row 7 is odd"))
    conduct(world, world.silver_succeeds())

    told = [(event["eventType"], event["run"]["runId"]) for event in events(world, "silver-job")]
    failed = one(world, "silver-job", "FAIL")

    assert [kind for kind, _ in told] == ["FAIL", "START", "COMPLETE", "START"]  # by try, then by name
    assert len({run for _, run in told}) == 2
    assert failed["run"]["facets"]["errorMessage"]["message"] == "ValueError: row 7 is odd"
    assert len({event["run"]["facets"]["parent"]["run"]["runId"] for event in events(world, "silver-job")}) == 1


def test_a_run_that_nobody_heard_of_ends_in_lineage_too(world: World) -> None:
    drop(world, "orders/a.csv")
    world.fails("silver-job", "TIMEOUT", "")
    world.time.seconds += GRACE_SECONDS

    Sweeper(world.flow()).sweep()

    assert one(world, "silver-job", "FAIL")["run"]["facets"]["errorMessage"]["message"].startswith("Glue says TIMEOUT")


def test_a_try_of_gold_that_failed_names_what_it_would_have_read(world: World) -> None:
    drop(world, "orders/a.csv")
    conduct(world, world.silver_succeeds())
    conduct(world, world.fails("gold-job"))

    failed = one(world, "gold-job", "FAIL")

    assert [table["name"] for table in failed["inputs"]] == [
        "table/silver/orders",
        "table/silver/file_loads",
        "table/silver/quarantine",
    ]
    assert failed["outputs"] == []


def test_lineage_that_cannot_be_written_does_not_stop_the_flow(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put = FakeDocuments.put

    def denied(self: FakeDocuments, key: str, body: bytes) -> None:
        if key.startswith("lineage/"):
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")
        put(self, key, body)

    monkeypatch.setattr(FakeDocuments, "put", denied)
    drop(world, "orders/a.csv")
    conduct(world, world.silver_succeeds())
    conduct(world, world.gold_succeeds())

    assert world.ledger.lease("gold").last_owner is not None
    assert [record.message for record in caplog.records].count("lineage not written") == 4


def test_files_inside_an_archive_are_one_object(world: World) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("one.csv", "two.csv"):
            archive.writestr(name, orders_csv(len(name)))
    version = drop(world, "orders/march.zip", packed.getvalue())
    conduct(world, world.silver_succeeds())

    assert versions(one(world, "silver-job", "COMPLETE")["inputs"]) == {"orders/march.zip": version}


def test_columns_of_a_large_batch_are_left_out(world: World) -> None:
    facts = FileFacts("orders", "csv", (ColumnMapping(0, "order_id", "order_id"),))
    files = tuple(
        ManifestFile(f"orders/{number}.csv", "v1", 1, "2026-01-01T00:00:00Z", facts, "bronze")
        for number in range(MOST_FILES_WITH_COLUMNS + 1)
    )
    orders = world.contracts["orders"]

    assert column_lineage(orders, files) == {}
    assert len(column_lineage(orders, files[:-1])["order_id"]["inputFields"]) == MOST_FILES_WITH_COLUMNS
    assert len(silver_inputs(Manifest("b", 1, "", files))) == len(files)
