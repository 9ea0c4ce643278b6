"""Runs on a warm engine do what runs in a process of their own do, under the same role, only sooner."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterator

import psutil
import pytest

from sandbox import Sandbox, SandboxConfig, processes
from sandbox.config import PartStatus
from tests.sandbox.conftest import CACHE, PROJECT, Box, until

pytestmark = pytest.mark.sandbox
OUTPUT = "/aws-glue/jobs/output"


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    project = tmp_path_factory.mktemp("project")
    shutil.copytree(PROJECT, project, dirs_exist_ok=True)
    template = project / "template.yaml"  # the jobs without Spark need no engine, and starting one costs a test's time
    template.write_text(
        template.read_text().replace(
            "glueetl, PythonVersion: '3', ScriptLocation: job_scripts/plain.py",
            "pythonshell, PythonVersion: '3.9', ScriptLocation: job_scripts/plain.py",
        )
    )
    config = SandboxConfig(
        home=tmp_path_factory.mktemp("home"),
        cache=CACHE,
        project=project,
        stack_name="seams",
        query_engine=False,
        warm=True,
    )
    box = Box(Sandbox(config), config)
    box.sandbox.up()
    yield box
    box.sandbox.down(wipe=True)


def test_a_run_waits_for_its_engine(warm: Box) -> None:
    run = warm.run("seams-table")

    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    assert warm.lines(OUTPUT, run["Id"]) == ["engine warm", "rows 10"]
    assert warm.client("glue").get_table(DatabaseName="seams", Name="numbers")


def test_runs_of_an_engine_share_its_python_workers(warm: Box) -> None:
    runs = [warm.run("seams-table", do="worker", table="worker") for _ in range(2)]

    first, second = (warm.lines(OUTPUT, run["Id"]) for run in runs)
    assert first[0] == second[0] == "engine warm"
    assert first[-1] == second[-1]
    assert first[-1].startswith("worker ")


def test_a_run_takes_the_interpreter_that_waits_for_it(warm: Box) -> None:
    spare = until(lambda: _spare(warm))

    run = warm.run("seams-table", do="worker", table="worker")

    assert f"script {spare.pid}" in warm.lines(OUTPUT, run["Id"])


def test_the_workers_of_an_engine_have_the_python_files_of_its_job(warm: Box) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("extra_library.py", "WHERE = 'from the zip'")
    bucket = warm.sandbox.outputs()["Bucket"]
    warm.client("s3").put_object(Bucket=bucket, Key="code/library.zip", Body=archive.getvalue())
    glue = warm.client("glue")
    job = glue.get_job(JobName="seams-table")["Job"]
    arguments = {**job["DefaultArguments"], "--extra-py-files": f"s3://{bucket}/code/library.zip"}
    glue.create_job(Name="library", Role=job["Role"], Command=job["Command"], DefaultArguments=arguments)

    runs = [warm.run("library", do="library", table="library") for _ in range(2)]

    lines = [warm.lines(OUTPUT, run["Id"]) for run in runs]
    # An engine is started when a run has ended that had none.
    assert lines == [
        [f"engine {how}", f"rows {rows}", "word from the zip"] for how, rows in (("cold", 10), ("warm", 20))
    ]
    glue.delete_job(JobName="library")


def test_a_warm_run_is_held_to_the_jobs_role(warm: Box) -> None:
    warm.client("glue").create_database(DatabaseInput={"Name": "others"})
    script = (
        "from pyspark.sql import SparkSession\n"
        "SparkSession.builder.getOrCreate().sql('CREATE TABLE glue_catalog.others.t (n int) USING iceberg')\n"
    )
    bucket = warm.sandbox.outputs()["Bucket"]
    warm.client("s3").put_object(Bucket=bucket, Key="code/intruder.py", Body=script.encode())
    glue = warm.client("glue")
    job = glue.get_job(JobName="seams-table")["Job"]
    glue.create_job(
        Name="intruder",
        Role=job["Role"],
        DefaultArguments=job["DefaultArguments"],
        Command={"Name": "glueetl", "ScriptLocation": f"s3://{bucket}/code/intruder.py"},
    )

    run = warm.run("intruder")

    assert run["JobRunState"] == "FAILED"
    record = [json.loads(line) for line in (warm.config.home / "iam.jsonl").read_text().splitlines()]
    denied = [line for line in record if line["decision"] != "Allow" and "/others" in line["resource"]]
    assert denied
    assert all(warm.sandbox.outputs()["JobRole"] in line["principal"] for line in denied)


def test_a_stopped_run_does_not_go_on_in_its_engine(warm: Box) -> None:
    glue = warm.client("glue")
    run_id = glue.start_job_run(JobName="seams-table", Arguments={"--do": "wait", "--table": "never"})["JobRunId"]
    until(lambda: "engine warm" in _output(warm, run_id))
    before = _engine(warm)

    glue.batch_stop_job_run(JobName="seams-table", JobRunIds=[run_id])

    assert warm.ended("seams-table", run_id)["JobRunState"] == "STOPPED"
    assert before.pid is not None
    assert not psutil.pid_exists(before.pid)
    again = warm.run("seams-table")
    assert again["JobRunState"] == "SUCCEEDED", again.get("ErrorMessage")


def test_a_run_ends_with_its_engine(warm: Box) -> None:
    run_id = warm.client("glue").start_job_run(JobName="seams-table", Arguments={"--do": "wait", "--table": "never"})[
        "JobRunId"
    ]
    until(lambda: "engine warm" in _output(warm, run_id))
    process = psutil.Process(_engine(warm).pid)

    for each in (*process.children(recursive=True), process):
        each.kill()

    run = warm.ended("seams-table", run_id)
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "The Spark engine of this run was killed.")


def test_a_run_whose_engine_has_died_gets_a_process_of_its_own(warm: Box) -> None:
    engine = until(lambda: _engine(warm))
    process = psutil.Process(engine.pid)
    for each in (*process.children(recursive=True), process):
        each.kill()

    run = warm.run("seams-table")

    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    assert "engine cold" in warm.lines(OUTPUT, run["Id"])


def test_a_run_can_ask_for_a_process_of_its_own(warm: Box) -> None:
    run = warm.run("seams-table", **{"sandbox-engine": "cold"})

    assert "engine cold" in warm.lines(OUTPUT, run["Id"])


def _engine(box: Box) -> PartStatus:
    found = [part for part in box.sandbox.status().parts if part.name == "spark seams-table"]
    return found[0] if found else None  # type: ignore[return-value]


def _spare(box: Box) -> psutil.Process | None:
    """An interpreter that waits for a script of this sandbox's."""
    found = (each.process() for each in processes.carrying("LAKE_HOME", str(box.config.home)))
    return next((process for process in found if process and "--wait" in process.cmdline()), None)


def _output(box: Box, run_id: str) -> str:
    log = box.config.home / "glue" / run_id / "output.log"
    return log.read_text() if log.exists() else ""
