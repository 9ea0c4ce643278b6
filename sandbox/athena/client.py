"""Trino's own protocol, as far as Athena needs it: one statement, its pages, its statistics, its cancellation.

Plain HTTP rather than a driver, because Athena's text comes from the server's text: a driver would turn values into
Python objects and lose how Java wrote them.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from sandbox.athena.errors import EngineError, EngineGone
from sandbox.athena.trino import GLUE_CATALOG, has_nodes, started

# A line a poll tells nobody anything.
logging.getLogger("httpx").setLevel(logging.WARNING)
# The server answers an unfinished page after a second; a silence of a minute means that it is gone.
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
# The server knows its own node late, or not for a moment, when the machine is starved. What the statement began is
# undone then, and until rows were given nobody sees it asked again, as Athena's service does by itself.
_NO_NODES = "NO_NODES_AVAILABLE"
_NODES_SECONDS = 60.0


@dataclass(frozen=True)
class Column:
    """A column of a result: its name, its full Trino type, and the type's parsed signature."""

    name: str
    type: str
    signature: dict[str, Any]


@dataclass
class Progress:
    """What the server said last about a statement."""

    state: str = "QUEUED"
    scanned_bytes: int = 0
    scanned_rows: int = 0
    queued_ms: int = 0
    elapsed_ms: int = 0
    planning_ms: int = 0
    update_type: str | None = None
    update_count: int | None = None
    columns: list[Column] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Engine:
    """A Trino server at `url`. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(timeout=_TIMEOUT, trust_env=False)
        self._was_ready = False

    def ready(self) -> bool:
        """True when the server takes queries now. Its nodes are asked for once, until it is gone."""
        self._was_ready = started(self.url) and (self._was_ready or has_nodes(self.url))
        return self._was_ready

    def wait_ready(self, seconds: float, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Wait until the server takes queries; False when it did not in time or `stopped` became true."""
        deadline = time.monotonic() + seconds
        while not stopped():
            if self.ready():
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.2)  # the server has no call that blocks until it is up
        return False

    def statement(
        self,
        sql: str,
        user: str,
        schema: str | None = None,
        source: str = "athena",
        session: dict[str, str] | None = None,
    ) -> "Statement":
        """Hand `sql` to the server. Raises EngineGone when it does not answer."""
        headers = {
            "X-Trino-User": user,
            "X-Trino-Source": source,
            "X-Trino-Catalog": GLUE_CATALOG,
            "X-Trino-Time-Zone": "UTC",
            # Timestamps then come with as many digits as their type has, as in Athena.
            "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
        }
        if schema:
            headers["X-Trino-Schema"] = schema
        if session:
            headers["X-Trino-Session"] = ",".join(f"{key}={value}" for key, value in session.items())
        return Statement(self, sql, headers)

    def rows(self, sql: str, user: str, schema: str | None = None) -> list[list[Any]]:
        """All rows of a small statement."""
        return [row for page in self.statement(sql, user, schema).pages() for row in page]

    def _call(self, method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> dict[str, Any]:
        try:
            answer = self._http.request(method, url, headers=headers, content=body)
        except httpx.HTTPError as error:
            raise EngineGone(f"The query engine does not answer: {error or type(error).__name__}") from error
        if answer.status_code == 204:
            return {}
        if answer.status_code != 200:
            raise EngineGone(f"The query engine answered {answer.status_code}: {answer.text[:500]}")
        # Athena prints 1.0E10 as Java writes it: numbers with a fraction stay text.
        return json.loads(answer.text, parse_float=str)


class Statement:
    """One running statement. `pages()` drives it; `cancel()` may come from another thread."""

    def __init__(self, engine: Engine, sql: str, headers: dict[str, str]) -> None:
        self._engine = engine
        self._sql, self._sent = sql, headers
        self._headers = {"X-Trino-User": headers["X-Trino-User"]}
        self._deadline = time.monotonic() + _NODES_SECONDS
        self._answer: dict[str, Any] = {}
        self._next: str | None = None
        self.progress = Progress()
        self._submit()

    def pages(self, watch: Callable[[Progress], None] = lambda progress: None) -> Iterator[list[list[Any]]]:
        """The result's rows, page by page, until the statement ends.

        `watch` is called with every answer of the server, empty ones too; what it raises ends the statement there.
        Raises EngineError when the statement fails, EngineGone when the server does.
        """
        finished = given = False
        try:
            while True:
                try:
                    self._read(self._answer)
                except EngineError as error:
                    if error.name != _NO_NODES or given or time.monotonic() >= self._deadline:
                        raise
                    watch(self.progress)
                    time.sleep(0.2)  # the server has no call that blocks until it knows a node
                    self._submit()
                    continue
                watch(self.progress)
                if self._answer.get("data"):
                    given = True
                    yield self._answer["data"]
                if self._next is None:
                    finished = True
                    return
                self._answer = self._engine._call("GET", self._next, self._headers)
                self._next = self._answer.get("nextUri")
        finally:
            if not finished:
                self.cancel()

    def run(self) -> list[list[Any]]:
        """Drive the statement to its end and give all rows: for statements whose result is small."""
        return [row for page in self.pages() for row in page]

    def cancel(self) -> None:
        """Ask the server to stop; a server that is gone has stopped already."""
        if self._next is None:
            return
        try:
            self._engine._call("DELETE", self._next, self._headers)
        except EngineGone:
            return

    def _submit(self) -> None:
        body = self._sql.encode()
        self._answer = self._engine._call("POST", f"{self._engine.url}/v1/statement", self._sent, body)
        self._next = self._answer.get("nextUri")

    def _read(self, answer: dict[str, Any]) -> None:
        stats = answer.get("stats") or {}
        progress = self.progress
        progress.state = stats.get("state", progress.state)
        progress.scanned_bytes = stats.get("physicalInputBytes", progress.scanned_bytes)
        progress.scanned_rows = stats.get("processedRows", progress.scanned_rows)
        progress.queued_ms = stats.get("queuedTimeMillis", 0)
        progress.elapsed_ms = stats.get("elapsedTimeMillis", 0)
        progress.planning_ms = stats.get("planningTimeMillis", 0)
        progress.update_type = answer.get("updateType", progress.update_type)
        progress.update_count = answer.get("updateCount", progress.update_count)
        if answer.get("columns") and not progress.columns:
            progress.columns = [Column(c["name"], c["type"], c["typeSignature"]) for c in answer["columns"]]
        if answer.get("error"):
            self._next = None
            raise EngineError.of(answer["error"])
