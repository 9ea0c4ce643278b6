"""What travels between the stations of one file's way: the manifest a run is given and the result it leaves.

Both are JSON objects in the lake bucket, so that job arguments stay small (Glue takes 260 KB of them) and a person can
read what a run was asked and what it answered. Plain data: no Spark, no boto3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lake.repair import ORIGIN

LOAD, RELOAD, RETRACT = "load", "reload", "retract"  # what a run does with a file version

INSIDE = "!/"  # between an archive's key and the name of a file inside it: orders/march.zip!/week 1.csv

COUNTS = ("rows_in", "inserted", "updated", "unchanged", "superseded", "duplicate", "quarantined", "blank", "flagged")
FATES = ("inserted", "updated", "unchanged", "superseded", "duplicate", "quarantined")


@dataclass(frozen=True)
class ColumnMapping:
    """One column of a file that a contract's field takes: its position (0-based), its header text and the field."""

    index: int
    source: str
    field: str


@dataclass(frozen=True)
class FileFacts:
    """How to read one file; decided once at the front desk from its head, so that no task has to guess again."""

    contract: str
    format: str  # "csv", "xlsx", "jsonl", "json", "parquet"
    columns: tuple[ColumnMapping, ...]
    unmapped: tuple[str, ...] = ()  # header names that the contract does not know
    encoding: str = "utf-8"  # a Python codec name; "utf-8-sig" where a byte order mark leads
    delimiter: str = ","
    quote: str = '"'
    header_rows: int = 1  # physical records up to and including the header
    compression: str | None = None  # "gzip" or None
    sheet: str | None = None  # xlsx: the sheet that matched
    path: tuple[str, ...] | None = None  # json: the keys that lead to the array of records; None: a sequence of them
    unmapped_at: tuple[int, ...] = ()  # the positions of the columns that the contract does not know

    @property
    def repairs(self) -> bool:
        """Whether its rows name records that they repair."""
        return any(column.field in ORIGIN for column in self.columns)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FileFacts:
        """The inverse of `dataclasses.asdict`; unknown names raise TypeError (a manifest of another release)."""
        values = dict(data)
        values["columns"] = tuple(ColumnMapping(**column) for column in values["columns"])
        values["unmapped"] = tuple(values.get("unmapped", ()))
        path = values.get("path")
        values["path"] = None if path is None else tuple(path)
        values["unmapped_at"] = tuple(values.get("unmapped_at", ()))
        return cls(**values)


@dataclass(frozen=True)
class ManifestFile:
    """One file version of a batch. `object_time` is S3's LastModified, ISO 8601 in UTC: it orders versions."""

    key: str
    version: str
    size: int
    object_time: str
    facts: FileFacts
    bucket: str
    member: str | None = None  # the name inside an archive, when `key` is <archive>!/<name>
    action: str = LOAD  # RELOAD: read again, in place of what it said before. RETRACT: take back what it said

    @property
    def object_key(self) -> str:
        """The key of the object that holds it: its own, or that of its archive."""
        return self.key if self.member is None else self.key.removesuffix(INSIDE + self.member)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ManifestFile:
        values = dict(data)
        values["facts"] = FileFacts.from_dict(values["facts"])
        return cls(**values)


@dataclass(frozen=True)
class Manifest:
    """A batch: everything that waited when the lease was taken.

    `rebuild` is 0, or the number of the wish for a rebuild that the batch answers: its files are all that count, and
    what they say takes the place of everything that silver holds.
    """

    batch_id: str
    fence: int
    created_at: str
    files: tuple[ManifestFile, ...]
    rebuild: int = 0

    def to_json(self) -> str:
        # Thousands of files share a few facts; taking each apart anew would cost a function its memory.
        facts = {known: asdict(known) for known in {file.facts for file in self.files}}
        files = [{**vars(file), "facts": facts[file.facts]} for file in self.files]
        return json.dumps({**vars(self), "files": files}, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        values = json.loads(text)
        values["files"] = tuple(ManifestFile.from_dict(file) for file in values["files"])
        return cls(**values)


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file version. Outside LOADED every count is zero, for a RETRACTED version as well.

    For LOADED: rows_in = inserted + updated + unchanged + superseded + duplicate + quarantined. `blank` records and
    header records are outside rows_in; `flagged` counts rows that carry a soft finding, whatever their fate.
    """

    key: str
    version: str
    state: str  # LOADED, REJECTED, HELD or RETRACTED
    reason: str | None = None
    rows_in: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0
    duplicate: int = 0
    quarantined: int = 0
    blank: int = 0
    flagged: int = 0
    findings: tuple[str, ...] = ()  # sentences about the file as a whole

    @property
    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in COUNTS}

    @property
    def adds_up(self) -> bool:
        """The arithmetic that every load has to prove before it is published."""
        return self.rows_in == sum(getattr(self, fate) for fate in FATES)


@dataclass(frozen=True)
class SilverResult:
    """What a silver run did. `changed`: the rows of a contract's table are others than before."""

    batch_id: str
    changed: bool
    snapshot_ids: dict[str, int] = field(default_factory=dict)  # table name -> snapshot on main after the run
    months: tuple[str, ...] = ()  # first days of the months whose rows changed, ISO dates
    files: tuple[FileOutcome, ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> SilverResult:
        values = json.loads(text)
        values["months"] = tuple(values["months"])
        values["files"] = tuple(
            FileOutcome(**{**file, "findings": tuple(file["findings"])}) for file in values["files"]
        )
        return cls(**values)


@dataclass(frozen=True)
class GoldResult:
    """What a gold run did: from which silver snapshot, which months, rows a mart, and the figures for the digest."""

    gold_run_id: str
    silver_snapshot_id: int | None
    months: tuple[str, ...]
    rows: dict[str, int]
    headline: dict[str, Any]
    published_at: str
    silver_snapshot_ids: dict[str, int] = field(default_factory=dict)  # silver table -> the snapshot that was read
    snapshot_ids: dict[str, int] = field(default_factory=dict)  # mart -> the snapshot that holds the figures

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> GoldResult:
        values = json.loads(text)
        values["months"] = tuple(values["months"])
        return cls(**values)
