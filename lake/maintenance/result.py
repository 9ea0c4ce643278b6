"""What a maintenance run did, a table at a time: plain data, for the flow and for people."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


def result_key(run_id: str) -> str:
    return f"runs/maintain/{run_id}/result.json"


@dataclass(frozen=True)
class TableCare:
    """What was done to one table ("silver.orders"). Files and bytes are those that readers read."""

    table: str
    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    snapshots_expired: int = 0
    orphans_removed: int = 0
    branches_dropped: int = 0
    rows_forgotten: int = 0  # rows that told of a person and are too old for that
    rewritten: bool = False  # main has a new snapshot; its rows are the same, but for those
    note: str = ""  # why something was left as it is


@dataclass(frozen=True)
class MaintenanceResult:
    """All of one run."""

    run_id: str
    tables: tuple[TableCare, ...]

    def rewritten(self, layer: str) -> bool:
        """Whether a table of the layer has a new snapshot."""
        return any(care.rewritten for care in self.tables if care.table.startswith(f"{layer}."))

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> MaintenanceResult:
        values = json.loads(text)
        return cls(values["run_id"], tuple(TableCare(**care) for care in values["tables"]))
