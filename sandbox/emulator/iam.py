"""IAM in the emulator: right ARNs for Glue, a record of every decision, and one account owner.

AWS checks a Glue catalog call against every ancestor of what it touches: GetTable needs the permission on the table,
on its database and on the catalog. The emulator asks about one ARN, and often the wrong one.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import iam as roles

from sandbox.emulator import seams


class Arns(str):
    """The ARN that a denial names, and the other ones that are checked in the same call."""

    others: tuple[str, ...]

    def __new__(cls, *arns: str) -> Arns:
        made = super().__new__(cls, arns[0])
        made.others = tuple(arns[1:])
        return made


def glue_arns(action: str, body: Mapping[str, Any], region: str, account: str) -> tuple[str, ...]:
    """The resources that AWS checks for one Glue call, the narrowest first.

    action: the call's name, e.g. GetTable. body: its request, as the client sent it.
    """
    prefix = f"arn:aws:glue:{region}:{account}:"
    if "Crawler" in action:
        names = body.get("CrawlerNameList") or body.get("CrawlerNames") or [body.get("Name") or "*"]
        return tuple(f"{prefix}crawler/{name}" for name in names)
    if "Job" in action:
        names = body.get("JobNames") or [body.get("JobName") or body.get("Name") or "*"]
        return tuple(f"{prefix}job/{name}" for name in names)
    for word, kind in (("Trigger", "trigger"), ("Workflow", "workflow"), ("Connection", "connection")):
        if word in action:
            return (f"{prefix}{kind}/{body.get('Name') or '*'}", *_catalog(prefix, kind))
    if "Classifier" in action or "SecurityConfiguration" in action:
        return ("*",)
    if "UserDefinedFunction" in action:
        database = body.get("DatabaseName") or "*"
        function = body.get("FunctionName") or (body.get("FunctionInput") or {}).get("FunctionName") or "*"
        return f"{prefix}userDefinedFunction/{database}/{function}", f"{prefix}database/{database}", f"{prefix}catalog"
    if action.endswith(("TagResource", "GetTags", "UntagResource")):
        return (str(body.get("ResourceArn") or "*"),)
    return _data_catalog(action, body, prefix)


def _catalog(prefix: str, kind: str) -> tuple[str, ...]:
    return (f"{prefix}catalog",) if kind == "connection" else ()


def _data_catalog(action: str, body: Mapping[str, Any], prefix: str) -> tuple[str, ...]:
    database = body.get("DatabaseName")
    tables = [entry if isinstance(entry, str) else entry.get("Name", "*") for entry in body.get("TablesToDelete") or []]
    if database is None:
        database = body.get("Name") or (body.get("DatabaseInput") or {}).get("Name") or "*"
        if "Database" not in action:
            return (f"{prefix}catalog",)
        found = [f"{prefix}database/{database}"]
        if action == "DeleteDatabase":  # it takes everything in the database along
            found += [f"{prefix}table/{database}/*", f"{prefix}userDefinedFunction/{database}/*"]
        return (*found, f"{prefix}catalog")
    table = body.get("TableName") or (body.get("TableInput") or {}).get("Name") or body.get("Name")
    names = tables or [table or "*"]
    return (*(f"{prefix}table/{database}/{name}" for name in names), f"{prefix}database/{database}", f"{prefix}catalog")


def install(record: Path) -> None:
    """Put the ARNs right, record every decision to `record` (a JSON line each), and count loopback as TLS."""
    _fix_glue_arns()
    _name_roles_by_themselves()
    _record_decisions(record)
    # A bucket policy that demands TLS must not shut out the laptop, whose traffic never leaves it.
    seams.wrap(
        app,
        "pin_request_origin",
        "source_ip secure_transport",
        lambda pin: lambda source_ip, secure_transport: pin(source_ip, True),
    )


def _fix_glue_arns() -> None:
    def wrapper(original: seams.Function) -> seams.Function:
        def extract(service, method, path, headers, body, query_params, region, account_id):
            target = headers.get("x-amz-target", "")
            if service != "glue" or "." not in target or path.startswith("/iceberg"):
                return original(service, method, path, headers, body, query_params, region, account_id)
            try:
                request = json.loads(body or b"{}")
            except ValueError:
                request = {}  # the handler answers SerializationException
            return Arns(*glue_arns(target.rpartition(".")[2], request, region, account_id))

        return extract

    seams.wrap(
        iam_actions, "extract_resource_arn", "service method path headers body query_params region account_id", wrapper
    )


def _name_roles_by_themselves() -> None:
    """aws:PrincipalArn of a role's session is the role's ARN, as policies name it; the emulator says the session's."""

    def wrapper(original: seams.Function) -> seams.Function:
        def resolve(key: str, ctx: Any) -> Any:
            found = original(key, ctx)
            if key.lower() != "aws:principalarn":
                return found
            session = re.fullmatch(r"arn:aws:sts::(\d+):assumed-role/([^/]+)/.+", str(found))
            role = session and roles._roles.get_scoped(session[1], None, session[2])
            return role["Arn"] if role else found

        return resolve

    seams.wrap(iam_evaluator, "_resolve_condition_key", "key ctx", wrapper)


def _record_decisions(path: Path) -> None:
    lock = threading.Lock()
    out = path.open("a", buffering=1, encoding="utf-8")

    def wrapper(original: seams.Function) -> seams.Function:
        def enforce(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
            denied = None
            for arn in (str(resource_arn), *getattr(resource_arn, "others", ())):
                denied = original(access_key_id, iam_action, service, region, arn, service_context)
                decision = "Allow" if denied is None else getattr(denied, "decision", None) or denied.code
                line = {
                    "time": round(time.time(), 3),
                    "principal": _principal(access_key_id),
                    "action": iam_action,
                    "resource": arn,
                    "decision": decision,
                }
                with lock:
                    out.write(json.dumps(line) + "\n")
                if denied is not None:
                    break
            return denied

        return enforce

    seams.expect(iam_evaluator, "resolve_credential", "access_key_id account_id session_token")
    seams.wrap(
        iam_evaluator, "enforce", "access_key_id iam_action service region resource_arn service_context", wrapper
    )


def _principal(access_key: str | None) -> str:
    found = iam_evaluator.resolve_credential(access_key or "", get_account_id())
    return getattr(found, "principal_arn", None) or access_key or "anonymous"
