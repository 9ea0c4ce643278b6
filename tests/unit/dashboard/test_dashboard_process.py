"""The page as a process: it listens on this machine only, stops with Ctrl-C, and does not outlive who started it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from cli.dashboard import choose_port
from dashboard.port import settings

REPOSITORY = Path(__file__).resolve().parents[3]


def environment(tmp_path: Path) -> dict[str, str]:
    """A stack that nobody answers for: the page starts all the same, and says so to who looks."""
    outputs = {"GoldDatabase": "g", "SilverDatabase": "s", "AthenaWorkGroup": "w", "LedgerTableName": "l"}
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "LAKE_HOME": str(tmp_path), "LAKE_PAGE": settings("sandbox", "30", outputs),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_REGION": "us-east-1", "PYTHONPATH": str(REPOSITORY),
    }  # fmt: skip


def until(condition, what: str, log: Path, seconds: float = 90.0):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}\n{log.read_text()}"
        time.sleep(0.1)
    return found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_it_listens_on_this_machine_only_and_stops_with_ctrl_c(tmp_path: Path, log: Path) -> None:
    port = choose_port(None)
    with log.open("w") as out:
        command = [sys.executable, "-m", "dashboard", "--port", str(port)]
        page = subprocess.Popen(command, env=environment(tmp_path), stdout=out, stderr=out)
    try:
        until(lambda: f"http://127.0.0.1:{port}" in log.read_text(), "its address", log)
        listening = {
            c.laddr for c in psutil.Process(page.pid).net_connections("inet") if c.status == psutil.CONN_LISTEN
        }

        page.send_signal(signal.SIGINT)

        assert page.wait(timeout=30) is not None
        assert {(address.ip, address.port) for address in listening} == {("127.0.0.1", port)}
        assert "Traceback" not in log.read_text()
    finally:
        page.kill()
        page.wait()


def test_it_stops_when_what_started_it_is_killed(tmp_path: Path, log: Path) -> None:
    port = choose_port(None)
    starter = (
        "import subprocess, sys; "
        f"page = subprocess.Popen([sys.executable, '-m', 'dashboard', '--port', '{port}']); "
        "print(page.pid); page.wait()"
    )
    with log.open("w") as out:
        parent = subprocess.Popen(
            [sys.executable, "-u", "-c", starter], env=environment(tmp_path), stdout=out, stderr=out
        )
    until(lambda: f"http://127.0.0.1:{port}" in log.read_text(), "its address", log)
    found = re.search(r"^\d+$", log.read_text(), re.MULTILINE)
    assert found
    page = psutil.Process(int(found[0]))

    parent.kill()
    parent.wait()

    until(lambda: not page.is_running() or page.status() == psutil.STATUS_ZOMBIE, "the page to stop", log, 30)
