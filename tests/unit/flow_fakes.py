"""A flow in memory for the tests of the stations: the real ledger on DynamoDB in memory, fakes for everything else.

The fakes keep what the real things promise: versions newest first, one live run at a time, a crawler that refuses to
start twice, tags that are added to those that are there.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from lake.contracts import load_contracts
from lake.entries import timestamp
from lake.flight import Clock
from lake.flow import Flow, Ports, Settings
from lake.ledger import Ledger
from lake.manifest import FileOutcome, GoldResult, Manifest, SilverResult
from lake.ports import (
    CrawlerState,
    JobBusyError,
    JobRun,
    LostMetadata,
    Message,
    ObjectGoneError,
    ObjectVersion,
    TableSnapshot,
)

TABLE = "ledger"
SETTINGS = Settings(
    ledger_table=TABLE,
    bronze_bucket="bronze",
    lake_bucket="lake",
    silver_job="silver-job",
    gold_job="gold-job",
    maintain_job="maintain-job",
    bronze_crawler="bronze-crawler",
    alerts_topic_arn="arn:aws:sns:us-east-1:000000000000:jozi-dev-alerts",
    silver_database="silver",
    gold_database="gold",
    silver_crawler="silver-crawler",
    gold_crawler="gold-crawler",
)
COLUMNS = (
    "order_id,order_date,order_time,order_mode,order_taker,dough_prep_staff,stylist,oven_operator,boxer,"
    "delivery_driver,delivery_area,delivery_duration,complaint,complaint_reason"
)


def orders_csv(*numbers: int, header: str = COLUMNS) -> bytes:
    """A small file of the second layout with these order numbers."""
    row = "{},2026-03-05,12:00:00,Phone,Ann,Ben,Cid,Dan,Eve,Fay,A,20.5,no,"
    return "\n".join([header, *(row.format(number) for number in numbers), ""]).encode()


def make_table(client: Any) -> None:
    """The ledger's table as the template has it."""
    names = ("pk", "sk", "gsi1pk", "gsi1sk")
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_state",
                "KeySchema": [
                    {"AttributeName": "gsi1pk", "KeyType": "HASH"},
                    {"AttributeName": "gsi1sk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )


@dataclass
class FakeObjects:
    """A versioned bucket."""

    clock: FakeTime
    bucket: str = "bronze"
    stored: dict[str, list[tuple[ObjectVersion, bytes]]] = field(default_factory=dict)
    tags: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    page_size: int = 1000
    reads: list[tuple[int, int]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def put(self, key: str, body: bytes) -> str:
        # Version ids that do not sort by time, as S3's do not.
        version = f"v{(next(self._numbers) * 7919) % 100_003:06d}"
        moment = timestamp(int(self.clock.now()))
        item = ObjectVersion(key, version, len(body), f"etag{hash(body) & 0xFFFFFFFF:x}", moment)
        self.stored.setdefault(key, []).insert(0, (item, body))
        return version

    def delete(self, key: str) -> None:
        del self.stored[key]

    def versions(self, key: str) -> Iterator[ObjectVersion]:
        return iter([item for item, _ in self.stored.get(key, [])])

    def page(self, cursor: tuple[str, str] | None) -> tuple[list[ObjectVersion], tuple[str, str] | None]:
        everything = [item for key in sorted(self.stored) for item, _ in self.stored[key]]
        start = 0
        if cursor:
            start = 1 + next(place for place, item in enumerate(everything) if (item.key, item.version) == cursor)
        page = everything[start : start + self.page_size]
        more = start + self.page_size < len(everything)
        return page, (page[-1].key, page[-1].version) if more else None

    def read(self, key: str, version: str, start: int, length: int) -> bytes:
        self.reads.append((start, length))
        for item, body in self.stored.get(key, []):
            if item.version == version:
                return body[start : start + length]
        raise ObjectGoneError(key)

    def tag(self, key: str, version: str, tags: Mapping[str, str]) -> None:
        self.tags.setdefault((key, version), {}).update(tags)


@dataclass
class FakeDocuments:
    bucket: str = "lake"
    stored: dict[str, bytes] = field(default_factory=dict)

    def get(self, key: str) -> bytes | None:
        return self.stored.get(key)

    def put(self, key: str, body: bytes) -> None:
        self.stored[key] = body

    def any_under(self, prefix: str) -> bool:
        return any(key.startswith(prefix) for key in self.stored)


@dataclass
class FakeJobs:
    """Glue jobs with room for one run each. `slow_to_free`: StartJobRun calls refused although no run is live."""

    clock: FakeTime
    runs: list[JobRun] = field(default_factory=list)  # newest first
    slow_to_free: int = 0
    stopped: list[str] = field(default_factory=list)

    def start(self, job: str, arguments: Mapping[str, str]) -> str:
        if self.slow_to_free:
            self.slow_to_free -= 1
            raise JobBusyError(job)
        if any(run.live for run in self.recent(job)):
            raise JobBusyError(job)
        run = JobRun(f"jr_{len(self.runs)}", job, "RUNNING", dict(arguments), None, self.clock.now())
        self.runs.insert(0, run)
        return run.id

    def run(self, job: str, run_id: str) -> JobRun | None:
        return next((run for run in self.recent(job) if run.id == run_id), None)

    def recent(self, job: str) -> list[JobRun]:
        return [run for run in self.runs if run.job == job]

    def stop(self, job: str, run_id: str) -> None:
        self.stopped.append(run_id)
        self.end(run_id, "STOPPING")

    def end(self, run_id: str, state: str, error: str | None = None) -> None:
        self.runs = [replace(run, state=state, error=error) if run.id == run_id else run for run in self.runs]


@dataclass
class FakeCrawlers:
    running: bool = False
    last: str | None = None
    starts: int = 0

    def start(self, name: str) -> bool:
        if self.running:
            return False
        self.running, self.starts = True, self.starts + 1
        return True

    def state(self, name: str) -> CrawlerState:
        return CrawlerState("RUNNING" if self.running else "READY", self.last)

    finds: Callable[[], object] | None = None  # what a crawl that ends has brought about

    def end(self) -> None:
        """The crawl is over."""
        self.running = False
        if self.finds is not None:
            self.finds()


@dataclass
class FakeAlerts:
    sent: list[tuple[str, str]] = field(default_factory=list)

    def send(self, subject: str, message: str) -> None:
        self.sent.append((subject, message))


@dataclass
class FakeEvents:
    sent: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def put(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        json.dumps(detail)
        self.sent.append((detail_type, detail))


@dataclass
class FakeQueue:
    visible: int = 0
    in_flight: int = 0

    messages: list[Message] = field(default_factory=list)
    received: list[str] = field(default_factory=list)  # ids of messages that nobody else gets now

    def depth(self) -> tuple[int, int]:
        return self.visible + len(self.messages) - len(self.received), self.in_flight + len(self.received)

    def send(self, message_id: str, body: str) -> None:
        self.messages.append(Message(message_id, body, f"handle-{message_id}"))

    def receive(self) -> list[Message]:
        found = [message for message in self.messages if message.id not in self.received][:10]
        self.received += [message.id for message in found]
        return found

    def delete(self, message: Message) -> None:
        self.messages.remove(message)
        self.received.remove(message.id)

    def give_back(self, message: Message) -> None:
        self.received.remove(message.id)


@dataclass
class FakeTables:
    snapshots: dict[tuple[str, str], TableSnapshot] = field(default_factory=dict)
    lost: set[tuple[str, str]] = field(default_factory=set)  # what the catalog does not know any more
    unreadable: set[tuple[str, str]] = field(default_factory=set)  # what it knows, and the metadata is gone

    def exists(self, database: str, table: str) -> bool:
        return (database, table) in self.snapshots and (database, table) not in self.lost

    def snapshot(self, database: str, table: str, having: str | None = None) -> TableSnapshot | None:
        if (database, table) in self.unreadable:
            raise LostMetadata(database, table, f"s3://lake/warehouse/{database}/{table}/metadata/1.metadata.json")
        found = self.snapshots.get((database, table)) if self.exists(database, table) else None
        return found if found and (having is None or having in found.properties) else None


@dataclass
class FakeTime:
    seconds: float = 1_800_000_000.0
    waited: list[float] = field(default_factory=list)
    passes: Callable[[], object] | None = None  # what happens while somebody waits

    def now(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.seconds += seconds
        if self.passes is not None:
            self.passes()


_contracts = cache(load_contracts)


class World:
    """Everything around a flow, and the parts that Spark plays in it."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.time = FakeTime()
        self.objects = FakeObjects(self.time)
        self.documents = FakeDocuments()
        self.jobs = FakeJobs(self.time)
        self.crawlers = FakeCrawlers()
        self.alerts = FakeAlerts()
        self.events = FakeEvents()
        self.arrivals = FakeQueue()
        self.dead_letters = FakeQueue()
        self.dead_events = FakeQueue()
        self.tables = FakeTables()
        self.ledger = Ledger(TABLE, self.client)
        self.contracts = _contracts()
        self.wrap: Callable[[Any], Any] = lambda port: port  # what a test puts around every port and the ledger
        self._snapshots = itertools.count(1000)

    def flow(self) -> Flow:
        """A flow as one invocation of a function has it."""
        ports = Ports(
            objects=self.wrap(self.objects),
            documents=self.wrap(self.documents),
            jobs=self.wrap(self.jobs),
            crawlers=self.wrap(self.crawlers),
            alerts=self.wrap(self.alerts),
            events=self.wrap(self.events),
            tables=self.wrap(self.tables),
            arrivals=self.wrap(self.arrivals),
            dead_letters=self.wrap(self.dead_letters),
            dead_events=self.wrap(self.dead_events),
        )
        clock = Clock(self.time.now, self.time.wait)
        ledger = Ledger(TABLE, self.wrap(self.client))
        return Flow(SETTINGS, ports, ledger, contracts=self.contracts, clock=clock)

    # ---- what Spark and Glue do ----------------------------------------------------------------------------------

    def live(self, job: str) -> JobRun | None:
        return next((run for run in self.jobs.recent(job) if run.live), None)

    def next_snapshot(self) -> int:
        return next(self._snapshots)

    def manifest(self, run: JobRun) -> Manifest:
        return Manifest.from_json(self.documents.stored[run.arguments["--manifest"].removeprefix("s3://lake/")])

    def silver_succeeds(self, *outcomes: FileOutcome, changed: bool = True) -> dict[str, Any]:
        """The live silver run ends well: its files LOADED with one row each, but for the given outcomes."""
        run = self.live("silver-job")
        assert run is not None
        given = {(outcome.key, outcome.version): outcome for outcome in outcomes}
        files = tuple(
            given.get(
                (file.key, file.version),
                FileOutcome(file.key, file.version, "RETRACTED")
                if file.action == "retract"
                else FileOutcome(file.key, file.version, "LOADED", None, rows_in=1, inserted=1),
            )
            for file in self.manifest(run).files
        )
        batch = run.arguments["--batch_id"]
        if changed:
            for table in ("orders", "file_loads"):
                self.tables.snapshots["silver", table] = TableSnapshot(self.next_snapshot(), {"batch-id": batch})
        ids = {table: found.id for (database, table), found in self.tables.snapshots.items() if database == "silver"}
        result = SilverResult(batch, changed, ids, ("2026-03-01",), files)
        self.documents.put(f"runs/silver/{batch}/result.json", result.to_json().encode())
        return self.ends(run, "SUCCEEDED")

    def gold_succeeds(self) -> dict[str, Any]:
        """The live gold run ends well: its watermarks are silver's current snapshots."""
        run = self.live("gold-job")
        assert run is not None
        gold_run_id = run.arguments["--gold_run_id"]
        marks = {"orders": "silver-snapshot-id", "file_loads": "silver-file-loads-snapshot-id"}
        seen = {
            mark: str(self.tables.snapshots["silver", table].id)
            for table, mark in marks.items()
            if ("silver", table) in self.tables.snapshots
        }
        published = self.next_snapshot()
        self.tables.snapshots["gold", "freshness"] = TableSnapshot(published, seen)
        headline = {"orders": 12, "promise_minutes": 30.0, "late_order_to_door": 3, "late_order_to_door_rate": 0.25}
        read = {table: self.tables.snapshots["silver", table].id for table in marks if seen.get(marks[table])}
        result = GoldResult(
            gold_run_id,
            read.get("orders"),
            ("2026-03-01",),
            {"delivery_performance": 5},
            headline,
            timestamp(self.time.now()),
            read,
            {"delivery_performance": published - 1, "freshness": published},
        )
        self.documents.put(f"runs/gold/{gold_run_id}/result.json", result.to_json().encode())
        return self.ends(run, "SUCCEEDED")

    def ends(self, run: JobRun, state: str, error: str | None = None) -> dict[str, Any]:
        """A run ends; gives the event that Glue would send."""
        self.jobs.end(run.id, state, error)
        return job_event(run.job, run.id, state, error or "")

    def fails(self, job: str, state: str = "FAILED", error: str = "ValueError: row 7 is odd") -> dict[str, Any]:
        run = self.live(job)
        assert run is not None
        return self.ends(run, state, error)


def job_event(job: str, run_id: str, state: str, message: str = "") -> dict[str, Any]:
    return {
        "id": f"event-{run_id}-{state}",
        "source": "aws.glue",
        "detail-type": "Glue Job State Change",
        "detail": {"jobName": job, "jobRunId": run_id, "state": state, "severity": "INFO", "message": message},
    }


def object_event(key: str, version: str | None = None, bucket: str = "bronze") -> dict[str, Any]:
    found = {"key": key, "size": 1, "etag": "e", "sequencer": "0"} | ({"version-id": version} if version else {})
    return {
        "id": f"event-{key}",
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"version": "0", "bucket": {"name": bucket}, "object": found, "reason": "PutObject"},
    }
