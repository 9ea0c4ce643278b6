"""The silver job's door: its arguments, manifest, lease and result, and the one sentence of a failure."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from lake.leases import Leases
from lake.manifest import Manifest, SilverResult
from lake.store import Store
from tests.spark.silver_support import SilverLake, order

pytestmark = pytest.mark.spark
SCRIPT = Path(__file__).resolve().parents[2] / "glue_jobs" / "silver.py"
LEDGER = "ledger"
KEY = "TESTED_PSEUDONYM_KEY"


@pytest.fixture
def fence(monkeypatch):
    """A ledger in which batch b-1 holds the lease, and a key of pseudonyms; gives the lease's fence."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        key = boto3.client("kms").create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
        monkeypatch.setenv(KEY, key["KeyMetadata"]["KeyId"])
        keys = ("pk", "sk")
        boto3.client("dynamodb").create_table(
            TableName=LEDGER,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": n, "KeyType": t} for n, t in zip(keys, ("HASH", "RANGE"))],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        )
        lease = Leases(Store(LEDGER)).acquire("silver", "b-1", now=1_000_000)
        assert lease is not None
        yield lease.fence


@pytest.fixture
def job(spark, tmp_path, monkeypatch):
    """Runs the script as Glue does, on the tests' session."""
    spec = importlib.util.spec_from_file_location("silver_job", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(type(spark), "stop", lambda session: None)  # the script's session is that of all tests

    def run(lake, fence):
        arguments = {
            "JOB_NAME": "jozi-dev-silver",
            "silver_database": lake.database,
            "bronze_bucket": "unused",
            "lake_bucket": f"file://{tmp_path}",
            "ledger_table": LEDGER,
            "batch_id": "b-1",
            "fence": fence,
            "pseudonym_key": os.environ[KEY],
            "manifest": f"file://{tmp_path}/runs/silver/b-1/manifest.json",
        }
        words = [word for name, value in arguments.items() for word in (f"--{name}", str(value))]
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *words, "--enable-metrics"])
        script.main()

    return run


@pytest.fixture
def lake(spark, tmp_path):
    return SilverLake(spark, tmp_path)


def leave_manifest(lake, batch="b-1"):
    manifest = Manifest(batch, 1, "2026-11-01T12:00:00Z", (lake.orders("a.csv", order(1), order("")),))
    path = lake.folder / "runs" / "silver" / "b-1" / "manifest.json"
    path.parent.mkdir(parents=True)
    path.write_text(manifest.to_json(), encoding="utf-8")


def test_the_job_loads_its_manifest_and_leaves_its_result_beside_it(lake, job, fence, capsys):
    leave_manifest(lake)

    job(lake, fence)

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"step"')]
    assert {(line["batch_id"], line["fence"]) for line in told} == {("b-1", fence)}
    assert [line["key"] for line in told if line["step"] == "file"] == ["a.csv"]

    result = SilverResult.from_json((lake.folder / "runs" / "silver" / "b-1" / "result.json").read_text("utf-8"))
    assert (result.batch_id, result.changed, result.files[0].rows_in) == ("b-1", True, 2)
    assert lake.rows("order_id", "batch_id") == [("1", "b-1")]


def test_a_job_whose_fence_is_old_fails_in_one_sentence_and_publishes_nothing(lake, job, fence):
    leave_manifest(lake)

    with pytest.raises(SystemExit, match=r"^silver batch b-1 failed: another silver run took over"):
        job(lake, fence - 1)

    assert lake.snapshot() is None


def test_a_job_without_its_manifest_says_where_it_looked(lake, job, fence):
    with pytest.raises(SystemExit, match=r"^silver batch b-1 failed: there is no manifest at file://"):
        job(lake, fence)
