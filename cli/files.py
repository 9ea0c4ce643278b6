"""`lake files`: the ledger, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import context, following, render
from cli.errors import CliError
from cli.options import JsonOption, StackOption, Target, TargetOption

if TYPE_CHECKING:
    from lake.entries import FileEntry


def files(
    state: Annotated[
        list[str] | None, typer.Option("--state", help="Only files in this state; may be repeated.")
    ] = None,
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every version of every file that ever arrived, newest first, and what became of it."""
    wanted = [name.upper() for name in state or ()]
    from lake.entries import STATES

    unknown = [name for name in wanted if name not in STATES]
    if unknown:
        raise CliError(f"There is no state {unknown[0]}: it is one of {', '.join(STATES)}.", code=2)
    lake = context.connect(target, stack)
    entries = sorted(
        following.all_entries(lake, wanted),
        key=lambda entry: (entry.arrived_at, entry.key, entry.version),
        reverse=True,
    )
    if as_json:
        render.show_json([following.as_dict(entry) for entry in entries])
        return
    if not entries:
        render.say("No file yet: drop one with `lake drop FILE`." if not wanted else "No file is in that state.")
        return
    if render.is_terminal():
        _on_screen(entries)
        render.say(f"{render.count(len(entries), 'file version')}. One file's story: `lake explain KEY`")
        return
    rows = []
    for entry in entries:
        counts = following.counts_of(entry)
        numbers = [counts[name] for name in following.COUNTS]
        rows.append([entry.key, entry.version, entry.state, render.moment(entry.arrived_at), *numbers, entry.reason])
    render.show_table(("key", "version", "state", "arrived", *following.COUNTS, "reason"), rows)


def _on_screen(entries: list[FileEntry]) -> None:
    """Fewer columns: a person wants the answer in words, and thirteen columns fit no screen."""
    rows = []
    for entry in entries:
        counts = following.counts_of(entry)
        answer = entry.reason
        if entry.state == "LOADED":
            named = [f"{counts[name]:,} {name}" for name in (*following.FATES, "blank", "flagged") if counts[name]]
            answer = ", ".join(named)
        total = render.number(counts["rows_in"]) if counts["rows_in"] else ""
        rows.append([entry.key, entry.version[:8], entry.state, render.moment(entry.arrived_at), total, answer])
    render.show_table(("key", "version", "state", "arrived", "rows", "answer"), rows, numeric=("rows",))
