"""`lake causes`: the ranked root causes with their evidence, and what the data cannot answer."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli import athena, context, render
from cli.errors import CliError
from cli.options import JsonOption, StackOption, Target, TargetOption
from lake.causes.telling import MAIN, STATEMENT, told

QUESTIONS = {
    "late_delivery": "Why are deliveries late on the road?",
    "late_order_to_door": "Why do orders reach the door late?",
    "complaint": "Why do people complain?",
}
# What a count of orders cannot say, whatever it finds.
NEVER = (
    "A cause here is what goes with the trouble more than chance and the other factors allow: where to look, no proof.",
    "What is not in the data is not in the answer: weather, traffic, stock, who was absent, what a customer expected.",
)


def causes(
    period: Annotated[str, typer.Option("--period", help="all, or a month as YYYY-MM.")] = "all",
    outcome: Annotated[
        str | None, typer.Option("--outcome", help='One of the outcomes, for example late_delivery or "complaint".')
    ] = None,
    people: Annotated[bool, typer.Option("--people", help="Name the people that a cause is about.")] = False,
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Why: the causes of each trouble, ranked by what they cost, with the evidence in words."""
    lake = context.connect(target, stack)
    rows = read(lake, period, people)
    rates = outcome_rates(lake, period)
    known = list(dict.fromkeys([*MAIN, *sorted({str(row["outcome"]) for row in rows} | rates.keys())]))
    if outcome is not None and outcome not in known:
        raise CliError(f"There is no outcome {outcome} in {period}: take one of {', '.join(known)}.", code=2)
    if period != "all" and not rates:
        raise CliError(f"Gold has no orders in {period}. Give a month as YYYY-MM, or all.")
    asked = [name for name in known if outcome in (None, name)]
    limits = unanswered(lake, rates, {str(row["outcome"]) for row in rows}, asked)
    if as_json:
        found = [row for row in rows if row["outcome"] in asked]
        render.show_json({"period": period, "causes": found, "cannot_say": limits})
        return
    for name in asked:
        _show(name, [row for row in rows if row["outcome"] == name], rates.get(name))
    render.say()
    render.say("What the data cannot answer", style="bold")
    for line in limits:
        render.say(f"  {render.safe(line)}")
    if not people and any(row["about_person"] for row in rows):
        render.say()
        render.say("Causes about a person are told by their station; --people names them.")


def read(lake: context.Lake, period: str, people: bool = False) -> list[dict[str, Any]]:
    """The causes of a period as rows of root_causes, with `factor` in words. Names only where `people` is true."""
    rows = athena.ask(lake, STATEMENT, parameters=(athena.literal(period),)).dicts()
    return [told(row, people) for row in rows]


def outcome_rates(lake: context.Lake, period: str) -> dict[str, tuple[int, int]]:
    """Hits and orders of every outcome in the period; empty where there are no orders."""
    month = "" if period == "all" else f"AND date_format(month, '%Y-%m') = {athena.literal(period)}"
    rows = athena.ask(
        lake,
        f"""
        SELECT outcome, sum(hits) AS hits, sum(orders) AS orders
        FROM cause_counts
        WHERE dimension_1 IS NULL {month}
        GROUP BY outcome
        """,  # noqa: S608 - the period is a literal
    ).dicts()
    complaints = next((row["orders"] for row in rows if row["outcome"] == "complaint"), 0)
    return {row["outcome"]: (row["hits"], row["orders"] or complaints) for row in rows}


def unanswered(lake: context.Lake, rates: dict[str, tuple[int, int]], found: set[str], asked: list[str]) -> list[str]:
    """What these orders cannot say, in sentences: outcomes without contrast or cause, customers, and what never can."""
    lines = []
    for name in asked:
        hits, orders = rates.get(name, (0, 0))
        if name in found:
            continue
        if not orders:
            lines.append(f"{name}: no order says whether it happened.")
        elif hits == 0:
            lines.append(f"{name}: it never happened in {orders:,} orders.")
        elif min(hits, orders - hits) < 30:
            lines.append(f"{name}: {hits:,} of {orders:,} orders, so there is next to nothing to compare.")
        else:
            lines.append(
                f"{name}: {hits:,} of {orders:,} orders, and no factor says more about them than chance would."
            )
    status = athena.ask(lake, "SELECT count(*) AS months, count(customers) AS known FROM customer_retention").dicts()[0]
    if not status["known"]:
        lines.append("Whether customers stay away after a bad order: no order names its customer.")
    elif status["known"] < status["months"]:
        lines.append("Whether customers stay away: some months name no customer.")
    return [*lines, *NEVER]


def _show(name: str, rows: list[dict[str, Any]], rate: tuple[int, int] | None) -> None:
    render.say()
    hits, orders = rate or (0, 0)
    share = f" ({hits:,} of {orders:,} orders, {hits / orders:.1%})" if orders else ""
    question = QUESTIONS.get(name) or f"Why do people complain: {name.partition(': ')[2]}?"
    render.say(render.safe(question) + share, style="bold")
    if not rows:
        render.say("  Nothing stands out: no factor says more than chance would.")
        return
    cells = [
        (row["rank"], row["factor"], f"x {row['lift']:.1f}", f"{row['excess_hits']:,.0f}", row["evidence"])
        for row in rows
    ]
    render.show_table(("rank", "cause", "lift", "more than usual", "evidence"), cells, numeric=("rank", "lift"))
