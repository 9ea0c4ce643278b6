"""Bytes from S3: the right version, whole also when the connection breaks, and told apart from what is gone."""

from __future__ import annotations

import io

import boto3
import pytest
from botocore.exceptions import ClientError, ResponseStreamingError
from moto import mock_aws

from lake.parsing import source
from lake.parsing.source import DamagedFile, open_body, read_text, write_text


@pytest.fixture
def bucket(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    source._s3.cache_clear()
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="bronze")
        client.put_bucket_versioning(Bucket="bronze", VersioningConfiguration={"Status": "Enabled"})
        yield client
    source._s3.cache_clear()


def test_a_version_is_read_though_a_newer_one_is_there(bucket):
    old = bucket.put_object(Bucket="bronze", Key="ö rders/a b.csv", Body=b"old")["VersionId"]
    bucket.put_object(Bucket="bronze", Key="ö rders/a b.csv", Body=b"new")

    with open_body("bronze", "ö rders/a b.csv", old) as body:
        assert body.read() == b"old"


def test_a_version_that_is_gone_is_the_files_fault_and_a_refusal_is_not(bucket):
    bucket.put_object(Bucket="bronze", Key="a.csv", Body=b"x")

    with pytest.raises(DamagedFile, match="no longer in the bucket"):
        open_body("bronze", "b.csv", "null")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        open_body("silver", "a.csv", "null")


class Breaking(io.BytesIO):
    """A connection that breaks after some bytes."""

    def __init__(self, data, after):
        super().__init__(data)
        self.after = after

    def read(self, size=None):
        if self.tell() >= self.after:
            raise ResponseStreamingError(error="connection reset")
        return super().read(min(size or 1 << 30, self.after - self.tell()))


def test_a_connection_that_breaks_goes_on_where_it_broke(bucket):
    data = bytes(range(256)) * 100
    bucket.put_object(Bucket="bronze", Key="a.csv", Body=data)
    body = open_body("bronze", "a.csv", "null")
    body._body = Breaking(data, after=5_000)

    whole = body.read(3_000) + body.read(3_000) + body.read(3_000) + body.read()

    assert whole == data


def test_a_connection_that_never_holds_fails_the_run_and_not_the_file(bucket, monkeypatch):
    bucket.put_object(Bucket="bronze", Key="a.csv", Body=b"x" * 100)
    monkeypatch.setattr(source.S3Body, "_open", lambda self: Breaking(b"x" * 100, after=0))

    with pytest.raises(ResponseStreamingError):
        open_body("bronze", "a.csv", "null").read()


def test_small_texts_are_kept_in_buckets_and_folders_alike(bucket, tmp_path):
    for uri in ("s3://bronze/runs/1/result.json", f"file://{tmp_path}/runs/1/result.json"):
        before = read_text(uri)
        write_text(uri, "Zoë")

        assert (before, read_text(uri)) == (None, "Zoë")
    with pytest.raises(ValueError, match="neither an s3"):
        read_text("nothing")
