"""The two jobs as the flow sees them, on plain rows. What tests/spark proves of the real ones is granted here.

Silver publishes under the current fence only, loads a version once whatever batch brings it, and of the claims on an
order the newest stands (lake/silver/claims.py). Gold counts what silver held when the run read it, and says of which
snapshots (lake/gold/refresh.py).
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from lake.flight import holds_lease
from lake.manifest import FileOutcome, ManifestFile
from lake.ports import TableSnapshot
from tests.unit.flow_fakes import TABLE, World

Claim = tuple[str, str, int, str]  # object time, version, record, area: the greatest stands
MARKS = {"orders": "silver-snapshot-id", "file_loads": "silver-file-loads-snapshot-id"}


def claims_of(body: bytes, object_time: str, version: str) -> dict[str, Claim]:
    """What a file says of each order; of two records the later one."""
    records = csv.DictReader(io.StringIO(body.decode()))
    return {row["order_id"]: (object_time, version, n, row["delivery_area"]) for n, row in enumerate(records, 1)}


def standing(files: Collection[Mapping[str, Claim]]) -> dict[str, Claim]:
    """The rows of silver, by the rule, in whatever order the files are given."""
    rows: dict[str, Claim] = {}
    for claims in files:
        for order, claim in claims.items():
            rows[order] = max(claim, rows.get(order, claim))
    return rows


class Spark:
    """Silver's and gold's tables, and the runs that write them. `held`: keys that silver sets aside."""

    def __init__(self, world: World, held: Collection[str] = ()) -> None:
        self.world = world
        self.held = held
        self.loads: dict[tuple[str, str], str] = {}  # version -> the batch that loaded it
        self.gold: Counter[str] = Counter()  # orders an area
        self._files: dict[tuple[str, str], dict[str, Claim]] = {}
        self._batches: set[str] = set()
        self._read: dict[str, tuple[Counter[str], dict[str, str]]] = {}  # gold run -> what it has read

    @property
    def silver(self) -> dict[str, Claim]:
        return standing(list(self._files.values()))

    def commit_silver(self) -> None:
        """The live silver run publishes; what comes after that may still kill it."""
        run = self.world.live("silver-job")
        assert run is not None
        batch = run.arguments["--batch_id"]
        if batch in self._batches or not self._may_publish("silver", run.arguments):
            return
        self._batches.add(batch)
        for file in self.world.manifest(run).files:
            name = (file.key, file.version)
            if name not in self.loads and file.key not in self.held:
                self.loads[name] = batch
                self._files[name] = claims_of(self._content(file), file.object_time, file.version)
        for table in MARKS:
            self.world.tables.snapshots["silver", table] = TableSnapshot(self.world.next_snapshot(), {})

    def _content(self, file: ManifestFile) -> bytes:
        stored = self.world.objects.stored[file.object_key]
        body = next(body for item, body in stored if item.version == file.version)
        return body if file.member is None else zipfile.ZipFile(io.BytesIO(body)).read(file.member)

    def silver_ends_well(self) -> dict[str, Any]:
        """The live silver run publishes and leaves its result; gives Glue's event."""
        self.commit_silver()
        run = self.world.live("silver-job")
        assert run is not None
        outcomes = [
            FileOutcome(file.key, file.version, "HELD", "9 of 9 rows are bad.")
            for file in self.world.manifest(run).files
            if file.key in self.held
        ]
        return self.world.silver_succeeds(*outcomes, changed=False)  # the tables have moved already

    def gold_reads(self) -> None:
        """The live gold run sees silver as it is now, and no later."""
        run = self.world.live("gold-job")
        assert run is not None
        areas = Counter(area for *_, area in self.silver.values())
        snapshots = self.world.tables.snapshots
        seen = {
            mark: str(snapshots["silver", table].id) for table, mark in MARKS.items() if ("silver", table) in snapshots
        }
        self._read.setdefault(run.arguments["--gold_run_id"], (areas, seen))

    def commit_gold(self) -> None:
        """The live gold run publishes what it has read."""
        self.gold_reads()
        run = self.world.live("gold-job")
        assert run is not None
        if self._may_publish("gold", run.arguments):
            self.gold, seen = self._read[run.arguments["--gold_run_id"]]
            self.world.tables.snapshots["gold", "freshness"] = TableSnapshot(self.world.next_snapshot(), seen)

    def gold_ends_well(self) -> dict[str, Any]:
        """The live gold run publishes and leaves its result; gives Glue's event."""
        self.commit_gold()
        published = self.world.tables.snapshots.get(("gold", "freshness"))
        event = self.world.gold_succeeds()
        if published is not None:
            self.world.tables.snapshots["gold", "freshness"] = published
        return event

    def _may_publish(self, lease: str, arguments: Mapping[str, str]) -> bool:
        return holds_lease(TABLE, lease, int(arguments["--fence"]), self.world.client)
