"""Start processes that outlive the command, know them again, and stop them and only them."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class ProcessId:
    """A process for certain: pids are used again, a pid with its start time is not.

    created: seconds since the epoch, as psutil gives it.
    """

    pid: int
    created: float

    def to_json(self) -> dict[str, float | int]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, float | int]) -> ProcessId:
        return cls(pid=int(data["pid"]), created=float(data["created"]))

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        """Raises psutil.NoSuchProcess when the process is gone."""
        return cls(pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """The living process, or None: gone, a zombie, or the pid is another's now."""
        try:
            process = psutil.Process(self.pid)
            # Platforms round the start time differently from one reading to the next.
            if abs(process.create_time() - self.created) > 1.0 or process.status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.Error:
            return None
        return process


def start(command: Sequence[str], env: Mapping[str, str], log: Path, cwd: Path) -> ProcessId:
    """Start `command` in a session of its own, with nothing of ours open but its log.

    Raises OSError when the command cannot be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(
            list(command),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=True,
        )
    return ProcessId.of(process.pid)


def stop(ids: Iterable[ProcessId], patience: float = 20.0) -> list[ProcessId]:
    """Stop these processes and everything that descends from them; answer those that were alive.

    Each parent gets SIGTERM first and `patience` seconds to put its state away; what is left then is killed.
    """
    wanted = [(each, process) for each in ids if (process := each.process())]
    descendants: list[psutil.Process] = []
    for _, process in wanted:
        descendants += _children(process)
    parents = [process for _, process in wanted]
    _signal(parents, "terminate")
    _, stubborn = psutil.wait_procs(parents, timeout=patience)
    # A parent may have started another child between the listing and its end.
    for process in stubborn:
        descendants += _children(process)
    _signal([*stubborn, *descendants], "kill")
    psutil.wait_procs([*stubborn, *descendants], timeout=5)
    return [each for each, _ in wanted]


def carrying(variable: str, value: str) -> list[ProcessId]:
    """Every process of this user whose environment has `variable=value`, this process and its parents excepted.

    This finds what an emulator that was killed left behind. Where the system hides environments, nothing is found.
    """
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        if process.pid in mine:
            continue
        try:
            if process.environ().get(variable) == value:
                found.append(ProcessId(process.pid, process.create_time()))
        except (psutil.Error, OSError):
            continue
    return found


def resident(process: psutil.Process, apart: Collection[int] = ()) -> int | None:
    """The memory that the process and its descendants hold, in bytes; without those below the pids in `apart`."""
    try:
        below = [child for child in process.children() if child.pid not in apart]
        return process.memory_info().rss + sum(resident(child, apart) or 0 for child in below)
    except psutil.Error:
        return None


def port_is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(preferred: int | None = None) -> int:
    """A port of 127.0.0.1 that nobody listens on: the preferred one when it is free."""
    if preferred and port_is_free(preferred):
        return preferred
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _signal(processes: Iterable[psutil.Process], method: str) -> None:
    for process in processes:
        try:
            getattr(process, method)()
        except psutil.NoSuchProcess:
            continue  # it ended by itself, which is what we wanted
