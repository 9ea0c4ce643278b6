"""The gold job's wiring: arguments in, result in the lake bucket, the lease asked of the ledger."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lake.gold import job
from lake.gold.refresh import GoldRun
from lake.manifest import GoldResult

RESULT = GoldResult("g-1", 42, ("2018-03-01",), {"freshness": 6}, {"orders": 1}, "2018-07-01T10:00:00+00:00")
ARGUMENTS: dict[str, Any] = {
    "silver_database": "silver_db",
    "gold_database": "gold_db",
    "lake_bucket": "lake",
    "ledger_table": "ledger",
    "promise_minutes": "30",
    "gold_run_id": "g-1",
    "fence": 7,
}


@pytest.fixture
def lake_bucket(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="lake")
        yield s3


def test_the_result_is_left_where_the_conductor_looks_for_it(lake_bucket, monkeypatch):
    given: list[GoldRun] = []
    asked: list[tuple] = []

    def refresh(spark, run):
        given.append(run)
        return RESULT

    def holds_lease(*lease):
        asked.append(lease)
        return True

    monkeypatch.setattr(job, "refresh", refresh)
    monkeypatch.setattr(job, "holds_lease", holds_lease)

    job.run_job(None, **ARGUMENTS)  # type: ignore[arg-type]

    body = lake_bucket.get_object(Bucket="lake", Key="runs/gold/g-1/result.json")["Body"].read()
    assert GoldResult.from_json(body) == RESULT
    assert (given[0].silver, given[0].gold) == ("glue_catalog.silver_db", "glue_catalog.gold_db")
    assert given[0].promise_minutes == Decimal(30)
    assert given[0].holds_lease()
    assert asked == [("ledger", "gold", 7)]


def test_the_log_of_the_job_names_its_run_and_what_it_published(lake_bucket, monkeypatch, capsys):
    shown = replace(RESULT, silver_snapshot_ids={"orders": 42}, snapshot_ids={"freshness": 701})
    monkeypatch.setattr(job, "refresh", lambda spark, run: shown)

    job.run_job(None, **ARGUMENTS)  # type: ignore[arg-type]

    [line] = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["step"], line["gold_run_id"], line["fence"]) == ("run", "g-1", 7)
    assert (line["silver_snapshot_ids"], line["snapshot_ids"]) == ({"orders": 42}, {"freshness": 701})


def test_a_promise_that_is_no_number_is_told(lake_bucket):
    with pytest.raises(ValueError, match="must be a number, not 'half an hour'"):
        job.run_job(None, **{**ARGUMENTS, "promise_minutes": "half an hour"})  # type: ignore[arg-type]


def test_a_run_that_fails_leaves_no_result(lake_bucket, monkeypatch):
    def fail(spark, run):
        raise RuntimeError("silver has no orders")

    monkeypatch.setattr(job, "refresh", fail)

    with pytest.raises(RuntimeError):
        job.run_job(None, **ARGUMENTS)  # type: ignore[arg-type]

    assert "Contents" not in lake_bucket.list_objects_v2(Bucket="lake")
