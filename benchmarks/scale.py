"""A day of the lake at any size, simulated: arrivals, single flight, batches, run times; out come lag and money.

`python -m benchmarks.scale` draws the table of docs/scale.md. Nothing here is measured: the seconds of a run are the
assumptions of cli/prices.yaml. Files arrive in the hours of trade as the generator's orders do. Same seed, same day.
"""

from __future__ import annotations

import random
import statistics
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.page import put
from cli.cost import prices
from lake.batch import MAX_FILES
from lake.costs import Book, dpu_hours
from lake.sample.orders import HOUR_WEIGHTS, HOURS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "scale.md"
BEGIN, END = "<!-- simulated: made by `python -m benchmarks.scale` -->\n", "<!-- end of simulation -->\n"
HOUR = 3600.0
HALF_A_MONTH = 15  # days


@dataclass(frozen=True)
class Costs:
    """Seconds. start: Glue's, before a run begins (not billed). silver, gold: of a run, whatever is in it.

    Of one worker with 4 cores, and shared by the workers: a_file and a_row, what each adds to silver; a_month_row, what
    a row of the touched month adds to gold.
    """

    start: float
    silver: float
    gold: float
    a_file: float
    a_row: float
    a_month_row: float
    dpu_hour: float

    @classmethod
    def of(cls, book: Book) -> Costs:
        """As the price list assumes them."""
        assumed = book.assumed
        return cls(
            start=assumed["glue_start_seconds"],
            silver=assumed["silver_seconds"],
            gold=assumed["gold_seconds"],
            a_file=assumed["seconds_a_file"],
            a_row=assumed["seconds_a_million_rows"] / 1e6,
            a_month_row=assumed["gold_seconds_a_million_rows"] / 1e6,
            dpu_hour=book.prices["glue_dpu_hour"],
        )


@dataclass(frozen=True)
class World:
    """files: a day, all stores together; rows: in a file; flights: how many silver (and gold) runs may go at once, each
    over its own share of the stores; workers: of each run."""

    files: int
    rows: int
    flights: int = 1
    workers: int = 2


@dataclass(frozen=True)
class Day:
    """lag: seconds from a file's arrival to the end of the gold run that shows it; dollars: of Glue's runs."""

    lag_median: float
    lag_95: float
    lag_worst: float
    silver_runs: int
    gold_runs: int
    largest_batch: int
    dollars: float


def simulate(world: World, costs: Costs, seed: int = 1) -> Day:
    """One day, every flight for itself."""
    lags: list[float] = []
    sizes: list[int] = []
    silver_seconds: list[float] = []
    gold_seconds: list[float] = []
    for flight in range(world.flights):
        files = world.files // world.flights + (flight < world.files % world.flights)
        share = replace(world, files=files)
        arrivals = list(_arrivals(files, random.Random(f"{seed} {flight}")))  # noqa: S311
        batches = list(_silver(arrivals, share, costs))
        sizes += [len(batch.arrivals) for batch in batches]
        silver_seconds += [batch.seconds for batch in batches]
        for ended, seconds, shown in _gold(batches, share, costs):
            gold_seconds.append(seconds)
            lags += [ended - arrival for batch in shown for arrival in batch.arrivals]
    lags.sort()
    return Day(
        statistics.median(lags),
        lags[int(len(lags) * 0.95)],
        lags[-1],
        len(silver_seconds),
        len(gold_seconds),
        max(sizes),
        dpu_hours([*silver_seconds, *gold_seconds], world.workers) * costs.dpu_hour,
    )


def _arrivals(files: int, chance: random.Random) -> Iterator[float]:
    """The seconds of the day at which files arrive, in order."""
    chosen = chance.choices(HOURS, HOUR_WEIGHTS, k=files)
    yield from sorted((hour + chance.random()) * HOUR for hour in chosen)


@dataclass(frozen=True)
class _Batch:
    """A silver run: what it took, when it ended, its seconds without Glue's start."""

    arrivals: list[float]
    ended: float
    seconds: float


def _silver(arrivals: list[float], world: World, costs: Costs) -> Iterator[_Batch]:
    """Single flight: a run takes what waits when it begins, MAX_FILES at most."""
    at, free = 0, 0.0
    while at < len(arrivals):
        began = max(free, arrivals[at])
        upto = min(bisect_right(arrivals, began, at), at + MAX_FILES)
        files = upto - at
        seconds = costs.silver + files * (costs.a_file + world.rows * costs.a_row) / world.workers
        free = began + costs.start + seconds
        yield _Batch(arrivals[at:upto], free, seconds)
        at = upto


def _gold(batches: list[_Batch], world: World, costs: Costs) -> Iterator[tuple[float, float, list[_Batch]]]:
    """Single flight again: a run takes all that silver has published when it begins. Its end, its seconds, the batches.

    It reads the touched month again; on an average day half of a month lies there already.
    """
    seconds = costs.gold + world.files * world.rows * HALF_A_MONTH * costs.a_month_row / world.workers
    at, free = 0, 0.0
    while at < len(batches):
        began = max(free, batches[at].ended)
        upto = bisect_right(batches, began, at, key=lambda batch: batch.ended)
        free = began + costs.start + seconds
        yield free, seconds, batches[at:upto]
        at = upto


CASES = (
    ("one shop", World(40, 100)),
    ("100 shops", World(4_000, 100)),
    ("1,000 shops", World(40_000, 100)),
    ("1,000 shops, 1 million files, one flight", World(1_000_000, 40, workers=10)),
    ("the same, 10 flights", World(1_000_000, 40, flights=10, workers=4)),
    ("the same, 50 flights", World(1_000_000, 40, flights=50, workers=2)),
)


def table(costs: Costs) -> str:
    """The cases as Markdown."""
    lines = [
        "| a day | files | orders | flights x workers | silver / gold runs | largest batch "
        "| lag: median / 95 % / worst, min | Glue, USD a day |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, world in CASES:
        day = simulate(world, costs)
        lag = " / ".join(f"{seconds / 60:.1f}" for seconds in (day.lag_median, day.lag_95, day.lag_worst))
        lines.append(
            f"| {name} | {world.files:,} | {world.files * world.rows:,} | {world.flights} x {world.workers} | "
            f"{day.silver_runs:,} / {day.gold_runs:,} | {day.largest_batch:,} | {lag} | {day.dollars:,.0f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    put(lambda: table(Costs.of(prices())), PAGE, BEGIN, END)
