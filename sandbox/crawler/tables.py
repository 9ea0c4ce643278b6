"""Writes what was found as the catalog's TableInput and PartitionInput."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

from sandbox.crawler.layout import Found, Partition
from sandbox.crawler.objects import Thing
from sandbox.crawler.shape import JSON_SERDE, Shape
from sandbox.crawler.types import render

_VERSION = {"CrawlerSchemaDeserializerVersion": "1.0", "CrawlerSchemaSerializerVersion": "1.0"}


def table_name(prefix: str, title: str) -> str:
    """Glue's and Athena's idea of a name: lower case, and an underscore for every other sign."""
    return re.sub(r"[^a-z0-9_]", "_", f"{prefix}{title}".lower())[:255]


def with_suffix(name: str, location: str) -> str:
    """The name of a second table that would have been named alike: its location decides."""
    return f"{name[:220]}_{hashlib.md5(location.encode(), usedforsecurity=False).hexdigest()}"


def location(bucket: str, key: str) -> str:
    """The S3 path of a key."""
    return f"s3://{bucket}/{key}"


def table_input(name: str, crawler: str, bucket: str, found: Found, exclusions: list[str]) -> dict[str, Any]:
    """The TableInput of a table that a crawler found under an S3 target."""
    parameters = {
        **_VERSION,
        "UPDATED_BY_CRAWLER": crawler,
        **_statistics(found.shape, found.things),
    }
    if exclusions:
        parameters["exclusions"] = json.dumps(exclusions)
    if found.partition_keys:
        parameters["partition_filtering.enabled"] = "true"
    return {
        "Name": name,
        "Owner": "owner",
        "Retention": 0,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in found.partition_keys],
        "Parameters": parameters,
        "StorageDescriptor": storage(found.shape, location(bucket, found.prefix), parameters),
    }


def partition_input(bucket: str, partition: Partition, table: dict[str, Any], inherit: bool) -> dict[str, Any]:
    """The PartitionInput; with `inherit` its columns and reader are the table's."""
    parameters = {**_VERSION, **_statistics(partition.shape, partition.things)}
    path = location(bucket, partition.prefix)
    own = storage(partition.shape, path, parameters)
    descriptor = {**table["StorageDescriptor"], "Location": path, "Parameters": parameters} if inherit else own
    return {"Values": list(partition.values), "StorageDescriptor": descriptor, "Parameters": parameters}


def storage(shape: Shape, path: str, parameters: dict[str, str]) -> dict[str, Any]:
    """The StorageDescriptor: columns, formats and reader."""
    return {
        "Columns": [{"Name": column.name, "Type": render(column.type)} for column in shape.columns],
        "Location": path,
        "InputFormat": shape.input_format,
        "OutputFormat": shape.output_format,
        "Compressed": parameters.get("compressionType", "none") != "none",
        "NumberOfBuckets": -1,
        "SerdeInfo": {"SerializationLibrary": shape.serde, "Parameters": _serde_parameters(shape)},
        "BucketColumns": [],
        "SortColumns": [],
        "Parameters": dict(parameters),
        "StoredAsSubDirectories": False,
    }


def _serde_parameters(shape: Shape) -> dict[str, str]:
    """JSON's reader is told the names that it has to look for."""
    paths = {"paths": ",".join(column.name for column in shape.columns)} if shape.serde == JSON_SERDE else {}
    return {**shape.serde_parameters, **paths}


def _statistics(shape: Shape, things: Iterable[Thing]) -> dict[str, str]:
    sizes = [thing.size for thing in things]
    per_record = max(shape.record_bytes, 1e-9)
    return {
        "classification": shape.classification,
        **shape.parameters,
        "averageRecordSize": str(max(round(shape.record_bytes), 1)),
        "objectCount": str(len(sizes)),
        "recordCount": str(max(round(sum(sizes) / per_record), 0)),
        "sizeKey": str(sum(sizes)),
        "typeOfData": "file",
    }
