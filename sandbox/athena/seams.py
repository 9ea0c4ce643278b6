"""Putting this Athena into the emulator, in the place of its own."""

from __future__ import annotations

import json
import os
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import athena, glue
from ministack.services.cloudformation import provisioners

from sandbox.athena import named, workgroups
from sandbox.athena.client import Engine
from sandbox.athena.executions import Executions
from sandbox.athena.identity import Clients
from sandbox.athena.records import abandon_unfinished
from sandbox.athena.service import Response, Service
from sandbox.emulator import seams

# A cold start on a busy laptop with one disk takes longer than the ten seconds it should.
START_SECONDS = 180.0
NAMED_QUERY = {"create": named.stack_create, "delete": named.stack_delete}


def install(trino_url: str, endpoint: str | None = None, start_seconds: float = START_SECONDS) -> None:
    """Answer Athena's calls from the Trino server at `trino_url`, which need not be up yet.

    `endpoint` is the emulator's own address (default: from GATEWAY_PORT). A query that comes before the server is up
    waits so many seconds for it. Call it once, before the emulator starts. Raises SeamMoved on another emulator.
    """
    clients = Clients(endpoint or f"http://127.0.0.1:{os.environ.get('GATEWAY_PORT', '4566')}")
    service = Service(Executions(Engine(trino_url), clients, start_seconds), clients)
    for store in ("_executions", "_workgroups", "_named_queries", "_prepared_statements", "_tags"):
        if not hasattr(athena, store):
            raise seams.SeamMoved(
                f"The emulator has no {athena.__name__}.{store}. Install the pinned version of ministack."
            )

    def answer_first(original: seams.Function) -> seams.Function:
        async def handle_request(
            method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
        ) -> Response:
            answer = await service.handle(method, path, headers, body, query_params)
            return answer if answer is not None else await original(method, path, headers, body, query_params)

        return handle_request

    seams.wrap(athena, "handle_request", "method path headers body query_params", answer_first)
    seams.wrap(athena, "load_persisted_state", "data", _then_abandon)
    # The emulator's CloudFormation makes and deletes workgroups through these two.
    seams.expect(athena, "_create_workgroup", "data")
    seams.replace(athena, "_delete_workgroup", "data", workgroups.stack_delete)
    for call in ("_create_table", "_update_table"):
        seams.wrap(glue, call, "data", _without_empty_description)
        seams.wrap(glue, call, "data", _with_current_columns)
    seams.wrap(
        iam_actions,
        "extract_resource_arn",
        "service method path headers body query_params region account_id",
        _workgroup_arns,
    )
    register_types()


def register_types() -> None:
    """Let stacks hold AWS::Athena::NamedQuery; the emulator's own handler wins the day it has one."""
    seams.table(provisioners, "_RESOURCE_HANDLERS").setdefault("AWS::Athena::NamedQuery", NAMED_QUERY)


def _then_abandon(original: seams.Function) -> seams.Function:
    def load(data: dict[str, Any]) -> None:
        original(data)
        abandon_unfinished()

    return load


def _without_empty_description(original: seams.Function) -> seams.Function:
    """Glue leaves out a description that nobody gave. The emulator says "", which hides the engine's views from it."""

    def call(data: dict[str, Any]) -> Response:
        answer = original(data)
        given = data.get("TableInput") or {}
        entry = glue._tables.get(f"{data.get('DatabaseName')}/{given.get('Name')}")
        if entry is not None and not given.get("Description"):
            entry.pop("Description", None)
        return answer

    return call


def _with_current_columns(original: seams.Function) -> seams.Function:
    """Athena marks the columns that an Iceberg table has now, and clients look for the mark; the engine omits it."""

    def call(data: dict[str, Any]) -> Response:
        given = data.get("TableInput") or {}
        if str((given.get("Parameters") or {}).get("table_type", "")).upper() == "ICEBERG":
            columns = (given.get("StorageDescriptor") or {}).get("Columns") or []
            if not any("iceberg.field.current" in (column.get("Parameters") or {}) for column in columns):
                for column in columns:
                    column["Parameters"] = {**(column.get("Parameters") or {}), "iceberg.field.current": "true"}
        return original(data)

    return call


def _workgroup_arns(original: seams.Function) -> seams.Function:
    """Athena checks a call against the workgroup of what it names; the emulator only looks for the name itself."""

    def extract(service, method, path, headers, body, query_params, region, account_id):
        if service != "athena":
            return original(service, method, path, headers, body, query_params, region, account_id)
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            request = {}  # the handler answers SerializationException
        return resource_arn(headers.get("x-amz-target", "").rpartition(".")[2], request)

    return extract


def resource_arn(action: str, request: dict[str, Any]) -> str:
    """The resource that AWS checks for one Athena call."""
    prefix = f"arn:aws:athena:{get_region()}:{get_account_id()}:"
    if action in ("ListWorkGroups", "ListDataCatalogs", "ListEngineVersions"):
        return "*"
    if "DataCatalog" in action or "Database" in action or "TableMetadata" in action:
        return f"{prefix}datacatalog/{request.get('CatalogName') or request.get('Name') or '*'}"
    if "ResourceARN" in request:
        return str(request["ResourceARN"])
    executions = [request.get("QueryExecutionId"), *(request.get("QueryExecutionIds") or [])]
    queries = [request.get("NamedQueryId"), *(request.get("NamedQueryIds") or [])]
    known = [athena._executions.get(i) for i in executions if i] + [athena._named_queries.get(i) for i in queries if i]
    names = [entry["WorkGroup"] for entry in known if entry]
    if not names:
        names = [
            request.get("WorkGroup")
            or (request.get("Name") if action == "CreateWorkGroup" else None)
            or workgroups.PRIMARY
        ]
    return f"{prefix}workgroup/{names[0]}"
