"""The functions as Lambda calls them: the sample events, through handlers and boto3, against moto."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from lake import flow as flow_module
from lake.entries import LOADED, PENDING, REJECTED
from lake.flow import Flow
from lake.maintenance.result import MaintenanceResult
from lake.manifest import FileOutcome, GoldResult, Manifest, SilverResult

from .cloud import BRONZE, CONTEXT, LAKE, arrivals, function, measured, sample
from .flow_fakes import orders_csv

FORBIDDEN = ("pyspark", "pyarrow")


def test_files_come_in_are_settled_and_told(cloud: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.s3.put_object(Bucket=BRONZE, Key="orders/März 2026 ºC.csv", Body=orders_csv(1, 2))
    cloud.s3.put_object(Bucket=BRONZE, Key="orders/menu.pdf", Body=b"%PDF-1.7")
    event = arrivals(cloud.s3, "orders/März 2026 ºC.csv", "orders/menu.pdf")

    assert function("intake").handler(event, CONTEXT) == {"batchItemFailures": []}

    assert [entry.key for entry in cloud.ledger.entries([REJECTED])] == ["orders/menu.pdf"]
    tags = cloud.s3.get_object_tagging(Bucket=BRONZE, Key="orders/menu.pdf")["TagSet"]
    assert {tag["Key"] for tag in tags} == {"lake-status", "lake-reason"}
    [run_id] = cloud.glue.runs
    arguments = cloud.glue.runs[run_id]["Arguments"]
    batch = arguments["--batch_id"]
    assert arguments["--manifest"] == f"s3://{LAKE}/runs/silver/{batch}/manifest.json"
    body = cloud.s3.get_object(Bucket=LAKE, Key=f"runs/silver/{batch}/manifest.json")["Body"].read()
    [file] = Manifest.from_json(body).files

    outcome = FileOutcome(file.key, file.version, LOADED, None, rows_in=2, inserted=2)
    result = SilverResult(batch, True, {"orders": 1}, ("2026-03-01",), (outcome,))
    cloud.s3.put_object(Bucket=LAKE, Key=f"runs/silver/{batch}/result.json", Body=result.to_json())
    conductor = function("conductor")
    done = conductor.handler(cloud.glue.ends(run_id, sample("glue_job_silver_succeeded")), CONTEXT)
    assert done["started"] == {"gold": "started"}
    [entry] = cloud.ledger.entries([LOADED])
    assert entry.counts["rows_in"] == 2

    gold_id = cloud.glue.runs["jr_1"]["Arguments"]["--gold_run_id"]
    gold = GoldResult(gold_id, 1, ("2026-03-01",), {}, {"orders": 2}, datetime.now(UTC).isoformat())
    cloud.s3.put_object(Bucket=LAKE, Key=f"runs/gold/{gold_id}/result.json", Body=gold.to_json())
    event = cloud.glue.ends("jr_1", sample("glue_job_gold_succeeded"))
    assert conductor.handler(event, CONTEXT)["gold"] == "settled"
    assert function("digest").handler(event, CONTEXT) == {gold_id: "told"}
    assert cloud.mail() == ["1 file was rejected", "Jozi Lake: gold is fresh, 2 orders"]
    numbers = measured(capsys.readouterr().out)
    assert (numbers["FilesArrived"], numbers["FilesPending"], numbers["FilesRejected"]) == (2, 1, 1)
    assert (numbers["FilesLoaded"], numbers["RowsIn"], numbers["RowsInserted"]) == (1, 2, 2)
    assert {"DropToSilverSeconds", "DropToGoldSeconds"} <= set(numbers)


def test_a_message_that_cannot_be_read_comes_again_and_the_others_are_taken(cloud: SimpleNamespace) -> None:
    cloud.s3.put_object(Bucket=BRONZE, Key="orders/a.csv", Body=orders_csv(1))
    event = arrivals(cloud.s3, "orders/a.csv", "orders/a.csv")
    event["Records"][1]["body"] = "no json"

    answer = function("intake").handler(event, CONTEXT)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert len(cloud.glue.runs) == 1


@pytest.mark.parametrize("state", ["failed", "timeout", "stopped", "error"])
@pytest.mark.parametrize("job", ["silver", "gold", "maintain"])
def test_every_sample_of_a_bad_end_alerts(
    cloud: SimpleNamespace, job: str, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = cloud.glue.start_job_run(f"jozi-dev-{job}", {"--batch_id": "by-hand"})["JobRunId"]

    function("conductor").handler(cloud.glue.ends(run_id, sample(f"glue_job_{job}_{state}")), CONTEXT)

    assert cloud.mail() == [f"jozi-dev-{job}: a run ended {state.upper()}"]
    assert measured(capsys.readouterr().out) == {"RunsFailed": 1}


def test_the_sample_of_the_night_starts_maintenance_and_its_end_is_settled(cloud: SimpleNamespace) -> None:
    conductor = function("conductor")

    assert conductor.handler(sample("schedule_maintain"), CONTEXT)["started"] == {"maintain": "started"}

    owner = cloud.glue.runs["jr_0"]["Arguments"]["--maintain_run_id"]
    body = MaintenanceResult(owner, ()).to_json()
    cloud.s3.put_object(Bucket=LAKE, Key=f"runs/maintain/{owner}/result.json", Body=body)
    event = cloud.glue.ends("jr_0", sample("glue_job_maintain_succeeded"))
    assert conductor.handler(event, CONTEXT)["maintain"] == "settled"


def test_the_samples_of_the_crawler_are_understood(cloud: SimpleNamespace) -> None:
    conductor = function("conductor")

    assert conductor.handler(sample("glue_crawler_bronze_succeeded"), CONTEXT) == {"crawler": "done"}
    assert conductor.handler(sample("glue_crawler_bronze_failed"), CONTEXT) == {"crawler": "failed"}
    assert cloud.mail() == ["jozi-dev-bronze: the crawl failed"]


def test_the_sweeper_takes_in_what_no_event_told(cloud: SimpleNamespace) -> None:
    cloud.s3.put_object(Bucket=BRONZE, Key="orders/a.csv", Body=orders_csv(1))
    cloud.s3.put_object(Bucket=BRONZE, Key="orders/a.csv", Body=orders_csv(2))

    report = function("sweeper").handler(sample("schedule_sweep"), CONTEXT)

    json.dumps(report)
    assert report["taken_in"] == 2
    assert report["dead_letters"] == 0
    assert len(cloud.glue.runs) == 1
    assert not cloud.ledger.any_in(PENDING)


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    flow_module._parts.cache_clear()
    monkeypatch.delenv("LEDGER_TABLE", raising=False)

    with pytest.raises(KeyError, match="LEDGER_TABLE"):
        Flow.from_environment()


@pytest.mark.parametrize("name", ["intake", "conductor", "digest", "sweeper"])
def test_functions_need_neither_spark_nor_arrow(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refuse:
        def find_spec(self, module: str, *_: object) -> None:
            if module.split(".")[0] in FORBIDDEN:
                raise ImportError(module)

    ours = [module for module in sys.modules if module.split(".")[0] in ("lake", *FORBIDDEN)]
    for module in ours:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "meta_path", [Refuse(), *sys.meta_path])

    assert callable(function(name).handler)
