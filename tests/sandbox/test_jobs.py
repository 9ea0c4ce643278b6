"""Glue jobs in the sandbox do what Glue's documentation says."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Box, until

pytestmark = pytest.mark.sandbox


def test_a_run_gets_the_jobs_arguments_with_its_own_over_them(box: Box) -> None:
    run = box.run("seams-plain", from_="the test")

    assert run["JobRunState"] == "SUCCEEDED"
    assert run["Arguments"] == {"--from": "the test"}
    said = box.lines("/aws-glue/jobs/output", run["Id"])
    assert said == [f"good morning from the test in seams-plain {run['Id']}"]
    assert "a word on stderr" in box.lines("/aws-glue/jobs/error", run["Id"])


def test_a_run_ends_with_one_event_that_says_how(box: Box) -> None:
    run = box.run("seams-plain", do="raise")

    assert run["JobRunState"] == "FAILED"
    event = _event_of(box, run["Id"])
    assert event["source"] == "aws.glue"
    assert event["detail-type"] == "Glue Job State Change"
    assert event["detail"] == {
        "jobName": "seams-plain",
        "jobRunId": run["Id"],
        "state": "FAILED",
        "severity": "ERROR",
        "message": "ValueError: the cheese is out",
    }


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("raise", "ValueError: the cheese is out"),
        ("exit", "one clear sentence"),
        ("die", "The script was ended by signal SIGKILL"),
    ],
)
def test_the_error_message_says_why(box: Box, what: str, message: str) -> None:
    assert box.run("seams-plain", do=what)["ErrorMessage"] == message


def test_a_script_acts_as_the_jobs_role_and_a_denial_is_recorded(box: Box) -> None:
    run = box.run("seams-plain", do="forbidden")

    assert run["JobRunState"] == "FAILED"
    assert "not authorized to perform: dynamodb:ListTables" in run["ErrorMessage"]
    record = [json.loads(line) for line in (box.config.home / "iam.jsonl").read_text().splitlines()]
    denied = [line for line in record if line["action"] == "dynamodb:ListTables"]
    assert denied
    assert denied[0]["decision"] == "ImplicitDeny"
    assert f":assumed-role/{box.sandbox.outputs()['JobRole']}/GlueJobRunnerSession" in denied[0]["principal"]


def test_the_whole_output_reaches_the_log(box: Box) -> None:
    run = box.run("seams-plain", do="many-lines")

    lines = box.lines("/aws-glue/jobs/output", run["Id"])
    assert len(lines) == 12_001
    assert lines[-1] == "line 11999"


def test_extra_py_files_are_importable_from_a_zip(box: Box) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("extra_library.py", "WHERE = 'from the zip'")
    bucket = box.sandbox.outputs()["Bucket"]
    box.client("s3").put_object(Bucket=bucket, Key="code/library.zip", Body=archive.getvalue())

    run = box.run("seams-plain", do="import", **{"extra-py-files": f"s3://{bucket}/code/library.zip"})

    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    assert "from the zip" in box.lines("/aws-glue/jobs/output", run["Id"])


def test_what_cannot_be_done_is_refused_by_name(box: Box) -> None:
    run = box.run("seams-plain", **{"additional-python-modules": "cowsay==6.1"})

    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"].startswith("The sandbox does not support --additional-python-modules")


def test_a_script_that_is_not_there_fails_the_run(box: Box) -> None:
    glue = box.client("glue")
    bucket = box.sandbox.outputs()["Bucket"]
    role = box.client("iam").get_role(RoleName=box.sandbox.outputs()["JobRole"])["Role"]["Arn"]
    glue.create_job(Name="no-script", Role=role, Command={"Name": "glueetl", "ScriptLocation": f"s3://{bucket}/no.py"})

    run = box.run("no-script")

    assert run["JobRunState"] == "FAILED"
    assert f"s3://{bucket}/no.py cannot be read" in run["ErrorMessage"]


def test_more_runs_than_allowed_at_once_are_refused_and_runs_can_be_stopped(box: Box) -> None:
    glue = box.client("glue")
    going = [glue.start_job_run(JobName="seams-plain", Arguments={"--do": "sleep"})["JobRunId"] for _ in range(2)]

    with pytest.raises(ClientError, match="ConcurrentRunsExceededException"):
        glue.start_job_run(JobName="seams-plain")
    answer = glue.batch_stop_job_run(JobName="seams-plain", JobRunIds=[*going, "jr_nobody"])

    assert {each["JobRunId"] for each in answer["SuccessfulSubmissions"]} == set(going)
    assert [each["ErrorDetail"]["ErrorCode"] for each in answer["Errors"]] == ["EntityNotFoundException"]
    assert [box.ended("seams-plain", run_id)["JobRunState"] for run_id in going] == ["STOPPED", "STOPPED"]


def test_a_run_that_takes_too_long_times_out(box: Box) -> None:
    glue = box.client("glue")

    run_id = glue.start_job_run(JobName="seams-plain", Arguments={"--do": "sleep"}, Timeout=2)["JobRunId"]

    run = box.ended("seams-plain", run_id)
    assert run["JobRunState"] == "TIMEOUT"
    assert _event_of(box, run_id)["detail"]["state"] == "TIMEOUT"


def test_a_failed_run_is_tried_again_as_often_as_the_job_says(box: Box) -> None:
    run = box.run("seams-flaky", do="raise")

    again = box.ended("seams-flaky", f"{run['Id']}_attempt_1")
    assert again["JobRunState"] == "FAILED"
    assert again["Attempt"] == 1
    listed = box.client("glue").get_job_runs(JobName="seams-flaky")["JobRuns"]
    assert [each["Id"] for each in listed] == [again["Id"], run["Id"]]


def test_a_spark_script_writes_an_iceberg_table_into_the_catalog(box: Box) -> None:
    run = box.run("seams-table")

    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    table = box.client("glue").get_table(DatabaseName="seams", Name="numbers")["Table"]
    assert table["Parameters"]["table_type"] == "ICEBERG"
    assert table["StorageDescriptor"]["Location"].startswith(f"s3://{box.sandbox.outputs()['Bucket']}/warehouse/")
    assert "rows 10" in box.lines("/aws-glue/jobs/output", run["Id"])


def _event_of(box: Box, run_id: str) -> dict[str, Any]:
    """The event that a run's end sent through the rule to the queue."""
    sqs = box.client("sqs")
    queue = box.sandbox.outputs()["EventsQueue"]

    def find() -> dict[str, Any] | None:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0).get(
            "Messages", []
        ):
            event: dict[str, Any] = json.loads(message["Body"])
            if event["detail"].get("jobRunId") == run_id:
                return event
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return None

    found: dict[str, Any] = until(find)
    return found
