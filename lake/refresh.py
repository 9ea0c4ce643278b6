"""Gold's flight: one refresh at a time, asked for by a flag on its lease that outlives every crash.

| crash after                    | what is left                       | who heals it                            |
| ------------------------------ | ---------------------------------- | --------------------------------------- |
| silver settled, gold not asked | silver's lease held, its run ended | tend of silver settles again and asks   |
| asked, not started             | the flag `waiting` on a free lease | the next event or the sweeper           |
| lease taken                    | a lease in stage collecting        | tend, after GRACE: back to asked        |
| StartJobRun                    | a run that the lease does not know | tend finds it by id and fence           |
| run ended, event lost          | lease held, run ended              | the sweeper settles it                  |
| everything lost                | gold's watermark behind silver     | the sweeper compares snapshots and asks |
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lake.batches import Batches
from lake.flight import Flight
from lake.leases import Lease
from lake.manifest import GoldResult
from lake.ports import Documents, JobRun

FRESHNESS = "freshness"  # the mart that is published last: its snapshot stands for the whole of gold

log = logging.getLogger("lake")


def gold_result_key(gold_run_id: str) -> str:
    return f"runs/gold/{gold_run_id}/result.json"


class GoldFlight(Flight):
    """Refreshes of gold."""

    name = "gold"
    id_argument = "gold_run_id"

    def __init__(self, *engine: Any, documents: Documents, batches: Batches) -> None:
        super().__init__(*engine)
        self.documents = documents
        self.batches = batches

    def load(self, lease: Lease) -> bool:
        """A refresh reads what silver holds when it starts: nothing to take."""
        return True

    def unload(self, lease: Lease) -> None:
        """Nothing was taken; the lease is given back with the wish on it."""

    def arguments(self, lease: Lease) -> Mapping[str, str]:
        return {}

    def settle(self, lease: Lease, run: JobRun) -> str | None:
        body = self.documents.get(gold_result_key(str(lease.owner)))
        if body is None:
            return f"The run ended without an error, but left no result for gold run {lease.owner}."
        self._note_shown(lease, run, GoldResult.from_json(body))  # a result that cannot be read is a failed run
        return None

    def _note_shown(self, lease: Lease, run: JobRun, result: GoldResult) -> None:
        """The batches that readers see since this run, and how long their files had waited for that."""
        snapshot = result.snapshot_ids.get(FRESHNESS)
        published = int(datetime.fromisoformat(result.published_at).timestamp())
        for batch in self.batches.unshown():
            if batch.loaded_at > lease.touched_at:
                continue  # it was settled after the run began: the next one shows it for sure
            at = max(published, batch.loaded_at)  # a run that began before silver was settled may have shown it sooner
            if not self.batches.shown(batch, result.gold_run_id, snapshot, at):
                continue
            seconds = None if batch.dropped_at is None else max(at - batch.dropped_at, 0)
            if seconds is not None:
                self.measures.note("DropToGoldSeconds", seconds)
            ids = {"batch_id": batch.batch_id, "gold_run_id": result.gold_run_id, "run_id": run.id}
            log.info("gold shows batch", extra={**ids, "gold_snapshot_id": snapshot, "drop_to_gold_seconds": seconds})

    def give_up(self, lease: Lease, error: str) -> None:
        """Gold stays what it was; the wish stays on the lease, and the sweeper tries again after the rest."""

    def rest(self, failures: int) -> int:
        return min(3600, 300 * 2 ** (failures - 1))

    def waits_for(self, lease: Lease) -> str:
        return "gold keeps what it was"
