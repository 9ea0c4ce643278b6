"""Iceberg tables under a target: registers those that the catalog does not know.

The catalog's pointer to a table's metadata is where commits happen. Whoever moves it while a job commits takes that
job's commit away, or brings back what was undone. So a pointer that can be read is only moved forward, along the
history that the newer metadata itself tells, and not while an engine that commits through the catalog may be at it.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from sandbox.crawler.catalog import Catalog
from sandbox.crawler.objects import Bucket, Thing, split
from sandbox.crawler.report import CrawlError, code_of
from sandbox.crawler.tables import location
from sandbox.crawler.types import Array, Map, Struct, Type, render

DEPTH = 10

#: A commit writes its metadata and then moves the pointer, seconds later. Metadata that is older than this and still
#: has no pointer belongs to no commit that is under way.
SETTLED = timedelta(minutes=10)

_VERSION = re.compile(r"(?:v(\d+)|(\d+)-[^/]+?)(\.gz)?\.metadata\.json(\.gz)?")
_SIMPLE = {
    "long": "bigint",
    "timestamptz": "timestamp",
    "timestamp_ns": "timestamp",
    "timestamptz_ns": "timestamp",
    "time": "string",
    "uuid": "string",
}


@dataclass(frozen=True)
class Metadata:
    """One metadata file and what it says."""

    path: str
    content: dict[str, Any]

    @property
    def order(self) -> tuple[int, int]:
        """Grows with every commit: the sequence number, then the time of the update (ms)."""
        return int(self.content.get("last-sequence-number", 0)), int(self.content.get("last-updated-ms", 0))

    def descends_from(self, other: Metadata) -> bool:
        """Whether its history tells of the other as an earlier state of the same table."""
        log = {entry.get("metadata-file") for entry in self.content.get("metadata-log", [])}
        return self.content.get("table-uuid") == other.content.get("table-uuid") and other.path in log


def table_folders(bucket: Bucket, prefix: str, depth: int) -> list[str]:
    """Folders, at most `depth` below the prefix, that have a `metadata` folder: their keys with the closing slash."""
    found: list[str] = []
    level = [prefix]
    for remaining in range(depth, -1, -1):
        following: list[str] = []
        for folder in level:
            children = bucket.folders(folder)
            if f"{folder}metadata/" in children:
                found.append(folder)
            elif remaining:
                following += children
        level = following
    return found


def put(catalog: Catalog, bucket: Bucket, folder: str, name: str, crawler: str, say: Callable[[str], None]) -> bool:
    """Register the table of this folder, or move its pointer where that is safe. Whether there is such a table."""
    newest = _newest(bucket, folder)
    if newest is None:
        say(f"s3://{bucket.name}/{folder}metadata/ holds no table metadata")
        return False
    thing, found = newest
    current = catalog.table(name)
    if current is None:
        catalog.create(_table_input(name, crawler, found))
        return True
    held = current.get("Parameters", {}).get("metadata_location") or ""
    if current.get("Parameters", {}).get("table_type", "").upper() != "ICEBERG":
        say(f"{name} is in the catalog and is not an Iceberg table: it is left as it is")
    elif held != found.path and _may_move(bucket, current, held, thing, found, say):
        if catalog.policy.update != "UPDATE_IN_DATABASE":
            say(f"{name} has newer metadata; the policy LOG leaves the table as it is")
        else:
            wanted = _table_input(name, crawler, found)
            wanted["Parameters"] = {**current.get("Parameters", {}), **wanted["Parameters"]}
            catalog.update(wanted, current.get("VersionId"))
    return True


def _may_move(
    bucket: Bucket, current: dict[str, Any], held: str, thing: Thing, found: Metadata, say: Callable[[str], None]
) -> bool:
    """Whether the table's pointer may go from `held` to what was found."""
    name = current["Name"]
    pointed = _read(bucket, held)
    if pointed is None:
        say(f"{name} pointed to {held or 'nothing'}, which is gone: it gets the newest metadata")
        return True
    if found.order <= pointed.order or not found.descends_from(pointed):
        say(f"{name} points to metadata that is not older than what lies in its folder: it is left as it is")
        return False
    parameters = current.get("Parameters", {})
    registered = "UPDATED_BY_CRAWLER" in parameters and "previous_metadata_location" not in parameters
    if not registered and datetime.now(UTC) - thing.modified < SETTLED:
        say(f"{name} is committed to by an engine, maybe now: newer metadata is left to it")
        return False
    return True


def _newest(bucket: Bucket, folder: str) -> tuple[Thing, Metadata] | None:
    """The metadata file of the highest version; of several that raced for it, the one that is the furthest."""
    versions: dict[int, list[Thing]] = {}
    for thing in bucket.things(f"{folder}metadata/"):
        match = _VERSION.fullmatch(thing.name)
        if match and thing.key == f"{folder}metadata/{thing.name}":
            versions.setdefault(int(match.group(1) or match.group(2)), []).append(thing)
    if not versions:
        return None
    read = [(thing, _parse(bucket, thing.key)) for thing in versions[max(versions)]]
    return max(read, key=lambda entry: (entry[1].order, entry[0].modified))


def _read(bucket: Bucket, path: str) -> Metadata | None:
    """The metadata at a path; None when it is not there. Raises CrawlError when it may not be read."""
    if not path:
        return None
    name, key = split(path)
    try:
        return _parse(bucket.sibling(name), key, path)
    except CrawlError as problem:
        cause = problem.__cause__
        if isinstance(cause, ClientError) and code_of(cause) in ("NoSuchKey", "NoSuchBucket", "404"):
            return None
        raise


def _parse(bucket: Bucket, key: str, path: str | None = None) -> Metadata:
    content = bucket.read(key)
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    try:
        return Metadata(path or location(bucket.name, key), json.loads(content))
    except ValueError as problem:
        raise CrawlError(f"s3://{bucket.name}/{key} is not Iceberg table metadata: {problem}") from problem


def _table_input(name: str, crawler: str, found: Metadata) -> dict[str, Any]:
    content = found.content
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"table_type": "ICEBERG", "metadata_location": found.path, "UPDATED_BY_CRAWLER": crawler},
        "StorageDescriptor": {"Columns": _columns(content), "Location": str(content["location"]).rstrip("/")},
    }


def _columns(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The current schema's columns, described as Iceberg's own Glue catalog describes them."""
    schemas = content.get("schemas") or [content.get("schema") or {"fields": []}]
    wanted = content.get("current-schema-id", 0)
    schema = next((schema for schema in schemas if schema.get("schema-id", 0) == wanted), schemas[-1])
    columns = []
    for entry in schema["fields"]:
        column = {
            "Name": entry["name"].lower(),
            "Type": render(_type(entry["type"])),
            "Parameters": {
                "iceberg.field.current": "true",
                "iceberg.field.id": str(entry["id"]),
                "iceberg.field.optional": str(not entry.get("required", False)).lower(),
            },
        }
        if entry.get("doc"):
            column["Comment"] = entry["doc"][:255]
        columns.append(column)
    return columns


def _type(kind: Any) -> Type:
    if isinstance(kind, dict):
        if kind["type"] == "struct":
            return Struct(tuple((entry["name"].lower(), _type(entry["type"])) for entry in kind["fields"]))
        if kind["type"] == "list":
            return Array(_type(kind["element"]))
        return Map(_type(kind["key"]), _type(kind["value"]))
    name = str(kind).replace(" ", "")
    return "binary" if name.startswith("fixed[") else _SIMPLE.get(name, name)
