"""Workgroups: their calls, and what they decide for a query that runs in them."""

from __future__ import annotations

import copy
import re
import time
from typing import Any

from ministack.core.responses import json_response
from ministack.services import athena

from sandbox.athena.errors import InvalidRequest

Request = dict[str, Any]
PRIMARY = "primary"
_NAME = re.compile(r"[a-zA-Z0-9._-]{1,128}")
_SMALLEST_CUTOFF = 10_000_000
_ENGINE = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}
_PLAIN = (
    "EnforceWorkGroupConfiguration", "PublishCloudWatchMetricsEnabled", "RequesterPaysEnabled", "EngineVersion",
    "AdditionalConfiguration", "ExecutionRole", "BytesScannedCutoffPerQuery", "EnableMinimumEncryptionConfiguration",
)  # fmt: skip
_REMOVALS = {
    "RemoveOutputLocation": "OutputLocation",
    "RemoveEncryptionConfiguration": "EncryptionConfiguration",
    "RemoveExpectedBucketOwner": "ExpectedBucketOwner",
    "RemoveAclConfiguration": "AclConfiguration",
}


def find(name: str) -> dict[str, Any]:
    """The workgroup of this name. Raises InvalidRequest when there is none."""
    found = athena._workgroups.get(name)
    if found is None:
        raise InvalidRequest("WorkGroup is not found.")
    return found


def configuration(workgroup: dict[str, Any]) -> dict[str, Any]:
    """The workgroup's configuration with what was left out filled in as Athena does."""
    given = workgroup.get("Configuration") or {}
    defaults = {
        "EnforceWorkGroupConfiguration": workgroup["Name"] != PRIMARY,
        "PublishCloudWatchMetricsEnabled": False,
        "RequesterPaysEnabled": False,
        "ResultConfiguration": {},
    }
    engine = _ENGINE | {k: v for k, v in (given.get("EngineVersion") or {}).items() if v}
    # A stack writes its properties as they came, numbers and truths as text among them.
    typed = {key: _typed(value) for key, value in given.items()}
    return defaults | typed | {"EngineVersion": engine}


def _typed(value: Any) -> Any:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return int(value) if isinstance(value, str) and value.isdigit() else value


def create(request: Request) -> dict[str, Any]:
    """CreateWorkGroup."""
    name = request["Name"]
    if not _NAME.fullmatch(name):
        raise InvalidRequest(f"Invalid WorkGroup name: {name}")
    if name in athena._workgroups:
        raise InvalidRequest("WorkGroup is already created")
    given = copy.deepcopy(request.get("Configuration") or {})
    _check(given)
    athena._workgroups[name] = {
        "Name": name,
        "State": "ENABLED",
        "Description": request.get("Description", ""),
        "CreationTime": time.time(),
        "Configuration": given,
    }
    if request.get("Tags"):
        athena._tags[athena._arn_workgroup(name)] = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    return {}


def get(request: Request) -> dict[str, Any]:
    """GetWorkGroup."""
    found = find(request["WorkGroup"])
    return {"WorkGroup": found | {"Configuration": configuration(found)}}


def listed(request: Request) -> list[dict[str, Any]]:
    """ListWorkGroups, all of them."""
    return [
        {key: entry.get(key) for key in ("Name", "State", "Description", "CreationTime")}
        | {"EngineVersion": configuration(entry)["EngineVersion"]}
        for _, entry in sorted(athena._workgroups.items())
    ]


def update(request: Request) -> dict[str, Any]:
    """UpdateWorkGroup."""
    found = find(request["WorkGroup"])
    updates = request.get("ConfigurationUpdates") or {}
    _check(updates)
    changed = copy.deepcopy(found.get("Configuration") or {})
    changed |= {key: updates[key] for key in _PLAIN if key in updates}
    if updates.get("RemoveBytesScannedCutoffPerQuery"):
        changed.pop("BytesScannedCutoffPerQuery", None)
    results = updates.get("ResultConfigurationUpdates")
    if results:
        kept = changed.get("ResultConfiguration") or {}
        kept |= {key: results[key] for key in _REMOVALS.values() if key in results}
        for removal, key in _REMOVALS.items():
            if results.get(removal):
                kept.pop(key, None)
        changed["ResultConfiguration"] = kept
    found["Configuration"] = changed
    for key in ("Description", "State"):
        if key in request:
            found[key] = request[key]
    return {}


def delete(request: Request) -> dict[str, Any]:
    """DeleteWorkGroup: one with queries in it goes only with RecursiveDeleteOption."""
    name = request["WorkGroup"]
    if name == PRIMARY:
        raise InvalidRequest("The primary workgroup cannot be deleted.")
    find(name)
    stores = [
        (athena._executions, "WorkGroup"),
        (athena._named_queries, "WorkGroup"),
        (athena._prepared_statements, "WorkGroupName"),
    ]
    held = [(store, key) for store, field in stores for key, entry in store.items() if entry.get(field) == name]
    if held and not request.get("RecursiveDeleteOption"):
        raise InvalidRequest(f"WorkGroup {name} is not empty")
    for store, key in held:
        store.pop(key, None)
    athena._workgroups.pop(name, None)
    athena._tags.pop(athena._arn_workgroup(name), None)
    return {}


def _check(configuration: dict[str, Any]) -> None:
    cutoff = configuration.get("BytesScannedCutoffPerQuery")
    if cutoff is not None and cutoff < _SMALLEST_CUTOFF:
        raise InvalidRequest(f"BytesScannedCutoffPerQuery must be at least {_SMALLEST_CUTOFF} bytes")


def stack_delete(request: Request) -> tuple[int, dict[str, str], bytes]:
    """The emulator's CloudFormation deletes a workgroup through this; one that is gone is no error there."""
    try:
        return json_response(delete(request))
    except InvalidRequest as error:
        if "not found" in str(error):
            return json_response({})
        raise ValueError(str(error)) from error
