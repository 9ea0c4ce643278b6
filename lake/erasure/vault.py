"""A bucket as an erasure needs it: all versions, and the right to delete one for ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from lake.entries import timestamp


@dataclass(frozen=True)
class Stored:
    """One version of an object, or one marker that the object was deleted. `newest`: it is what readers get."""

    key: str
    version: str
    size: int
    etag: str
    object_time: str
    newest: bool
    marker: bool = False


class Vault(Protocol):
    """A bucket with versions."""

    def versions(self, prefix: str = "") -> Iterator[Stored]:
        """Everything under a prefix, markers too; key by key, the newest of a key first."""

    def read(self, key: str, version: str) -> bytes:
        """A version's bytes."""

    def put(self, key: str, body: bytes) -> str:
        """Writes a new version and gives its name."""

    def hide(self, key: str) -> None:
        """Puts a marker on: readers do not find the object."""

    def destroy(self, key: str, version: str) -> None:
        """Deletes a version or marker for ever."""


class S3Vault:
    """`Vault` over S3. `client` is a boto3 S3 client of an identity that may do it."""

    def __init__(self, bucket: str, client: Any) -> None:
        self.bucket = bucket
        self._s3 = client

    def versions(self, prefix: str = "") -> Iterator[Stored]:
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix)
        for page in pages:
            found = [_stored(item, marker=False) for item in page.get("Versions", ())]
            yield from [*found, *(_stored(item, marker=True) for item in page.get("DeleteMarkers", ()))]

    def read(self, key: str, version: str) -> bytes:
        return bytes(self._s3.get_object(Bucket=self.bucket, Key=key, VersionId=version)["Body"].read())

    def put(self, key: str, body: bytes) -> str:
        return str(self._s3.put_object(Bucket=self.bucket, Key=key, Body=body)["VersionId"])

    def hide(self, key: str) -> None:
        self._s3.delete_object(Bucket=self.bucket, Key=key)

    def destroy(self, key: str, version: str) -> None:
        self._s3.delete_object(Bucket=self.bucket, Key=key, VersionId=version)


def _stored(item: Any, *, marker: bool) -> Stored:
    etag = str(item.get("ETag", "")).strip('"')
    return Stored(
        item["Key"],
        item["VersionId"],
        int(item.get("Size", 0)),
        etag,
        timestamp(item["LastModified"]),
        bool(item["IsLatest"]),
        marker,
    )
