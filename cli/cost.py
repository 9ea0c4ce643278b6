"""`lake cost`: what the runs here would have cost on AWS, and what a month would."""

from __future__ import annotations

import statistics
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import context, render
from cli.errors import CliError
from cli.options import JsonOption, StackOption, Target, TargetOption
from cli.runs import GOING, list_runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lake.costs import Book, Line, Load

RUNS = 500  # of the newest
BYTES_A_ROW = 132 * 1.5  # of a csv, and of what silver and gold keep of it
SMALL, LARGE = 10, 10_000  # files a day


def cost(
    files: Annotated[
        list[float] | None,
        typer.Option("--files-a-day", min=0.01, help="Files a day to estimate a month for; may be given again."),
    ] = None,
    rows: Annotated[float, typer.Option("--rows-a-file", min=1, help="Rows in each of them.")] = 100,
    workers: Annotated[int, typer.Option("--workers", min=2, help="Workers of each job (parameter JobWorkers).")] = 2,
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """What it costs on AWS, by list prices: the runs that were, and a month of so many files."""
    from lake.costs import MEASURED, Load, month, of_runs, total

    book = prices()
    lake = context.connect(target, stack)
    runs = [run for run in list_runs(lake, RUNS) if run["state"] not in GOING]
    seconds, basis = _seconds(runs, book)
    loaded = sum(entry.state == "LOADED" for entry in lake.ledger.entries())
    spent = of_runs(book, runs, workers)
    months = []
    for a_day in files or (SMALL, LARGE):
        kept = a_day * 365.25 * rows * BYTES_A_ROW / 1e9
        load = Load(a_day, rows, seconds["silver"], seconds["gold"], workers, kept, basis)
        try:
            months.append((load, month(book, load)))
        except ValueError as error:
            raise CliError(f"{a_day:,.0f} files a day of {rows:,.0f} rows: {error} (--workers)", code=2) from error
    if as_json:
        render.show_json(
            {
                "as_of": book.as_of,
                "region": book.region,
                "runs": {"count": len(runs), "files": loaded, "usd": total(spent), "lines": _plain(spent)},
                "months": [
                    {
                        "files_a_day": load.files,
                        "rows_a_file": load.rows,
                        "silver_runs_a_day": load.silver_runs(book),
                        "usd": total(lines),
                        "usd_a_file": _a_file(load, lines),
                        "lines": _plain(lines),
                    }
                    for load, lines in months
                ],
            }
        )
        return
    render.say(
        f"US dollars by AWS list prices of {book.as_of} in {book.region}, {workers} workers a job (cli/prices.yaml)."
    )
    if basis == MEASURED:
        where = "here, as long as they took on this machine" if target is Target.sandbox else "in this account"
        a_file = f", {total(spent) / loaded:.4f} a file" if loaded else ""
        render.say(f"{len(runs)} runs {where}: {total(spent):.2f}{a_file}.")
    else:
        render.say(
            "No pair of runs is on record yet, so a silver run is assumed to take "
            f"{seconds['silver']:g} s and a gold run {seconds['gold']:g} s: "
            "drop a file with `lake drop FILE --wait`, then ask again."
        )
    for load, lines in months:
        _show(book, load, lines)


def _show(book: Book, load: Load, lines: Sequence[Line]) -> None:
    from lake.costs import total

    render.say()
    render.say(
        f"A month of {load.files:,.0f} files a day with {load.rows:,.0f} rows each, after a year: {total(lines):,.2f}, "
        f"or {_a_file(load, lines):.4f} a file, in {load.silver_runs(book):,.0f} silver runs a day."
    )
    render.show_table(
        ("for", "quantity", "usd", "by"),
        [(line.price, f"{line.quantity:,.1f}", f"{line.usd:,.2f}", line.basis) for line in lines],
        ("quantity", "usd"),
    )


def _a_file(load: Load, lines: Sequence[Line]) -> float:
    """US dollars a file of that month."""
    from lake.costs import DAYS_A_MONTH, total

    return total(lines) / (load.files * DAYS_A_MONTH)


def _seconds(runs: Sequence[Mapping[str, Any]], book: Book) -> tuple[dict[str, float], str]:
    """What a silver and a gold run take, and what that rests on: the median of the runs, once there are both."""
    from lake.costs import ASSUMED, MEASURED

    took = {layer: [run["seconds"] for run in runs if run["layer"] == layer] for layer in ("silver", "gold")}
    if all(took.values()):
        return {layer: statistics.median(found) for layer, found in took.items()}, MEASURED
    return {layer: book.assumed[f"{layer}_seconds"] for layer in took}, ASSUMED


def prices() -> Book:
    """The prices that this release knows (cli/prices.yaml)."""
    import yaml

    from lake.costs import Book

    return Book.of(yaml.safe_load((resources.files("cli") / "prices.yaml").read_text(encoding="utf-8")))


def _plain(lines: list[Line]) -> list[dict[str, Any]]:
    return [vars(line) for line in lines]
