"""A bucket and a database for crawlers, in memory."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.moto_api._internal import moto_api_backend

from sandbox.crawler import CrawlReport, crawl


class World:
    """One bucket `raw` and one database `db`, and crawls over them."""

    def __init__(self, s3: Any, glue: Any) -> None:
        self.s3 = s3
        self.glue = glue
        self.s3.create_bucket(Bucket="raw")
        self.glue.create_database(DatabaseInput={"Name": "db"})

    def put(self, key: str, content: str | bytes, zipped: bool = False) -> None:
        """An object; text is UTF-8."""
        body = content.encode() if isinstance(content, str) else content
        self.s3.put_object(Bucket="raw", Key=key, Body=gzip.compress(body) if zipped else body)

    def crawl(self, path: str = "s3://raw/orders/", classifiers: Any = (), **crawler: Any) -> CrawlReport:
        """A crawl of one S3 target, unless `crawler` says otherwise."""
        target = {"Path": path, **crawler.pop("target", {})}
        whole = {"Name": "c", "DatabaseName": "db", "Targets": {"S3Targets": [target]}, **crawler}
        return crawl(whole, list(classifiers), self.s3, self.glue)

    def watch_reads(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
        """Key and range of every object that is read from now on."""
        seen: list[tuple[str, str]] = []
        read = self.s3.get_object

        def watched(**request: Any) -> Any:
            seen.append((request["Key"], request.get("Range", "")))
            return read(**request)

        monkeypatch.setattr(self.s3, "get_object", watched)
        return seen

    def table(self, name: str) -> dict[str, Any]:
        """The table as the catalog has it."""
        table: dict[str, Any] = self.glue.get_table(DatabaseName="db", Name=name)["Table"]
        return table

    def tables(self) -> list[str]:
        """The names of all tables."""
        return sorted(table["Name"] for table in self.glue.get_tables(DatabaseName="db")["TableList"])

    def columns(self, name: str) -> dict[str, str]:
        """Column names and types of a table, in order."""
        return {column["Name"]: column["Type"] for column in self.table(name)["StorageDescriptor"]["Columns"]}

    def partitions(self, name: str) -> dict[tuple[str, ...], str]:
        """Values and location of every partition."""
        found = self.glue.get_partitions(DatabaseName="db", TableName=name)["Partitions"]
        return {tuple(entry["Values"]): entry["StorageDescriptor"]["Location"] for entry in found}


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[Any, Any]]:
    """An account in memory. Clients take half a second to make, so a module has one pair."""
    options: Any = {"region_name": "us-east-1", "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
            environment.delenv(name, raising=False)
        yield boto3.client("s3", **options), boto3.client("glue", **options)


@pytest.fixture
def world(clients: tuple[Any, Any]) -> World:
    """The account, empty but for the bucket and the database."""
    moto_api_backend.reset()
    return World(*clients)
