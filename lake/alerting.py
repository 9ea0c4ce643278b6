"""Alerts for people: each happening once, in words, never lost.

The mark in the ledger is written after the message went out: a crash between the two sends it twice rather than never.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lake.entries import FileEntry
from lake.ledger import Ledger
from lake.ports import Alerts
from lake.words import count, subject

_LISTED = 50  # files named in one alert


class Alarm:
    """Sends alerts through a port, and remembers in the ledger which ones went out."""

    def __init__(self, alerts: Alerts, ledger: Ledger, now: Callable[[], float]) -> None:
        self._alerts = alerts
        self._ledger = ledger
        self._now = now

    def send(self, title: str, message: str) -> None:
        """Tells people, whatever was told before."""
        self._alerts.send(subject(title), message)

    def set_aside(self, title: Callable[[int], str], files: Sequence[FileEntry]) -> int:
        """One alert for all files that were set aside, of those that people were not told about; gives how many.

        Whoever sets a file aside notes the debt first (`Ledger.owe_word`), so that a crash before this is made up for
        by a repeated event or by the sweeper.
        """
        owed = [file for file in files if self._ledger.word_owed(file.key, file.version)]
        if owed:
            lines = [f"{file.state}: {file.key}: {file.reason}" for file in owed[:_LISTED]]
            more = [f"... and {len(owed) - _LISTED} more: see lake files."] if len(owed) > _LISTED else []
            self.send(title(len(owed)), "\n".join([*lines, *more]))
        for file in owed:
            self._ledger.word_given(file.key, file.version)
        return len(owed)

    def once(self, what: str, title: str, message: str) -> bool:
        """Tells people unless `what` was told before; says whether it was told now."""
        if self._ledger.marked(what):
            return False
        self.send(title, message)
        self._ledger.mark(what, self._now())
        return True


def rejected(number: int) -> str:
    return f"{count(number, 'file was', 'files were')} rejected"


def not_loaded(number: int) -> str:
    return f"{count(number, 'file was', 'files were')} not loaded"
