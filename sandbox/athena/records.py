"""The records of executions: made when a query is accepted, told by GetQueryExecution, kept in the emulator's store."""

from __future__ import annotations

import time
import uuid
from typing import Any

from ministack.services import athena

from sandbox.athena.errors import SYSTEM, AthenaError, InvalidRequest
from sandbox.athena.run import Run
from sandbox.athena.work import Plan

Request = dict[str, Any]
Record = dict[str, Any]
FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")
_KEPT = 1000


def find(identifier: str) -> Record:
    """The record of an execution. Raises InvalidRequest when there is none."""
    found = athena._executions.get(identifier)
    if found is None:
        raise InvalidRequest(f"QueryExecution {identifier} was not found")
    return found


def abandon_unfinished() -> None:
    """After a restart nobody works on what was queued or running: it failed."""
    for record in athena._executions.all_values():
        if record["Status"]["State"] not in FINAL:
            reason = AthenaError(SYSTEM, 100, "The sandbox was stopped while the query ran.", retryable=True)
            told = {
                "StateChangeReason": reason.message,
                "AthenaError": reason.wire(),
                "CompletionDateTime": time.time(),
            }
            record["Status"] = record["Status"] | {"State": "FAILED"} | told


def make(request: Request, plan: Plan, workgroup: str, results: Record) -> Record:
    """A new record, QUEUED. `results`: the result configuration in force, its location a folder that ends in `/`."""
    identifier = str(uuid.uuid4())
    location = results["OutputLocation"] + identifier + {"csv": ".csv", "txt": ".txt"}.get(plan.output, "")
    if plan.substatement_type == "CREATE_TABLE_AS_SELECT":
        location = f"{results['OutputLocation']}tables/{identifier}"
    record = {
        "QueryExecutionId": identifier,
        "Query": request["QueryString"],
        "StatementType": plan.statement_type,
        "SubstatementType": plan.substatement_type,
        "ResultConfiguration": results | {"OutputLocation": location},
        "ResultReuseConfiguration": request.get("ResultReuseConfiguration")
        or {"ResultReuseByAgeConfiguration": {"Enabled": False}},
        "QueryExecutionContext": _context(request),
        "Status": {"State": "QUEUED", "SubmissionDateTime": time.time()},
        "Statistics": {},
        "WorkGroup": workgroup,
        "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"},
        "_request": {key: request.get(key) for key in ("ResultConfiguration", "QueryExecutionContext")},
        "_token": request.get("ClientRequestToken"),
        "_columns": [],
        "_update_count": None,
    }
    if request.get("ExecutionParameters"):
        record["ExecutionParameters"] = request["ExecutionParameters"]
    return record


def _context(request: Request) -> Record:
    """The context as it was given: the catalog in lower case, what was left out left out."""
    given = request.get("QueryExecutionContext") or {}
    shown = {"Database": given.get("Database"), "Catalog": (given.get("Catalog") or "").lower()}
    return {key: value for key, value in shown.items() if value}


def by_token(request: Request) -> str | None:
    """The execution that this client token has started already. Raises InvalidRequest when it was another query."""
    token = request.get("ClientRequestToken")
    for record in athena._executions.values() if token else ():
        if record.get("_token") == token:
            asked = {key: request.get(key) for key in record.get("_request", {})}
            if record["Query"] != request["QueryString"] or record.get("_request", {}) != asked:
                raise InvalidRequest("Idempotent parameters do not match", athena_code="IDEMPOTENT_PARAMETER_MISMATCH")
            return record["QueryExecutionId"]
    return None


def advance(record: Record, state: str) -> None:
    """The next state of an execution that has not ended."""
    if record["Status"]["State"] not in FINAL:
        record["Status"] = record["Status"] | {"State": state}


def finish(record: Record, run: Run, state: str, reason: str = "", error: AthenaError | None = None) -> None:
    """The end of an execution; the first end counts."""
    if record["Status"]["State"] in FINAL:
        return
    now = time.time()
    record["Statistics"] = statistics(record, run, now)
    record["_rows"] = {
        "InputRows": run.progress.scanned_rows,
        "InputBytes": run.scanned_bytes,
        "OutputRows": run.written_rows,
        "OutputBytes": run.written_bytes,
    }
    status = record["Status"] | {"State": state, "CompletionDateTime": now}
    if error is not None:
        status |= {"StateChangeReason": error.message, "AthenaError": error.wire()}
    elif reason:
        status["StateChangeReason"] = reason
    record["Status"] = status


def statistics(record: Record, run: Run, now: float | None = None) -> Record:
    """The Statistics of an execution, as far as it has come."""
    total = int(((now or time.time()) - record["Status"]["SubmissionDateTime"]) * 1000)
    engine = min(run.progress.elapsed_ms, total)
    queued = min(run.progress.queued_ms, total - engine)
    shown = {
        "EngineExecutionTimeInMillis": engine,
        "DataScannedInBytes": run.scanned_bytes,
        "TotalExecutionTimeInMillis": total,
        "QueryQueueTimeInMillis": queued,
        "ServicePreProcessingTimeInMillis": 0,
        "QueryPlanningTimeInMillis": min(run.progress.planning_ms, engine),
        "ServiceProcessingTimeInMillis": max(total - engine - queued, 0),
        "ResultReuseInformation": {"ReusedPreviousResult": bool(record.get("_reused"))},
    }
    return shown | ({"DataManifestLocation": record["_manifest"]} if record.get("_manifest") else {})


def forget_old() -> None:
    """Athena forgets after 45 days; the sandbox after a thousand."""
    ended = [e for e in athena._executions.values() if e["Status"]["State"] in FINAL]
    ended.sort(key=lambda entry: entry["Status"]["SubmissionDateTime"])
    for record in ended[: max(len(ended) - _KEPT, 0)]:
        athena._executions.pop(record["QueryExecutionId"], None)
