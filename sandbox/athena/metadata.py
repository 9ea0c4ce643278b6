"""GetDatabase, ListDatabases, GetTableMetadata, ListTableMetadata: Glue's catalog, with the caller's rights."""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import ClientError

from sandbox.athena.errors import InvalidRequest
from sandbox.formation.store import visible

Request = dict[str, Any]
_CATALOG = "awsdatacatalog"


def get_database(glue: Any, request: Request) -> dict[str, Any]:
    """GetDatabase."""
    _check_catalog(request)
    return {"Database": _database(_ask(glue.get_database, Name=request["DatabaseName"])["Database"])}


def list_databases(glue: Any, request: Request) -> list[dict[str, Any]]:
    """ListDatabases, all of them."""
    _check_catalog(request)
    return [_database(entry) for entry in _all(glue, "get_databases", "DatabaseList")]


def get_table(glue: Any, request: Request, user: str) -> dict[str, Any]:
    """GetTableMetadata."""
    _check_catalog(request)
    found = _ask(glue.get_table, DatabaseName=request["DatabaseName"], Name=request["TableName"])["Table"]
    shown = visible(user, found)
    if shown is None:
        what = f"Insufficient Lake Formation permission(s): Required Describe on {found['Name']}"
        raise InvalidRequest(what, "MetadataException")
    return {"TableMetadata": _table(shown)}


def list_tables(glue: Any, request: Request, user: str) -> list[dict[str, Any]]:
    """ListTableMetadata, all of them; Expression is a regular expression for the name."""
    _check_catalog(request)
    try:
        fits = re.compile(request.get("Expression") or ".*", re.IGNORECASE)
    except re.error as error:
        raise InvalidRequest(f"Expression is no regular expression: {error}") from error
    found = _all(glue, "get_tables", "TableList", DatabaseName=request["DatabaseName"])
    shown = [visible(user, entry) for entry in found if fits.fullmatch(entry["Name"])]
    return [_table(entry) for entry in shown if entry is not None]


def _check_catalog(request: Request) -> None:
    if request.get("CatalogName", "").lower() != _CATALOG:
        raise InvalidRequest(f"Data catalog {request.get('CatalogName')} was not found", "MetadataException")


def _ask(call: Any, **arguments: Any) -> dict[str, Any]:
    try:
        return call(**arguments)
    except ClientError as error:
        raise _refused(error) from error


def _all(glue: Any, method: str, member: str, **arguments: Any) -> list[dict[str, Any]]:
    try:
        return [entry for page in glue.get_paginator(method).paginate(**arguments) for entry in page[member]]
    except ClientError as error:
        raise _refused(error) from error


def _refused(error: ClientError) -> InvalidRequest:
    """Athena says what its catalog said, in the words of the catalog's client: clients read the code out of them."""
    found, about = error.response["Error"], error.response["ResponseMetadata"]
    detail = (
        f"Service: AmazonDataCatalog; Status Code: {about['HTTPStatusCode']}; Error Code: {found['Code']}; "
        f"Request ID: {about.get('RequestId', '')}; Proxy: null"
    )
    return InvalidRequest(f"{found.get('Message', '')} ({detail})", "MetadataException")


def _database(entry: dict[str, Any]) -> dict[str, Any]:
    shown = {"Name": entry["Name"], "Parameters": entry.get("Parameters") or {}}
    return shown | ({"Description": entry["Description"]} if entry.get("Description") else {})


def _table(entry: dict[str, Any]) -> dict[str, Any]:
    storage = entry.get("StorageDescriptor") or {}
    serde = storage.get("SerdeInfo") or {}
    described = {
        "inputformat": storage.get("InputFormat"),
        "outputformat": storage.get("OutputFormat"),
        "location": storage.get("Location"),
        "serde.serialization.lib": serde.get("SerializationLibrary"),
    }
    described |= {f"serde.param.{key}": value for key, value in (serde.get("Parameters") or {}).items()}
    shown = {
        "Name": entry["Name"],
        "TableType": entry.get("TableType", "EXTERNAL_TABLE"),
        "Columns": [_column(column) for column in storage.get("Columns") or []],
        "PartitionKeys": [_column(column) for column in entry.get("PartitionKeys") or []],
        "Parameters": (entry.get("Parameters") or {}) | {key: value for key, value in described.items() if value},
    }
    for ours, theirs in (("CreateTime", "CreateTime"), ("LastAccessTime", "LastAccessTime")):
        if entry.get(theirs) is not None:
            shown[ours] = entry[theirs].timestamp()
    return shown


def _column(column: dict[str, Any]) -> dict[str, Any]:
    return {key: column[key] for key in ("Name", "Type", "Comment") if column.get(key)}
