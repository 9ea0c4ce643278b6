"""Questions to Athena: start, wait, read the pages, turn cells into Python values. Over any boto3 Athena client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any


class AthenaError(Exception):
    """Athena said no. `str(error)` is Athena's own text; `missing` when a table or schema is not there."""

    @property
    def missing(self) -> bool:
        return any(code in str(self) for code in ("TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND", "EntityNotFound"))


@dataclass(frozen=True)
class Answer:
    """One query's result. `rows` are Python values: int, float, Decimal, bool, text, None for null.

    `more` says that the result has rows beyond the limit that was asked for.
    """

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    scanned: int  # bytes
    milliseconds: int
    more: bool = False

    def dicts(self) -> list[dict[str, Any]]:
        """The rows by column name."""
        return [dict(zip(self.columns, row)) for row in self.rows]


def literal(text: str) -> str:
    """A SQL string literal. Names of files come from strangers."""
    return "'" + text.replace("'", "''") + "'"


def ask(
    athena: Any,
    sql: str,
    database: str,
    workgroup: str,
    parameters: Sequence[str] = (),
    limit: int | None = None,
    as_text: bool = False,
) -> Answer:
    """Runs one statement with a boto3 Athena client. Raises AthenaError.

    `parameters` are SQL literals for the statement's question marks, in order (see `literal`). `limit` bounds the rows
    that are fetched, not the statement. `as_text` leaves cells as Athena writes them. Ctrl-C stops the statement in
    Athena too.
    """
    given = {"ExecutionParameters": list(parameters)} if parameters else {}
    started = athena.start_query_execution(
        QueryString=sql, QueryExecutionContext={"Database": database}, WorkGroup=workgroup, **given
    )
    execution_id = started["QueryExecutionId"]
    try:
        execution = _finish(athena, execution_id)
    except KeyboardInterrupt:
        athena.stop_query_execution(QueryExecutionId=execution_id)
        raise
    if execution["Status"]["State"] != "SUCCEEDED":
        reason = execution["Status"].get("StateChangeReason") or f"The query ended {execution['Status']['State']}."
        raise AthenaError(reason)
    statistics = execution.get("Statistics", {})
    names, types, rows = _read(athena, execution_id, execution.get("StatementType", "DML"), as_text)
    fetched = list(rows if limit is None else islice(rows, limit + 1))
    more = limit is not None and len(fetched) > limit
    return Answer(
        names,
        types,
        fetched[:limit] if more else fetched,
        statistics.get("DataScannedInBytes", 0),
        statistics.get("TotalExecutionTimeInMillis", statistics.get("EngineExecutionTimeInMillis", 0)),
        more,
    )


def _finish(athena: Any, execution_id: str) -> dict[str, Any]:
    """Asks until the execution is over, at first often (small questions take 0.2 s), then once a second."""
    pause = 0.05
    while True:
        execution: dict[str, Any] = athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
        if execution["Status"]["State"] not in {"QUEUED", "RUNNING"}:
            return execution
        time.sleep(pause)
        pause = min(1.0, pause * 1.5)


def _read(
    athena: Any, execution_id: str, kind: str, as_text: bool
) -> tuple[tuple[str, ...], tuple[str, ...], Iterator[tuple[Any, ...]]]:
    """Names, types and a stream of rows. A SELECT's first row repeats the names; SHOW and DESCRIBE have none."""
    page = athena.get_query_results(QueryExecutionId=execution_id)
    info = page["ResultSet"].get("ResultSetMetadata", {}).get("ColumnInfo", [])
    names = tuple(column.get("Label") or column["Name"] for column in info)
    types = tuple(column["Type"] for column in info)
    casts = [str if as_text else _CASTS.get(type_name, str) for type_name in types]

    def rows(page: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
        skip = kind == "DML"
        while True:
            for row in page["ResultSet"]["Rows"]:
                cells = [cell.get("VarCharValue") for cell in row.get("Data", [])]
                if skip:
                    skip = False
                    if tuple(cells) == names:
                        continue
                yield tuple(None if cell is None else cast(cell) for cast, cell in zip(casts, cells))
            token = page.get("NextToken")
            if not token:
                return
            page = athena.get_query_results(QueryExecutionId=execution_id, NextToken=token)

    return names, types, rows(page)


_CASTS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("tinyint", "smallint", "integer", "int", "bigint"), int),
    **dict.fromkeys(("double", "float", "real"), float),
    "decimal": Decimal,
    "boolean": lambda text: text == "true",
}
NUMERIC = frozenset({"tinyint", "smallint", "integer", "int", "bigint", "double", "float", "real", "decimal"})
