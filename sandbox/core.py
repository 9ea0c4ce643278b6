"""One sandbox: up, down, and what there is to know about it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from sandbox import deploy, endpoint, processes, query_engine
from sandbox.config import PartStatus, SandboxConfig, Status, UpReport
from sandbox.errors import SandboxError
from sandbox.home import Home, State
from sandbox.progress import Progress, silent

_Answer = TypeVar("_Answer")


class Sandbox:
    """The sandbox that lives in `config.home`. Safe to use from several processes at once."""

    def __init__(self, config: SandboxConfig) -> None:
        self._config = config
        self._home = Home(config.home.resolve())

    def up(self, progress: Progress = silent) -> UpReport:
        """Start what does not run, deploy what has changed.

        Raises SandboxError with the part that failed; then nothing is left running that was started here.
        """
        with self._locked():
            return _Up(self._config, self._home, _one_at_a_time(progress)).run()

    def down(self, wipe: bool = False) -> list[str]:
        """Stop what `up` started and answer the names. wipe: also remove the state, the logs and the build."""
        if not self._home.root.exists():
            return []
        with self._locked():
            state = self._home.load()
            stopped = stop_all(state) if state else []
            if state:
                self._home.save(state)
            if wipe:
                self._home.wipe()
        if wipe and not any(self._home.root.iterdir()):
            self._home.root.rmdir()
        return stopped

    def status(self) -> Status:
        state = self._home.load()
        parts = []
        engines = self._warm_engines()
        apart = [engine.pid for engine in engines if engine.pid]  # children of the emulator with a line of their own
        for part in state.parts.values() if state else ():
            process = part.process.process()
            parts.append(
                PartStatus(
                    name=part.name,
                    pid=part.process.pid if process else None,
                    port=part.port,
                    state="running" if process else "died",
                    log=Path(part.log),
                    rss=processes.resident(process, apart) if process else None,
                )
            )
        running = bool(parts) and all(part.state == "running" for part in parts)
        return Status(running=running, parts=(*parts, *engines))

    def _warm_engines(self) -> list[PartStatus]:
        """Spark servers come and go by themselves, so only the living ones are worth a line."""
        found = []
        for record in sorted(self._home.root.glob("warm/*/process.json")):
            data = json.loads(record.read_text())
            process = processes.ProcessId.from_json(data).process()
            if process:
                found.append(
                    PartStatus(
                        f"spark {record.parent.name}",
                        process.pid,
                        data["port"],
                        "running",
                        Path(data["log"]),
                        processes.resident(process),
                    )
                )
        return found

    def env(self) -> dict[str, str]:
        """The environment with which any AWS client talks to this sandbox as the account's owner.

        Raises SandboxError when the sandbox was never started or is not running.
        """
        state = self._home.load()
        if state is None or "emulator" not in state.parts:
            raise SandboxError("sandbox", f"Nothing runs in {self._home.root}.")
        return client_environment(self._config, state)

    def outputs(self) -> dict[str, str]:
        """The outputs of the deployed stack. Raises SandboxError when nothing is deployed."""
        state = self._home.load()
        if state is None or not state.digest:
            raise SandboxError("deploy", f"No stack was deployed in {self._home.root}.")
        return dict(state.outputs)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._home.root.mkdir(parents=True, exist_ok=True)
        with FileLock(self._home.lock_file):
            yield


def client_environment(config: SandboxConfig, state: State) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint.url(state.ports["emulator"]),
        "AWS_ACCESS_KEY_ID": state.access_key,
        "AWS_SECRET_ACCESS_KEY": state.secret_key,
        "AWS_REGION": config.region,
        "AWS_DEFAULT_REGION": config.region,
    }


def stop_all(state: State) -> list[str]:
    """Stop every recorded part and what an emulator that died has left behind; answer the names of what was alive."""
    stopped = [name for name, part in state.parts.items() if part.process.process()]
    processes.stop([part.process for part in state.parts.values()])
    emulator = state.parts.get("emulator")
    if emulator and "emulator" not in stopped:
        processes.stop(processes.carrying("SANDBOX_TOKEN", emulator.detail["token"]), patience=2)
    state.parts.clear()
    return stopped


class _Up:
    """One call of `up`, under the lock."""

    def __init__(self, config: SandboxConfig, home: Home, progress: Progress) -> None:
        self._config = config
        self._home = home
        self._progress = progress
        self._state = home.load_or_new()
        self._seconds: dict[str, float] = {}

    def run(self) -> UpReport:
        before = set(self._state.parts)
        pool = ThreadPoolExecutor(max_workers=3, thread_name_prefix="sandbox-up")
        try:
            return self._run(pool)
        except BaseException:
            self._undo(before)  # first, so that nobody goes on waiting for a part that is not wanted any more
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _run(self, pool: ThreadPoolExecutor) -> UpReport:
        digest = deploy.digest(self._config.project, self._config.sources, self._config.parameters, self._home.root)
        changed = digest != self._state.digest
        building = pool.submit(self._timed, "build", self._build) if changed else None
        started = self._start_parts(pool)
        env = client_environment(self._config, self._state)
        found = None if changed else deploy.outputs(env, self._config.stack_name)
        deployed = found is None
        if deployed:
            self._state.digest = ""
            (building or pool.submit(self._timed, "build", self._build)).result()
            found = self._timed("deploy", lambda: self._deploy(env))
        for _, waiting in started:
            waiting.result()
        self._state.digest, self._state.outputs, self._state.deployed = digest, dict(found or {}), True
        self._home.save(self._state)
        if started or deployed:
            endpoint.deployed(self._state.parts["emulator"])
        self._progress("sandbox", "ready", 1.0)
        return UpReport(
            already_running=not started and not deployed,
            deployed=deployed,
            endpoint=env["AWS_ENDPOINT_URL"],
            seconds=self._seconds,
        )

    def _start_parts(self, pool: ThreadPoolExecutor) -> list[tuple[str, Future[None]]]:
        """Start the parts that do not run; answer each with what tells when it is ready.

        Trino takes longest and asks the emulator for nothing until it has a query, so it is started first.
        """
        emulator = self._state.parts.get("emulator")
        if emulator is None or emulator.process.process() is None or not endpoint.is_ours(emulator):
            stop_all(self._state)  # the others were configured for an emulator that is gone
        started: list[tuple[str, Future[None]]] = []
        trino_port = None
        if self._config.query_engine:
            trino_port = (
                processes.free_port(self._state.ports.get("trino"))
                if "trino" not in self._state.parts
                else self._state.parts["trino"].port
            )
        if "emulator" not in self._state.parts:
            if not self._state.deployed:
                self._home.forget()
            self._timed("engines", self._engines)
            self._state.ports["emulator"] = processes.free_port(self._state.ports.get("emulator"))
        trino = self._state.parts.get("trino")
        if trino_port is not None and (trino is None or trino.process.process() is None):
            self._progress("trino", "starting", None)
            self._state.parts["trino"] = query_engine.start(
                self._config, self._home, self._state, trino_port, self._progress
            )
            self._home.save(self._state)
            waiting = self._state.parts["trino"]
            started.append(("trino", pool.submit(self._timed, "trino", lambda: query_engine.wait(waiting))))
        if "emulator" not in self._state.parts:
            self._progress("emulator", "starting", None)
            self._state.parts["emulator"] = self._timed(
                "emulator",
                lambda: endpoint.start(self._config, self._home, self._state, self._java, self._jars, trino_port),
            )
            self._home.save(self._state)
            started.append(("emulator", pool.submit(lambda: None)))
        return started

    def _engines(self) -> None:
        from sandbox.engines import spark_jars
        from sandbox.java import java

        self._java = java(self._config.cache, 17, 21, self._progress)
        self._jars = spark_jars(self._config.cache, self._progress)

    def _build(self) -> None:
        env = deploy.command_environment(
            {"AWS_REGION": self._config.region, "AWS_DEFAULT_REGION": self._config.region}, self._home.root
        )
        deploy.build(self._config.project, self._home.build, env, self._home.log("deploy"), self._progress)

    def _deploy(self, env: dict[str, str]) -> dict[str, str]:
        log = self._home.log("deploy")
        deploy.deploy(
            self._home.build,
            self._config.stack_name,
            self._config.parameters,
            deploy.command_environment(env, self._home.root),
            log,
            self._progress,
        )
        found = deploy.outputs(env, self._config.stack_name)
        if found is None:
            raise SandboxError("deploy", f"The stack {self._config.stack_name} is not there after its deployment.", log)
        return found

    def _undo(self, before: set[str]) -> None:
        """A start that failed leaves nothing running that it started."""
        mine = {name: part for name, part in self._state.parts.items() if name not in before}
        processes.stop([part.process for part in mine.values()], patience=10)
        for name in mine:
            del self._state.parts[name]
        self._home.save(self._state)

    def _timed(self, name: str, work: Callable[[], _Answer]) -> _Answer:
        start = time.monotonic()
        try:
            return work()
        finally:
            self._seconds[name] = round(time.monotonic() - start, 2)


def _one_at_a_time(progress: Progress) -> Progress:
    """Parts start in threads; a listener that draws should not have to know."""
    lock = threading.Lock()

    def tell(part: str, message: str, fraction: float | None) -> None:
        with lock:
            progress(part, message, fraction)

    return tell
