"""A file's place on its way, in words: for everybody who shows files to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lake.entries import EXPANDED, FAILED, HELD, LOADED, REJECTED, RETRACTED, FileEntry
from lake.manifest import LOAD, RELOAD, RETRACT
from lake.words import clean, count

SETTLED = frozenset({LOADED, REJECTED, HELD, FAILED, RETRACTED, EXPANDED})
BAD = frozenset({REJECTED, HELD, FAILED})
FATES = ("inserted", "updated", "unchanged", "superseded", "duplicate", "quarantined")
COUNTS = ("rows_in", *FATES, "blank")


def counts_of(entry: FileEntry) -> dict[str, int]:
    """Every count of the arithmetic; zeros where a file was not loaded."""
    counts: Mapping[str, Any] = entry.counts or {}
    return {name: int(counts.get(name, 0)) for name in (*COUNTS, "flagged")}


def arithmetic(counts: Mapping[str, int]) -> str:
    """`10,000 rows in = 9,980 inserted + 20 quarantined`, fates that are zero left out."""
    terms = [f"{counts[fate]:,} {fate}" for fate in FATES if counts[fate]]
    return f"{count(counts['rows_in'], 'row')} in = {' + '.join(terms) or '0'}"


def situation(entry: FileEntry | None) -> str:
    """Where a file is now, in words; always one printable line."""
    if entry is None:
        return "in bronze; its event is on the way to intake"
    match entry.state:
        case "RECEIVED":
            return "received; intake looks at it"
        case "PENDING":
            asked = {RETRACT: "to be taken back", RELOAD: "to be read again"}.get(entry.action or LOAD)
            return f"{asked or f'accepted as {entry.contract}'}; waits for a silver run"
        case "LOADING":
            does = {RETRACT: "takes it back", RELOAD: "reads it again"}.get(entry.action or LOAD, "loads it")
            return f"silver batch {entry.batch_id} {does}"
        case "LOADED":
            counts = counts_of(entry)
            blank = f"; {count(counts['blank'], 'blank record')} left out" if counts["blank"] else ""
            flagged = f"; {counts['flagged']:,} flagged" if counts["flagged"] else ""
            note = f". {clean(entry.note)}" if entry.note else ""
            return f"LOADED: {arithmetic(counts)}{blank}{flagged}{note}"
        case "EXPANDED":
            return f"EXPANDED: {clean(entry.reason or '') or 'an archive; its members are files of their own'}"
        case _:
            return f"{entry.state}: {clean(entry.reason or '') or 'no reason was kept'}"
