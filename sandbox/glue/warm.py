"""Warm engines: a Spark Connect server for each Glue role, so that a run does not wait for a JVM.

A script that keeps to the DataFrame and SQL API runs against such a server unchanged, with nothing but SPARK_REMOTE
set. A server belongs to one role and one `--conf`, so that IAM means the same as in a process of its own, and serves
one run at a time. A run whose server is being started waits for it, since a JVM of its own would take as long; a run
that has none, or finds it dead or busy, gets a process of its own.
"""

from __future__ import annotations

import contextvars
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from ministack.services import glue

from sandbox import processes
from sandbox.glue import files, role, spark
from sandbox.glue.spare import Spare

_logger = logging.getLogger("sandbox.glue")
_WARM_UP = Path(__file__).with_name("warm_up.py")
_CONNECT_SERVER = Path(__file__).with_name("connect_server.py")
ENGINE_CHOICE = "--sandbox-engine"  # a job's or run's argument. "cold": a process of its own, no warm engine
_START_SECONDS = 90.0
_IDLE_SECONDS = 1.0  # after a run; one run starts the next, which a spare's start must not slow down
_NICENESS = 5  # the start of a server must not slow down what people wait for


@dataclass
class Server:
    """One Spark Connect server.

    key: role, conf and Python files. python: the Python files as the job names them (--extra-py-files), python_path:
    where they lie, unpacked, for the server's workers and its clients. ready: it takes sessions, or it never will
    (then it is not `alive`).
    """

    name: str
    key: str
    role: str
    conf: Mapping[str, str]
    python: str
    work: Path
    port: int
    token: str
    python_path: str = ""
    process: subprocess.Popen[bytes] | None = None
    warming: subprocess.Popen[bytes] | None = None
    spare: Spare | None = None
    ready: threading.Event = field(default_factory=threading.Event)
    starting: bool = False
    busy: bool = False

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def environment(self) -> dict[str, str]:
        """What a client needs to run here."""
        return {
            "SPARK_REMOTE": f"sc://localhost:{self.port}",
            "SPARK_CONNECT_AUTHENTICATE_TOKEN": self.token,
            "PYTHONPATH": self.python_path,
        }

    def client_environment(self) -> dict[str, str]:
        """What a process of ours needs that runs here before any script does."""
        return spark.inherited() | self.environment()

    def take_spare(self) -> Spare | None:
        spare, self.spare = self.spare, None
        return spare

    def end(self) -> None:
        if (spare := self.take_spare()) is not None:
            spare.end()
        for process in (self.warming, self.process):
            if process is not None and process.poll() is None:
                processes.stop([processes.ProcessId.of(process.pid)], patience=5)
                process.wait()


class Pool:
    """The servers of the account's jobs. home: the sandbox's home."""

    def __init__(self, home: Path, engine: spark.Engine) -> None:
        self._folder = home / "warm"
        self._logs = home / "logs"
        self._engine = engine
        self._servers: dict[str, Server] = {}
        self._lock = threading.Lock()
        self._preparing = threading.Lock()
        self._idle: threading.Timer | None = None

    def prepare(self) -> None:
        """Start, in the background and one after another, the server of every Spark job that has none yet."""
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._prepare,), name="glue-warm", daemon=True).start()

    def take(self, job: Mapping[str, Any], conf: Mapping[str, str], python: str, patience: float) -> Server | None:
        """The job's server, for this run alone; `give_back` it. None: run in a process of your own.

        conf, python: Spark's settings and the Python files of this run, which may have others than its job.
        """
        with self._lock:
            server = self._servers.get(_key(job, conf, python))
            if server is None or server.busy:
                return None
            server.busy = True
        self._start(server)  # it may still stand in the queue
        server.ready.wait(patience)
        if server.ready.is_set() and server.alive:
            if server.warming is not None and server.warming.poll() is None:
                server.warming.kill()  # it would only be in the way now
            return server
        with self._lock:
            server.busy = False
            if server.ready.is_set():  # it is dead; `prepare` starts another one
                self._servers.pop(server.key, None)
        return None

    def give_back(self, server: Server, usable: bool) -> None:
        """The run has ended. usable False: what it started may still go on in the server, so the server ends."""
        with self._lock:
            server.busy = False
            if usable and server.alive:
                self._want_spares()
                return
            self._servers.pop(server.key, None)
        server.end()
        self.prepare()

    def _want_spares(self) -> None:
        """Start a spare for each server that has none, when the pool has been idle for a while."""
        if self._idle is not None:
            self._idle.cancel()
        self._idle = threading.Timer(_IDLE_SECONDS, self._start_spares)
        self._idle.daemon = True
        self._idle.start()

    def _start_spares(self) -> None:
        with self._lock:
            servers = list(self._servers.values())
            if any(server.busy for server in servers):
                return  # it tells us when it is given back
            for server in servers:
                if server.spare is None and server.ready.is_set() and server.alive:
                    server.spare = Spare(
                        {**server.client_environment(), "TZ": "UTC", "PYTHONUNBUFFERED": "1"}, server.work
                    )

    def _prepare(self) -> None:
        with self._preparing:
            wanted = _spark_jobs()
            with self._lock:
                stale = [server for key, server in self._servers.items() if key not in wanted and not server.busy]
                for server in stale:
                    del self._servers[server.key]
                new = [self._new(key, *wanted[key]) for key in wanted if key not in self._servers]
                # They are known from now on, so that a run can wait for them.
                self._servers |= {server.key: server for server in new}
            for server in stale:
                server.end()
            for server in new:
                self._start(server)
                if server.alive and not server.busy:
                    self._warm_up(server)
            self._start_spares()

    def _new(self, key: str, name: str, job: Mapping[str, Any], conf: Mapping[str, str], python: str) -> Server:
        work = self._folder / name
        work.mkdir(parents=True, exist_ok=True)
        role_name, token = str(job.get("Role") or ""), os.urandom(16).hex()
        return Server(name, key, role_name, conf, python, work, processes.free_port(), token)

    def _start(self, server: Server) -> None:
        """Start the server, unless somebody else does; in the end it is `ready`, or it never will be."""
        with self._lock:
            if server.starting:
                return
            server.starting = True
        try:
            self._launch(server)
            _wait_for_port(server)
        except (OSError, RuntimeError, ValueError, role.RoleError, files.FetchError) as error:
            _logger.warning("No warm engine for %s, whose runs get a process of their own: %s", server.name, error)
            with self._lock:
                self._servers.pop(server.key, None)
            server.end()
        finally:
            server.ready.set()

    def _launch(self, server: Server) -> None:
        import pyspark

        keys = role.assume(server.role, "GlueJobRunnerSession", self._engine.endpoint, self._engine.region)
        settings = spark.settings(self._engine, server.conf, server.work) | {
            # See connect_server.py. A run of many tables generates more code than Spark keeps by itself (1,000 pieces).
            "spark.sql.codegen.cache.maxEntries": "3000",
            "spark.sql.artifact.isolation.enabled": "false",
            "spark.sql.artifact.isolation.alwaysApplyClassloader": "false",
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": str(server.port),
            # An Iceberg catalog on the local disk, for the warm-up only: it must not touch what the role may touch.
            "spark.sql.catalog.sandbox_warm_up": "org.apache.iceberg.spark.SparkCatalog",
            "spark.sql.catalog.sandbox_warm_up.type": "hadoop",
            "spark.sql.catalog.sandbox_warm_up.warehouse": (server.work / "warm_up").as_uri(),
        }
        spark.write(server.work / "conf", settings)
        shutil.rmtree(server.work / "python", ignore_errors=True)
        fetched = files.fetch_all(keys.client("s3"), server.python, server.work / "python")
        server.python_path = os.pathsep.join(files.unpacked(fetched))
        env = spark.process_environment(self._engine, keys, server.work) | {
            "SPARK_CONNECT_AUTHENTICATE_TOKEN": server.token,
            "PYTHONPATH": server.python_path,
        }
        command = [str(Path(pyspark.__file__).parent / "bin" / "spark-submit"), str(_CONNECT_SERVER)]
        log = self._logs / f"spark-{server.name}.log"
        with log.open("ab") as out:
            server.process = subprocess.Popen(
                command,
                cwd=server.work,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _be_nice(server.process.pid)
        record = {**processes.ProcessId.of(server.process.pid).to_json(), "port": server.port, "log": str(log)}
        (server.work / "process.json").write_text(json.dumps(record))

    def _warm_up(self, server: Server) -> None:
        """Let the server load what every run needs, as a client that nobody waits for."""
        with (server.work / "warm_up.log").open("wb") as out:
            server.warming = subprocess.Popen(
                [sys.executable, str(_WARM_UP)],
                cwd=server.work,
                env=server.client_environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _be_nice(server.warming.pid)
        server.warming.wait()  # one server after another


def _spark_jobs() -> dict[str, tuple[str, Mapping[str, Any], dict[str, str], str]]:
    """The account's Spark jobs, one for each kind of server that they need: its name, itself, its conf, its Python."""
    wanted: dict[str, tuple[str, Mapping[str, Any], dict[str, str], str]] = {}
    for name, job in list(glue._jobs.items()):
        if (job.get("Command") or {}).get("Name") != "glueetl":
            continue
        arguments = {**(job.get("DefaultArguments") or {}), **(job.get("NonOverridableArguments") or {})}
        if not arguments.get("--extra-jars") and arguments.get(ENGINE_CHOICE) != "cold":
            conf = spark.parse_conf(str(arguments.get("--conf", "")))
            python = str(arguments.get("--extra-py-files", ""))
            wanted.setdefault(_key(job, conf, python), (str(name), job, conf, python))
    return wanted


def _key(job: Mapping[str, Any], conf: Mapping[str, str], python: str) -> str:
    return json.dumps([str(job.get("Role")), sorted(conf.items()), python])


def _wait_for_port(server: Server) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if not server.alive:
            raise RuntimeError(f"the Spark Connect server ended; see logs/spark-{server.name}.log")
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(("127.0.0.1", server.port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the Spark Connect server did not answer in {_START_SECONDS:.0f} seconds")


def _be_nice(pid: int) -> None:
    try:
        psutil.Process(pid).nice(_NICENESS)
    except psutil.Error:
        _logger.debug("The niceness of %s could not be set", pid, exc_info=True)
