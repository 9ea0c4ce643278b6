"""After a crash: end what a killed emulator left running, in the records and on the machine."""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core.responses import request_scope
from ministack.services import glue

from sandbox import processes
from sandbox.emulator import seams
from sandbox.glue import crawlers, events, runs

_logger = logging.getLogger("sandbox.glue")
_MESSAGE = "The sandbox was stopped while this job run was going."


def install(home: Path) -> None:
    """Do it as soon as the state of the last emulator has been read, and before anybody can call us."""

    def wrapper(original: seams.Function) -> seams.Function:
        def load() -> None:
            original()
            _end_processes(home / "glue")
            failed = _fail_runs()
            crawls = crawlers.fail_interrupted()
            threading.Thread(target=_announce, args=(failed, crawls), name="glue-startup", daemon=True).start()

        return load

    seams.wrap(app, "_load_persisted_state", "", wrapper)


def _end_processes(folder: Path) -> None:
    """Scripts survive the kill of their emulator; nobody would read their result."""
    left = []
    for record in folder.glob("*/process.json"):
        left.append(processes.ProcessId.from_json(json.loads(record.read_text())))
    processes.stop(left, patience=2)


def _fail_runs() -> list[tuple[str, str, dict[str, Any]]]:
    """Mark every run that was going as FAILED; answer (account, region, run)."""
    found = []
    for (account, region, _), listed in list(glue._job_runs._data.items()):
        for run in listed:
            if run["JobRunState"] in runs.GOING:
                runs.end(run, "FAILED", _MESSAGE)
                found.append((account, region, run))
    return found


def _announce(failed: list[tuple[str, str, dict[str, Any]]], crawls: list[tuple[str, str, str]]) -> None:
    """Send the events of what was ended, when the emulator can deliver them."""
    while app._ready_scripts_state["status"] != "completed":
        time.sleep(0.05)  # the emulator offers nothing to wait on
    for account, region, run in failed:
        with request_scope(account, region):
            events.job_state(run)
        _logger.warning("Job run %s of %s was going when the sandbox stopped: FAILED", run["Id"], run["JobName"])
    for account, region, name in crawls:
        with request_scope(account, region):
            events.crawler_failed(name, "", "The sandbox was stopped while this crawler ran.")
