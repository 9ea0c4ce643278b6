"""The events that Glue sends to EventBridge, in the words of AWS."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import eventbridge

from sandbox.crawler import CrawlReport

_SEVERITY = {"SUCCEEDED": "INFO", "STOPPED": "INFO", "TIMEOUT": "WARN", "FAILED": "ERROR"}


def job_state(run: Mapping[str, Any]) -> None:
    """A run's last state: SUCCEEDED, FAILED, TIMEOUT or STOPPED."""
    state = run["JobRunState"]
    message = (
        {
            "SUCCEEDED": "Job run succeeded",
            "STOPPED": "Job run stopped",
            "TIMEOUT": "Job run timed out",
        }.get(state)
        or run.get("ErrorMessage")
        or "Job run failed"
    )
    _emit(
        "Glue Job State Change",
        {
            "jobName": run["JobName"],
            "severity": _SEVERITY[state],
            "state": state,
            "jobRunId": run["Id"],
            "message": message,
        },
    )


def crawler_started(name: str) -> None:
    _emit(
        "Glue Crawler State Change",
        {
            "accountId": get_account_id(),
            "crawlerName": name,
            "startTime": _iso(time.time()),
            "state": "Started",
            "message": "Crawler Started",
        },
    )


def crawler_succeeded(name: str, seconds: float, log: str, report: CrawlReport) -> None:
    _emit(
        "Glue Crawler State Change",
        {
            "accountId": get_account_id(),
            "crawlerName": name,
            "state": "Succeeded",
            "message": "Crawler Succeeded",
            "completionDate": _iso(time.time()),
            "runningTime (sec)": str(round(seconds)),
            "cloudWatchLogLink": log,
            "tablesCreated": str(len(report.tables_created)),
            "tablesUpdated": str(len(report.tables_updated)),
            "tablesDeleted": str(len(report.tables_deleted)),
            "partitionsCreated": str(len(report.partitions_added)),
            "partitionsUpdated": "0",
            "partitionsDeleted": "0",
            "warningMessage": "N/A",
        },
    )


def crawler_failed(name: str, log: str, error: str) -> None:
    _emit(
        "Glue Crawler State Change",
        {
            "accountId": get_account_id(),
            "crawlerName": name,
            "state": "Failed",
            "message": "Crawler Failed",
            "errorMessage": error,
            "cloudWatchLogLink": log,
        },
    )


def _emit(kind: str, detail: Mapping[str, Any]) -> None:
    eventbridge._put_events(
        {"Entries": [{"Source": "aws.glue", "DetailType": kind, "Detail": json.dumps(detail)}]}, allow_aws_source=True
    )


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
