"""The benchmarks' own arithmetic: what they compare with must be right itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.big import FILES, by_duckdb, make_files
from benchmarks.figures import Figure, within
from benchmarks.usage import Call, usage
from cli.cost import prices


def test_duckdb_counts_what_the_generator_wrote(tmp_path: Path) -> None:
    files, orders, late = make_files(tmp_path, 4_000)

    _, *counted = by_duckdb(tmp_path)

    assert len(files) == FILES
    assert orders == 4_000
    assert counted == [orders, late]


def test_a_short_run_is_billed_as_a_minute_of_two_workers() -> None:
    used = usage([{"seconds": 20.0}, {"seconds": 90.0}], [Call(milliseconds=400, megabytes=512)] * 10, prices())

    assert used.dpu_seconds == 220
    assert used.billed_dpu_seconds == pytest.approx(300)
    assert used.lambda_ms == 4_000
    assert used.usd == pytest.approx(300 / 3600 * 0.44 + 2 * 13.3334e-6 + 10 * 0.2e-6)


@pytest.mark.parametrize(("values", "met"), [((1.0, 9.0, 2.0), True), ((9.0, 9.0, 2.0), False)])
def test_the_median_is_held_to_the_goal(values: tuple[float, ...], met: bool) -> None:
    assert within("a", 2, "s", values).met is met


def test_the_page_shows_each_figure_as_it_was_measured_last_between_its_marks(tmp_path: Path) -> None:
    machine = dict.fromkeys(("processor", "cores", "memory_gib", "system", "python"), "x")
    measured = {"old": ("2026-01-01", ("a file", "a start"), 9.0), "new": ("2026-02-01", ("a file",), 1.5)}
    for commit, (day, names, value) in measured.items():
        figures = [Figure(name, "<= 2 s", "s", (value,), value <= 2).to_json() for name in names]
        told = {"measured_at": day, "machine": machine, "figures": figures}
        (tmp_path / f"{commit}.json").write_text(json.dumps(told))
    drawn = tmp_path / "page.md"
    drawn.write_text(f"before\n{page.BEGIN}old table\n{page.END}after\n")

    page.draw(tmp_path, drawn)

    text = drawn.read_text()
    assert "| a file | <= 2 s | 1.5 s | yes | 2026-02-01 at new |" in text
    assert "| a start | <= 2 s | 9 s | no | 2026-01-01 at old |" in text
    assert "old table" not in text
    assert (text.splitlines()[0], text.splitlines()[-1]) == ("before", "after")


def test_a_page_without_marks_is_told_and_left_alone(tmp_path: Path) -> None:
    drawn = tmp_path / "page.md"
    drawn.write_text("no marks")

    with pytest.raises(ValueError, match="marks"):
        page.draw(tmp_path, drawn)

    assert drawn.read_text() == "no marks"
