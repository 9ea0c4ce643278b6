"""What a batch would be billed for on AWS: its Glue runs' DPU-seconds and its functions' milliseconds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from benchmarks.figures import Figure, published
from benchmarks.stack import BenchmarkError, Stack
from cli.cost import prices
from lake.costs import MEASURED, Book, of_runs, total

REPORT = re.compile(
    r"^REPORT .*Billed Duration: (?P<milliseconds>[\d.]+) ms.*Memory Size: (?P<megabytes>\d+) MB", re.DOTALL
)
WORKERS = 2  # of each job: the template's JobWorkers


@dataclass(frozen=True)
class Usage:
    """dpu_seconds: as long as the runs took; billed_dpu_seconds: as Glue bills them; lambda_ms: of all functions."""

    dpu_seconds: float
    billed_dpu_seconds: float
    lambda_ms: float
    usd: float


@dataclass(frozen=True)
class Call:
    """A call of a function, as Lambda bills it."""

    milliseconds: float
    megabytes: float


def usage(runs: Sequence[Mapping[str, Any]], calls: Sequence[Call], book: Book) -> Usage:
    """What these runs (records as `lake runs --json` has them) and calls of functions are billed."""
    glue = of_runs(book, runs, WORKERS)
    seconds = sum(run["seconds"] for run in runs) * WORKERS * book.assumed["dpus_a_worker"]
    gigabyte_seconds = sum(call.milliseconds * call.megabytes for call in calls) / 1000 / 1024
    bill = [
        *glue,
        book.line("lambda_gb_second", gigabyte_seconds, MEASURED),
        book.line("lambda_request", len(calls), MEASURED),
    ]
    billed = sum(line.quantity for line in glue) * 3600
    return Usage(seconds, billed, sum(call.milliseconds for call in calls), total(bill))


def since(stack: Stack, began: datetime) -> Usage:
    """Of everything since then: from the runs' records, and from the report that Lambda writes of each call."""
    runs = [run for layer in ("silver", "gold") for run in stack.runs(layer, began)]
    calls = list(_calls(stack, began))
    if not runs or not calls:
        raise BenchmarkError("no run or no call of a function is on record")
    return usage(runs, calls, prices())


def _calls(stack: Stack, began: datetime) -> Iterator[Call]:
    functions = stack.client("lambda").get_paginator("list_functions").paginate()
    reports = stack.client("logs").get_paginator("filter_log_events")
    for function in (one for page in functions for one in page["Functions"]):
        group, start = function["LoggingConfig"]["LogGroup"], int(began.timestamp() * 1000)
        for page in reports.paginate(logGroupName=group, startTime=start, filterPattern="REPORT"):
            for event in page["events"]:
                if found := REPORT.search(event["message"]):
                    yield Call(float(found["milliseconds"]), float(found["megabytes"]))


def figures(name: str, used: Usage, files: int) -> list[Figure]:
    """The lines of the table for a batch of that name and so many files."""
    return [
        published(
            f"AWS, {name}: Glue DPU-seconds a file", "DPU-s", [used.dpu_seconds / files],
            billed_dpu_seconds_a_file=round(used.billed_dpu_seconds / files, 3), files=files,
        ),
        published(f"AWS, {name}: Lambda-ms a file", "ms", [used.lambda_ms / files]),
        published(f"AWS, {name}: Glue and Lambda, US dollars a 1,000 files", "USD", [used.usd / files * 1000]),
    ]  # fmt: skip
