"""Trino as a part of the sandbox: started beside the emulator, whose catalog and objects it reads."""

from __future__ import annotations

import os
import time
from pathlib import Path

from sandbox import endpoint, processes
from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.home import Home, Part, State
from sandbox.progress import Progress

_START_SECONDS = 120.0


def start(config: SandboxConfig, home: Home, state: State, port: int, progress: Progress) -> Part:
    """Write Trino's configuration and start it; `wait` tells when it answers. Raises SandboxError."""
    from sandbox.athena import trino
    from sandbox.engines import trino_home
    from sandbox.java import java

    java_home = java(config.cache, 24, None, progress)
    engine = trino_home(config.cache, progress)
    prepared = trino.prepare(
        home.root,
        engine,
        java_home,
        endpoint.url(state.ports["emulator"]),
        trino.Credentials(state.access_key, state.secret_key),
        port,
        config.region,
    )
    log = home.log("trino")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "JAVA_"))}
    process = processes.start(prepared.command, {**env, **prepared.env, "LAKE_HOME": str(home.root)}, log, prepared.cwd)
    state.ports["trino"] = port
    return Part("trino", process, port, str(log))


def wait(part: Part) -> None:
    """Return when Trino answers. Raises SandboxError when it ends or takes too long."""
    from sandbox.athena import trino

    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if part.process.process() is None:
            raise SandboxError("trino", "It ended while it started.", Path(part.log))
        if trino.ready(endpoint.url(part.port)):
            return
        time.sleep(0.2)
    raise SandboxError("trino", f"It was not ready after {_START_SECONDS:.0f} seconds.", Path(part.log))
