"""Tables that the catalog lost: the Iceberg crawlers bring them back, under the lease of the job that writes them.

A crawler that registers a table writes its pointer. While the sweeper holds the job's lease no run can publish, so that
pointer cannot take a commit away. The lease is given back when the crawler is READY again; should the sweeper die
first, `Flight.tend` gives it back after GRACE, and not while the crawler still runs.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import cache

from lake.contracts import Contract
from lake.flight import Clock, Flight, new_id
from lake.gold.marts import load_marts
from lake.leases import Lease
from lake.ports import Crawlers, Documents, LostMetadata, Tables

PREFIX = "repair"
PATIENCE_SECONDS = 120  # for one crawl, within one sweep
_LOOK_SECONDS = 2.0

log = logging.getLogger("lake")


def silver_tables(contracts: Mapping[str, Contract]) -> list[str]:
    """The tables that every silver run makes sure of (see lake/silver/tables.py)."""
    own = [name for contract in contracts.values() for name in (contract.table, f"{contract.table}_history")]
    return [*own, "quarantine", "quarantine_history", "file_loads"]


@cache
def _gold_tables() -> tuple[str, ...]:
    """Gold's tables. They travel with the code, so a function reads their descriptions once."""
    return tuple(load_marts())


class CatalogRepair:
    """Finds what is missing in one database and has its crawler bring it back."""

    def __init__(
        self, flight: Flight, crawler: str, database: str, crawlers: Crawlers, tables: Tables, documents: Documents
    ) -> None:
        self.flight = flight
        self.crawler = crawler
        self.database = database
        self._crawlers = crawlers
        self._tables = tables
        self._documents = documents

    def missing(self, names: Iterable[str]) -> list[str]:
        """Of these tables, those that have metadata in the warehouse and no entry in the catalog."""
        return [
            name
            for name in names
            if not self._tables.exists(self.database, name)
            and self._documents.any_under(f"warehouse/{self.database}/{name}/metadata/")
        ]

    def unreadable(self, names: Iterable[str]) -> list[str]:
        """For each of these tables whose entry points to metadata that is gone: what it is and what to do."""
        found = []
        for name in names:
            try:
                self._tables.snapshot(self.database, name)
            except LostMetadata as lost:
                found.append(str(lost))
        return found

    def tables(self, contracts: Mapping[str, Contract]) -> list[str]:
        """The tables that its layer has."""
        return silver_tables(contracts) if self.flight.name == "silver" else list(_gold_tables())

    def occupied(self, lease: Lease) -> bool:
        """Whether the lease is held for a repair whose crawl still goes on."""
        ours = (lease.owner or "").startswith(PREFIX)
        return ours and self._crawlers.state(self.crawler).state != "READY"

    def repair(self, names: Iterable[str], clock: Clock) -> dict[str, str]:
        """What was done about each missing table, in words; nothing where none is missing."""
        missing = self.missing(names)
        if not missing:
            return {}
        leases, name = self.flight.leases, self.flight.name
        lease = leases.acquire(name, new_id(f"{PREFIX}-{name}", clock.now()), clock.now())
        if lease is None:
            leases.want(name)
            return dict.fromkeys(missing, f"a {name} run is under way, so the next sweep brings it back")
        if self._crawlers.start(self.crawler):
            log.info("crawling for missing tables", extra={"crawler": self.crawler, "tables": missing})
        until = clock.now() + PATIENCE_SECONDS
        while self.occupied(lease):
            if clock.now() >= until:
                return dict.fromkeys(missing, f"crawler {self.crawler} is bringing it back")
            clock.wait(_LOOK_SECONDS)
        leases.release(lease, last_owner=leases.read(name).last_owner, waiting=True)
        left = set(self.missing(missing))
        failed = self._crawlers.state(self.crawler).message or "it says no more"
        return {
            table: f"crawler {self.crawler} did not find it ({failed})" if table in left else "it is back"
            for table in missing
        }
