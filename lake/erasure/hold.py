"""The leases of silver and gold in the hands of an erasure: no run starts or publishes meanwhile, however long.

Maintenance holds the same leases while it cares for the tables, so neither begins while the other is at work.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager

from botocore.exceptions import BotoCoreError, ClientError

from lake.flight import Flight, new_id
from lake.flow import Flow
from lake.leases import GRACE_SECONDS, Lease

log = logging.getLogger("lake")

RENEWED_AFTER = 60.0  # seconds; the sweeper takes a holder that is silent for GRACE_SECONDS for dead


class BusyError(RuntimeError):
    """A lease is somebody else's, or has become it."""


class Hold(AbstractContextManager["Hold"]):
    """Holds the leases from `with` to its end, and says every minute that it is alive. Raises BusyError.

    `flights`: whose leases, when not silver's alone. What waits for one meanwhile keeps its wish.
    """

    def __init__(self, flow: Flow, flights: Sequence[Flight] = ()) -> None:
        self._flow = flow
        self._names = [flight.name for flight in flights or (flow.silver,)]
        self._held: list[tuple[Lease, str | None]] = []  # and whose it was before
        self._over = threading.Event()
        self._lost: str | None = None
        self._renewed_at = 0.0
        self._renewing = threading.Thread(target=self._forever, name="erasure-lease", daemon=True)

    def __enter__(self) -> Hold:
        now = self._flow.clock.now()
        owner = new_id("forget", now)
        for name in self._names:
            lease = self._flow.leases.acquire(name, owner, now, keep_wish=True)
            if lease is None:
                holder = self._flow.leases.read(name).owner
                self._give_back()
                raise BusyError(f"{holder or 'another run'} is at work on {name}: `lake wait`, then ask again")
            self._held.append((lease, lease.last_owner))
        self._renewed_at = now
        self._renewing.start()
        return self

    def alive(self) -> None:
        """To be asked before each step that changes anything. Raises BusyError when a lease was lost."""
        if self._lost:
            raise BusyError(f"{self._lost}'s lease was lost: ask again, what is done stays done")
        if self._flow.clock.now() - self._renewed_at >= GRACE_SECONDS:
            raise BusyError("the leases could not be renewed for minutes: ask again, what is done stays done")

    def renew(self) -> None:
        """Says that the holder is alive."""
        now = self._flow.clock.now()
        for lease, _ in self._held:
            kept = self._flow.leases.change(lease, touched_at=int(now))
            if kept is None:
                self._lost = lease.name
        self._renewed_at = now

    def _forever(self) -> None:
        while not self._over.wait(RENEWED_AFTER):
            try:
                self.renew()
            except (BotoCoreError, ClientError) as error:  # the next minute's may come through
                log.warning("leases not renewed", extra={"error": type(error).__name__})

    def _give_back(self) -> None:
        for lease, before in self._held:
            self._flow.leases.release(lease, last_owner=before)
        self._held.clear()

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._renewing.join()
        self._give_back()
