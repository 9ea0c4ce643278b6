"""Watching files on their way, and a file's answer in words. Shared by `drop --wait`, `wait`, `explain` and `demo`."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli import render
from cli.context import Lake
from cli.options import Target
from lake.situation import BAD, COUNTS, FATES, SETTLED, arithmetic, counts_of, situation

if TYPE_CHECKING:
    from lake.entries import FileEntry

__all__ = [
    "BAD", "COUNTS", "FATES", "SETTLED", "Dropped", "all_entries", "arithmetic", "as_dict", "counts_of", "follow",
    "labels", "pause", "showing", "situation", "unsettled_or_failed",
]  # fmt: skip

LOOKS = 3  # an archive that is EXPANDED has all its entries, but the index that finds them is a moment behind
POLL_SECONDS = 0.4  # nothing tells a client of a change in the ledger, so it asks
POLL_SECONDS_AWS = 2.0


@dataclass(frozen=True)
class Dropped:
    """An object version that this command uploaded, and when (monotonic seconds)."""

    key: str
    version: str
    at: float


def pause(lake: Lake) -> None:
    """The time between two looks; longer where each look costs money."""
    time.sleep(POLL_SECONDS if lake.target is Target.sandbox else POLL_SECONDS_AWS)


def as_dict(entry: FileEntry) -> dict[str, Any]:
    """One entry as `lake files --json` lists it: flat."""
    return {
        "key": entry.key,
        "version": entry.version,
        "state": entry.state,
        "reason": entry.reason,
        "contract": entry.contract,
        "parent": entry.parent,
        "digest": entry.digest,
        **counts_of(entry),
        "size": entry.size,
        "object_time": entry.object_time,
        "arrived_at": entry.arrived_at,
        "batch_id": entry.batch_id,
        "run_id": entry.run_id,
    }


def labels(names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """How each (key, version) is called on the screen: by its key, with the version where the key has several."""
    names = list(names)
    keys = Counter(key for key, _ in names)
    return {(key, version): key if keys[key] == 1 else f"{key}@{version[:8]}" for key, version in names}


def follow(lake: Lake, dropped: Sequence[Dropped], timeout: float, quiet: bool = False) -> list[FileEntry]:
    """Shows each file's way until all are settled or `timeout` seconds are over. Returns the settled entries.

    An archive is settled when its members are; they come with it.
    """
    deadline = time.monotonic() + timeout
    open_files = {(file.key, file.version) for file in dropped}
    called = labels(open_files)
    settled: dict[tuple[str, str], FileEntry] = {}
    expanded: dict[tuple[str, str], int] = {}
    with showing(quiet, min(file.at for file in dropped)) as show:
        while True:
            entries = lake.ledger.entries_of(sorted(open_files))
            for name in sorted(open_files):
                entry = entries.get(name)
                done = entry is not None and entry.state in SETTLED
                show(called[name], situation(entry), done)
                if entry is not None and done:
                    settled[name] = entry
                    open_files.discard(name)
                    if entry.state == "EXPANDED":
                        expanded[name] = LOOKS
            for member in _members(lake, set(expanded)) if expanded else ():
                if member.name not in settled:
                    open_files.add(member.name)
                    called.setdefault(member.name, member.key)
            expanded = {name: looks - 1 for name, looks in expanded.items() if looks > 1}
            if not (open_files or expanded) or time.monotonic() >= deadline:
                break
            pause(lake)
        for name in sorted(open_files):
            show(called[name], f"not settled after {timeout:.0f} s; go on with `lake wait`", True)
    return list(settled.values())


def all_entries(lake: Lake, states: Sequence[str] | None = None) -> list[FileEntry]:
    """Every entry once, although the index is a moment behind and entries move while it is read.

    An entry that moves from a state not yet read into one that was read already would be missed, so what is on its
    way is noted first; whatever shows twice, or not again, is read from the table itself.
    """
    from lake.entries import UNSETTLED

    moving = {entry.name: entry for entry in lake.ledger.entries(UNSETTLED)}
    found: dict[tuple[str, str], FileEntry] = {}
    unsure = set(moving)
    for entry in lake.ledger.entries():
        if entry.name in found:
            unsure.add(entry.name)
        found[entry.name] = entry
    found.update(lake.ledger.entries_of(sorted(unsure)))
    return [entry for entry in found.values() if not states or entry.state in states]


def _members(lake: Lake, archives: set[tuple[str, str]]) -> Iterable[FileEntry]:
    return [entry for entry in all_entries(lake) if (entry.parent, entry.version) in archives]


def unsettled_or_failed(dropped: Sequence[Dropped], settled: Sequence[FileEntry]) -> bool:
    """Whether anything dropped is still open, or was not taken."""
    done = {(entry.key, entry.version) for entry in settled}
    return any((d.key, d.version) not in done for d in dropped) or any(entry.state in BAD for entry in settled)


class _Lines:
    """One line for each change of a thing: for pipes."""

    def __init__(self, stderr: bool, since: float) -> None:
        self._stderr, self._since = stderr, since
        self._seen: dict[str, str] = {}

    def __call__(self, name: str, words: str | None, done: bool = False, going: float | None = None) -> None:
        if words is None or self._seen.get(name) == words:
            return
        self._seen[name] = words
        render.say(f"{time.monotonic() - self._since:6.1f} s  {render.safe(name)}: {words}", stderr=self._stderr)


class _Live:
    """A line for each thing that moves, redrawn in place; what is done stays above. For terminals."""

    MOST = 12  # lines of moving things: a burst of a thousand files must not scroll the screen away

    def __init__(self, live: Any, since: float) -> None:
        self._live, self._since = live, since
        self._moving: dict[str, str] = {}

    def __call__(self, name: str, words: str | None, done: bool = False, going: float | None = None) -> None:
        from rich.text import Text

        seconds = time.monotonic() - self._since
        if words is None:
            self._moving.pop(name, None)
        elif done:
            self._moving.pop(name, None)
            style = "red" if words.startswith(_BAD_WORDS) else "green" if words.startswith(_GOOD_WORDS) else ""
            self._live.console.print(Text(f"{seconds:6.1f} s  {render.safe(name)}: {words}", style=style))
        else:
            self._moving[name] = f"{render.safe(name)}: {words}" + ("" if going is None else f" ({going:.0f} s)")
        shown = list(self._moving.values())[: self.MOST]
        more = len(self._moving) - len(shown)
        lines = shown + ([f"and {render.count(more, 'more', 'more')}"] if more else [])
        text = "\n".join(f"{seconds:6.1f} s  {line}" for line in lines)
        self._live.update(Text(text, style="cyan", overflow="ellipsis", no_wrap=True))


_BAD_WORDS = ("REJECTED", "HELD", "FAILED", "TIMEOUT", "STOPPED", "ERROR", "not settled")
_GOOD_WORDS = ("LOADED", "SUCCEEDED", "EXPANDED")


@contextmanager
def showing(quiet: bool = False, since: float | None = None) -> Iterator[Any]:
    """A function (name, words, done, going) that shows how things move. `quiet`: on standard error.

    `words` None takes a thing away without a word; `going` is how many seconds it has been at it, where that is known.
    Every line begins with the seconds since `since` (monotonic; default: now).
    """
    stream = sys.stderr if quiet else sys.stdout
    since = time.monotonic() if since is None else since
    if not render.is_terminal(stream):
        yield _Lines(quiet, since)
        return
    from rich.live import Live

    with Live(console=render.console(quiet), transient=True, refresh_per_second=8) as live:
        yield _Live(live, since)
