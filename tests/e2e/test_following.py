"""One file followed to gold: through the lake's log groups by ids alone, and through its lineage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit import openlineage_rules

from .conftest import Lake
from .orders import export, order

GROUPS = ("/aws/lambda/jozi-dev-intake", "/aws/lambda/jozi-dev-conductor", "/aws/lambda/jozi-dev-sweeper")
JOBS = "/aws-glue/jobs/output"
KEY = "orders/followed.csv"


@pytest.fixture(scope="module")
def version(lake: Lake) -> str:
    """The version of a file that is loaded, and shown by gold."""
    written = lake.put(KEY, export([order("LOG-1", **{"Order Date": "07/09/2019"})]))
    lake.wait()
    return written


def lines(lake: Lake, group: str, stream: str | None = None) -> list[dict[str, Any]]:
    """The JSON lines of a log group; of a job's run, whose id is the stream's name."""
    logs, which = lake.client("logs"), {"logStreamNames": [stream]} if stream else {}
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, **which)
    told = [event["message"] for page in pages for event in page["events"]]
    return [json.loads(text) for text in told if text.startswith("{")]


def test_the_logs_lead_from_the_object_to_the_gold_snapshot(lake: Lake, version: str) -> None:
    known = {group["logGroupName"] for group in lake.client("logs").describe_log_groups()["logGroups"]}
    functions = [line for group in GROUPS if group in known for line in lines(lake, group)]

    def one(message: str, **ids: str) -> dict[str, Any]:
        [found] = [line for line in functions if line.get("message") == message and ids.items() <= line.items()]
        return found

    batch_id = one("in batch", key=KEY, version=version)["batch_id"]
    silver_run = one("run settled", batch_id=batch_id)["run_id"]
    shown = one("gold shows batch", batch_id=batch_id)

    [of_file] = [line for line in lines(lake, JOBS, silver_run) if line.get("key") == KEY]
    assert (of_file["batch_id"], of_file["version"], of_file["inserted"]) == (batch_id, version, 1)
    [of_gold] = [line for line in lines(lake, JOBS, shown["run_id"]) if line.get("step") == "run"]
    assert of_gold["gold_run_id"] == shown["gold_run_id"]
    assert of_gold["snapshot_ids"]["freshness"] == shown["gold_snapshot_id"]
    assert 0 < shown["drop_to_gold_seconds"] < 600
    told = lake.run("explain", KEY).stdout
    assert f"gold run {shown['gold_run_id']}, snapshot {shown['gold_snapshot_id']}." in told


def test_the_lineage_leads_from_the_version_over_silver_to_the_marts(lake: Lake, version: str) -> None:
    silver, gold = lake.json("lineage", KEY)

    for event in (silver, gold):
        openlineage_rules.check(event)
        assert event["eventType"] == "COMPLETE"
    assert version in [dataset["facets"]["version"]["datasetVersion"] for dataset in silver["inputs"]]
    written, read, shown = (_versions(of) for of in (silver["outputs"], gold["inputs"], gold["outputs"]))
    assert written["table/jozi_dev_silver/orders"] == read["table/jozi_dev_silver/orders"]
    assert "table/jozi_dev_gold/delivery_performance" in shown
    current = lake.one("select cast(silver_snapshot_id as varchar) from jozi_dev_gold.freshness limit 1")
    assert current == [read["table/jozi_dev_silver/orders"]]


def _versions(datasets: list[dict[str, Any]]) -> dict[str, str]:
    return {one["name"]: one["facets"]["version"]["datasetVersion"] for one in datasets if "facets" in one}
