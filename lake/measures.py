"""What happened, as numbers for alarms and the dashboard: names, units, and how they leave a function.

A function writes them as one structured log line (CloudWatch's embedded metric format, by Powertools), so no call to
AWS is made and no permission needed. The names are those of the alarms in template.yaml; a test keeps both equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lake.entries import EXPANDED, HELD, PENDING, REJECTED, FileEntry

if TYPE_CHECKING:
    from lake.flow import Flow
    from lake.manifest import FileOutcome

NAMESPACE, SERVICE = "JoziLake", "jozi-lake"
COUNT, SECONDS, PERCENT = "Count", "Seconds", "Percent"
# Name -> unit. "Now" is how it is at a sweep, the rest is what happened in one call of a function.
UNITS: Mapping[str, str] = {
    "FilesArrived": COUNT, "FilesPending": COUNT, "FilesExpanded": COUNT, "FilesRejected": COUNT,
    "FilesLoaded": COUNT, "FilesHeld": COUNT, "FilesRetracted": COUNT,
    "RowsIn": COUNT, "RowsInserted": COUNT, "RowsUpdated": COUNT, "RowsUnchanged": COUNT, "RowsSuperseded": COUNT,
    "RowsDuplicate": COUNT, "RowsQuarantined": COUNT, "QuarantineRate": PERCENT,
    "SilverRunSeconds": SECONDS, "GoldRunSeconds": SECONDS, "MaintainRunSeconds": SECONDS,
    "DropToSilverSeconds": SECONDS, "DropToGoldSeconds": SECONDS, "RunsFailed": COUNT,
    "FilesHeldNow": COUNT, "FilesWaitingNow": COUNT, "GoldBehindNow": COUNT, "DeadLettersNow": COUNT, "Healed": COUNT,
}  # fmt: skip
_FATES = ("inserted", "updated", "unchanged", "superseded", "duplicate", "quarantined")
_AT_THE_DESK = {PENDING: "FilesPending", EXPANDED: "FilesExpanded", REJECTED: "FilesRejected", HELD: "FilesHeld"}


class Measures:
    """The numbers of one call. Counts add up; of gauges and seconds every value is kept."""

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {}

    def count(self, name: str, number: float = 1) -> None:
        """Adds to a count. Raises KeyError for a name that is not in UNITS."""
        assert UNITS[name] == COUNT, name
        self.values[name] = [sum(self.values.get(name, [])) + number]

    def note(self, name: str, value: float) -> None:
        """One more value: seconds, a rate, or how many there are now. Raises KeyError for a name not in UNITS."""
        assert UNITS[name], name
        self.values.setdefault(name, []).append(value)

    def arrivals(self, entries: Iterable[FileEntry]) -> None:
        """Files that the front desk answered, by the answer."""
        for entry in entries:
            self.count("FilesArrived")
            if entry.state in _AT_THE_DESK:
                self.count(_AT_THE_DESK[entry.state])

    def outcomes(self, files: Iterable[FileOutcome]) -> None:
        """What a silver run did: files by state, rows by fate, and the share of rows in quarantine (0..100)."""
        rows = dict.fromkeys(_FATES, 0)
        total = 0
        for file in files:
            self.count(f"Files{file.state.title()}")
            total += file.rows_in
            for fate in _FATES:
                rows[fate] += getattr(file, fate)
        self.count("RowsIn", total)
        for fate, number in rows.items():
            self.count(f"Rows{fate.title()}", number)
        if total:
            self.note("QuarantineRate", 100 * rows["quarantined"] / total)


@contextmanager
def measured(flow: Flow) -> Iterator[Flow]:
    """One call of a function: what the flow measured is published at its end, also when it failed."""
    try:
        yield flow
    finally:
        publish(flow.measures, flow.settings.environment)


def publish(measures: Measures, environment: str) -> None:
    """Writes the numbers as one line of the log, under the environment's name; nothing when there are none."""
    from aws_lambda_powertools import Metrics

    if not measures.values:
        return
    metrics = Metrics(namespace=NAMESPACE, service=SERVICE)
    metrics.add_dimension("environment", environment)
    for name, values in measures.values.items():
        for value in values:
            metrics.add_metric(name, UNITS[name], value)
    metrics.flush_metrics()
