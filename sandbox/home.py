"""The folder of one sandbox, and the record of what runs in it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sandbox.processes import ProcessId

_FORMAT = 1


@dataclass
class Part:
    """A process that `up` started. detail: whatever the part itself must know again."""

    name: str
    process: ProcessId
    port: int
    log: str
    detail: dict[str, str] = field(default_factory=dict)


@dataclass
class State:
    """home/state.json.

    access_key, secret_key: the account owner's keys, made once for each home.
    ports: the port a part had last; it gets the same again when it is free, since queue URLs name it.
    digest: of what is deployed ('' where a deployment did not end well). outputs: the stack's.
    deployed: a deployment has ended well once, so that the emulator's state is worth keeping.
    """

    access_key: str
    secret_key: str
    parts: dict[str, Part] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    digest: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    deployed: bool = False


@dataclass(frozen=True)
class Home:
    """Paths under LAKE_HOME."""

    root: Path

    @property
    def state_file(self) -> Path:
        return self.root / "state.json"

    @property
    def lock_file(self) -> Path:
        return self.root / "up.lock"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def emulator(self) -> Path:
        return self.root / "emulator"

    @property
    def glue(self) -> Path:
        return self.root / "glue"

    @property
    def build(self) -> Path:
        return self.root / "build" / "stack"  # sam keeps its own record beside it

    @property
    def iam(self) -> Path:
        return self.root / "iam.jsonl"

    def log(self, part: str) -> Path:
        return self.logs / f"{part}.log"

    def load(self) -> State | None:
        """The recorded state, or None where no sandbox was ever started."""
        try:
            data = json.loads(self.state_file.read_text())
        except FileNotFoundError:
            return None
        parts = {
            name: Part(name, ProcessId.from_json(each["process"]), each["port"], each["log"], each.get("detail", {}))
            for name, each in data["parts"].items()
        }
        return State(
            data["access_key"],
            data["secret_key"],
            parts,
            data["ports"],
            data["digest"],
            data["outputs"],
            data["deployed"],
        )

    def load_or_new(self) -> State:
        state = self.load()
        if state is None:
            state = State(access_key="LKIA" + secrets.token_hex(8).upper(), secret_key=secrets.token_urlsafe(30))
        return state

    def save(self, state: State) -> None:
        """Write the state whole or not at all; only the owner may read it, since it holds keys."""
        self.root.mkdir(parents=True, exist_ok=True)
        data = {"format": _FORMAT, **asdict(state)}
        draft = self.state_file.with_suffix(".tmp")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as out:
            json.dump(data, out, indent=1)
        draft.replace(self.state_file)

    def forget(self) -> None:
        """Remove what an emulator has kept: before a first deployment that is half a stack, which is in the way."""
        for folder in (self.emulator, self.glue):
            shutil.rmtree(folder, ignore_errors=True)

    def wipe(self) -> None:
        """Remove what a sandbox made here, and nothing else: a home may be a folder that somebody also uses."""
        for name in ("emulator", "glue", "trino", "athena", "warm", "build", "sam", "logs"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        for file in (self.iam, self.state_file, self.state_file.with_suffix(".tmp"), self.lock_file):
            file.unlink(missing_ok=True)
