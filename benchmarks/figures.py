"""What a benchmark found, and what is written down of it."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True)
class Figure:
    """One line of the table. goal: in words; met: whether the result keeps it.

    values: what was measured, one a repetition, in `unit`; details: whatever explains them.
    """

    name: str
    goal: str
    unit: str
    values: tuple[float, ...]
    met: bool
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def result(self) -> float:
        return statistics.median(self.values)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "result": self.result}


def within(name: str, goal: float, unit: str, values: Sequence[float], **details: Any) -> Figure:
    """A figure that should be at most `goal`; the median counts."""
    return Figure(name, f"<= {goal:g} {unit}", unit, tuple(values), statistics.median(values) <= goal, details)


def published(name: str, unit: str, values: Sequence[float], **details: Any) -> Figure:
    """A figure that has no bound: it is to be known."""
    return Figure(name, "published", unit, tuple(values), met=True, details=details)


def machine() -> dict[str, Any]:
    """The facts that a reader needs to compare figures; nothing that names the machine."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_before": round(psutil.getloadavg()[0], 2),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
