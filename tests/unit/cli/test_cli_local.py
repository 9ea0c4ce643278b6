"""`up`, `down`, `status`, `env`, over a sandbox that is a fake."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import context
from sandbox import PartStatus, SandboxError, Status, UpReport

from .conftest import OUTPUTS, Ended, FakeLake

Run = Callable[..., Ended]
ENV = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s",
       "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}  # fmt: skip


class FakeSandbox:
    """Starts at once and remembers what it was asked for."""

    def __init__(self) -> None:
        self.parts: tuple[PartStatus, ...] = ()
        self.failure: BaseException | None = None
        self.wiped: bool | None = None

    def up(self, progress: Any) -> UpReport:
        already = bool(self.parts)
        progress("trino", "fetching", 0.1)
        progress("trino", "fetching", 0.12)
        progress("trino", "fetching", 0.9)
        if self.failure:
            raise self.failure
        progress("emulator", "starting", None)
        progress("emulator", "ready", 1.0)
        self.parts = (PartStatus("emulator", 12, 4566, "running", Path("/x/emulator.log"), 34_000_000),)
        return UpReport(already, not already, ENV["AWS_ENDPOINT_URL"], {"deploy": 9.5})

    def down(self, wipe: bool = False) -> list[str]:
        self.wiped = wipe
        stopped = [part.name for part in self.parts]
        self.parts = ()
        return stopped

    def status(self) -> Status:
        return Status(bool(self.parts) and all(part.state == "running" for part in self.parts), self.parts)

    def env(self) -> dict[str, str]:
        return ENV

    def outputs(self) -> dict[str, str]:
        return OUTPUTS


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> FakeSandbox:
    fake = FakeSandbox()
    monkeypatch.setattr(context, "make_sandbox", lambda stack=None: fake)
    return fake


def test_up_shows_each_part_and_ends_with_the_address(run: Run, sandbox: FakeSandbox) -> None:
    ended = run("up")
    assert ended.code == 0
    lines = [line.split(" s  ", 1)[1] for line in ended.out.splitlines() if " s  " in line]
    assert lines == [
        "trino      fetching (10%)", "trino      fetching (90%)", "emulator   starting", "emulator   ready",
    ]  # fmt: skip
    assert "is up and deployed" in ended.out
    assert ENV["AWS_ENDPOINT_URL"] in ended.out


def test_up_a_second_time_says_so_and_is_fine(run: Run, sandbox: FakeSandbox) -> None:
    run("up")
    ended = run("up")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "The sandbox is already running at http://127.0.0.1:4566.")


def test_up_as_json_keeps_standard_output_for_the_json(run: Run, sandbox: FakeSandbox) -> None:
    ended = run("up", "--json")
    assert ended.json["deployed"] is True
    assert "emulator" in ended.err


def test_a_failed_start_says_which_part_why_and_where_its_log_is(run: Run, sandbox: FakeSandbox) -> None:
    sandbox.failure = SandboxError("trino", "It did not answer within 60 s.", Path("/x/trino.log"))
    ended = run("up")
    assert ended.code == 1
    assert ended.err == "trino: It did not answer within 60 s. Its log is /x/trino.log\n"


def test_ctrl_c_during_up_ends_with_130(run: Run, sandbox: FakeSandbox) -> None:
    sandbox.failure = KeyboardInterrupt()
    assert run("up").code == 130


@pytest.mark.parametrize("words", [["up"], ["down"]])
def test_up_and_down_are_not_for_aws(run: Run, sandbox: FakeSandbox, words: list[str]) -> None:
    ended = run(*words, "--target", "aws")
    assert ended.code == 2
    assert "`sam " in ended.err


def test_down_names_what_it_stopped(run: Run, sandbox: FakeSandbox) -> None:
    run("up")
    assert run("down").out == "Stopped emulator.\n"
    assert sandbox.wiped is False
    assert run("down").out == "Nothing was running.\n"
    assert run("down", "--wipe", "--json").json == {"stopped": [], "wiped": True}


def test_wipe_also_removes_what_the_commands_keep(run: Run, sandbox: FakeSandbox) -> None:
    home = context.home()
    (home / "demo").mkdir(parents=True)
    (home / "logs").mkdir()
    (home / "logs" / "cli.log").write_text("x")
    run("down")
    assert (home / "demo").exists()
    run("down", "--wipe")
    assert not home.exists()


def test_status_of_a_running_sandbox(run: Run, sandbox: FakeSandbox) -> None:
    run("up")
    ended = run("status")
    assert ended.code == 0
    assert "emulator\trunning\t12\t4566\t34.0 MB\t/x/emulator.log" in ended.out
    status = run("status", "--json").json
    assert status["running"] is True
    assert status["outputs"] == OUTPUTS


def test_status_of_a_stopped_or_damaged_sandbox_is_1(run: Run, sandbox: FakeSandbox) -> None:
    assert run("status").err == "The sandbox is not running: start it with `lake up`.\n"
    assert run("status", "--json").json == {"running": False, "parts": []}
    sandbox.parts = (PartStatus("trino", None, 8080, "died", Path("/x/trino.log"), None),)
    ended = run("status")
    assert (ended.code, ended.err) == (1, "trino died (see /x/trino.log): start again with `lake up`.\n")
    assert run("files").err == "trino died: start again with `lake up`.\n"


def test_env_prints_nothing_but_exports_that_a_shell_takes(run: Run, lake: FakeLake) -> None:
    ended = run("env")
    assert all(line.startswith("export AWS_") for line in ended.out.splitlines())
    script = f'eval {shlex.quote(ended.out)}; printf %s "$AWS_SECRET_ACCESS_KEY"'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == lake.environment()["AWS_SECRET_ACCESS_KEY"]


def test_env_of_a_running_sandbox_is_the_owners(run: Run, sandbox: FakeSandbox) -> None:
    run("up")
    assert run("env", "--json").json == ENV
