"""One whole lake for the session, used only as its users do: the `lake` command, any AWS client, and Athena."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LAKE = Path(sys.executable).parent / "lake"
REAL_EXPORT = REPOSITORY.parent / "shared" / "data" / "jozi_pizza" / "pizza_data.csv"
FATES = ("inserted", "updated", "unchanged", "superseded", "duplicate", "quarantined")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the whole sandbox, and may wait for several cold runs of both jobs."""
    for item in items:
        if "/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(1200))


@dataclass
class Lake:
    """A running lake, driven from outside."""

    home: Path
    environment: dict[str, str]
    outputs: dict[str, str]
    taken: set[tuple[str, str]] = field(default_factory=set)  # (role, action) that a test took away for a while
    clients: dict[str, Any] = field(default_factory=dict)  # by service, until the lake starts anew

    def run(self, *words: str, check: bool = True, timeout: int = 900) -> subprocess.CompletedProcess[str]:
        """`lake WORDS` as a person types it; its output is in the failure when it ends otherwise than expected."""
        if words[0] in ("up", "down"):
            self.clients.clear()  # the next start may take another port
        done = subprocess.run(
            [str(LAKE), *words], env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        if check:
            assert done.returncode == 0, f"lake {' '.join(words)} ended {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json").stdout)

    def client(self, service: str) -> Any:
        """A boto3 client with just what `lake env` prints."""
        if service not in self.clients:
            self.clients[service] = self._client(service)
        return self.clients[service]

    def _client(self, service: str) -> Any:
        exports = dict(re.findall(r"^export (\w+)=['\"]?([^'\"\n]*)['\"]?$", self.run("env").stdout, re.MULTILINE))
        return boto3.client(
            service,
            endpoint_url=exports["AWS_ENDPOINT_URL"],
            region_name=exports["AWS_REGION"],
            aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        )

    def put(self, key: str, body: bytes) -> str:
        """A plain S3 upload into bronze; returns the version."""
        done = self.client("s3").put_object(Bucket=self.outputs["BronzeBucketName"], Key=key, Body=body)
        return str(done["VersionId"])

    def known(self, key: str, version: str) -> None:
        """Wait until the ledger has an entry of this version."""
        until = time.monotonic() + 60
        while not any((row["key"], row["version"]) == (key, version) for row in self.json("files")):
            assert time.monotonic() < until, f"{key} {version} has no entry after 60 s"
            time.sleep(0.2)  # an entry is announced to nobody

    def wait(self) -> None:
        self.run("wait", "--timeout", "600")

    def load(self, key: str, body: bytes) -> dict[str, Any]:
        """Upload, wait until all is settled, and give the ledger's row of this version, its arithmetic checked."""
        version = self.put(key, body)
        self.wait()
        return self.file(key, version)

    def files(self) -> list[dict[str, Any]]:
        rows = self.json("files")
        for row in rows:
            assert row["rows_in"] == sum(row[fate] for fate in FATES), f"the arithmetic does not hold: {row}"
            loaded_nothing = row["state"] in ("REJECTED", "HELD", "EXPANDED")
            assert not loaded_nothing or not row["rows_in"] + row["blank"], f"counts without a load: {row}"
        return list(rows)

    def file(self, key: str, version: str) -> dict[str, Any]:
        found = [row for row in self.files() if (row["key"], row["version"]) == (key, version)]
        assert len(found) == 1, f"{key} {version}: {len(found)} entries in the ledger"
        return found[0]

    def athena(self, sql: str) -> list[list[str | None]]:
        """The rows that Athena answers, through boto3, header left out. Fails with Athena's own words."""
        answer = answered(self.client("athena"), sql, self.outputs["AthenaWorkGroup"])
        assert isinstance(answer, list), answer
        return answer

    def one(self, sql: str) -> list[str | None]:
        rows = self.athena(sql)
        assert len(rows) == 1, rows
        return rows[0]


def answered(athena: Any, sql: str, work_group: str) -> list[list[str | None]] | str:
    """The rows of an answer, header left out, or why there is none."""
    status = finished(athena, sql, work_group)
    if status["State"] != "SUCCEEDED":
        return str(status.get("StateChangeReason"))
    rows: list[list[str | None]] = []
    for page in athena.get_paginator("get_query_results").paginate(QueryExecutionId=status["QueryExecutionId"]):
        rows += [[cell.get("VarCharValue") for cell in row["Data"]] for row in page["ResultSet"]["Rows"]]
    return rows[1:]


def finished(athena: Any, sql: str, work_group: str) -> dict[str, Any]:
    """Run a query to its end; the status as Athena gives it, with the query's id beside it."""
    query_id = athena.start_query_execution(QueryString=sql, WorkGroup=work_group)["QueryExecutionId"]
    while True:
        status = athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Status"]
        if status["State"] not in ("QUEUED", "RUNNING"):
            return {**status, "QueryExecutionId": query_id}
        time.sleep(0.1)  # Athena's API has no other way to wait for an answer


@contextmanager
def started(home: Path) -> Iterator[Lake]:
    """A lake with this home: free ports, engines from the shared cache. Down again whatever happens."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"LAKE_HOME": str(home), "COLUMNS": "200"}
    running = Lake(home, environment, {})
    try:
        running.run("up")
        running.outputs = running.json("status")["outputs"]
        yield running
    finally:
        running.run("down", check=False)


@pytest.fixture(autouse=True)
def every_row_is_accounted_for(request: pytest.FixtureRequest) -> Iterator[None]:
    """At the end of every test that has a lake: for every file ever dropped, rows in = the sum of their fates."""
    running = request.getfixturevalue("lake") if "lake" in request.fixturenames else None
    yield
    if isinstance(running, Lake):
        running.files()
