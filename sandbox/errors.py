"""What the sandbox says when it cannot go on."""

from __future__ import annotations

from pathlib import Path


class SandboxError(Exception):
    """A part of the sandbox failed.

    part: the part's name, as `status` shows it (emulator, deploy, trino, ...).
    reason: one sentence for the person who typed the command.
    log: where that part wrote what happened, when it has a log.
    """

    def __init__(self, part: str, reason: str, log: Path | None = None) -> None:
        super().__init__(part, reason, log)
        self.part = part
        self.reason = reason
        self.log = log

    def __str__(self) -> str:
        where = f" Its log is {self.log}" if self.log else ""
        return f"{self.part}: {self.reason.rstrip()}{where}"
