"""What a sweep found and did, in sentences for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lake.words import count


def _files(number: int) -> str:
    return count(number, "file")


_COUNTED: Mapping[str, Callable[[int], str]] = {
    "taken_in": lambda n: f"{_files(n)} lay in bronze without an entry and {'was' if n == 1 else 'were'} taken in.",
    "judged_again": lambda n: f"{_files(n)} had no answer yet and {'was' if n == 1 else 'were'} looked at again.",
    "put_back": lambda n: f"{_files(n)} of a batch that is over {'waits' if n == 1 else 'wait'} again.",
    "redriven": lambda n: f"{count(n, 'dead letter')} handled after all.",
    "told_late": lambda n: f"People were told about {_files(n)} that had been set aside without a word.",
}
_TENDED = {
    "settled": "The {name} run had ended and nobody had heard of it: it is settled.",
    "undone": "Whoever took the {name} lease was gone: what it had taken waits again.",
    "started": "The {name} run of a waiting batch was never started: it is now.",
    "stopping": "The {name} run outlived its lease and is being stopped.",
    "given up": "The {name} run had failed for the last time: its batch is given up.",
}
_OPEN: Mapping[str, Callable[[int], str]] = {
    "failed": lambda n: f"Not healed: {_files(n)} could not be read; the next sweep tries again.",
    "redrive_failed": lambda n: f"Not healed: {count(n, 'dead letter')} could not be handled and will be tried again.",
    "redrive_given_up": lambda n: (
        f"Not healed: {count(n, 'dead letter')} given up. Mend the cause, then run: lake sweep --again"
    ),
}


def healed(report: Mapping[str, Any]) -> list[str]:
    """One sentence for each kind of thing that a sweep healed; empty when nothing differed."""
    lines = [words(report[name]) for name, words in _COUNTED.items() if report.get(name)]
    for name in ("silver", "gold", "maintain"):
        done = str(report.get(name) or "")
        if done in _TENDED:
            lines.append(_TENDED[done].format(name=name))
        elif done.startswith("retry"):
            lines.append(f"The {name} run had failed and nobody had heard of it: it is tried again.")
    if report.get("gold_behind"):
        lines.append("Gold did not show what silver holds: it was asked for.")
    if report.get("crawler") == "started":
        lines.append("The bronze crawler was owed a run and was started.")
    lines += [f"Table {name} was missing from the catalog: {what}." for name, what in report.get("tables", {}).items()]
    lines += [f"A {job} run was {how}." for job, how in report.get("started", {}).items() if how == "started"]
    if report.get("announced") == "told":
        lines.append("The last gold run had not been announced: it is now.")
    return lines


def still_open(report: Mapping[str, Any]) -> list[str]:
    """One sentence for each kind of thing that a sweep could not heal."""
    lines = [words(report[name]) for name, words in _OPEN.items() if report.get(name)]
    lines += [f"Not healed: {words}" for words in report.get("lost_metadata", ())]
    if not report.get("listed_to_the_end", True):
        lines.append("The bucket was not listed to its end; the next sweep goes on from there.")
    return lines
