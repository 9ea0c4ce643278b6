"""The ports over boto3. Endpoint, region and credentials come from the environment, on AWS as on a laptop."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

from lake.entries import timestamp
from lake.ports import (
    CrawlerState,
    JobBusyError,
    JobRun,
    LostMetadata,
    Message,
    ObjectGoneError,
    ObjectVersion,
    TableSnapshot,
)

_HIDDEN = 300  # seconds a received message is nobody else's: a sweep lasts no longer
_GONE = {"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed"}  # the last one: the version is a delete marker


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


class S3Objects:
    """`lake.ports.Objects` over an S3 bucket with versions."""

    def __init__(self, bucket: str, client: Any = None) -> None:
        self.bucket = bucket
        self._s3 = client if client is not None else boto3.client("s3")

    def versions(self, key: str) -> Iterator[ObjectVersion]:
        request: dict[str, Any] = {"Bucket": self.bucket, "Prefix": key, "MaxKeys": 100}
        while True:
            answer = self._s3.list_object_versions(**request)
            for item in answer.get("Versions", ()):
                if item["Key"] == key:
                    yield _version(item)
            # The key itself sorts before every longer key that begins with it, so its versions come first.
            if not answer.get("IsTruncated") or answer.get("NextKeyMarker") != key:
                return
            request.update(KeyMarker=answer["NextKeyMarker"], VersionIdMarker=answer["NextVersionIdMarker"])

    def page(self, cursor: tuple[str, str] | None) -> tuple[list[ObjectVersion], tuple[str, str] | None]:
        request: dict[str, Any] = {"Bucket": self.bucket, "MaxKeys": 1000}
        if cursor:
            request["KeyMarker"] = cursor[0]
            if cursor[1]:
                request["VersionIdMarker"] = cursor[1]
        answer = self._s3.list_object_versions(**request)
        following = (answer["NextKeyMarker"], answer.get("NextVersionIdMarker", "")) if answer["IsTruncated"] else None
        return [_version(item) for item in answer.get("Versions", ())], following

    def read(self, key: str, version: str, start: int, length: int) -> bytes:
        if length <= 0:
            return b""
        try:
            answer = self._s3.get_object(
                Bucket=self.bucket, Key=key, Range=f"bytes={start}-{start + length - 1}", VersionId=version
            )
        except ClientError as error:
            if error_code(error) == "InvalidRange":
                return b""
            if error_code(error) in _GONE:
                raise ObjectGoneError(key) from error
            raise
        return bytes(answer["Body"].read())

    def tag(self, key: str, version: str, tags: Mapping[str, str]) -> None:
        which: Any = {"Bucket": self.bucket, "Key": key, "VersionId": version}
        try:
            found: dict[str, str] = {tag["Key"]: tag["Value"] for tag in self._s3.get_object_tagging(**which)["TagSet"]}
            merged = {**found, **tags}
            if merged != found:
                tag_set: Any = [{"Key": name, "Value": value} for name, value in merged.items()]
                self._s3.put_object_tagging(**which, Tagging={"TagSet": tag_set})
        except ClientError as error:
            if error_code(error) in _GONE:
                raise ObjectGoneError(key) from error
            raise


def _version(item: Mapping[str, Any]) -> ObjectVersion:
    etag = str(item.get("ETag", "")).strip('"')
    return ObjectVersion(item["Key"], item["VersionId"], int(item["Size"]), etag, timestamp(item["LastModified"]))


class S3Documents:
    """`lake.ports.Documents` over the lake bucket."""

    def __init__(self, bucket: str, client: Any = None) -> None:
        self.bucket = bucket
        self._s3 = client if client is not None else boto3.client("s3")

    def get(self, key: str) -> bytes | None:
        try:
            return bytes(self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        except ClientError as error:
            if error_code(error) in _GONE:
                return None
            raise

    def put(self, key: str, body: bytes) -> None:
        self._s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType="application/json")

    def any_under(self, prefix: str) -> bool:
        return bool(self._s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix, MaxKeys=1).get("Contents"))


class GlueJobs:
    """`lake.ports.Jobs` over AWS Glue."""

    def __init__(self, client: Any = None) -> None:
        self._glue = client if client is not None else boto3.client("glue")

    def start(self, job: str, arguments: Mapping[str, str]) -> str:
        try:
            return str(self._glue.start_job_run(JobName=job, Arguments=dict(arguments))["JobRunId"])
        except ClientError as error:
            if error_code(error) == "ConcurrentRunsExceededException":
                raise JobBusyError(job) from error
            raise

    def run(self, job: str, run_id: str) -> JobRun | None:
        try:
            return _job_run(job, self._glue.get_job_run(JobName=job, RunId=run_id)["JobRun"])
        except ClientError as error:
            if error_code(error) == "EntityNotFoundException":
                return None
            raise

    def recent(self, job: str) -> list[JobRun]:
        runs = self._glue.get_job_runs(JobName=job, MaxResults=50).get("JobRuns", ())
        return sorted((_job_run(job, run) for run in runs), key=lambda run: run.started, reverse=True)

    def stop(self, job: str, run_id: str) -> None:
        answer = self._glue.batch_stop_job_run(JobName=job, JobRunIds=[run_id])
        for refused in answer.get("Errors", ()):
            detail = refused.get("ErrorDetail", {})
            if detail.get("ErrorCode") != "JobRunNotInTerminalStateException":  # it is stopping or has ended: fine
                raise RuntimeError(f"Glue did not stop run {run_id} of {job}: {detail.get('ErrorMessage')}")


def _job_run(job: str, run: Mapping[str, Any]) -> JobRun:
    started = _epoch(run.get("StartedOn"))
    ended = _epoch(run.get("CompletedOn")) or time.time()
    return JobRun(
        id=run["Id"],
        job=job,
        state=run["JobRunState"],
        arguments=dict(run.get("Arguments") or {}),
        error=run.get("ErrorMessage"),
        started=started,
        seconds=max(0.0, ended - started) if started else 0.0,
    )


def _epoch(value: Any) -> float:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return float(value or 0)


class GlueCrawlers:
    """`lake.ports.Crawlers` over AWS Glue."""

    def __init__(self, client: Any = None) -> None:
        self._glue = client if client is not None else boto3.client("glue")

    def start(self, name: str) -> bool:
        try:
            self._glue.start_crawler(Name=name)
        except ClientError as error:
            if error_code(error) == "CrawlerRunningException":
                return False
            raise
        return True

    def state(self, name: str) -> CrawlerState:
        crawler = self._glue.get_crawler(Name=name)["Crawler"]
        last = crawler.get("LastCrawl") or {}
        return CrawlerState(crawler.get("State", "READY"), last.get("Status"), last.get("ErrorMessage"))


class SnsAlerts:
    """`lake.ports.Alerts` over an SNS topic."""

    def __init__(self, topic_arn: str, client: Any = None) -> None:
        self._topic = topic_arn
        self._sns = client if client is not None else boto3.client("sns")

    def send(self, subject: str, message: str) -> None:
        self._sns.publish(TopicArn=self._topic, Subject=subject, Message=message)


class BusEvents:
    """`lake.ports.Events` over the default event bus."""

    def __init__(self, client: Any = None) -> None:
        self._events = client if client is not None else boto3.client("events")

    def put(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        entry = {"Source": "jozi.lake", "DetailType": detail_type, "Detail": json.dumps(detail)}
        answer = self._events.put_events(Entries=[entry])
        if answer.get("FailedEntryCount"):
            raise RuntimeError(f"The event bus refused '{detail_type}': {answer['Entries'][0].get('ErrorMessage')}")


class SqsQueue:
    """`lake.ports.Queue` over an SQS queue."""

    def __init__(self, url: str, client: Any = None) -> None:
        self._url = url
        self._sqs = client if client is not None else boto3.client("sqs")

    def depth(self) -> tuple[int, int]:
        names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        values: Any = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names).get("Attributes", {})
        return int(values.get(names[0], 0)), int(values.get(names[1], 0))

    def receive(self) -> list[Message]:
        answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, VisibilityTimeout=_HIDDEN)
        found = answer.get("Messages", ())
        return [Message(item["MessageId"], item["Body"], item["ReceiptHandle"]) for item in found]

    def delete(self, message: Message) -> None:
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message.handle)

    def give_back(self, message: Message) -> None:
        self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=message.handle, VisibilityTimeout=0)


class GlueTables:
    """`lake.ports.Tables`: the Glue catalog names the metadata file, S3 holds it."""

    def __init__(self, glue: Any = None, s3: Any = None) -> None:
        self._glue = glue if glue is not None else boto3.client("glue")
        self._s3 = s3 if s3 is not None else boto3.client("s3")

    def exists(self, database: str, table: str) -> bool:
        return self._table(database, table) is not None

    def _table(self, database: str, table: str) -> Mapping[str, Any] | None:
        try:
            return dict(self._glue.get_table(DatabaseName=database, Name=table)["Table"])
        except ClientError as error:
            if error_code(error) == "EntityNotFoundException":
                return None
            raise

    def snapshot(self, database: str, table: str, having: str | None = None) -> TableSnapshot | None:
        found = self._table(database, table)
        if found is None:
            return None
        location = (found.get("Parameters") or {}).get("metadata_location")
        if not location:
            return None
        bucket, key = location.split("://", 1)[1].split("/", 1)
        try:
            body = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error_code(error) == "NoSuchKey":
                raise LostMetadata(database, table, location) from error
            raise
        metadata = json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
        return snapshot_in(metadata, having)


def snapshot_in(metadata: Mapping[str, Any], having: str | None = None) -> TableSnapshot | None:
    """Main's snapshot in an Iceberg metadata document, or its newest ancestor whose summary has a property."""
    by_id = {snapshot["snapshot-id"]: snapshot for snapshot in metadata.get("snapshots", ())}
    current = by_id.get(metadata.get("current-snapshot-id"))
    while current is not None:
        summary = current.get("summary", {})
        if having is None or having in summary:
            return TableSnapshot(int(current["snapshot-id"]), summary)
        current = by_id.get(current.get("parent-snapshot-id"))
    return None
