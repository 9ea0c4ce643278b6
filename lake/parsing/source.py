"""Where bytes come from and where small texts go: S3, or local folders in tests and trials.

A bucket is a name (S3) or a `file://` folder. Clients are made where they are used, so that nothing here has to travel
to a Spark worker but plain strings.
"""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LOCAL = "file://"
GONE = ("NoSuchKey", "NoSuchVersion", "404")


class DamagedFile(Exception):  # noqa: N818 - the name says what was found; the file is at fault, not the run
    """A file's content cannot be read to its end. The message is a sentence for the person who dropped the file."""


@lru_cache(maxsize=1)
def _s3() -> S3Client:
    """One client a process (making one takes a tenth of a second); endpoint and credentials come from outside."""
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 5}))


def open_body(bucket: str, key: str, version: str) -> BinaryIO:
    """The bytes of one object version as a stream. A version that is gone raises DamagedFile; S3's errors pass."""
    if bucket.startswith(LOCAL):
        try:
            return (_folder(bucket) / key).open("rb")
        except FileNotFoundError as error:
            raise DamagedFile("the file is no longer there") from error
    from botocore.exceptions import ClientError

    which: dict[str, Any] = {"Bucket": bucket, "Key": key}
    if version and version != "null":
        which["VersionId"] = version
    try:
        return cast(BinaryIO, S3Body(which))
    except ClientError as error:
        if error.response["Error"]["Code"] in GONE:
            raise DamagedFile("this version of the file is no longer in the bucket") from error
        raise


class S3Body(io.RawIOBase):
    """An object's bytes. A connection that breaks is opened again where it broke, so a long file is not lost to it."""

    ATTEMPTS = 5

    def __init__(self, which: dict[str, Any]) -> None:
        self._which = which
        self._at = 0
        self._body = self._open()

    def _open(self) -> Any:
        rest: dict[str, Any] = {"Range": f"bytes={self._at}-"} if self._at else {}
        return _s3().get_object(**self._which, **rest)["Body"]

    def read(self, size: int = -1, /) -> bytes:
        from botocore.exceptions import HTTPClientError, IncompleteReadError

        broken = 0
        while True:
            try:
                block = self._body.read(None if size < 0 else size)
            except (HTTPClientError, IncompleteReadError):
                broken += 1
                if broken == self.ATTEMPTS:
                    raise
                self._body = self._open()
            else:
                self._at += len(block)
                return block

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._body.close()
        super().close()


def read_text(uri: str) -> str | None:
    """A small text object, None where there is none."""
    if uri.startswith(LOCAL):
        path = _folder(uri)
        return path.read_text(encoding="utf-8") if path.exists() else None
    from botocore.exceptions import ClientError

    bucket, key = _split(uri)
    try:
        return _s3().get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8")
    except ClientError as error:
        if error.response["Error"]["Code"] in GONE:
            return None
        raise


def write_text(uri: str, text: str) -> None:
    """Write a small text object, over an older one."""
    if uri.startswith(LOCAL):
        path = _folder(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    bucket, key = _split(uri)
    _s3().put_object(Bucket=bucket, Key=key, Body=text.encode("utf-8"), ContentType="application/json")


def _folder(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))


def _split(uri: str) -> tuple[str, str]:
    if not uri.startswith("s3://"):
        raise ValueError(f"{uri} is neither an s3:// nor a file:// address")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
