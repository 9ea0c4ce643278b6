"""Answers are asked once a publication; troubles are words, and are not kept."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from dashboard import questions
from dashboard.port import FOLDER, AwsPort, from_environment, settings, trouble
from dashboard.reader import Reader
from lake.athena import AthenaError

from .fakes import full


def names(port):
    return sorted(question.name for question in port.asked)


def test_the_same_publication_is_asked_once_and_the_next_one_again():
    port = full()
    reader = Reader(port)

    for snapshot in ("gold-1", "gold-1", "gold-2"):
        reader.ask(questions.STANDING, snapshot)

    assert names(port) == sorted([question.name for question in questions.STANDING] * 2)


def test_one_failing_question_leaves_the_others_and_is_asked_again():
    port = full(stages=AthenaError("GENERIC_INTERNAL_ERROR: no memory"))
    reader = Reader(port)

    told = reader.ask(questions.STANDING, "gold-1")
    reader.ask(questions.STANDING, "gold-1")

    assert told["stages"].trouble == "Athena could not answer: GENERIC_INTERNAL_ERROR: no memory"
    assert told["complaints"].answer is not None
    assert names(port).count("stages") == 2
    assert names(port).count("complaints") == 1


def test_a_table_that_is_not_there_is_told_apart():
    port = full(stages=AthenaError("TABLE_NOT_FOUND: line 1:15: Table 'x' does not exist"))

    assert Reader(port).ask(questions.STANDING, "gold-1")["stages"].missing


def test_freshness_is_kept_for_a_moment_and_asked_anew_on_demand():
    port = full()
    reader = Reader(port)

    reader.freshness()
    reader.freshness()
    assert names(port).count("freshness") == 1
    reader.freshness(now=True)
    assert names(port).count("freshness") == 2


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "start it with `lake up`"),
        (NoCredentialsError(), "sign in"),
        (ClientError({"Error": {"Code": "AccessDeniedException", "Message": "No."}}, "Ask"), "AWS refused: No."),
        (ClientError({"Error": {"Code": "Throttled", "Message": "Later."}}, "Ask"), "Throttled: Later."),
        (RuntimeError("odd"), "`lake doctor`"),
    ],
)
def test_every_trouble_is_a_sentence_that_says_what_to_do(error, words):
    assert words in trouble(error, "sandbox")


def test_the_page_finds_the_stack_in_its_environment(aws_names):
    outputs = {"GoldDatabase": "g", "SilverDatabase": "s", "AthenaWorkGroup": "w", "BronzeBucketName": "b"}

    port = from_environment({"LAKE_PAGE": settings("aws", "25", outputs)})

    assert (port.target, port.promise_minutes, port.outputs["GoldDatabase"], port.endpoint) == ("aws", "25", "g", None)


class KeptAthena:
    """Keeps what it is asked."""

    def start_query_execution(self, **request):
        self.request = request
        return {"QueryExecutionId": "1"}

    def get_query_execution(self, **_):
        return {"QueryExecution": {"Status": {"State": "FAILED", "StateChangeReason": "no"}}}


def test_a_question_goes_to_its_database_with_its_parameters(aws_names):
    outputs = {"GoldDatabase": "g", "SilverDatabase": "s", "AthenaWorkGroup": "w"}
    port = from_environment({"LAKE_PAGE": settings("sandbox", "30", outputs), "AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    athena = port._clients["athena"] = KeptAthena()

    with pytest.raises(AthenaError):
        port.ask(questions.causes("2018-03"))

    assert athena.request["ExecutionParameters"] == ["'2018-03'"]
    assert athena.request["QueryExecutionContext"] == {"Database": "g"}
    assert athena.request["WorkGroup"] == "w"


@pytest.mark.parametrize("name", ["a.csv", "../../a.csv", "C:\\files\\a.csv"])
def test_an_upload_lands_in_the_folder_of_orders_whatever_path_its_name_has(name):
    class S3:
        def put_object(self, **request):
            self.request = request
            return {"VersionId": "v"}

    port = AwsPort.__new__(AwsPort)
    port.outputs, port._clients = {"BronzeBucketName": "bronze"}, {"s3": S3()}

    assert port.drop(name, None) == (FOLDER + "a.csv", "v")
    assert port._clients["s3"].request["Key"] == "orders/a.csv"
