"""`lake runs --timeline`: where the seconds of a batch went, from the object in bronze to fresh gold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cli import render
from cli.context import Lake
from cli.lookup import batch_result
from cli.runs import list_runs

if TYPE_CHECKING:
    from lake.entries import FileEntry

RUNS_LOOKED_AT = 200
_MEANINGS = {
    "RECEIVED": "intake saw the last of them",
    "PENDING": "intake took the last of them",
    "LOADING": "they went into the batch",
    "LOADED": "the ledger was settled",
}


@dataclass(frozen=True)
class Station:
    """A place on the way. `at`: seconds since the batch's first object was written; `took`: since the one before."""

    at: float
    took: float
    station: str


@dataclass(frozen=True)
class Timeline:
    """One silver batch on its way. `files`: how many, `began`: when the first object was written (ISO 8601)."""

    batch_id: str
    files: int
    began: str
    stations: tuple[Station, ...]


def timelines(lake: Lake, limit: int) -> list[Timeline]:
    """The newest batches that a silver run ended well for, newest first."""
    runs = list_runs(lake, RUNS_LOOKED_AT)
    silver = [run for run in runs if run["layer"] == "silver" and run["state"] == "SUCCEEDED"][:limit]
    golds = sorted((run for run in runs if run["layer"] == "gold"), key=lambda run: run["started"])
    found = []
    for run in silver:
        entries = _entries(lake, run["unit"])
        if entries:
            gold = next((other for other in golds if other["started"] >= run["started"]), None)
            found.append(timeline(run["unit"], entries, [run, gold] if gold else [run]))
    return found


def timeline(batch_id: str, entries: Sequence[FileEntry], runs: Sequence[dict[str, Any]]) -> Timeline:
    """One batch's way, from its files' histories and its runs (as `list_runs` gives them)."""
    began = min(datetime.fromisoformat(entry.object_time) for entry in entries)
    last: dict[str, datetime] = {}
    for entry in entries:
        for change in entry.history:
            if change.state in _MEANINGS:
                moment = datetime.fromisoformat(change.at)
                last[change.state] = max(moment, last.get(change.state, moment))
    moments = [(moment, _MEANINGS[state]) for state, moment in last.items()]
    for run in runs:
        moments.append((datetime.fromisoformat(run["started"]), f"{run['layer']} run started"))
        if run["completed"]:
            moments.append((datetime.fromisoformat(run["completed"]), f"{run['layer']} run {run['state'].lower()}"))
    stations, before = [], began
    for moment, words in sorted(moments):
        since, took = (moment - began).total_seconds(), (moment - before).total_seconds()
        stations.append(Station(round(since, 2), round(max(0.0, took), 2), words))
        before = max(before, moment)
    return Timeline(batch_id, len(entries), began.isoformat(), tuple(stations))


def show(found: Iterable[Timeline]) -> None:
    """A table a batch, newest first."""
    for one in found:
        title = f"{one.batch_id}: {render.count(one.files, 'file')}, the first written at {render.moment(one.began)}"
        render.say(title)
        rows = [(f"{station.at:.1f}", f"{station.took:.1f}", station.station) for station in one.stations]
        render.show_table(("at, s", "took, s", "station"), rows, ("at, s", "took, s"))
        render.say()


def as_dicts(found: Iterable[Timeline]) -> list[dict[str, Any]]:
    """For `--json`."""
    return [asdict(one) for one in found]


def _entries(lake: Lake, batch_id: str) -> list[FileEntry]:
    """The files of a batch by its result; empty where the result is gone."""
    result = batch_result(lake, batch_id)
    names = [(file.key, file.version) for file in result.files] if result else []
    return list(lake.ledger.entries_of(names).values())
