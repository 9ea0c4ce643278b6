"""One execution while it runs: who asked, where results go, and the ways to the engine, the catalog and S3."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from sandbox.athena.client import Column, Engine, Progress, Statement
from sandbox.athena.errors import EngineError, QueryCancelled
from sandbox.athena.identity import Caller, Clients
from sandbox.athena.literals import Place, original_column, to_doubles
from sandbox.athena.permissions import Permissions
from sandbox.athena.rendering import column_info, row_renderer
from sandbox.athena.results import CsvFile
from sandbox.athena.work import Outcome

CANCELLED = "Query cancelled by user"
_CUTOFF = "Query cancelled! : Bytes scanned limit was exceeded"


@dataclass
class Run:
    """The means of one execution.

    output: the folder of results (ends in `/`). location: the result's own address. parameters: the literals for `?`,
    as the client wrote them. cutoff: bytes that it may scan, None for no limit.
    enforced: the workgroup decides where results go. upload: extra arguments of uploads.
    """

    query_id: str
    caller: Caller
    engine: Engine
    clients: Clients
    database: str
    workgroup: str
    output: str
    location: str
    parameters: list[str] = field(default_factory=list)
    cutoff: int | None = None
    enforced: bool = False
    upload: dict[str, str] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    cancelled: threading.Event = field(default_factory=threading.Event)
    _scanned_before: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    _moved: int = 0
    _literals: list[Place] = field(default_factory=list)

    @property
    def s3(self) -> Any:
        """S3 with the caller's rights."""
        return self.clients.s3(self.caller)

    @property
    def glue(self) -> Any:
        """Glue with the caller's rights."""
        return self.clients.glue(self.caller)

    @property
    def permissions(self) -> Permissions:
        """The caller's rights on what the engine will touch for it."""
        return Permissions(self.caller, self.clients)

    @property
    def scanned_bytes(self) -> int:
        """Bytes read from S3 so far, over all engine statements of this execution."""
        return self._scanned_before + self.progress.scanned_bytes

    def query(self, sql: str, session: dict[str, str] | None = None) -> Outcome:
        """Run a statement that gives rows, and write them as the result's csv."""
        self.check(sql)
        statement = self.start(sql, session)
        pages = self._pages(statement)
        first = next(pages, [])  # the columns are known when the first rows are, or when there are none
        columns = statement.progress.columns
        render = row_renderer(columns)
        file = CsvFile([column.name for column in columns])
        for page in chain([first], pages):
            file.write(map(render, page))
            self.written_rows += len(page)
        self.watch(statement.progress)
        self.written_bytes = file.upload(self.s3, self.location, self.upload)
        return Outcome(columns=[column_info(column) for column in columns])

    def change(self, sql: str, session: dict[str, str] | None = None, moved: int = 0, checked: bool = False) -> Outcome:
        """Run a statement that writes; its one row is the count of rows written."""
        if not checked:
            self.check(sql, moved)
        statement = self.start(sql, session, moved)
        for _ in self._pages(statement):
            pass
        rows = Column("rows", "bigint", {"rawType": "bigint", "arguments": []})
        self.written_rows = statement.progress.update_count or 0
        return Outcome(columns=[column_info(rows)], update_count=self.written_rows)

    def command(self, sql: str, bind: bool = True) -> list[list[Any]]:
        """Run a statement with a small answer. Whoever calls this has checked the caller's rights."""
        return [row for page in self._pages(self.start(sql, bind=bind)) for row in page]

    def table(self, sql: str) -> tuple[str, list[list[Any]]]:
        """As `command`, with the name of the first column."""
        statement = self.start(sql)
        rows = [row for page in self._pages(statement) for row in page]
        return statement.progress.columns[0].name, rows

    def start(self, sql: str, session: dict[str, str] | None = None, moved: int = 0, bind: bool = True) -> Statement:
        """Hand `sql` to the engine, with the parameters bound. `moved`: how many lines it stands below the user's."""
        self._scanned_before = self.scanned_bytes
        self.progress = Progress()
        text, lines = self.bound(sql) if bind else (sql, 0)
        self._moved, self._literals = lines + moved, [_below(place, lines) for place in to_doubles(sql)[1]]
        statement = self.engine.statement(text, self.caller.user, self.database, session=session)
        statement.progress = self.progress
        return statement

    def check(self, sql: str, moved: int = 0) -> None:
        """The caller must have the rights that a query or a change needs. Raises QueryFailed, or EngineError."""
        try:
            self.permissions.check_engine(self.engine, self.database, lambda prefix: self.bound(sql, prefix)[0])
        except EngineError as error:
            raise relocate(error, 1 + moved, [_below(place, 1) for place in to_doubles(sql)[1]]) from error

    def bound(self, sql: str, prefix: str = "") -> tuple[str, int]:
        """`prefix` and `sql` with the parameters in their places, and by how many lines the text moved down."""
        sql = to_doubles(sql)[0]
        if self.parameters:
            text = prefix + "\n" + sql
            given = ", ".join(to_doubles(value)[0] for value in self.parameters)
            return f"EXECUTE IMMEDIATE '{text.replace(chr(39), chr(39) * 2)}' USING {given}", 1
        return (prefix + "\n" + sql, 1) if prefix else (sql, 0)

    def watch(self, progress: Progress) -> None:
        """Called with every answer of the engine. Raises QueryCancelled to end the statement."""
        if self.cancelled.is_set():
            raise QueryCancelled(CANCELLED)
        if self.cutoff is not None and self.scanned_bytes > self.cutoff:
            raise QueryCancelled(_CUTOFF)

    def _pages(self, statement: Statement) -> Iterator[list[list[Any]]]:
        try:
            yield from statement.pages(self.watch)
        except EngineError as error:
            if self.cancelled.is_set():
                raise QueryCancelled(CANCELLED) from error
            raise relocate(error, self._moved, self._literals) from error


def relocate(error: EngineError, lines: int, literals: Sequence[Place] = ()) -> EngineError:
    """The error with the place that it has in the text the user wrote, which starts `lines` lines later in ours.

    `literals`: where ours has longer numbers.
    """
    if error.line is None or error.column is None:
        return error
    line, column = error.line - lines, original_column(error.line, error.column, literals)
    if line < 1:  # in what stands before the user's query in our text
        line, column = 1, 1
    told = rf"\bline {error.line}:{error.column}\b"
    message = re.sub(told, f"line {line}:{column}", error.message, count=1)
    return EngineError(error.name, error.kind, message, line, column)


def _below(place: Place, lines: int) -> Place:
    return Place(place.line + lines, place.column)
