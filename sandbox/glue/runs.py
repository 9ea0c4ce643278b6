"""Job runs as Glue keeps them: how one is made, how it ends, and which of them are going."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from ministack.services import glue

GOING = ("STARTING", "RUNNING", "STOPPING", "WAITING")
Run = dict[str, Any]
Job = Mapping[str, Any]

_CARRIED = ("Timeout", "MaxCapacity", "WorkerType", "NumberOfWorkers", "SecurityConfiguration", "ExecutionClass")


def new_run(job: Job, request: Mapping[str, Any], attempt: int = 0, first: str = "") -> Run:
    """A run in state STARTING. first: the id of the first attempt, for a retry."""
    now = time.time()
    run: Run = {
        "Id": f"{first}_attempt_{attempt}" if attempt else "jr_" + secrets.token_hex(32),
        "Attempt": attempt,
        "JobName": job["Name"],
        "JobMode": job.get("JobMode", "SCRIPT"),
        "StartedOn": now,
        "LastModifiedOn": now,
        "JobRunState": "STARTING",
        "Arguments": dict(request.get("Arguments") or {}),
        "PredecessorRuns": [],
        "ExecutionTime": 0,
        "GlueVersion": job.get("GlueVersion", "0.9"),
        "LogGroupName": "/aws-glue/jobs",
    }
    if attempt:
        run["PreviousRunId"] = first if attempt == 1 else f"{first}_attempt_{attempt - 1}"
    for name in _CARRIED:
        value = request.get(name, job.get(name))
        if value not in (None, ""):
            run[name] = value
    return run


def add(run: Run) -> None:
    """Newest first, as GetJobRuns answers them."""
    glue._job_runs.setdefault(run["JobName"], []).insert(0, run)


def going(job_name: str) -> list[Run]:
    return [run for run in glue._job_runs.get(job_name, []) if run["JobRunState"] in GOING]


def concurrent_runs(job: Job) -> int:
    return int((job.get("ExecutionProperty") or {}).get("MaxConcurrentRuns") or 1)


def set_state(run: Run, state: str) -> None:
    run["JobRunState"] = state
    run["LastModifiedOn"] = time.time()


def end(run: Run, state: str, error: str = "") -> None:
    """Close the run. error: ErrorMessage, for a run that did not succeed."""
    if error:
        run["ErrorMessage"] = error[:4000]
    run["CompletedOn"] = time.time()
    run["ExecutionTime"] = round(run["CompletedOn"] - run["StartedOn"])
    set_state(run, state)


def arguments(job: Job, run: Run) -> dict[str, str]:
    """The script's arguments: the job's defaults, the run's over them, and what Glue adds.

    Glue keeps NonOverridableArguments whatever the run says, and names the job and the run to the script.
    """
    merged = {**(job.get("DefaultArguments") or {}), **run["Arguments"], **(job.get("NonOverridableArguments") or {})}
    return {name: str(value) for name, value in merged.items()} | {
        "--JOB_NAME": run["JobName"],
        "--JOB_RUN_ID": run["Id"],
    }
