"""One sandbox for the tests of the sandbox, with a small template of its own."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox, SandboxConfig
from sandbox.deploy import client

PROJECT = Path(__file__).parent / "project"
CACHE = Path(os.environ.get("LAKE_CACHE", Path.home() / ".cache" / "jozi-lake"))
ENDED = {"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED"}


@dataclass
class Box:
    """A running sandbox and the owner's clients."""

    sandbox: Sandbox
    config: SandboxConfig

    def client(self, service: str) -> Any:
        return client(service, self.sandbox.env())

    def run(self, job: str, **arguments: str) -> dict[str, Any]:
        """Run a job to its end; `from_` stands for --from."""
        glue = self.client("glue")
        named = {f"--{name.rstrip('_')}": value for name, value in arguments.items()}
        run_id = glue.start_job_run(JobName=job, Arguments=named)["JobRunId"]
        return self.ended(job, run_id)

    def ended(self, job: str, run_id: str) -> dict[str, Any]:
        glue = self.client("glue")

        def last() -> dict[str, Any] | None:
            run: dict[str, Any] = glue.get_job_run(JobName=job, RunId=run_id)["JobRun"]
            return run if run["JobRunState"] in ENDED else None

        return until(last)

    def lines(self, group: str, stream: str) -> list[str]:
        """Every line of a log stream, in order."""
        logs = self.client("logs")
        found: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **token)
            found += [event["message"] for event in page["events"]]
            if token.get("nextToken") == page["nextForwardToken"]:
                return found
            token = {"nextToken": page["nextForwardToken"]}


def until(ask: Callable[[], Any], seconds: float = 300) -> Any:
    """The first true answer of `ask`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"nothing after {seconds} seconds")


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    project = tmp_path_factory.mktemp("project")
    shutil.copytree(PROJECT, project, dirs_exist_ok=True)
    config = SandboxConfig(
        home=tmp_path_factory.mktemp("home"),
        cache=CACHE,
        project=project,
        stack_name="seams",
        parameters={"Greeting": "good morning"},
        query_engine=False,
        emulator_environment={"SANDBOX_GLUE_MINUTE_SECONDS": "1"},
    )
    sandbox = Sandbox(config)
    sandbox.up()
    yield Box(sandbox, config)
    sandbox.down()
