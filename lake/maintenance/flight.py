"""Maintenance's flight: one run at a time, and only while neither silver nor gold runs.

Silver and gold publish by moving main to a branch's head, which is refused once main has moved. Maintenance moves
main. So its run holds the leases of both: a file that arrives meanwhile waits until it has ended, and a night's run
that finds one of them taken comes when both are free.

| crash after                   | what is left                         | who heals it                             |
| ----------------------------- | ------------------------------------ | ---------------------------------------- |
| asked, not started            | the flag `waiting` on a free lease   | the next event or the sweeper            |
| own lease taken               | a lease in stage collecting          | tend, after GRACE: back to asked         |
| silver's or gold's taken      | the same, and leases with this owner | the same gives them back                 |
| own lease given back          | leases of an owner that is gone      | their own tend, after GRACE              |
| run ended, event lost         | leases held, run ended               | the sweeper settles it                   |
| run failed                    | the flag `waiting`                   | the sweeper starts it again, after a rest |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lake.flight import Flight
from lake.leases import Lease
from lake.maintenance.result import MaintenanceResult, result_key
from lake.ports import Documents, JobRun

NOT_OURS = "-1"  # no lease ever has this fence: a run with it stops before its first step


class MaintenanceFlight(Flight):
    """Runs that care for the tables of `others`, the flights of silver and gold."""

    name = "maintain"
    id_argument = "maintain_run_id"
    tries = forced_tries = 1  # files wait meanwhile: a run that failed gives way first

    def __init__(
        self, *engine: Any, documents: Documents, others: Sequence[Flight], silver_changed: Callable[[], object]
    ) -> None:
        super().__init__(*engine)
        self.documents = documents
        self.others = others
        self.silver_changed = silver_changed  # called before the leases are given back: gold has new files to note
        self.wishes: dict[str, str] = {}  # job arguments of runs that this process starts, beside the template's

    def holds(self, lease: Lease) -> bool:
        """Whether a lease of silver or gold is held by the maintenance that goes on now."""
        return lease.held and self.leases.read(self.name).owner == lease.owner

    @property
    def clear(self) -> bool:
        """Whether silver and gold rest, with nothing that they would start at once."""
        now = self.clock.now()
        leases = [self.leases.read(flight.name) for flight in self.others]
        return not any(lease.held or (lease.waiting and lease.not_before <= now) for lease in leases)

    def start(self) -> str:
        """As every flight; also 'busy' while silver or gold is at work, and the wish stays."""
        if any(self.leases.read(flight.name).held for flight in self.others):
            self.leases.want(self.name)
            return "busy"
        return super().start()

    def load(self, lease: Lease) -> bool:
        for flight in self.others:
            owner = str(lease.owner)
            if self.leases.acquire(flight.name, owner, self.clock.now(), keep_wish=True) is None:
                self.unload(lease)
                self.leases.want(self.name)
                return False
        return True

    def unload(self, lease: Lease) -> None:
        """Gives back what is held of the others' leases; who waits for one is served by whoever called."""
        for flight in self.others:
            held = self.leases.read(flight.name)
            if held.owner == lease.owner:
                self.leases.release(held, last_owner=held.last_owner)

    def arguments(self, lease: Lease) -> Mapping[str, str]:
        fences = {}
        for flight in self.others:
            held = self.leases.read(flight.name)
            fences[f"--{flight.name}_fence"] = str(held.fence) if held.owner == lease.owner else NOT_OURS
        return {**self.wishes, **fences}

    def settle(self, lease: Lease, run: JobRun) -> str | None:
        body = self.documents.get(result_key(str(lease.owner)))
        if body is None:
            return f"The run ended without an error, but left no result for maintenance {lease.owner}."
        if MaintenanceResult.from_json(body).rewritten("silver"):
            self.silver_changed()
        self.unload(lease)
        return None

    def give_up(self, lease: Lease, error: str) -> None:
        """Nothing is lost; gold looks whether silver's files have changed, and the wish stays on the lease."""
        self.silver_changed()
        self.unload(lease)

    def rest(self, failures: int) -> int:
        return min(86_400, 3_600 * 2 ** (failures - 1))

    def waits_for(self, lease: Lease) -> str:
        return "nothing; tables keep their files"
