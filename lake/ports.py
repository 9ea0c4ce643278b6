"""What the stations need from the world, as small protocols: tests give fakes, `lake.aws` gives boto3.

Nothing here imports boto3, so the logic can be read, run and tested without AWS.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

LIVE_STATES = ("STARTING", "RUNNING", "STOPPING", "WAITING")


class JobBusyError(Exception):
    """Glue had no room for another run of this job (ConcurrentRunsExceededException). Not a failure: start later."""


class ObjectGoneError(Exception):
    """The object version does not exist (any more)."""


@dataclass(frozen=True)
class ObjectVersion:
    """One version of an object. `object_time` is S3's LastModified as ISO 8601 text in UTC; `size` in bytes."""

    key: str
    version: str
    size: int
    etag: str
    object_time: str

    @property
    def is_folder(self) -> bool:
        """A folder marker of a console or tool: nothing to load."""
        return self.key.endswith("/") and self.size == 0


@dataclass(frozen=True)
class JobRun:
    """One run of a Glue job. `seconds` is how long it ran so far, `started` in seconds since the epoch."""

    id: str
    job: str
    state: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    started: float = 0.0
    seconds: float = 0.0

    @property
    def live(self) -> bool:
        return self.state in LIVE_STATES

    @property
    def succeeded(self) -> bool:
        return self.state == "SUCCEEDED"


@dataclass(frozen=True)
class CrawlerState:
    """READY, RUNNING or STOPPING, and how its last crawl ended (SUCCEEDED, FAILED, CANCELLED or None: never ran)."""

    state: str
    last: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class TableSnapshot:
    """The current snapshot of an Iceberg table's main branch. `properties` are those of its summary."""

    id: int
    properties: Mapping[str, str]


class Objects(Protocol):
    """The bronze bucket."""

    bucket: str

    def versions(self, key: str) -> Iterator[ObjectVersion]:
        """The versions of exactly this key, newest first (delete markers left out)."""

    def page(self, cursor: tuple[str, str] | None) -> tuple[list[ObjectVersion], tuple[str, str] | None]:
        """A page of all versions in the bucket from the cursor on, and the next cursor (None: that was the end)."""

    def read(self, key: str, version: str, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`. Raises ObjectGoneError."""

    def tag(self, key: str, version: str, tags: Mapping[str, str]) -> None:
        """Adds these tags to a version, keeping what others tagged. Raises ObjectGoneError."""


class Documents(Protocol):
    """JSON documents in the lake bucket."""

    bucket: str

    def get(self, key: str) -> bytes | None:
        """The document, or None when there is none."""

    def put(self, key: str, body: bytes) -> None:
        """Writes the document; written again with the same content it stays the same."""

    def any_under(self, prefix: str) -> bool:
        """Whether any object's key begins with this."""


class Jobs(Protocol):
    """Glue jobs."""

    def start(self, job: str, arguments: Mapping[str, str]) -> str:
        """Starts a run and gives its id. Raises JobBusyError."""

    def run(self, job: str, run_id: str) -> JobRun | None:
        """A run, or None when Glue does not know it."""

    def recent(self, job: str) -> list[JobRun]:
        """The newest runs, newest first (at most 50)."""

    def stop(self, job: str, run_id: str) -> None:
        """Asks Glue to stop a run."""


class Crawlers(Protocol):
    """Glue crawlers."""

    def start(self, name: str) -> bool:
        """Starts a crawl; False when one is running already."""

    def state(self, name: str) -> CrawlerState: ...


class Alerts(Protocol):
    """Mail and messages to people."""

    def send(self, subject: str, message: str) -> None: ...


class Events(Protocol):
    """Events for programs, source `jozi.lake`."""

    def put(self, detail_type: str, detail: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class Message:
    """A message of a queue. `handle` is what the queue wants to see for deleting it or giving it back."""

    id: str
    body: str
    handle: str


class Queue(Protocol):
    """A queue: how deep it is, and its messages."""

    def depth(self) -> tuple[int, int]:
        """About how many messages are (waiting, in flight)."""

    def receive(self) -> list[Message]:
        """At most ten messages, which nobody else gets for some minutes."""

    def delete(self, message: Message) -> None:
        """The message was handled."""

    def give_back(self, message: Message) -> None:
        """The message was not handled: everybody can see it again."""


class LostMetadata(LookupError):  # noqa: N818 - the name says what happened
    """The catalog points to metadata of a table that is not there; the message says what to do."""

    def __init__(self, database: str, table: str, location: str) -> None:
        super().__init__(
            f"The catalog's entry of {database}.{table} points to metadata that is gone ({location}). "
            f"Take the entry out (aws glue delete-table --database-name {database} --name {table}), "
            "then run: lake sweep"
        )


class Tables(Protocol):
    """Iceberg tables in the Glue catalog, read from their metadata files."""

    def snapshot(self, database: str, table: str, having: str | None = None) -> TableSnapshot | None:
        """Main's current snapshot; with `having` the newest one back from it whose summary has that property.

        None when the table does not exist or has no (such) snapshot. Raises LostMetadata.
        """

    def exists(self, database: str, table: str) -> bool:
        """Whether the catalog knows the table."""
