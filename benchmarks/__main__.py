"""`make bench`: measure, check, print the table, keep the result by commit and draw docs/performance.md."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import big, page, small
from benchmarks.figures import Figure, machine
from cli import render

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).with_name("results")
PAGE = ROOT / "docs" / "performance.md"
PARTS = ("start", "small", "burst", "big", "large", "demo")


def main(
    only: Annotated[list[str] | None, typer.Option(help=f"Parts to measure: {', '.join(PARTS)}. Default: all.")] = None,
    orders: Annotated[int, typer.Option(help="How many orders `big` loads.")] = 10_000_000,
    megabytes: Annotated[int, typer.Option(help="Size of the file of `large`.")] = 2048,
    keep: Annotated[bool, typer.Option(help="Keep the result, and draw docs/performance.md anew.")] = True,
) -> None:
    """Measure. A wrong answer ends it: its seconds would mean nothing."""
    wanted = only or list(PARTS)
    if unknown := set(wanted) - set(PARTS):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: known are {', '.join(PARTS)}")
    parts = {
        "start": small.starts,
        "small": small.small_files,
        "burst": small.burst,
        "big": lambda: big.big(orders),
        "large": lambda: big.large(megabytes),
        "demo": small.demo,
    }
    facts, commit = machine(), _commit()
    for name in wanted:
        for figure in parts[name]():
            render.say(f"{figure.name}: {figure.result:.3g} {figure.unit} ({figure.goal})")
            if keep:
                _keep(commit, facts, figure)
    if not keep:
        return
    render.say()
    render.show_table(page.HEADINGS, page.rows(page.last_measured(RESULTS)))
    page.draw(RESULTS, PAGE)


def _keep(commit: str, facts: dict[str, Any], figure: Figure) -> None:
    """Write a figure down at once, over an earlier one of that name: what comes after it may fail."""
    result = RESULTS / f"{commit}.json"
    earlier = json.loads(result.read_text(encoding="utf-8"))["figures"] if result.exists() else []
    kept = [one for one in earlier if one["name"] != figure.name] + [figure.to_json()]
    told = {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": facts, "figures": kept}
    result.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


if __name__ == "__main__":
    typer.run(main)
