"""Leases: one run at a time, each with a fencing token that never goes back.

| attribute   | meaning                                                                                       |
|-------------|-----------------------------------------------------------------------------------------------|
| owner       | batch id or gold run id that holds the lease; absent: free                                      |
| fence       | grows with every taking and every renewal, for ever; a run publishes only under the current one |
| stage       | collecting -> ready -> running; blocked: Glue had no room for the run yet                       |
| waiting     | somebody wanted the lease meanwhile, or wants a run: look again when it is free                 |
| touched_at  | when the stage began; a holder that stays without a run for GRACE seconds is taken for dead      |
| attempt     | which try of this batch this is; forced: tries that ended by force (killed, stopped)            |
| failures    | batches given up since the last good one; not_before: rest until then (epoch seconds)           |
| suspects    | the last batch was one of the search for a file that breaks runs                                |

Every change but the wish is conditional on owner and fence, so a process that was overtaken changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lake.store import Store

EXPIRY_SECONDS = 3 * 3600  # longer than a job's timeout, so an expired lease has no live run
GRACE_SECONDS = 330  # longer than any function's timeout: whoever took the lease is no longer working on it

COLLECTING = "collecting"
READY = "ready"
BLOCKED = "blocked"
RUNNING = "running"

_NUMBERS = ("fence", "expires_at", "touched_at", "attempt", "forced", "failures", "not_before")
_FLAGS = ("waiting", "suspects")
_TEXTS = ("owner", "stage", "job_run_id", "last_owner", "last_error")
_HOLDING = ("owner", "stage", "job_run_id", "expires_at", "touched_at", "attempt", "forced")


@dataclass(frozen=True)
class Lease:
    """A lease as it was read; moments are seconds since the epoch."""

    name: str
    owner: str | None = None
    fence: int = 0
    stage: str | None = None
    job_run_id: str | None = None
    expires_at: int = 0
    touched_at: int = 0
    waiting: bool = False
    attempt: int = 0
    forced: int = 0
    failures: int = 0
    not_before: int = 0
    suspects: bool = False
    last_owner: str | None = None  # the batch or gold run that was settled last
    last_error: str | None = None  # why the last batch was given up

    @property
    def held(self) -> bool:
        return self.owner is not None


def lease_key(name: str) -> tuple[str, str]:
    return f"LEASE#{name}", "LEASE"


def lease_from_item(name: str, item: Mapping[str, Any] | None) -> Lease:
    found = item or {}
    values: dict[str, Any] = {text: found.get(text) for text in _TEXTS}
    values.update({number: int(found.get(number, 0)) for number in _NUMBERS})
    values.update({flag: bool(found.get(flag, False)) for flag in _FLAGS})
    return Lease(name, **values)


class Leases:
    """Taking, changing and giving back leases in the ledger's table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, name: str) -> Lease:
        return lease_from_item(name, self._store.get(*lease_key(name)))

    def acquire(self, name: str, owner: str, now: float, *, keep_wish: bool = False) -> Lease | None:
        """Takes a free lease; None when somebody holds it. An expired one is not free: its run is settled first.

        `keep_wish`: for a holder that does not do what the lease is waited for.
        """
        served: dict[str, Any] = {} if keep_wish else {"waiting": False}
        item = self._store.update(
            *lease_key(name),
            set_={
                "owner": owner,
                "stage": COLLECTING,
                "expires_at": int(now) + EXPIRY_SECONDS,
                "touched_at": int(now),
                **served,
                "attempt": 1,
                "forced": 0,
            },
            add={"fence": 1},
            remove=["job_run_id"],
            where="attribute_not_exists(#owner)",
        )
        return None if item is None else lease_from_item(name, item)

    def want(self, name: str, *, soon: bool = False) -> Lease:
        """Notes that a run is wanted; `soon` also ends a rest after failures. Gives the lease as it is then."""
        changes: dict[str, Any] = {"waiting": True, **({"not_before": 0} if soon else {})}
        return lease_from_item(name, self._store.update(*lease_key(name), set_=changes))

    def change(self, lease: Lease, **values: Any) -> Lease | None:
        """Sets attributes (None takes one away) while the lease is still this holder's; None when it is not."""
        return self._conditional(lease, values)

    def renew(self, lease: Lease, now: float, **values: Any) -> Lease | None:
        """The same holder tries again with a new run: a new fence shuts the old run out."""
        fresh = {
            "fence": lease.fence + 1,
            "stage": READY,
            "job_run_id": None,
            "expires_at": int(now) + EXPIRY_SECONDS,
            "touched_at": int(now),
        }
        return self._conditional(lease, {**fresh, **values})

    def release(self, lease: Lease, **values: Any) -> Lease | None:
        """Gives the lease back (the fence stays); the answer says whether somebody waited. None: it was not ours."""
        return self._conditional(lease, {**dict.fromkeys(_HOLDING), "last_owner": lease.owner, **values})

    def _conditional(self, lease: Lease, values: Mapping[str, Any]) -> Lease | None:
        item = self._store.update(
            *lease_key(lease.name),
            set_={name: value for name, value in values.items() if value is not None},
            remove=[name for name, value in values.items() if value is None],
            where="#owner = :owner AND #fence = :fence",
            values={"owner": lease.owner, "fence": lease.fence},
        )
        return None if item is None else lease_from_item(lease.name, item)


def holds_lease(table: str, name: str, fence: int, client: Any = None) -> bool:
    """Whether a run with this fence may publish to what the lease guards: held, and not taken or renewed since.

    Expiry is left out on purpose: an expired lease is only ever passed on after its run was settled and the fence has
    grown, so clocks that differ by minutes cannot stop a run that nobody has replaced.
    """
    lease = Leases(Store(table, client)).read(name)
    return lease.held and lease.fence == fence
