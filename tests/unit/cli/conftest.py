"""A lake made of moto and small fakes, in the place of the sandbox or an account."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from typer.testing import CliRunner

from cli import context
from cli.main import app
from cli.options import Target
from lake.entries import FileEntry, timestamp
from lake.ledger import Ledger

OUTPUTS = {
    "BronzeBucketName": "bronze", "LakeBucketName": "lake", "BronzeDatabase": "jozi_dev_bronze",
    "SilverDatabase": "jozi_dev_silver", "GoldDatabase": "jozi_dev_gold", "AthenaWorkGroup": "jozi-dev",
    "LedgerTableName": "ledger", "ArrivalsQueueUrl": "arrivals", "ArrivalsDlqUrl": "arrivals-dlq",
    "SilverJobName": "silver", "GoldJobName": "gold", "MaintainJobName": "maintain",
    "BronzeCrawlerName": "bronze",
    "AlertsTopicArn": "arn:aws:sns:us-east-1:000000000000:alerts",
    "AnalystRoleArn": "arn:aws:iam::000000000000:role/analyst",
}  # fmt: skip
NOON = datetime(2026, 3, 5, 12, 0, 0, tzinfo=UTC)


@dataclass
class FakeAthena:
    """Answers statements by a part of their text: columns with types and rows, or an error text."""

    answers: dict[str, tuple[list[tuple[str, str]], list[list[str | None]]] | str] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    page: int = 3
    kind: str = "DML"

    def start_query_execution(self, **request: Any) -> dict[str, str]:
        self.asked.append(request)
        return {"QueryExecutionId": str(len(self.asked) - 1)}

    def _answer(self, execution_id: str) -> Any:
        sql = self.asked[int(execution_id)]["QueryString"]
        for part, answer in self.answers.items():
            if part in sql:
                return answer
        return "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.gold.nothing' does not exist"

    def get_query_execution(self, QueryExecutionId: str) -> dict[str, Any]:  # noqa: N803
        answer = self._answer(QueryExecutionId)
        status = {"State": "FAILED", "StateChangeReason": answer} if isinstance(answer, str) else {"State": "SUCCEEDED"}
        statistics = {"DataScannedInBytes": 2_500_000, "TotalExecutionTimeInMillis": 250}
        return {"QueryExecution": {"Status": status, "Statistics": statistics, "StatementType": self.kind}}

    def get_query_results(self, QueryExecutionId: str, NextToken: str = "0") -> dict[str, Any]:  # noqa: N803
        columns, rows = self._answer(QueryExecutionId)
        lines = [[name for name, _ in columns], *rows] if self.kind == "DML" else rows
        start = int(NextToken)
        data = [
            {"Data": [{} if cell is None else {"VarCharValue": cell} for cell in line]}
            for line in lines[start : start + self.page]
        ]
        info = [{"Name": name, "Label": name, "Type": kind} for name, kind in columns]
        more = {"NextToken": str(start + self.page)} if start + self.page < len(lines) else {}
        return {"ResultSet": {"Rows": data, "ResultSetMetadata": {"ColumnInfo": info}}, **more}

    def stop_query_execution(self, QueryExecutionId: str) -> None:  # noqa: N803
        self.stopped.append(QueryExecutionId)


@dataclass
class FakeGlue:
    """Job runs by job name, given in pages of one. `tables`: where the metadata of each is said to be."""

    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)

    def get_table(self, DatabaseName: str, Name: str) -> dict[str, Any]:  # noqa: N803
        if Name not in self.tables:
            raise ClientError({"Error": {"Code": "EntityNotFoundException", "Message": Name}}, "GetTable")
        return {"Table": {"DatabaseName": DatabaseName, "Parameters": {"metadata_location": self.tables[Name]}}}

    def get_paginator(self, name: str) -> FakeGlue:
        assert name == "get_job_runs"
        return self

    def paginate(self, JobName: str, PaginationConfig: dict[str, int]) -> Iterator[dict[str, Any]]:  # noqa: N803
        for run in self.runs.get(JobName, [])[: PaginationConfig["MaxItems"]]:
            yield {"JobRuns": [run]}

    def add(self, job: str, state: str = "SUCCEEDED", minutes: float = 0, seconds: float = 12.5, **more: Any) -> None:
        started = NOON + timedelta(minutes=minutes)
        self.runs.setdefault(job, []).insert(0, {
            "Id": f"jr_{job}_{len(self.runs.get(job, ()))}", "JobName": job, "JobRunState": state, "StartedOn": started,
            "CompletedOn": started + timedelta(seconds=seconds), "Arguments": {}, **more,
        })  # fmt: skip


class FakeLambda:
    """Two stacks' functions, one of which answers."""

    def __init__(self, report: dict[str, Any], error: str | None = None, name: str = "sweeper") -> None:
        self.report, self.error, self.name, self.events = report, error, name, list[dict[str, Any]]()

    def get_paginator(self, name: str) -> FakeLambda:
        assert name == "list_functions"
        return self

    def paginate(self) -> list[dict[str, Any]]:
        names = ("other-sweeper", "jozi-dev-intake", "jozi-dev-sweeper", "other-assets", "jozi-dev-assets")
        return [{"Functions": [{"FunctionName": name}]} for name in names]

    def invoke(self, FunctionName: str, Payload: bytes, InvocationType: str = "") -> dict[str, Any]:  # noqa: N803
        assert FunctionName == f"jozi-dev-{self.name}"
        self.events.append(json.loads(Payload))
        answer = {"Payload": io.BytesIO(json.dumps(self.report).encode())}
        return {**answer, "FunctionError": self.error} if self.error else answer


@cache
def client(service: str) -> Any:
    """A client of moto's, made once for all tests: what it reaches is new in each of them."""
    return boto3.client(service, region_name="us-east-1")


class FakeLake(context.Lake):
    """moto for S3 and DynamoDB, fakes for the rest."""

    def __init__(self) -> None:
        self.target, self.stack = Target.sandbox, "jozi-lake-dev"
        self.athena, self.glue = FakeAthena(), FakeGlue()
        self.clients: dict[str, Any] = {"athena": self.athena, "glue": self.glue}
        self.__dict__.update(outputs=dict(OUTPUTS), promise_minutes="30")

    def client(self, service: str) -> Any:
        return self.clients.get(service) or client(service)

    def environment(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_SECRET_ACCESS_KEY": "a b'c"}

    def add(self, key: str, state: str, *states: str, version: str = "v1", **more: Any) -> FileEntry:
        """An entry that went through `states` (the last one stays), a second apart."""
        assert isinstance(self.ledger, Ledger)
        at = more.pop("at", NOON)
        first = FileEntry(key, version, state, 1200, "etag", timestamp(at), timestamp(at), **more.pop("received", {}))
        assert self.ledger.receive(first)
        entry: FileEntry | None = first
        for number, following in enumerate(states, 1):
            known = more if following == states[-1] else {}
            entry = self.ledger.entry(key, version)
            assert entry is not None
            reason = known.pop("reason", None)
            moment = at.timestamp() + number
            entry = self.ledger.transition(entry, following, at=moment, reason=reason, set_=known)
        assert entry is not None
        return entry

    def put_result(self, batch_id: str, result: dict[str, Any]) -> None:
        self.client("s3").put_object(
            Bucket="lake", Key=f"runs/silver/{batch_id}/result.json", Body=json.dumps(result).encode()
        )


def counts(**values: int) -> dict[str, int]:
    """A load's counts, the arithmetic completed: rows_in is the sum of the fates."""
    names = ("inserted", "updated", "unchanged", "superseded", "duplicate", "quarantined")
    full = {name: values.get(name, 0) for name in names}
    return {"rows_in": sum(full.values()), **full, "blank": values.get("blank", 0), "flagged": values.get("flagged", 0)}


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_HOME", str(tmp_path / "lake-home"))
    monkeypatch.setenv("LAKE_CACHE", str(tmp_path / "cache"))
    for name in ("LAKE_TARGET", "LAKE_STACK", "LAKE_ENV", "AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLake]:
    """A running lake with empty buckets and an empty ledger."""
    with mock_aws():
        s3 = client("s3")
        for bucket in ("bronze", "lake"):
            s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket="bronze", VersioningConfiguration={"Status": "Enabled"})
        texts = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "gsi1pk", "gsi1sk")]
        client("dynamodb").create_table(
            TableName="ledger", BillingMode="PAY_PER_REQUEST", AttributeDefinitions=texts,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            GlobalSecondaryIndexes=[{
                "IndexName": "by_state", "Projection": {"ProjectionType": "ALL"},
                "KeySchema": [
                    {"AttributeName": "gsi1pk", "KeyType": "HASH"}, {"AttributeName": "gsi1sk", "KeyType": "RANGE"},
                ],
            }],
        )  # fmt: skip
        running = FakeLake()
        monkeypatch.setattr(context, "connect", lambda target=Target.sandbox, stack=None: running)
        yield running


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run() -> Callable[..., Ended]:
    """`lake WORDS`, in a pipe."""

    def run_words(*words: str) -> Ended:
        result = CliRunner().invoke(app, list(words))
        assert "Traceback" not in result.output
        return Ended(result.exit_code, result.stdout, result.stderr)

    return run_words
