"""One file version's entry in the ledger: its attributes, its states, and how it lies in DynamoDB.

| item             | pk           | sk             | gsi1pk          | gsi1sk                          | size          |
|------------------|--------------|----------------|-----------------|---------------------------------|---------------|
| file version     | FILE#<key>   | V#<version>    | STATE#<state>   | <object_time>#<key>#<version>   | 1-3 KB        |

An entry is written once and never deleted; only its state moves. The history of moves stays on
it (bounded, see `Ledger`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from lake.manifest import COUNTS, INSIDE, FileFacts

RECEIVED = "RECEIVED"
EXPANDED = "EXPANDED"
REJECTED = "REJECTED"
PENDING = "PENDING"
LOADING = "LOADING"
LOADED = "LOADED"
HELD = "HELD"
FAILED = "FAILED"
RETRACTED = "RETRACTED"
STATES = (RECEIVED, EXPANDED, REJECTED, PENDING, LOADING, LOADED, HELD, FAILED, RETRACTED)
UNSETTLED = (RECEIVED, PENDING, LOADING)

_TEXTS = ("reason", "contract", "parent", "digest", "etag", "batch_id", "run_id", "note", "action")


def timestamp(moment: float | datetime) -> str:
    """A moment as the ledger writes it: ISO 8601, UTC, always microseconds, so that texts sort as times do.

    `moment` is seconds since the epoch or an aware datetime.
    """
    when = moment if isinstance(moment, datetime) else datetime.fromtimestamp(moment, UTC)
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def no_counts() -> dict[str, int]:
    """Zeros: the counts of every entry that is not LOADED."""
    return dict.fromkeys(COUNTS, 0)


@dataclass(frozen=True)
class Change:
    """One move of an entry: into which state, when (ISO 8601, UTC) and why."""

    state: str
    at: str
    reason: str | None = None


@dataclass(frozen=True)
class FileEntry:
    """What the ledger knows about one version of one file. `size` in bytes, times ISO 8601 in UTC."""

    key: str
    version: str
    state: str
    size: int
    etag: str
    object_time: str  # S3's LastModified; versions of one key within one second are set apart by microseconds
    arrived_at: str  # when intake first saw it
    reason: str | None = None
    contract: str | None = None
    parent: str | None = None  # the archive's key, for a member; its own key is <parent>!/<name>, its version the same
    digest: str | None = None  # ETag and size: what is known of the content without reading all of it
    batch_id: str | None = None  # the last batch it went into
    run_id: str | None = None  # the Glue run that settled it
    note: str | None = None  # what intake had to say besides yes (same content, outside the folder), kept when loaded
    facts: FileFacts | None = None
    counts: Mapping[str, int] = field(default_factory=no_counts)
    history: tuple[Change, ...] = ()
    action: str | None = None  # what its next run does when that is not to load it: see lake.manifest
    attempts: int = 0  # batches that failed with it inside
    batch_cap: int | None = None  # it may be with at most so many others: the search for the file that breaks runs

    @property
    def name(self) -> tuple[str, str]:
        return self.key, self.version

    @property
    def object_key(self) -> str:
        """The key of the object in bronze: its own, or that of the archive that holds it."""
        return self.key if self.parent is None else self.key.partition(INSIDE)[0]

    @property
    def member(self) -> str | None:
        """The name inside the archive, None for an object of its own; an archive in an archive has two parts."""
        return None if self.parent is None else self.key.partition(INSIDE)[2]

    @property
    def was_loaded(self) -> bool:
        """Whether silver holds, or once held, what it says."""
        return any(change.state == LOADED for change in self.history)

    @property
    def counts_in_silver(self) -> bool:
        """Whether silver holds what it says now, while it waits to be taken back or read again as well."""
        settled = [change.state for change in self.history if change.state in (LOADED, REJECTED, HELD, RETRACTED)]
        return settled[-1:] == [LOADED]

    @property
    def sort_key(self) -> str:
        """Orders entries by time, then name. DynamoDB gives a sort key 1,024 bytes, S3 as many to a key alone."""
        key = self.key.encode()[:900].decode(errors="ignore")
        return f"{self.object_time}#{key}#{self.version[:60]}"

    def as_dict(self) -> dict[str, Any]:
        """Everything, for `lake files --json`: plain values, the counts at the top level as well."""
        values = asdict(self)
        values["history"] = [asdict(change) for change in self.history]
        return {**values, **{name: int(self.counts.get(name, 0)) for name in COUNTS}}


def primary_key(key: str, version: str) -> dict[str, str]:
    return {"pk": f"FILE#{key}", "sk": f"V#{version}"}


def to_item(entry: FileEntry) -> dict[str, Any]:
    """The entry as plain values for DynamoDB; attributes without a value are left out."""
    item: dict[str, Any] = {
        **primary_key(entry.key, entry.version),
        "gsi1pk": f"STATE#{entry.state}",
        "gsi1sk": entry.sort_key,
        "key": entry.key,
        "version": entry.version,
        "state": entry.state,
        "size": entry.size,
        "object_time": entry.object_time,
        "arrived_at": entry.arrived_at,
        "counts": dict(entry.counts),
        "history": [asdict(change) for change in entry.history],
        "attempts": entry.attempts,
        "batch_cap": entry.batch_cap,
        "facts": facts_text(entry.facts),
        **{name: getattr(entry, name) for name in _TEXTS},
    }
    return {name: value for name, value in item.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> FileEntry:
    """The inverse of `to_item`."""
    facts, cap = item.get("facts"), item.get("batch_cap")
    return FileEntry(
        key=item["key"],
        version=item["version"],
        state=item["state"],
        size=int(item["size"]),
        object_time=item["object_time"],
        arrived_at=item["arrived_at"],
        counts={**no_counts(), **{name: int(value) for name, value in item.get("counts", {}).items()}},
        history=tuple(Change(c["state"], c["at"], c.get("reason")) for c in item.get("history", ())),
        attempts=int(item.get("attempts", 0)),
        batch_cap=None if cap is None else int(cap),
        facts=_facts(facts) if facts else None,
        **{name: item.get(name) for name in _TEXTS if name != "etag"},
        etag=item.get("etag", ""),
    )


@lru_cache(maxsize=1024)
def _facts(text: str) -> FileFacts:
    """Thousands of files share a few facts: one object for all of them."""
    return FileFacts.from_dict(json.loads(text))


def facts_text(facts: FileFacts | None) -> str | None:
    return None if facts is None else json.dumps(asdict(facts), ensure_ascii=False, separators=(",", ":"))
