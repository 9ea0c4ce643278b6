"""Crawler runs in the sandbox: states, logs, events; what a crawl finds is tested with the crawler."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Box, until

pytestmark = pytest.mark.sandbox


def test_a_crawler_makes_a_table_logs_and_says_that_it_has_ended(box: Box) -> None:
    bucket = box.sandbox.outputs()["Bucket"]
    box.client("s3").put_object(Bucket=bucket, Key="crawled/one.csv", Body=b"first,second\n1,2\n3,4\n")

    glue = box.client("glue")
    glue.start_crawler(Name="seams-crawler")
    crawler = _rested(box)

    assert crawler["LastCrawl"]["Status"] == "SUCCEEDED", crawler["LastCrawl"]
    table = glue.get_table(DatabaseName="seams", Name="crawled")["Table"]
    assert [column["Name"] for column in table["StorageDescriptor"]["Columns"]] == ["a", "b"]  # the classifier's
    assert box.lines(crawler["LastCrawl"]["LogGroup"], crawler["LastCrawl"]["LogStream"])
    states = {event["detail"]["state"] for event in _events(box)}
    assert {"Started", "Succeeded"} <= states


def test_a_crawler_that_may_not_read_fails_and_says_so(box: Box) -> None:
    glue = box.client("glue")
    box.client("s3").create_bucket(Bucket="not-for-the-role")
    role = glue.get_crawler(Name="seams-crawler")["Crawler"]["Role"]
    glue.create_crawler(
        Name="shut-out", Role=role, DatabaseName="seams", Targets={"S3Targets": [{"Path": "s3://not-for-the-role/x/"}]}
    )

    glue.start_crawler(Name="shut-out")
    crawler = _rested(box, "shut-out")

    assert crawler["LastCrawl"]["Status"] == "FAILED"
    assert "may not" in crawler["LastCrawl"]["ErrorMessage"]


def test_a_running_crawler_is_not_started_again(box: Box) -> None:
    glue = box.client("glue")
    glue.start_crawler(Name="seams-crawler")

    with pytest.raises(ClientError, match="CrawlerRunningException"):
        _start_often(glue)
    _rested(box)


def _start_often(glue: Any) -> None:
    for _ in range(50):  # a crawl is short: one of these calls meets it
        glue.start_crawler(Name="seams-crawler")


def _rested(box: Box, name: str = "seams-crawler") -> dict[str, Any]:
    """The crawler when it has run."""
    glue = box.client("glue")

    def ready() -> dict[str, Any] | None:
        crawler: dict[str, Any] = glue.get_crawler(Name=name)["Crawler"]
        return crawler if crawler["State"] == "READY" and crawler.get("LastCrawl") else None

    found: dict[str, Any] = until(ready)
    return found


def _events(box: Box) -> list[dict[str, Any]]:
    """The crawler events in the queue, when the last of a crawl is there."""
    sqs, queue = box.client("sqs"), box.sandbox.outputs()["EventsQueue"]
    seen: list[dict[str, Any]] = []

    def ended() -> bool:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            event = json.loads(message["Body"])
            if event["detail-type"] == "Glue Crawler State Change":
                seen.append(event)
        return any(event["detail"]["state"] in ("Succeeded", "Failed") for event in seen)

    until(ended)
    return seen
