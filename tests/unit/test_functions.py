"""The functions as Lambda calls them: the sample events, through handlers and boto3, against moto."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lake import flow as flow_module
from lake.entries import LOADED, PENDING, REJECTED
from lake.flow import Flow
from lake.ledger import Ledger
from lake.manifest import FileOutcome, GoldResult, Manifest, SilverResult

from .flow_fakes import TABLE, make_table, orders_csv

ROOT = Path(__file__).parents[2]
BRONZE = "jozi-dev-bronze-000000000000-us-east-1"
LAKE = "jozi-dev-lake-000000000000-us-east-1"
FORBIDDEN = ("pyspark", "pyarrow")


def sample(name: str) -> dict[str, Any]:
    return json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))


def function(name: str) -> ModuleType:
    """The handler's module, as Lambda imports it: by its file."""
    spec = importlib.util.spec_from_file_location(f"{name}_app", ROOT / "functions" / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CONTEXT = SimpleNamespace(
    function_name="f",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:f",
    aws_request_id="r",
    get_remaining_time_in_millis=lambda: 300_000,
)


class Glue:
    """Glue's jobs and crawler, as moto does not run them: what was started, and what is said about it."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}

    def start_job_run(self, JobName: str, Arguments: dict[str, str]) -> dict[str, str]:  # noqa: N803
        run_id = f"jr_{len(self.runs)}"
        self.runs[run_id] = {"Id": run_id, "JobName": JobName, "JobRunState": "RUNNING", "Arguments": Arguments}
        return {"JobRunId": run_id}

    def get_job_run(self, JobName: str, RunId: str) -> dict[str, Any]:  # noqa: N803
        return {"JobRun": self.runs[RunId]}

    def start_crawler(self, Name: str) -> None:  # noqa: N803
        assert Name == "jozi-dev-bronze"

    def get_crawler(self, Name: str) -> dict[str, Any]:  # noqa: N803
        return {"Crawler": {"Name": Name, "State": "READY"}}

    def ends(self, run_id: str, event: dict[str, Any]) -> dict[str, Any]:
        state = event["detail"]["state"]
        self.runs[run_id]["JobRunState"] = state
        return {**event, "detail": {**event["detail"], "jobRunId": run_id}}


@pytest.fixture
def cloud(aws_names: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The stack's resources on moto, the functions' environment, and Glue played by the test."""
    with mock_aws():
        s3, sqs = boto3.client("s3"), boto3.client("sqs")
        for bucket in (BRONZE, LAKE):
            s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=BRONZE, VersioningConfiguration={"Status": "Enabled"})
        make_table(boto3.client("dynamodb"))
        topic = boto3.client("sns").create_topic(Name="alerts")["TopicArn"]
        mailbox = sqs.create_queue(QueueName="mailbox")["QueueUrl"]
        mailbox_arn = "arn:aws:sqs:us-east-1:123456789012:mailbox"
        boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=mailbox_arn)
        environment = {
            "LEDGER_TABLE": TABLE,
            "BRONZE_BUCKET": BRONZE,
            "LAKE_BUCKET": LAKE,
            "SILVER_JOB": "jozi-dev-silver",
            "GOLD_JOB": "jozi-dev-gold",
            "BRONZE_CRAWLER": "jozi-dev-bronze",
            "ALERTS_TOPIC_ARN": topic,
            "SILVER_DATABASE": "jozi_dev_silver",
            "GOLD_DATABASE": "jozi_dev_gold",
            "ARRIVALS_QUEUE_URL": sqs.create_queue(QueueName="arrivals")["QueueUrl"],
            "ARRIVALS_DLQ_URL": sqs.create_queue(QueueName="arrivals-dlq")["QueueUrl"],
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        glue = Glue()
        real = boto3.client("glue")
        glue.get_table = real.get_table  # type: ignore[attr-defined]
        make = boto3.client
        monkeypatch.setattr(boto3, "client", lambda name, **how: glue if name == "glue" else make(name, **how))
        flow_module._parts.cache_clear()

        def mail() -> list[str]:
            found = sqs.receive_message(QueueUrl=mailbox, MaxNumberOfMessages=10).get("Messages", [])
            return [json.loads(message["Body"])["Subject"] for message in found]

        yield SimpleNamespace(s3=s3, glue=glue, ledger=Ledger(TABLE), mail=mail)
        flow_module._parts.cache_clear()


def measured(printed: str) -> dict[str, float]:
    """The numbers in what the functions printed, by name; several of one name add up."""
    found: dict[str, float] = {}
    for line in printed.splitlines():
        if line.startswith("{") and "_aws" in (told := json.loads(line)):
            (directive,) = told["_aws"]["CloudWatchMetrics"]
            for metric in directive["Metrics"]:
                values = told[metric["Name"]]
                found[metric["Name"]] = found.get(metric["Name"], 0) + sum(values)
    return found


def arrivals(s3: Any, *keys: str) -> dict[str, Any]:
    """The sample event, with a record for each key; the object's version is in it only for the first."""
    event = sample("arrivals_object_created")
    records = []
    for place, key in enumerate(keys):
        record = json.loads(json.dumps(event["Records"][min(place, 1)])) | {"messageId": f"m{place}"}
        body = json.loads(record["body"])
        body["detail"]["object"]["key"] = key
        if "version-id" in body["detail"]["object"]:
            body["detail"]["object"]["version-id"] = s3.head_object(Bucket=BRONZE, Key=key)["VersionId"]
        records.append(record | {"body": json.dumps(body)})
    return {"Records": records}


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
    gold = GoldResult(gold_id, 1, ("2026-03-01",), {}, {"orders": 2}, "2026-11-23T08:00:00")
    cloud.s3.put_object(Bucket=LAKE, Key=f"runs/gold/{gold_id}/result.json", Body=gold.to_json())
    event = cloud.glue.ends("jr_1", sample("glue_job_gold_succeeded"))
    assert conductor.handler(event, CONTEXT)["gold"] == "settled"
    assert function("digest").handler(event, CONTEXT) == {gold_id: "told"}
    assert cloud.mail() == ["1 file was rejected", "Jozi Lake: gold is fresh, 2 orders"]
    numbers = measured(capsys.readouterr().out)
    assert (numbers["FilesArrived"], numbers["FilesPending"], numbers["FilesRejected"]) == (2, 1, 1)
    assert (numbers["FilesLoaded"], numbers["RowsIn"], numbers["RowsInserted"]) == (1, 2, 2)
    assert "DropToSilverSeconds" in numbers


def test_a_message_that_cannot_be_read_comes_again_and_the_others_are_taken(cloud: SimpleNamespace) -> None:
    cloud.s3.put_object(Bucket=BRONZE, Key="orders/a.csv", Body=orders_csv(1))
    event = arrivals(cloud.s3, "orders/a.csv", "orders/a.csv")
    event["Records"][1]["body"] = "no json"

    answer = function("intake").handler(event, CONTEXT)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert len(cloud.glue.runs) == 1


@pytest.mark.parametrize("state", ["failed", "timeout", "stopped", "error"])
@pytest.mark.parametrize("job", ["silver", "gold"])
def test_every_sample_of_a_bad_end_alerts(
    cloud: SimpleNamespace, job: str, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = cloud.glue.start_job_run(f"jozi-dev-{job}", {"--batch_id": "by-hand"})["JobRunId"]

    function("conductor").handler(cloud.glue.ends(run_id, sample(f"glue_job_{job}_{state}")), CONTEXT)

    assert cloud.mail() == [f"jozi-dev-{job}: a run ended {state.upper()}"]
    assert measured(capsys.readouterr().out) == {"RunsFailed": 1}


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
