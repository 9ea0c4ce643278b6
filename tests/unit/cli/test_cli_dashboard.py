"""`lake dashboard`: what it starts, where it listens, and what the page is told."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

import pytest

from cli import dashboard
from cli.options import Target

from .conftest import Ended, FakeLake

Run = Callable[..., Ended]


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """The command and environment of the process that the page would be."""
    kept: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(dashboard, "become", lambda command, environment: kept.append((command, environment)))
    return kept


def test_it_becomes_the_page_with_the_stack_and_the_home_in_its_environment(
    run: Run, lake: FakeLake, became: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody-elses")

    assert run("dashboard").code == 0

    command, environment = became[0]
    assert command[1:4] == ["-m", "dashboard", "--port"]
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert environment["LAKE_HOME"].endswith("lake-home")
    assert "AWS_PROFILE" not in environment
    told = json.loads(environment["LAKE_PAGE"])
    assert (told["target"], told["promise_minutes"]) == ("sandbox", "30")
    assert told["outputs"]["GoldDatabase"] == "jozi_dev_gold"


def test_on_aws_credentials_stay_where_boto3_finds_them(
    run: Run, lake: FakeLake, became: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.target = Target.aws
    lake.clients["athena"] = lake.client("sns")  # any client of this region
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    run("dashboard", "--target", "aws")

    environment = became[0][1]
    assert (environment["AWS_PROFILE"], environment["AWS_REGION"]) == ("mine", "us-east-1")
    assert "AWS_ENDPOINT_URL" not in environment


def test_a_port_that_is_taken_is_said_when_asked_for_and_another_found_when_not(
    run: Run, lake: FakeLake, became: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setattr(dashboard, "USUAL_PORT", taken)

        asked = run("dashboard", "--port", str(taken))
        free = run("dashboard")

    assert asked.code == 1
    assert f"Port {taken} cannot be used" in asked.err
    assert free.code == 0
    assert int(became[0][0][-1]) != taken


def test_the_page_listens_on_this_machine_only_and_sends_nothing_anywhere() -> None:
    from dashboard.__main__ import options

    told = options(8501)

    assert told["server.address"] == told["browser.serverAddress"] == "127.0.0.1"
    assert told["browser.gatherUsageStats"] is False
    assert told["client.showErrorDetails"] == "none"
    assert told["server.headless"] is True
