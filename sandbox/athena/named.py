"""Named queries: the API's calls, and the stack resource AWS::Athena::NamedQuery."""

from __future__ import annotations

import uuid
from typing import Any

from ministack.services import athena

from sandbox.athena import workgroups
from sandbox.athena.errors import InvalidRequest

Request = dict[str, Any]
_FIELDS = ("Name", "Description", "Database", "QueryString", "WorkGroup")


def create(request: Request) -> dict[str, Any]:
    """CreateNamedQuery: the same client token gives the same query."""
    token = request.get("ClientRequestToken")
    for kept in athena._named_queries.values():
        if token and kept.get("_token") == token:
            return {"NamedQueryId": kept["NamedQueryId"]}
    entry = {key: request[key] for key in _FIELDS if request.get(key) is not None}
    for required in ("Name", "Database", "QueryString"):
        if not entry.get(required):
            raise InvalidRequest(f"{required} is required for a named query")
    entry["WorkGroup"] = entry.get("WorkGroup") or workgroups.PRIMARY
    workgroups.find(entry["WorkGroup"])
    identifier = str(uuid.uuid4())
    athena._named_queries[identifier] = entry | {"NamedQueryId": identifier, "_token": token}
    return {"NamedQueryId": identifier}


def get(request: Request) -> dict[str, Any]:
    """GetNamedQuery."""
    return {"NamedQuery": _shown(_find(request["NamedQueryId"]))}


def batch_get(request: Request) -> dict[str, Any]:
    """BatchGetNamedQuery."""
    asked = request["NamedQueryIds"]
    found = [_shown(athena._named_queries[i]) for i in asked if i in athena._named_queries]
    missing = [
        {"NamedQueryId": i, "ErrorCode": "INTERNAL_FAILURE", "ErrorMessage": f"NamedQuery {i} was not found"}
        for i in asked
        if i not in athena._named_queries
    ]
    return {"NamedQueries": found, "UnprocessedNamedQueryIds": missing}


def update(request: Request) -> dict[str, Any]:
    """UpdateNamedQuery."""
    found = _find(request["NamedQueryId"])
    found |= {key: request[key] for key in ("Name", "Description", "QueryString") if request.get(key) is not None}
    return {}


def delete(request: Request) -> dict[str, Any]:
    """DeleteNamedQuery."""
    _find(request["NamedQueryId"])
    del athena._named_queries[request["NamedQueryId"]]
    return {}


def listed(request: Request) -> list[str]:
    """ListNamedQueries, all of them."""
    workgroup = request.get("WorkGroup") or workgroups.PRIMARY
    return [entry["NamedQueryId"] for entry in athena._named_queries.values() if entry["WorkGroup"] == workgroup]


def stack_create(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
    """CloudFormation makes the resource; a query without a name is called after it. Raises ValueError."""
    name = properties.get("Name") or f"{stack}-{logical_id}"
    try:
        made = create(properties | {"Name": name})["NamedQueryId"]
    except InvalidRequest as error:
        raise ValueError(str(error)) from error
    return made, {"NamedQueryId": made}


def stack_delete(physical_id: str, properties: dict[str, Any]) -> None:
    """CloudFormation removes the resource; one that is gone is no error."""
    athena._named_queries.pop(physical_id, None)


def _find(identifier: str) -> dict[str, Any]:
    found = athena._named_queries.get(identifier)
    if found is None:
        raise InvalidRequest(f"NamedQuery {identifier} was not found")
    return found


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if not key.startswith("_")}
