"""What a batch would be billed for on AWS: its Glue runs' DPU-seconds and its functions' milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchmarks.figures import Figure, published
from benchmarks.stack import BenchmarkError, Stack
from cli.cost import prices
from lake.costs import MEASURED, Book, dpu_hours, total

WORKERS = 2  # of each job: the template's JobWorkers


@dataclass(frozen=True)
class Usage:
    """dpu_seconds: as long as the runs took; billed_dpu_seconds: as Glue bills them; lambda_ms: of all functions."""

    dpu_seconds: float
    billed_dpu_seconds: float
    lambda_ms: float
    usd: float


def usage(seconds: Sequence[float], lambda_ms: float, calls: float, book: Book) -> Usage:
    """What runs of so many seconds and functions of so many milliseconds are billed."""
    dpus = WORKERS * book.assumed["dpus_a_worker"]
    hours = dpu_hours(seconds, dpus)
    bill = [
        book.line("glue_dpu_hour", hours, MEASURED),
        book.line("lambda_gb_second", lambda_ms / 1000 * book.assumed["lambda_gb"], MEASURED),
        book.line("lambda_request", calls, MEASURED),
    ]
    return Usage(sum(seconds) * dpus, hours * 3600, lambda_ms, total(bill))


def since(stack: Stack, began: datetime) -> Usage:
    """Of everything since then: from the runs' records, and from the functions' own metric, Duration."""
    seconds = [run["seconds"] for layer in ("silver", "gold") for run in stack.runs(layer, began)]
    points = stack.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Duration",  # of all functions
        StartTime=began,
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"]
    if not seconds or not points:
        raise BenchmarkError("no run or no call of a function is on record")
    lambda_ms, calls = (sum(point[name] for point in points) for name in ("Sum", "SampleCount"))
    return usage(seconds, lambda_ms, calls, prices())


def figures(name: str, used: Usage, files: int) -> list[Figure]:
    """The lines of the table for a batch of that name and so many files."""
    price = {"usd_a_1000_files": round(used.usd / files * 1000, 4), "files": files}
    return [
        published(
            f"AWS, {name}: Glue DPU-seconds a file", "DPU-s", [used.dpu_seconds / files],
            billed_dpu_seconds_a_file=round(used.billed_dpu_seconds / files, 3), **price,
        ),
        published(f"AWS, {name}: Lambda-ms a file", "ms", [used.lambda_ms / files]),
        published(f"AWS, {name}: Glue and Lambda, US dollars a 1,000 files", "USD", [price["usd_a_1000_files"]]),
    ]  # fmt: skip
