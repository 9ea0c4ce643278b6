"""The logs alone lead from a file to the gold snapshot that shows it: each line names the next id."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from lake.manifest import FileOutcome, GoldResult, Manifest, SilverResult
from lake.steps import about, step, tell

from .cloud import BRONZE, CONTEXT, LAKE, arrivals, function, log_into, sample
from .flow_fakes import orders_csv

Line = dict[str, Any]


class Logs:
    """What the functions write, as CloudWatch Logs gets it: a JSON line each."""

    def __init__(self) -> None:
        self._written = io.StringIO()

    def of(self, name: str) -> ModuleType:
        """A function whose log is collected."""
        module = function(name)
        log_into(module, self._written)
        return module

    @property
    def lines(self) -> list[Line]:
        return [json.loads(line) for line in self._written.getvalue().splitlines()]

    def saying(self, message: str, **ids: str) -> list[Line]:
        """The lines with this message and these ids."""
        return [line for line in self.lines if ids.items() <= line.items() and line["message"] == message]

    def one(self, message: str, **ids: str) -> Line:
        [line] = self.saying(message, **ids)
        return line


def go_through(cloud: SimpleNamespace, logs: Logs, key: str, gold_snapshot: int) -> str:
    """One file from its event to fresh gold, through the handlers; gives its version."""
    version: str = cloud.s3.put_object(Bucket=BRONZE, Key=key, Body=orders_csv(1, 2))["VersionId"]
    started = len(cloud.glue.runs)
    logs.of("intake").handler(arrivals(cloud.s3, key), CONTEXT)
    silver_run, conductor = f"jr_{started}", logs.of("conductor")
    batch = cloud.glue.runs[silver_run]["Arguments"]["--batch_id"]
    body = cloud.s3.get_object(Bucket=LAKE, Key=f"runs/silver/{batch}/manifest.json")["Body"].read()
    outcomes = tuple(
        FileOutcome(file.key, file.version, "LOADED", None, rows_in=2, inserted=2)
        for file in Manifest.from_json(body).files
    )
    result = SilverResult(batch, True, {"orders": 1}, ("2026-03-01",), outcomes)
    cloud.s3.put_object(Bucket=LAKE, Key=f"runs/silver/{batch}/result.json", Body=result.to_json())
    conductor.handler(cloud.glue.ends(silver_run, sample("glue_job_silver_succeeded")), CONTEXT)
    gold_run = f"jr_{started + 1}"
    gold_id = cloud.glue.runs[gold_run]["Arguments"]["--gold_run_id"]
    now, ids = datetime.now(UTC).isoformat(), {"freshness": gold_snapshot}
    gold = GoldResult(gold_id, 1, ("2026-03-01",), {}, {"orders": 2}, now, {"orders": 1}, ids)
    cloud.s3.put_object(Bucket=LAKE, Key=f"runs/gold/{gold_id}/result.json", Body=gold.to_json())
    conductor.handler(cloud.glue.ends(gold_run, sample("glue_job_gold_succeeded")), CONTEXT)
    return version


def test_a_file_can_be_followed_to_the_gold_snapshot_that_shows_it(cloud: SimpleNamespace) -> None:
    logs = Logs()
    go_through(cloud, logs, "orders/monday.csv", gold_snapshot=700)
    version = go_through(cloud, logs, "orders/tuesday.csv", gold_snapshot=701)
    which = {"key": "orders/tuesday.csv", "version": version}

    answered = logs.one("answered", **which)
    batch_id = logs.one("in batch", **which)["batch_id"]
    silver_run = logs.one("run started", batch_id=batch_id)["run_id"]
    settled = logs.one("run settled", batch_id=batch_id)
    shown = logs.one("gold shows batch", batch_id=batch_id)
    gold = logs.one("run settled", gold_run_id=shown["gold_run_id"])

    assert answered["state"] == "PENDING"
    assert answered["correlation_id"] == sample_event_id()
    assert settled["run_id"] == silver_run == "jr_2"
    assert shown["gold_snapshot_id"] == 701
    assert 0 <= shown["drop_to_gold_seconds"] < 60
    assert gold["run_id"] == shown["run_id"] == "jr_3"
    assert cloud.glue.runs["jr_3"]["Arguments"]["--gold_run_id"] == shown["gold_run_id"]


def sample_event_id() -> str:
    return str(json.loads(sample("arrivals_object_created")["Records"][0]["body"])["id"])


def test_every_line_of_a_run_says_which_run_it_is_of(cloud: SimpleNamespace) -> None:
    logs = Logs()
    go_through(cloud, logs, "orders/monday.csv", gold_snapshot=700)

    about_runs = [line for line in logs.lines if line["message"].startswith(("run ", "gold shows", "tended"))]

    assert len(about_runs) >= 7
    assert all("run_id" in line for line in about_runs)
    assert all("correlation_id" in line for line in logs.lines if line["message"] != "taken in")


def test_the_lines_of_a_job_carry_the_ids_of_its_run(capsys: pytest.CaptureFixture[str]) -> None:
    with about(batch_id="b-1", fence=3):
        with step("read", files=2):
            pass
        tell("file", key="orders/a.csv", version="v1")
    tell("afterwards")

    read, file, afterwards = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (read["batch_id"], read["fence"], read["files"]) == ("b-1", 3, 2)
    assert (file["batch_id"], file["key"], file["version"]) == ("b-1", "orders/a.csv", "v1")
    assert afterwards == {"step": "afterwards"}
