"""What a caller says about a sandbox, and what the sandbox says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class SandboxConfig:
    """One sandbox: where it lives, and which template it runs.

    home: state, logs and ports of this sandbox; two homes run side by side.
    cache: engines and jars, shared by every sandbox of the machine.
    project: folder of template.yaml.
    sources: the folders in it whose change calls for a deployment (none: every one but tests, docs and the like).
    parameters: template parameters, handed to the deployment.
    query_engine: start Trino for Athena. Tests of the other parts turn it off.
    warm: keep a Spark engine running for each Glue role, so that a run does not wait for a JVM.
    emulator_environment: extra environment of the emulator (tests shorten Glue's minute with it).
    """

    home: Path
    cache: Path
    project: Path
    stack_name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    region: str = "us-east-1"
    sources: tuple[str, ...] = ()
    query_engine: bool = True
    warm: bool = False
    emulator_environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class UpReport:
    """What `up` did.

    seconds: wall time of each step. already_running: nothing had to be started.
    deployed: the template was deployed now (False: it had not changed).
    """

    already_running: bool
    deployed: bool
    endpoint: str
    seconds: dict[str, float]


@dataclass(frozen=True)
class PartStatus:
    """One process of the sandbox. state: running, stopped or died. rss: resident bytes."""

    name: str
    pid: int | None
    port: int | None
    state: str
    log: Path
    rss: int | None


@dataclass(frozen=True)
class Status:
    """running: every part that was started still runs."""

    running: bool
    parts: tuple[PartStatus, ...]
