"""Glue's calls that upstream only pretends: StartJobRun, GetJobRuns, BatchStopJobRun."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import glue

from sandbox.emulator import seams
from sandbox.glue import crawlers, runs, spark, startup
from sandbox.glue.runner import Runner
from sandbox.glue.warm import Pool

Response = tuple[int, dict[str, str], bytes]


def install(home: Path) -> Callable[[], None]:
    """Replace the emulator's job and crawler calls. The engine comes from the environment that `up` made.

    Answers what starts the warm engines; it is called when the stack is deployed and the machine has time.
    """
    settings = json.loads(os.environ["SANDBOX_ENGINE"])
    engine = spark.Engine(
        java_home=settings["java_home"],
        jars=tuple(Path(jar) for jar in settings["jars"]),
        endpoint=settings["endpoint"],
        region=settings["region"],
    )
    minute = float(os.environ.get("SANDBOX_GLUE_MINUTE_SECONDS", "60"))
    pool = Pool(home, engine) if os.environ.get("SANDBOX_WARM") == "1" else None
    jobs = JobCalls(Runner(home, engine, pool, minute))
    seams.replace(glue, "_start_job_run", "data", jobs.start_job_run)
    seams.replace(glue, "_get_job_runs", "data", jobs.get_job_runs)
    seams.replace(glue, "_batch_stop_job_run", "data", jobs.batch_stop_job_run)
    crawlers.install(engine.endpoint, engine.region)
    startup.install(home)
    return pool.prepare if pool else _nothing


def _nothing() -> None:
    """Where no warm engine is wanted."""


class JobCalls:
    """StartJobRun, GetJobRuns and BatchStopJobRun as AWS answers them."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._starting = threading.Lock()  # two calls at once must not both be the last one allowed

    def start_job_run(self, data: Mapping[str, Any]) -> Response:
        name = str(data.get("JobName"))
        job = glue._jobs.get(name)
        if job is None:
            return _not_found(f"Failed to start job run due to missing metadata. Job {name} does not exist.")
        if data.get("JobRunId"):
            return error_response_json("InvalidInputException", "The sandbox cannot retry a run by its id", 400)
        command = (job.get("Command") or {}).get("Name")
        if command not in ("glueetl", "pythonshell"):
            return error_response_json("InvalidInputException", f"The sandbox cannot run {command} jobs", 400)
        with self._starting:
            if len(runs.going(name)) >= runs.concurrent_runs(job):
                return error_response_json(
                    "ConcurrentRunsExceededException", f"Concurrent runs exceeded for {name}", 400
                )
            run = runs.new_run(job, data)
            runs.add(run)
        self._runner.start(job, run, data)
        return json_response({"JobRunId": run["Id"]})

    def get_job_runs(self, data: Mapping[str, Any]) -> Response:
        name = data.get("JobName")
        if name not in glue._jobs:
            return _not_found(f"Job {name} not found")
        found = glue._job_runs.get(name, [])
        start = int(data.get("NextToken") or 0)
        size = int(data.get("MaxResults") or 200)
        answer: dict[str, Any] = {"JobRuns": found[start : start + size]}
        if start + size < len(found):
            answer["NextToken"] = str(start + size)
        return json_response(answer)

    def batch_stop_job_run(self, data: Mapping[str, Any]) -> Response:
        name = data.get("JobName")
        found = {run["Id"]: run for run in glue._job_runs.get(name, [])}
        stopped, errors = [], []
        for run_id in data.get("JobRunIds", []):
            run = found.get(run_id)
            if run is not None and self._runner.stop(run):
                stopped.append({"JobName": name, "JobRunId": run_id})
                continue
            detail = (
                ("EntityNotFoundException", f"Job run {run_id} not found")
                if run is None
                else ("InvalidInputException", f"Job run {run_id} is {run['JobRunState']} and cannot be stopped")
            )
            errors.append(
                {
                    "JobName": name,
                    "JobRunId": run_id,
                    "ErrorDetail": {"ErrorCode": detail[0], "ErrorMessage": detail[1]},
                }
            )
        return json_response({"SuccessfulSubmissions": stopped, "Errors": errors})


def _not_found(message: str) -> Response:
    return error_response_json("EntityNotFoundException", message, 400)
