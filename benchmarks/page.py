"""Tables that are made, in pages that are written by hand: between two marks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

HEADINGS = ("figure", "goal", "result", "met", "measured")
BEGIN, END = "<!-- figures: made by `make bench` -->\n", "<!-- end of figures -->\n"


def last_measured(results: Path) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(commit, result, figure) of each figure where it was measured last. Raises LookupError where there is none.

    The parts of a benchmark take hours together, so they are seldom measured at one commit.
    """
    found = [(json.loads(path.read_text(encoding="utf-8")), path.stem) for path in results.glob("*.json")]
    if not found:
        raise LookupError(f"there is no result in {results.name}")
    last: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {}
    for result, commit in sorted(found, key=lambda one: str(one[0]["measured_at"])):
        last.update({figure["name"]: (commit, result, figure) for figure in result["figures"]})
    return list(last.values())


def rows(figures: list[tuple[str, dict[str, Any], dict[str, Any]]]) -> list[tuple[str, ...]]:
    """The cells of the table, a figure a row, as HEADINGS name them."""
    return [
        (
            figure["name"],
            figure["goal"],
            f"{figure['result']:.3g} {figure['unit']}",
            "yes" if figure["met"] else "no",
            f"{result['measured_at'][:10]} at {commit}",
        )
        for commit, result, figure in figures
    ]


def table(figures: list[tuple[str, dict[str, Any], dict[str, Any]]]) -> str:
    """The figures as Markdown."""
    lines = [f"| {' | '.join(cells)} |" for cells in (HEADINGS, ["---"] * len(HEADINGS), *rows(figures))]
    machines = []
    for _, result, _ in figures:
        facts = result["machine"]
        said = f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB, {facts['system']}"
        machines.append(f"{said}, Python {facts['python']}")
    return "\n".join([f"Medians, on {'; '.join(dict.fromkeys(machines))}.", "", *lines]) + "\n"


def draw(results: Path, page: Path) -> None:
    """Put what was measured last into docs/performance.md. Raises ValueError where the page has lost its marks."""
    put(lambda: table(last_measured(results)), page, BEGIN, END)


def put(make: Callable[[], str], page: Path, begin: str, end: str) -> None:
    """Make a table and put it between the page's marks (whole lines). Where one is missing: ValueError, before that."""
    before, opened, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not opened or not closed:
        raise ValueError(f"{page.name} has lost the marks of its table")
    page.write_text(before + begin + "\n" + make() + "\n" + end + after, encoding="utf-8")
