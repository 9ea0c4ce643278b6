"""The whole flow put together: ledger, ports and flights, and the one rule for starting what is due.

Functions, sweeper and CLI make a `Flow` from their environment; tests make one from fakes.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial

from lake import aws
from lake.alerting import Alarm
from lake.batch import SilverFlight
from lake.batches import Batches
from lake.catalog import CatalogRepair
from lake.contracts import Contract, load_contracts
from lake.crawling import Crawling
from lake.entries import PENDING, FileEntry
from lake.flight import Clock, Flight
from lake.leases import Lease, Leases
from lake.ledger import Ledger
from lake.lineage import Attempt, Places
from lake.lineage_log import LineageLog
from lake.maintenance.flight import MaintenanceFlight
from lake.measures import Measures
from lake.ports import Alerts, Crawlers, Documents, Events, Jobs, ObjectGoneError, Objects, Queue, Tables
from lake.refresh import GoldFlight
from lake.words import tag_value

BURST = 10  # messages still in the queue: more files are about to arrive, and should go into the same batch
PATIENCE_SECONDS = 60  # ... but no file waits longer than this for others

log = logging.getLogger("lake")


@dataclass(frozen=True)
class Settings:
    """The names of things, as the template gives them to every function."""

    ledger_table: str
    bronze_bucket: str
    lake_bucket: str
    silver_job: str
    gold_job: str
    bronze_crawler: str
    alerts_topic_arn: str
    silver_database: str
    gold_database: str
    arrivals_queue_url: str = ""
    arrivals_dlq_url: str = ""
    events_dlq_url: str = ""
    silver_crawler: str = ""
    gold_crawler: str = ""
    maintain_job: str = ""
    environment: str = "dev"
    promise_minutes: int = 30

    @property
    def places(self) -> Places:
        """What lineage calls things after; region and account are those of the alerts' topic."""
        _, _, _, region, account, _ = self.alerts_topic_arn.split(":")
        return Places(self.environment, region, account, self.silver_database, self.gold_database)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Raises KeyError with the name of a variable that is missing."""
        return cls(
            ledger_table=environ["LEDGER_TABLE"],
            bronze_bucket=environ["BRONZE_BUCKET"],
            lake_bucket=environ["LAKE_BUCKET"],
            silver_job=environ["SILVER_JOB"],
            gold_job=environ["GOLD_JOB"],
            bronze_crawler=environ["BRONZE_CRAWLER"],
            alerts_topic_arn=environ["ALERTS_TOPIC_ARN"],
            silver_database=environ["SILVER_DATABASE"],
            gold_database=environ["GOLD_DATABASE"],
            arrivals_queue_url=environ.get("ARRIVALS_QUEUE_URL", ""),
            arrivals_dlq_url=environ.get("ARRIVALS_DLQ_URL", ""),
            events_dlq_url=environ.get("EVENTS_DLQ_URL", ""),
            silver_crawler=environ.get("SILVER_CRAWLER", ""),
            gold_crawler=environ.get("GOLD_CRAWLER", ""),
            maintain_job=environ.get("MAINTAIN_JOB", ""),
            environment=environ.get("ENVIRONMENT", "dev"),
            promise_minutes=int(environ.get("PROMISE_MINUTES", "30")),
        )


@dataclass(frozen=True)
class Ports:
    """The world, as the flow sees it."""

    objects: Objects
    documents: Documents
    jobs: Jobs
    crawlers: Crawlers
    alerts: Alerts
    events: Events
    tables: Tables
    arrivals: Queue | None = None
    dead_letters: Queue | None = None
    dead_events: Queue | None = None

    @classmethod
    def on_aws(cls, settings: Settings) -> Ports:
        return cls(
            objects=aws.S3Objects(settings.bronze_bucket),
            documents=aws.S3Documents(settings.lake_bucket),
            jobs=aws.GlueJobs(),
            crawlers=aws.GlueCrawlers(),
            alerts=aws.SnsAlerts(settings.alerts_topic_arn),
            events=aws.BusEvents(),
            tables=aws.GlueTables(),
            arrivals=aws.SqsQueue(settings.arrivals_queue_url) if settings.arrivals_queue_url else None,
            dead_letters=aws.SqsQueue(settings.arrivals_dlq_url) if settings.arrivals_dlq_url else None,
            dead_events=aws.SqsQueue(settings.events_dlq_url) if settings.events_dlq_url else None,
        )


class Flow:
    """Everything a station needs, wired once."""

    def __init__(
        self,
        settings: Settings,
        ports: Ports,
        ledger: Ledger,
        *,
        contracts: Mapping[str, Contract] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings
        self.ports = ports
        self.ledger = ledger = copy(ledger)  # what this invocation notes beside its moves is nobody else's
        self.contracts = load_contracts() if contracts is None else contracts
        self.clock = clock or Clock()
        self.leases = Leases(ledger.store)
        self.measures = Measures()
        self.alarm = Alarm(ports.alerts, ledger, self.clock.now)
        self.crawling = Crawling(settings.bronze_crawler, ports.crawlers, ledger, self.clock.now)
        self.gold = GoldFlight(
            settings.gold_job,
            ports.jobs,
            self.leases,
            self.alarm,
            self.clock,
            documents=ports.documents,
            batches=Batches(ledger.store),
        )
        self.silver = SilverFlight(
            settings.silver_job,
            ports.jobs,
            self.leases,
            self.alarm,
            self.clock,
            ledger=ledger,
            documents=ports.documents,
            bronze_bucket=settings.bronze_bucket,
            silver_changed=self.gold.ask,
            answered=self.tag,
        )
        self.maintain = MaintenanceFlight(
            settings.maintain_job,
            ports.jobs,
            self.leases,
            self.alarm,
            self.clock,
            documents=ports.documents,
            others=(self.silver, self.gold),
            silver_changed=self.gold.ask,
        )
        self.flights: tuple[Flight, ...] = (self.silver, self.gold, self.maintain)
        for flight in self.flights:
            flight.measures = self.measures
        lineage = LineageLog(ports.documents, settings.places, self.contracts)
        for flight in (self.silver, self.gold):
            flight.told = partial(self._tell_lineage, lineage, flight.name)
        self.repairs = [
            CatalogRepair(flight, crawler, database, ports.crawlers, ports.tables, ports.documents)
            for flight, crawler, database in (
                (self.silver, settings.silver_crawler, settings.silver_database),
                (self.gold, settings.gold_crawler, settings.gold_database),
            )
            if crawler
        ]
        for flight in (self.silver, self.gold):
            flight.occupied = self._occupied

    @classmethod
    def from_environment(cls) -> Flow:
        """The flow on AWS or in the sandbox, from a function's environment; clients are made once a process."""
        settings, ports, ledger, contracts = _parts()
        return cls(settings, ports, ledger, contracts=contracts)

    def _tell_lineage(self, lineage: LineageLog, flight: str, kind: str, attempt: Attempt, error: str | None) -> None:
        lineage.tell(flight, kind, attempt, self.clock.now(), error)

    def _occupied(self, lease: Lease) -> bool:
        """Whether somebody else than the layer's own job is at its tables under this lease of silver or gold."""
        return self.maintain.holds(lease) or any(
            repair.occupied(lease) for repair in self.repairs if repair.flight.name == lease.name
        )

    def start_silver(self) -> str:
        """Starts a silver run for what is PENDING: see `Flight.start`; 'deferred' while a burst is still arriving."""
        return "deferred" if self._burst_is_arriving() else self.silver.start()

    def move_on(self) -> dict[str, str]:
        """Starts what is due: gold when it was asked for, silver when files wait, maintenance when both rest.

        Says what was done for each.
        """
        done: dict[str, str] = {}
        if self.gold.due:
            done["gold"] = self.gold.start()
        lease = self.leases.read(self.silver.name)
        if not lease.held and (
            lease.waiting or self.silver.just_written or self.ledger.any_in(PENDING) or self.ledger.rebuild().pending
        ):
            done["silver"] = self.start_silver()
        if "started" not in done.values() and self.maintain.due:
            done["maintain"] = self.maintain.start()
        return done

    def _burst_is_arriving(self) -> bool:
        """Whether so many arrivals wait in the queue that a later intake is sure to start the run.

        SQS counts approximately, so only a clear burst counts, and only until the oldest file waited long enough.
        """
        if self.ports.arrivals is None or self.ports.arrivals.depth()[0] < BURST:
            return False
        oldest = self.ledger.oldest(PENDING)
        since = datetime.fromisoformat(oldest.arrived_at).timestamp() if oldest else self.clock.now()
        return self.clock.now() - since < PATIENCE_SECONDS

    def tag(self, entry: FileEntry, status: str) -> bool:
        """Puts the answer on the object itself: lake-status and lake-reason. A failure is logged, never fatal.

        The ledger has the answer in any case; tags are for people who look at the bucket. A file inside an archive is
        no object: its archive's tags say that it was opened.
        """
        if entry.parent is not None:
            return False
        tags = {"lake-status": status, "lake-reason": tag_value(entry.reason or "")}
        try:
            self.ports.objects.tag(entry.key, entry.version, tags)
        except ObjectGoneError:
            log.warning("not tagged: the version is gone", extra={"key": entry.key, "version": entry.version})
            return False
        except aws.ClientError as error:
            code = aws.error_code(error)
            log.warning("not tagged", extra={"key": entry.key, "version": entry.version, "error": code})
            return False
        return True


@cache
def _parts() -> tuple[Settings, Ports, Ledger, Mapping[str, Contract]]:
    settings = Settings.from_environment()
    return settings, Ports.on_aws(settings), Ledger(settings.ledger_table), load_contracts()
