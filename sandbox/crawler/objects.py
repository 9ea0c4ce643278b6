"""Reads S3 as a crawler does: lists pages, and of an object only its head or its footer."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.crawler.report import CrawlError, code_of, refused

HEAD = 128 * 1024
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Thing:
    """One object. size in bytes; modified is when it was last written."""

    key: str
    size: int
    modified: datetime

    @property
    def name(self) -> str:
        """The last part of its key."""
        return self.key.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Head:
    """The beginning of an object, unpacked. compression: none or gzip. stored: bytes of the object that were read."""

    content: bytes
    compression: str
    whole: bool
    stored: int


def split(path: str) -> tuple[str, str]:
    """`s3://bucket/a/b` -> (bucket, `a/b`); the scheme may be missing, as Glue allows it."""
    bucket, _, key = path.split("://", 1)[-1].partition("/")
    if not bucket:
        raise CrawlError(f"{path!r} is not an S3 path.")
    return bucket, key


class Bucket:
    """One bucket, seen with the crawler's role. Every method raises CrawlError when it may not or cannot read."""

    def __init__(self, s3: Any, name: str) -> None:
        self._s3 = s3
        self.name = name

    def sibling(self, name: str) -> Bucket:
        """Another bucket, seen with the same role."""
        return Bucket(self._s3, name)

    def things(self, prefix: str) -> Iterator[Thing]:
        """Every object below the prefix that holds something and is not hidden, in the order of keys."""
        for page in self._pages(Prefix=prefix):
            for entry in page.get("Contents", []):
                thing = Thing(entry["Key"], entry["Size"], entry["LastModified"])
                hidden = any(part.startswith((".", "_")) for part in thing.key[len(prefix) :].split("/"))
                if thing.size and not hidden and not thing.key.endswith("/"):
                    yield thing

    def folders(self, prefix: str) -> list[str]:
        """The prefixes of the folders right below this one, with the closing slash."""
        pages = self._pages(Prefix=prefix, Delimiter="/")
        return [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]

    def head(self, thing: Thing) -> Head:
        """The first bytes, unpacked where they are gzip."""
        raw = self.read(thing.key, f"bytes=0-{HEAD - 1}")
        whole = thing.size <= HEAD
        if not raw.startswith(_GZIP):
            return Head(raw, "none", whole, len(raw))
        try:
            unpacked = zlib.decompressobj(wbits=31).decompress(raw, 8 * HEAD)
        except zlib.error:
            unpacked = b""  # Torn or no gzip after all: nothing can be said about it.
        return Head(unpacked, "gzip", whole and len(unpacked) < 8 * HEAD, len(raw))

    def read(self, key: str, span: str | None = None) -> bytes:
        """The object, or the span of it (an HTTP Range)."""
        options = {"Range": span} if span else {}
        try:
            return bytes(self._s3.get_object(Bucket=self.name, Key=key, **options)["Body"].read())
        except ClientError as problem:
            raise refused(problem, "s3:GetObject", f"s3://{self.name}/{key}") from problem
        except BotoCoreError as problem:
            raise CrawlError(f"s3://{self.name}/{key} could not be read: {problem}") from problem

    def exists(self, key: str) -> bool:
        """Whether the object is there. It is asked for by listing: a role that may not list would see a denial."""
        pages = self._pages(Prefix=key, PaginationConfig={"MaxItems": 1})
        return any(entry["Key"] == key for page in pages for entry in page.get("Contents", []))

    def _pages(self, **request: Any) -> Iterator[dict[str, Any]]:
        resource = f"s3://{self.name}/{request['Prefix']}"
        try:
            yield from self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, **request)
        except ClientError as problem:
            if code_of(problem) in ("NoSuchBucket", "404"):
                raise CrawlError(f"The bucket of {resource} does not exist.") from problem
            raise refused(problem, "s3:ListBucket", resource) from problem
        except BotoCoreError as problem:
            raise CrawlError(f"{resource} could not be listed: {problem}") from problem


class Seekable(io.RawIOBase):
    """An object as a file that fetches only the ranges that are read: enough for a Parquet footer."""

    def __init__(self, bucket: Bucket, thing: Thing) -> None:
        self._bucket = bucket
        self._thing = thing
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._thing.size}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        end = self._thing.size if size < 0 else min(self._position + size, self._thing.size)
        if end <= self._position:
            return b""
        content = self._bucket.read(self._thing.key, f"bytes={self._position}-{end - 1}")
        self._position += len(content)
        return content
