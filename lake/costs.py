"""What the lake costs on AWS, by list prices: of runs that were, and of a month that could be.

Plain arithmetic over plain data. Amounts are US dollars; quantities are in the unit of their price. Every line says
what it rests on: `measured` (run records), `counted` (calls of the sandbox, a file and a run), or `assumed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MEASURED, COUNTED, ASSUMED = "measured", "counted", "assumed"
DAYS_A_MONTH = 365.25 / 12
LEAST_RUN_SECONDS = 60  # Glue bills a minute at least
LEAST_CRAWL_SECONDS = 600
LEAST_SCAN_TB = 10e6 / 1e12  # Athena bills 10 MB a statement at least


@dataclass(frozen=True)
class Line:
    """One line of a bill. quantity: in the unit of the price of that name."""

    price: str
    quantity: float
    usd: float
    basis: str


@dataclass(frozen=True)
class Book:
    """Prices (US dollars a unit), calls counted a file and a run, and assumptions, as cli/prices.yaml has them."""

    as_of: str
    region: str
    prices: Mapping[str, float]
    counted: Mapping[str, Mapping[str, float]]
    assumed: Mapping[str, float]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Book:
        """From the yaml's content. Raises KeyError for what is missing."""
        prices = {name: price["usd"] / price["per"] for name, price in told["prices"].items()}
        return cls(str(told["as_of"]), told["region"], prices, told["counted"], told["assumed"])

    def line(self, price: str, quantity: float, basis: str) -> Line:
        return Line(price, quantity, quantity * self.prices[price], basis)


@dataclass(frozen=True)
class Load:
    """A month to be estimated. files: a day; rows: in a file; gigabytes: what is kept in S3.

    silver_seconds, gold_seconds: of a run over a few rows, and what they rest on; workers: of each job.
    """

    files: float
    rows: float
    silver_seconds: float
    gold_seconds: float
    workers: int
    gigabytes: float
    basis: str = MEASURED

    def silver_runs(self, book: Book) -> float:
        """Silver runs a day, each followed by a gold run. Raises ValueError for more rows than a day holds.

        One run goes at a time and takes all that waits. Files that come evenly through the hours of trade make a run
        each, until they come faster than runs end: then one run follows the other, each with Glue's start (not
        billed), its own seconds, and its share of the day's rows.
        """
        trading = book.assumed["trading_hours_a_day"] * 3600
        left = trading - self._seconds_of_rows(book)
        if left <= 0:
            raise ValueError("so many rows do not fit into the day: give the jobs more workers")
        return min(self.files, left / (self.silver_seconds + book.assumed["glue_start_seconds"]))

    def run_seconds(self, book: Book) -> float:
        """What a silver run takes at this load, without Glue's start."""
        return self.silver_seconds + self._seconds_of_rows(book) / self.silver_runs(book)

    def _seconds_of_rows(self, book: Book) -> float:
        """What all rows of a day add to the runs."""
        return self.files * self.rows * book.assumed["seconds_a_million_rows"] / 1e6 / self.workers


def dpu_hours(seconds: Sequence[float], dpus: float) -> float:
    """What Glue bills for runs of so many seconds each."""
    return sum(max(LEAST_RUN_SECONDS, one) for one in seconds) * dpus / 3600


def of_runs(book: Book, runs: Sequence[Mapping[str, Any]], workers: int) -> list[Line]:
    """The jobs' runs that were: from their records (`seconds`; `dpu_seconds` where Glue scaled a run by itself)."""
    dpus = workers * book.assumed["dpus_a_worker"]
    plain = [run["seconds"] for run in runs if not run.get("dpu_seconds")]
    hours = dpu_hours(plain, dpus) + sum(run["dpu_seconds"] for run in runs if run.get("dpu_seconds")) / 3600
    return [book.line("glue_dpu_hour", hours, MEASURED)]


def month(book: Book, load: Load) -> list[Line]:
    """A month of this load, the dearest line first. Raises ValueError for more rows than the jobs get done in a day."""
    files, runs = load.files * DAYS_A_MONTH, load.silver_runs(book) * DAYS_A_MONTH
    dpus, assumed = load.workers * book.assumed["dpus_a_worker"], book.assumed
    a_pair = dpu_hours([load.run_seconds(book)], dpus) + dpu_hours([load.gold_seconds], dpus)
    crawl = max(LEAST_CRAWL_SECONDS, assumed["crawl_seconds"]) * assumed["crawler_dpus"] / 3600
    seconds = (
        files * assumed["lambda_seconds_a_file"]
        + 2 * runs * assumed["lambda_seconds_a_run"]
        + assumed["sweeps_a_month"] * assumed["lambda_seconds_a_sweep"]
    )
    statements = assumed["statements_a_day"] * DAYS_A_MONTH
    lines = [
        book.line("glue_dpu_hour", runs * a_pair, load.basis),
        book.line("crawler_dpu_hour", assumed["crawls_a_day"] * DAYS_A_MONTH * crawl, ASSUMED),
        book.line("lambda_gb_second", seconds * assumed["lambda_gb"], ASSUMED),
        book.line("lambda_request", files + 2 * runs + assumed["sweeps_a_month"], ASSUMED),
        book.line("s3_gb_month", load.gigabytes, ASSUMED),
        book.line("athena_tb", statements * LEAST_SCAN_TB, ASSUMED),
        book.line("kms_key_month", 2, MEASURED),  # of the data, and of pseudonyms
    ]
    for price, calls in book.counted.items():
        lines.append(book.line(price, files * calls["file"] + runs * calls["run"], COUNTED))
    return sorted(lines, key=lambda line: -line.usd)


def total(lines: Sequence[Line]) -> float:
    return sum(line.usd for line in lines)
