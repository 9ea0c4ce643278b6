"""`lake query`: one SQL statement through Athena."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer

from cli import athena, context, render
from cli.errors import CliError
from cli.options import JsonOption, StackOption, Target, TargetOption

MOST_ON_SCREEN = 500


def query(
    sql: Annotated[str, typer.Argument(help='The statement, or "-" to read it from standard input.')],
    database: Annotated[
        str, typer.Option("--database", help="bronze, silver, gold, or a database's full name.")
    ] = "gold",
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask Athena. A table in a terminal, csv in a pipe, rows with --json."""
    statement = (sys.stdin.read() if sql == "-" else sql).strip().removesuffix(";")
    if not statement:
        raise CliError('Give a statement, for example: lake query "SELECT * FROM delivery_performance LIMIT 5"', code=2)
    lake = context.connect(target, stack)
    on_screen = render.is_terminal() and not as_json
    limit = MOST_ON_SCREEN if on_screen else None
    answer = athena.ask(lake, statement, database_name(lake, database), limit, as_text=not as_json)
    if as_json:
        names = distinct(answer.columns)
        render.show_json([dict(zip(names, map(plain, row))) for row in answer.rows])
    elif on_screen:
        numeric = [name for name, kind in zip(answer.columns, answer.types) if kind in athena.NUMERIC]
        if answer.columns:
            render.show_table(answer.columns, answer.rows, numeric=numeric)
    elif answer.columns:
        render.show_csv(answer.columns, answer.rows)
    rows = (
        f"the first {MOST_ON_SCREEN} rows (all with --json or in a pipe)"
        if answer.more
        else render.count(len(answer.rows), "row")
    )
    render.say(
        f"{rows}, {render.size(answer.scanned)} scanned, {answer.milliseconds / 1000:.2f} s", stderr=not on_screen
    )


def database_name(lake: context.Lake, name: str) -> str:
    """`bronze`, `silver` and `gold` are this stack's; any other name is taken as it is."""
    output = {"bronze": "BronzeDatabase", "silver": "SilverDatabase", "gold": "GoldDatabase"}.get(name)
    return lake.output(output) if output else name


def plain(cell: Any) -> Any:
    """A cell for JSON. A decimal becomes a number where a double holds it, else text; so does what is no number."""
    if isinstance(cell, Decimal):
        return float(cell) if Decimal(repr(float(cell))) == cell else str(cell)
    if isinstance(cell, float) and not math.isfinite(cell):
        return "NaN" if math.isnan(cell) else "Infinity" if cell > 0 else "-Infinity"
    return cell


def distinct(names: Sequence[str]) -> list[str]:
    """Names that a JSON object can hold apart: the second `id` becomes `id_2`."""
    made: list[str] = []
    for name in names:
        number = 2
        shown = name
        while shown in made or (shown != name and shown in names):
            shown, number = f"{name}_{number}", number + 1
        made.append(shown)
    return made
