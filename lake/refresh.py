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

from collections.abc import Mapping
from typing import Any

from lake.flight import Flight
from lake.leases import Lease
from lake.manifest import GoldResult
from lake.ports import Documents, JobRun


def gold_result_key(gold_run_id: str) -> str:
    return f"runs/gold/{gold_run_id}/result.json"


class GoldFlight(Flight):
    """Refreshes of gold."""

    name = "gold"
    id_argument = "gold_run_id"

    def __init__(self, *engine: Any, documents: Documents) -> None:
        super().__init__(*engine)
        self.documents = documents

    @property
    def due(self) -> bool:
        """Whether somebody asked for a refresh and none is under way."""
        lease = self.leases.read(self.name)
        return lease.waiting and not lease.held

    def ask(self) -> None:
        """Silver changed: a refresh is due, and whatever broke the last one may be over."""
        self.leases.want(self.name, soon=True)

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
        GoldResult.from_json(body)  # a result that cannot be read is a failed run
        return None

    def give_up(self, lease: Lease, error: str) -> None:
        """Gold stays what it was; the wish stays on the lease, and the sweeper tries again after the rest."""

    def rest(self, failures: int) -> int:
        return min(3600, 300 * 2 ** (failures - 1))

    def waits_for(self, lease: Lease) -> str:
        return "gold keeps what it was"
