"""Athena's wire API: one function a call, pages, errors, and the dispatch that the emulator calls."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import athena

from sandbox.athena import metadata, named, prepared, workgroups
from sandbox.athena.errors import InvalidRequest
from sandbox.athena.executions import Executions
from sandbox.athena.identity import Caller, Clients, caller_of
from sandbox.athena.records import find
from sandbox.athena.results import page

Request = dict[str, Any]
Call = Callable[[Caller, Request], dict[str, Any]]
Response = tuple[int, dict[str, str], bytes]
_PAGE = 1000
# What the emulator's own Athena answers well.
_EMULATORS = (
    "CreateDataCatalog", "GetDataCatalog", "ListDataCatalogs", "DeleteDataCatalog", "UpdateDataCatalog", "TagResource",
    "UntagResource", "ListTagsForResource",
)  # fmt: skip


class Service:
    """The API over `executions`, the emulator's stores, and Glue."""

    def __init__(self, executions: Executions, clients: Clients) -> None:
        self._clients = clients
        self._calls: dict[str, Call] = {
            "StartQueryExecution": executions.start,
            "GetQueryExecution": _plain(executions.get),
            "BatchGetQueryExecution": _plain(executions.batch_get),
            "StopQueryExecution": _plain(executions.stop),
            "ListQueryExecutions": _paged("QueryExecutionIds", lambda c, r: executions.listed(r), 50),
            "GetQueryResults": self._results,
            "GetQueryRuntimeStatistics": _plain(_runtime_statistics),
            "CreateWorkGroup": _plain(workgroups.create),
            "GetWorkGroup": _plain(workgroups.get),
            "UpdateWorkGroup": _plain(workgroups.update),
            "DeleteWorkGroup": _plain(workgroups.delete),
            "ListWorkGroups": _paged("WorkGroups", lambda c, r: workgroups.listed(r), 50),
            "CreateNamedQuery": _plain(named.create),
            "GetNamedQuery": _plain(named.get),
            "BatchGetNamedQuery": _plain(named.batch_get),
            "UpdateNamedQuery": _plain(named.update),
            "DeleteNamedQuery": _plain(named.delete),
            "ListNamedQueries": _paged("NamedQueryIds", lambda c, r: named.listed(r), 50),
            "CreatePreparedStatement": _plain(prepared.create),
            "GetPreparedStatement": _plain(prepared.get),
            "BatchGetPreparedStatement": _plain(prepared.batch_get),
            "UpdatePreparedStatement": _plain(prepared.update),
            "DeletePreparedStatement": _plain(prepared.delete),
            "ListPreparedStatements": _paged("PreparedStatements", lambda c, r: prepared.listed(r), 50),
            "GetDatabase": lambda c, r: metadata.get_database(clients.glue(c), r),
            "ListDatabases": _paged("DatabaseList", lambda c, r: metadata.list_databases(clients.glue(c), r), 50),
            "GetTableMetadata": lambda c, r: metadata.get_table(clients.glue(c), r, c.user),
            "ListTableMetadata": _paged(
                "TableMetadataList", lambda c, r: metadata.list_tables(clients.glue(c), r, c.user), 50
            ),
            "ListEngineVersions": _plain(_engine_versions),
        }

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Response | None:
        """Answer one request; None for a call that the emulator's own Athena answers (data catalogs, tags)."""
        call = self._calls.get(headers.get("x-amz-target", "").rpartition(".")[2])
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if call is None:
            return None if action in _EMULATORS else _unknown(action)
        athena._ensure_default_workgroup()
        athena._ensure_default_data_catalog()
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return error_response_json("SerializationException", "The request is not JSON", 400)
        caller = caller_of(headers, query_params)
        try:
            # Off the event loop: calls ask S3 and Glue, which this same emulator serves.
            return json_response(await asyncio.to_thread(call, caller, request))
        except InvalidRequest as error:
            extra = {"AthenaErrorCode": error.athena_code} if error.athena_code else None
            return error_response_json(error.code, str(error), 400, extra=extra, message_key="Message")
        except KeyError as error:
            return error_response_json(
                "InvalidRequestException", f"{error.args[0]} is required", 400, message_key="Message"
            )

    def _results(self, caller: Caller, request: Request) -> dict[str, Any]:
        """GetQueryResults."""
        record = find(request["QueryExecutionId"])
        state = record["Status"]["State"]
        if state != "SUCCEEDED":
            if state == "CANCELLED":
                raise InvalidRequest("Could not find results", athena_code="RESULT_NOT_FOUND")
            told = f"has not yet finished. Current state: {state}"
            if state == "FAILED":
                told = "did not finish successfully. Final query state: FAILED"
            raise InvalidRequest(f"Query {told}", athena_code="INVALID_QUERY_EXECUTION_STATE")
        if request.get("QueryResultType", "DATA_ROWS") != "DATA_ROWS":
            raise InvalidRequest(f"The sandbox does not answer QueryResultType {request['QueryResultType']}")
        limit = request.get("MaxResults") or _PAGE
        if not 1 <= limit <= _PAGE:
            raise InvalidRequest(f"MaxResults is more than maximum allowed length {_PAGE}")
        rows: list[Any] = []
        token = None
        location = record["ResultConfiguration"]["OutputLocation"]
        if location.endswith((".csv", ".txt")):
            rows, token = page(self._clients.s3(caller), location, limit, request.get("NextToken"))
        answer: dict[str, Any] = {
            "ResultSet": {
                "Rows": [{"Data": [{} if v is None else {"VarCharValue": v} for v in row]} for row in rows],
                "ResultSetMetadata": {"ColumnInfo": record["_columns"]},
            },
        }
        if record["StatementType"] != "DDL" or record["_update_count"] is not None:
            answer["UpdateCount"] = record["_update_count"] or 0
        return answer | ({"NextToken": token} if token else {})


def _unknown(action: str) -> Response:
    """What this Athena does not do (Spark sessions, notebooks, capacity reservations) is refused by name."""
    return error_response_json(
        "InvalidRequestException", f"The sandbox's Athena does not do {action}", 400, message_key="Message"
    )


def _plain(call: Callable[[Request], dict[str, Any]]) -> Call:
    return lambda caller, request: call(request)


def _paged(member: str, call: Callable[[Caller, Request], list[Any]], most: int) -> Call:
    """A call that lists: MaxResults and NextToken over the whole list."""

    def pages(caller: Caller, request: Request) -> dict[str, Any]:
        everything = call(caller, request)
        start = _start(request.get("NextToken"))
        end = start + min(int(request.get("MaxResults") or most), most)
        answer: dict[str, Any] = {member: everything[start:end]}
        if end < len(everything):
            answer["NextToken"] = base64.urlsafe_b64encode(f"{end}".encode()).decode()
        return answer

    return pages


def _start(token: str | None) -> int:
    try:
        return int(base64.urlsafe_b64decode(token.encode())) if token else 0
    except ValueError as error:
        raise InvalidRequest("Invalid NextToken") from error


def _runtime_statistics(request: Request) -> dict[str, Any]:
    """GetQueryRuntimeStatistics: the timeline and the bytes; stages are not told."""
    record = find(request["QueryExecutionId"])
    told = record["Statistics"]
    timeline = {
        key: told.get(key, 0)
        for key in ("QueryQueueTimeInMillis", "QueryPlanningTimeInMillis", "EngineExecutionTimeInMillis",
                    "ServiceProcessingTimeInMillis", "TotalExecutionTimeInMillis")
    }  # fmt: skip
    rows = record.get("_rows") or {"InputBytes": told.get("DataScannedInBytes", 0)}
    return {"QueryRuntimeStatistics": {"Timeline": timeline, "Rows": rows}}


def _engine_versions(request: Request) -> dict[str, Any]:
    """ListEngineVersions."""
    version = "Athena engine version 3"
    shown = [{"SelectedEngineVersion": name, "EffectiveEngineVersion": version} for name in ("AUTO", version)]
    return {"EngineVersions": shown}
