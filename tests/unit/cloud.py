"""The stack on moto for tests that call the functions as Lambda does: sample events, handlers, and Glue played."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, TextIO

import boto3
import pytest
from moto import mock_aws

from lake import flow as flow_module
from lake.ledger import Ledger

from .flow_fakes import TABLE, make_table

ROOT = Path(__file__).parents[2]
BRONZE = "jozi-dev-bronze-000000000000-us-east-1"
LAKE = "jozi-dev-lake-000000000000-us-east-1"


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


def log_into(module: ModuleType, stream: TextIO) -> None:
    """Has a function log there. Set, not by setStream: that flushes what an earlier test captured and closed."""
    for handler in module.logger.handlers:
        handler.stream = stream


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
            "MAINTAIN_JOB": "jozi-dev-maintain",
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
