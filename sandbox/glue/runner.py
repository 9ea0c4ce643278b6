"""Run a Glue job's script: fetch it under the job's role, start it, watch it, say how it ended."""

from __future__ import annotations

import contextvars
import copy
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.glue import events, files, role, runs, spark
from sandbox.glue.logs import Follower, LogStream
from sandbox.glue.spare import BOOTSTRAP
from sandbox.glue.warm import ENGINE_CHOICE, Pool, Server
from sandbox.processes import ProcessId

_logger = logging.getLogger("sandbox.glue")
_TICK_SECONDS = 0.25
_STOP_PATIENCE_SECONDS = 10.0
# Glue keeps these to itself, so the script does not see them.
_ENGINE_ARGUMENTS = ("--conf", "--extra-py-files", "--extra-jars", "--extra-files", ENGINE_CHOICE)
_WARM_PATIENCE_SECONDS = 60.0
_REFUSED = {
    "--additional-python-modules": "put pure Python packages in --extra-py-files",
    "--python-modules-installer-option": "put pure Python packages in --extra-py-files",
    "--enable-glue-datacatalog": "use an Iceberg catalog with catalog-impl GlueCatalog",
    "--user-jars-first": "the engine's own jars always come first here",
}
_SPARK_LOG = re.compile(r"^\d\d/\d\d/\d\d \d\d:\d\d:\d\d [A-Z]+ |^(WARNING|INFO):? |^Setting default log level")


@dataclass
class _Going:
    """A run on its way. process: from the moment the script runs."""

    stop: threading.Event = field(default_factory=threading.Event)
    process: subprocess.Popen[bytes] | None = None


@dataclass(frozen=True)
class _Launch:
    """A script ready to run. command: it and its arguments. conf, python: its Spark conf and Python files.

    cold: only a process of its own will do.
    """

    command: list[str]
    env: dict[str, str]
    conf: dict[str, str]
    python: str
    cold: bool

    def in_place(self, server: Server | None) -> _Launch:
        """The same, run against a warm server where there is one."""
        return self if server is None else replace(self, env={**self.env, **server.environment()})

    def start(self, work: Path, output: Path, error: Path, server: Server | None) -> subprocess.Popen[bytes]:
        """Run it, in the server's spare interpreter where there is one."""
        with output.open("wb") as out, error.open("wb") as err:
            spare = server.take_spare() if server is not None else None
            process = spare and spare.run(self.command, self.env, work, output, error)
            return process or subprocess.Popen(
                [sys.executable, str(BOOTSTRAP), *self.command],
                cwd=work,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )


class Runner:
    """Runs job scripts, each in a process of its own.

    home: the sandbox's home. engine: the machine's Spark. pool: warm engines, where wanted.
    minute: seconds in a minute of a job's Timeout.
    """

    def __init__(self, home: Path, engine: spark.Engine, pool: Pool | None = None, minute: float = 60.0) -> None:
        self._home = home
        self._pool = pool
        self._engine = engine
        self._minute = minute
        self._going: dict[str, _Going] = {}

    def start(self, job: runs.Job, run: runs.Run, request: Mapping[str, Any]) -> None:
        """Run `run` and, as the job says, its retries, in a thread that acts for the caller's account."""
        self._going[run["Id"]] = _Going()
        context = contextvars.copy_context()
        threading.Thread(
            target=context.run,
            args=(self._supervise, copy.deepcopy(dict(job)), run, request),
            name=f"glue-{run['JobName']}",
            daemon=True,
        ).start()

    def stop(self, run: runs.Run) -> bool:
        """Ask a run to stop. False when it is not running."""
        going = self._going.get(run["Id"])
        if going is None or run["JobRunState"] not in ("STARTING", "RUNNING"):
            return False
        runs.set_state(run, "STOPPING")
        going.stop.set()
        return True

    def _supervise(self, job: runs.Job, run: runs.Run, request: Mapping[str, Any]) -> None:
        first = run["Id"]
        for attempt in range(int(job.get("MaxRetries") or 0) + 1):
            if attempt:
                run = runs.new_run(job, request, attempt, first)
                self._going[run["Id"]] = _Going()
                runs.add(run)
            try:
                self._attempt(job, run)
            except Exception as error:  # a run must end, whatever happened to us
                _logger.exception("Job run %s broke the runner", run["Id"])
                runs.end(run, "FAILED", f"The sandbox could not run the job: {error}")
            finally:
                self._going.pop(run["Id"], None)
            events.job_state(run)
            if run["JobRunState"] != "FAILED":
                return

    def _attempt(self, job: runs.Job, run: runs.Run) -> None:
        going = self._going[run["Id"]]
        work = self._home / "glue" / run["Id"]
        work.mkdir(parents=True)
        try:
            keys = role.assume(
                str(job.get("Role") or ""), "GlueJobRunnerSession", self._engine.endpoint, self._engine.region
            )
            launch = self._prepare(job, run, keys, work)
        except (role.RoleError, files.FetchError, ValueError, BotoCoreError, ClientError) as error:
            runs.end(run, "STOPPED" if going.stop.is_set() else "FAILED", str(error))
            return
        if going.stop.is_set():
            runs.end(run, "STOPPED")
            return
        state = "FAILED"
        server = self._server(job, launch)
        try:
            state = self._watch(run, going, launch.in_place(server), work, keys.client("logs"), server)
        finally:
            if server is not None and self._pool is not None:
                # A script that was cut short leaves its query going in the server.
                whole = state in ("SUCCEEDED", "FAILED") and going.process is not None and going.process.returncode >= 0
                self._pool.give_back(server, usable=whole)
            elif self._pool is not None:
                self._pool.prepare()  # for the next run, now that this one no longer needs the machine
        if state == "FAILED":
            runs.end(run, state, _error(work, going.process.returncode if going.process else 1))
        else:
            runs.end(run, state)
        for leftover in ("files", "spark", "tmp", "warehouse"):
            shutil.rmtree(work / leftover, ignore_errors=True)

    def _server(self, job: runs.Job, launch: _Launch) -> Server | None:
        if self._pool is None or launch.cold:
            return None
        return self._pool.take(job, launch.conf, launch.python, _WARM_PATIENCE_SECONDS)

    def _prepare(self, job: runs.Job, run: runs.Run, keys: role.Credentials, work: Path) -> _Launch:
        arguments = runs.arguments(job, run)
        for name, advice in _REFUSED.items():
            if arguments.get(name, "false") != "false":
                raise ValueError(f"The sandbox does not support {name}: {advice}.")
        s3 = keys.client("s3")
        script = files.fetch(s3, str((job.get("Command") or {}).get("ScriptLocation") or ""), work / "files" / "script")
        python = arguments.get("--extra-py-files", "")
        python_files = files.fetch_all(s3, python, work / "files" / "py")
        jars = files.fetch_all(s3, arguments.get("--extra-jars", ""), work / "files" / "jars")
        for extra in files.fetch_all(s3, arguments.get("--extra-files", ""), work / "files" / "extra"):
            shutil.copy(extra, work / extra.name)
        conf = spark.parse_conf(arguments.get("--conf", ""))
        spark.write(work / "conf", spark.settings(self._engine, conf, work, tuple(jars)))
        env = spark.process_environment(self._engine, keys, work) | {
            "PYTHONPATH": os.pathsep.join(files.python_path(python_files)),
            "PYTHONUNBUFFERED": "1",
            "SANDBOX_ERROR_FILE": str(work / "error.txt"),
        }
        rest = [part for name, value in arguments.items() if name not in _ENGINE_ARGUMENTS for part in (name, value)]
        plain = (job.get("Command") or {}).get("Name") != "glueetl"
        cold = plain or bool(jars) or arguments.get(ENGINE_CHOICE) == "cold"
        return _Launch([str(script), *rest], env, conf, python, cold)

    def _watch(
        self, run: runs.Run, going: _Going, launch: _Launch, work: Path, logs: Any, server: Server | None
    ) -> str:
        """Run the script to its end, carrying its output to the logs; answer the run's last state.

        A script whose warm server dies would ask for it for minutes more: it ends with its server.
        """
        output, error = work / "output.log", work / "error.log"
        deadline = time.monotonic() + float(run.get("Timeout") or 2880) * self._minute
        going.process = process = launch.start(work, output, error, server)
        (work / "process.json").write_text(json.dumps(ProcessId.of(process.pid).to_json()))
        if run["JobRunState"] == "STARTING":
            runs.set_state(run, "RUNNING")
        followers = [
            Follower(output, LogStream(logs, "/aws-glue/jobs/output", run["Id"])),
            Follower(error, LogStream(logs, "/aws-glue/jobs/error", run["Id"])),
        ]
        ending = ""
        while process.poll() is None:
            try:
                process.wait(_TICK_SECONDS)
                break
            except subprocess.TimeoutExpired:
                for follower in followers:
                    follower.follow()
            if going.stop.is_set() or time.monotonic() > deadline:
                ending = "STOPPED" if going.stop.is_set() else "TIMEOUT"
                _end_group(process)
            elif server is not None and not server.alive:
                ending = "FAILED"
                _end_group(process)
                (work / "error.txt").write_text("The Spark engine of this run was killed.", encoding="utf-8")
        for follower in followers:
            follower.follow(last=True)
        return ending or ("SUCCEEDED" if process.returncode == 0 else "FAILED")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a script and the JVM it started: they share a process group of their own."""
    for ask, patience in ((signal.SIGTERM, _STOP_PATIENCE_SECONDS), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, ask)
            process.wait(patience)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _error(work: Path, code: int) -> str:
    """What went wrong, in one line: the script's exception, else the last line that says something."""
    told = work / "error.txt"
    if told.exists():
        return told.read_text(encoding="utf-8")
    lines = (work / "error.log").read_text(encoding="utf-8", errors="replace").splitlines()
    spoken = [line.strip() for line in lines if line.strip() and not _SPARK_LOG.match(line)]
    if code < 0:
        return f"The script was ended by signal {signal.Signals(-code).name}"
    return spoken[-1] if spoken else f"Command failed with exit code {code}"
