"""The command as a whole: help, wrong use, and failures in one sentence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli import context
from cli.errors import CliError
from cli.main import COMMANDS, main

from .conftest import Ended, FakeLake

Run = Callable[..., Ended]


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    code = "import sys; from cli.main import app; app(['--help'], standalone_mode=False); "
    code += "print([m for m in ('boto3', 'sandbox', 'lake', 'rich.table', 'psutil') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout
    assert done.stdout.rstrip().endswith("[]")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_each_command_explains_itself(run: Run, name: str) -> None:
    ended = run(name, "--help")
    assert ended.code == 0
    assert "--target" in ended.out


@pytest.mark.parametrize(
    "words", [["nope"], ["files", "--nope"], ["sample", "--orders", "0"], ["wait", "--target", "x"]]
)
def test_wrong_use_ends_with_2_and_says_what_is_wrong(run: Run, words: list[str]) -> None:
    ended = run(*words)
    assert ended.code == 2
    assert "rror" in ended.err


@pytest.mark.parametrize("words", [["files"], ["wait"], ["runs"], ["query", "SELECT 1"], ["env"], ["quarantine"]])
def test_without_a_sandbox_every_command_says_how_to_start_it(run: Run, words: list[str]) -> None:
    ended = run(*words)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "The sandbox is not running: start it with `lake up`.\n"


def test_an_unknown_failure_is_one_line_and_its_traceback_is_kept(run: Run, lake: FakeLake) -> None:
    def explode(**_: object) -> None:
        raise RuntimeError("two\nlines \x1b[31m")

    lake.athena.start_query_execution = explode  # type: ignore[method-assign, assignment]
    ended = run("query", "SELECT 1")
    log = context.home() / "logs" / "cli.log"
    assert ended.code == 1
    assert ended.err.count("\n") == 1
    assert "\x1b" not in ended.err
    assert str(log) in ended.err
    assert "RuntimeError" in log.read_text()


def test_an_aws_error_is_told_in_its_own_words(run: Run, lake: FakeLake) -> None:
    lake.outputs["LedgerTableName"] = "gone"
    ended = run("files")
    assert ended.code == 1
    assert "ResourceNotFoundException" in ended.err


def test_a_reader_that_stops_reading_is_no_failure() -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m cli.main --help | head -1"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).resolve().parents[3],
    )  # fmt: skip
    assert done.stdout.startswith("Usage:")
    assert done.stderr == ""


def test_ctrl_c_ends_with_130(run: Run, lake: FakeLake, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.files.following.all_entries", interrupted)
    ended = run("files")
    assert (ended.code, ended.err) == (130, "Stopped.\n")


def test_main_is_the_console_script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["lake", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "Jozi Lake" in capsys.readouterr().out


def test_samconfig_names_the_stack_of_an_environment(tmp_path: Path) -> None:
    config = tmp_path / "samconfig.toml"
    config.write_text(
        '[default.global.parameters]\nstack_name = "one"\n[default.deploy.parameters]\nregion = "eu-west-1"\n'
        '[prod.deploy.parameters]\nstack_name = "two"\n'
    )
    assert context.SamDefaults.read(None, config) == context.SamDefaults("one", "eu-west-1")
    assert context.SamDefaults.read("prod", config).stack == "two"
    with pytest.raises(CliError, match="default, prod"):
        context.SamDefaults.read("moon", config)
    assert context.SamDefaults.read(None, tmp_path / "none.toml") == context.SamDefaults(None, None)


class OneStack:
    """A CloudFormation that knows the stack `mine`."""

    exceptions = SimpleNamespace(ClientError=ClientError)

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        if StackName != "mine":
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks")
        outputs = [{"OutputKey": "LedgerTableName", "OutputValue": "ledger"}]
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "CreationTime": "now", "Outputs": outputs}]}


def test_on_aws_the_ordinary_credentials_reach_the_named_stack(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context._Session, "client", lambda self, service: OneStack())
    there = ["--target", "aws", "--stack", "mine"]
    status = run("status", *there, "--json").json
    assert (status["state"], status["outputs"]) == ("CREATE_COMPLETE", {"LedgerTableName": "ledger"})
    assert run("env", *there, "--json").json["AWS_ACCESS_KEY_ID"] == "test"
    missing = run("status", "--target", "aws", "--stack", "other")
    sentence = "There is no stack other: deploy it (`sam deploy`) or name it with --stack.\n"
    assert (missing.code, missing.err) == (1, sentence)
    assert "has no output GoldDatabase" in run("query", "SELECT 1", *there).err
