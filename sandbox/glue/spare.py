"""A spare interpreter: it has imported what takes long to import, and waits for a script to run.

Most of a small run's start is Python's imports. A spare has made them before anybody waits.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
# Packages that Glue has installed, jobs use and Python takes a tenth of a second or more to import.
_SLOW_IMPORTS = ("pyspark.sql.connect.session", "pyspark.sql.functions", "boto3", "scipy.stats")


class Spare:
    """An interpreter of one warm engine. environment: what all runs on that engine have in common."""

    def __init__(self, environment: Mapping[str, str], work: Path) -> None:
        with (work / "spare.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(BOOTSTRAP), "--wait", *_SLOW_IMPORTS],
                cwd=work,
                env=dict(environment),
                stdin=subprocess.PIPE,  # that it ends when we do
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(
        self, command: Sequence[str], env: Mapping[str, str], cwd: Path, output: Path, error: Path
    ) -> subprocess.Popen[bytes] | None:
        """Let it run a script: the process that does; None when the spare is gone. command: script and arguments."""
        told = {"argv": list(command), "env": dict(env), "cwd": str(cwd), "output": str(output), "error": str(error)}
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(told).encode() + b"\n")
            self._process.stdin.close()
        except OSError:
            return None
        return self._process

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
