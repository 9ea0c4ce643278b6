"""Up, down, up again, twice at once, after a crash, and when a part cannot start."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sandbox import Sandbox, SandboxConfig, SandboxError
from tests.sandbox.conftest import CACHE, PROJECT, Box, until

pytestmark = pytest.mark.sandbox


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Box]:
    """A sandbox of the test's own, not started."""
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project)
    config = SandboxConfig(home=tmp_path / "home", cache=CACHE, project=project, stack_name="seams", query_engine=False)
    box = Box(Sandbox(config), config)
    yield box
    box.sandbox.down(wipe=True)


def test_up_on_a_running_sandbox_says_so(box: Box) -> None:
    report = box.sandbox.up()

    assert report.already_running
    assert not report.deployed


def test_every_process_carries_the_home_and_listens_on_loopback_only(box: Box) -> None:
    (emulator,) = box.sandbox.status().parts
    process = psutil.Process(emulator.pid)

    assert process.environ()["LAKE_HOME"] == str(box.config.home)
    listening = [each.laddr for each in process.net_connections() if each.status == psutil.CONN_LISTEN]
    assert listening
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_state_survives_down_and_a_kill(own: Box) -> None:
    # Arrange: a first life, in which things are made
    first = own.sandbox.up()
    assert first.deployed
    bucket = own.sandbox.outputs()["Bucket"]
    own.client("s3").put_object(Bucket=bucket, Key="kept", Body=b"1")
    own.client("glue").create_database(DatabaseInput={"Name": "kept"})

    # Act and assert: an orderly end
    assert own.sandbox.down() == ["emulator"]
    assert not own.sandbox.status().running
    second = own.sandbox.up()
    assert not second.deployed
    assert second.endpoint == first.endpoint
    assert own.client("s3").get_object(Bucket=bucket, Key="kept")["Body"].read() == b"1"
    assert own.client("glue").get_database(Name="kept")

    # Act: a crash while a run is going
    glue = own.client("glue")
    run_id = glue.start_job_run(JobName="seams-plain", Arguments={"--do": "sleep"})["JobRunId"]
    record = own.config.home / "glue" / run_id / "process.json"
    until(record.exists)
    script = json.loads(record.read_text())["pid"]
    saved = own.config.home / "emulator" / "state" / "glue.json"
    until(lambda: run_id in saved.read_text() and '"RUNNING"' in saved.read_text())
    (emulator,) = own.sandbox.status().parts
    os.kill(emulator.pid or 0, signal.SIGKILL)
    until(lambda: own.sandbox.status().parts[0].state == "died")
    third = own.sandbox.up()

    # Assert: everything is there, the run has ended and said so, and its script is gone
    assert not third.deployed
    assert own.client("glue").get_database(Name="kept")
    run = own.ended("seams-plain", run_id)
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"] == "The sandbox was stopped while this job run was going."
    assert not psutil.pid_exists(script) or psutil.Process(script).status() == psutil.STATUS_ZOMBIE
    queue = own.sandbox.outputs()["EventsQueue"]
    message = until(lambda: own.client("sqs").receive_message(QueueUrl=queue).get("Messages"))[0]
    assert json.loads(message["Body"])["detail"]["jobRunId"] == run_id

    # Act and assert: nothing stays
    own.sandbox.down(wipe=True)
    assert not own.config.home.exists()


def test_two_ups_at_once_start_one_sandbox(own: Box) -> None:
    reports = []
    threads = [threading.Thread(target=lambda: reports.append(Sandbox(own.config).up())) for _ in range(2)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(report.already_running for report in reports) == [False, True]
    assert len({report.endpoint for report in reports}) == 1


def test_a_template_that_fails_names_the_part_and_leaves_nothing_running(own: Box) -> None:
    template = own.config.project / "template.yaml"
    template.write_text(template.read_text().replace("AWS::Glue::Database", "AWS::Glue::Datebase"))

    with pytest.raises(SandboxError) as failure:
        own.sandbox.up()

    assert failure.value.part == "deploy"
    assert failure.value.log
    assert failure.value.log.exists()
    assert own.sandbox.status().parts == ()
    assert not _carrying(own.config.home)
    template.write_text(template.read_text().replace("AWS::Glue::Datebase", "AWS::Glue::Database"))
    assert own.sandbox.up().deployed


def test_up_after_ctrl_c_in_the_middle_of_a_deployment_works(own: Box, request: pytest.FixtureRequest) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores Ctrl-C
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))

    def interrupt(part: str, message: str, fraction: float | None) -> None:
        if message == "deploying the stack":
            threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        own.sandbox.up(interrupt)

    assert not _carrying(own.config.home)
    assert own.sandbox.up().deployed


def test_a_taken_port_does_not_matter(own: Box) -> None:
    first = own.sandbox.up()
    queue = own.sandbox.outputs()["ArrivalsQueue"]
    own.sandbox.down()
    with socket.create_server(("127.0.0.1", int(first.endpoint.rpartition(":")[2]))):
        second = own.sandbox.up()

        assert second.endpoint != first.endpoint
        bucket = own.sandbox.outputs()["Bucket"]
        own.client("s3").put_object(Bucket=bucket, Key="after the move", Body=b"1")
        table = own.sandbox.outputs()["SeenTable"]
        until(lambda: own.client("dynamodb").get_item(TableName=table, Key={"pk": {"S": "after the move"}}).get("Item"))
        assert own.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])


def test_a_change_of_a_function_is_deployed_by_the_next_up(own: Box) -> None:
    own.sandbox.up()
    app = own.config.project / "hello" / "app.py"
    app.write_text(app.read_text().replace('os.environ["GREETING"]', '"changed"'))

    report = own.sandbox.up()

    assert report.deployed
    outputs = own.sandbox.outputs()
    own.client("s3").put_object(Bucket=outputs["Bucket"], Key="k", Body=b"1")
    item = until(
        lambda: own.client("dynamodb").get_item(TableName=outputs["SeenTable"], Key={"pk": {"S": "k"}}).get("Item")
    )
    assert item["greeting"]["S"] == "changed"


def test_up_leaves_no_standard_output_open(own: Box) -> None:
    code = """
import sys
from pathlib import Path
from sandbox import Sandbox, SandboxConfig
home, cache, project = map(Path, sys.argv[1:])
Sandbox(SandboxConfig(home, cache, project, "seams", query_engine=False)).up()
"""

    # A pipe is read to its end: this would hang if a started process held it open.
    ended = subprocess.run(
        [sys.executable, "-c", code, str(own.config.home), str(CACHE), str(own.config.project)],
        capture_output=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr.decode()
    assert own.sandbox.status().running


def _carrying(home: Path) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("LAKE_HOME") == str(home):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found
