"""Prepared statements: the API's calls, and PREPARE, EXECUTE and DEALLOCATE in SQL."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ministack.services import athena

from sandbox.athena.errors import InvalidRequest
from sandbox.athena.run import Run
from sandbox.athena.sqltext import Cursor, words
from sandbox.athena.work import DML, UTILITY, Outcome, Plan

Request = dict[str, Any]
_PREPARED = ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE_TABLE_AS_SELECT", "UNLOAD", "EXPLAIN")


def expand(sql: str, workgroup: str) -> tuple[str, list[str] | None]:
    """An EXECUTE statement as the statement that it names and what its USING gives, None without one."""
    if words(sql)[:1] != ["execute"]:
        return sql, None
    if words(sql)[:2] == ["execute", "immediate"]:
        raise InvalidRequest(
            "Queries of this type are not supported: EXECUTE IMMEDIATE", athena_code="UNSUPPORTED_QUERY"
        )
    cursor = Cursor(sql, hive=False)
    cursor.expect("execute")
    name = cursor.name()
    given: list[str] | None = None
    if cursor.take("using"):
        given = _split(cursor)
    else:
        cursor.end()
    found = athena._prepared_statements.get(f"{workgroup}/{name}")
    if found is None:
        raise InvalidRequest(
            f"PreparedStatement {name} was not found in workGroup {workgroup}", "InvalidRequestException"
        )
    return found["QueryStatement"], given


def _split(cursor: Cursor) -> list[str]:
    """The expressions after USING, parted at the commas between them."""
    parts, start, depth = [], cursor.next.start if cursor.next else len(cursor.sql), 0
    while cursor.next is not None:
        token = cursor.next
        cursor.at += 1
        if token.kind == "mark":
            depth += (token.text in "([") - (token.text in ")]")
            if token.text == "," and depth == 0:
                parts.append(cursor.sql[start : token.start].strip())
                start = token.end
    return [*parts, cursor.sql[start:].strip()]


def prepare(text: str, planned: Callable[[str], Plan]) -> Plan:
    """PREPARE name FROM statement. `planned` reads the statement, which must be one that can be prepared."""
    cursor = Cursor(text, hive=False)
    cursor.expect("prepare")
    name = cursor.name()
    cursor.expect("from")
    statement = cursor.rest()
    syntax = _checked(statement, planned)

    def work(run: Run) -> Outcome:
        _store(run.workgroup, name, statement, "")
        return Outcome()

    return Plan(DML, "PREPARE", "txt", work, syntax=syntax)


def _checked(statement: str, planned: Callable[[str], Plan]) -> str | None:
    """The text whose syntax the engine must still judge. Raises InvalidRequest for what cannot be prepared."""
    found = planned(statement)
    if found.substatement_type not in _PREPARED:
        kind = found.substatement_type.replace("_", " ")
        raise InvalidRequest(
            f"Queries of this type are not supported in a prepared statement: {kind}", athena_code="UNSUPPORTED_QUERY"
        )
    return found.syntax


def deallocate(text: str) -> Plan:
    """DEALLOCATE PREPARE name."""
    cursor = Cursor(text, hive=False)
    cursor.expect("deallocate", "prepare")
    name = cursor.name()
    cursor.end()

    def work(run: Run) -> Outcome:
        athena._prepared_statements.pop(f"{run.workgroup}/{name}", None)
        return Outcome()

    return Plan(UTILITY, "DEALLOCATE_PREPARE", "txt", work)


def create(request: Request) -> dict[str, Any]:
    """CreatePreparedStatement."""
    workgroup, name = _key(request)
    if f"{workgroup}/{name}" in athena._prepared_statements:
        raise InvalidRequest(f"PreparedStatement {name} already exists in workGroup {workgroup}")
    _store(workgroup, name, request["QueryStatement"], request.get("Description", ""))
    return {}


def update(request: Request) -> dict[str, Any]:
    """UpdatePreparedStatement."""
    workgroup, name = _key(request)
    kept = _find(workgroup, name)
    _store(workgroup, name, request["QueryStatement"], request.get("Description", kept.get("Description", "")))
    return {}


def get(request: Request) -> dict[str, Any]:
    """GetPreparedStatement."""
    return {"PreparedStatement": _find(*_key(request))}


def batch_get(request: Request) -> dict[str, Any]:
    """BatchGetPreparedStatement."""
    found, missing = [], []
    for name in request["PreparedStatementNames"]:
        entry = athena._prepared_statements.get(f"{request['WorkGroup']}/{name}")
        if entry is None:
            missing.append({"StatementName": name, "ErrorCode": "STATEMENT_NOT_FOUND", "ErrorMessage": "not found"})
        else:
            found.append(entry)
    return {"PreparedStatements": found, "UnprocessedPreparedStatementNames": missing}


def delete(request: Request) -> dict[str, Any]:
    """DeletePreparedStatement."""
    workgroup, name = _key(request)
    _find(workgroup, name)
    del athena._prepared_statements[f"{workgroup}/{name}"]
    return {}


def listed(request: Request) -> list[dict[str, Any]]:
    """ListPreparedStatements, all of them."""
    found = [e for e in athena._prepared_statements.values() if e["WorkGroupName"] == request["WorkGroup"]]
    return [{key: e[key] for key in ("StatementName", "LastModifiedTime")} for e in found]


def _key(request: Request) -> tuple[str, str]:
    return request["WorkGroup"], request["StatementName"].lower()


def _find(workgroup: str, name: str) -> dict[str, Any]:
    found = athena._prepared_statements.get(f"{workgroup}/{name}")
    if found is None:
        raise InvalidRequest(
            f"PreparedStatement {name} was not found in workGroup {workgroup}", "ResourceNotFoundException"
        )
    return found


def _store(workgroup: str, name: str, statement: str, description: str) -> None:
    athena._prepared_statements[f"{workgroup}/{name}"] = {
        "StatementName": name,
        "WorkGroupName": workgroup,
        "QueryStatement": statement,
        "Description": description,
        "LastModifiedTime": time.time(),
    }
