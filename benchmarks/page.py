"""Tables that are made, in pages that are written by hand: between two marks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- figures: made by `make bench` -->\n", "<!-- end of figures -->\n"


def newest(results: Path) -> tuple[str, dict[str, Any]]:
    """The commit and content of the result that was measured last. Raises LookupError where there is none."""
    found = [(json.loads(path.read_text(encoding="utf-8")), path.stem) for path in results.glob("*.json")]
    if not found:
        raise LookupError(f"there is no result in {results.name}")
    result, commit = max(found, key=lambda one: str(one[0]["measured_at"]))
    return commit, result


def table(commit: str, result: dict[str, Any]) -> str:
    """The result as Markdown."""
    facts = result["machine"]
    lines = [
        f"Measured {result['measured_at'][:10]} at commit {commit} on {facts['processor']}, {facts['cores']} cores, "
        f"{facts['memory_gib']} GiB, {facts['system']}, Python {facts['python']}; medians.",
        "",
        "| figure | goal | result | met |",
        "|---|---|---|---|",
    ]
    for figure in result["figures"]:
        met = "yes" if figure["met"] else "no"
        lines.append(f"| {figure['name']} | {figure['goal']} | {figure['result']:.3g} {figure['unit']} | {met} |")
    return "\n".join(lines) + "\n"


def draw(results: Path, page: Path) -> None:
    """Put the newest result into docs/performance.md. Raises ValueError where the page has lost its marks."""
    put(lambda: table(*newest(results)), page, BEGIN, END)


def put(make: Callable[[], str], page: Path, begin: str, end: str) -> None:
    """Make a table and put it between the page's marks (whole lines). Where one is missing: ValueError, before that."""
    before, opened, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not opened or not closed:
        raise ValueError(f"{page.name} has lost the marks of its table")
    page.write_text(before + begin + "\n" + make() + "\n" + end + after, encoding="utf-8")
