"""What Athena and the engine name differently of an Iceberg table, and the table's metadata file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.athena.catalog import Table, semantic
from sandbox.athena.results import split_uri
from sandbox.athena.sqltext import literal

if TYPE_CHECKING:
    from sandbox.athena.run import Run

_CODECS = ("snappy", "zstd", "gzip", "lz4", "none")


def iceberg_properties(given: dict[str, str]) -> dict[str, str]:
    """The engine's table properties, as SQL, for Athena's. Raises QueryFailed for a value that Athena does not know."""
    made = {"format_version": "2"}
    file_format = next((value for key, value in given.items() if key.lower() == "format"), None)
    if file_format is not None:
        made["format"] = literal(file_format.upper())
    kept: dict[str, str] = {}
    for key, value in given.items():
        name = key.lower()
        if name in ("write_compression", "parquet_compression", "orc_compression"):
            if value.lower() not in _CODECS:
                raise semantic(f"Unsupported value for table property {key}: {value}", 1103)
            kept[name] = value.lower()  # the engine writes with its session's codec; the table remembers what was asked
        elif name not in ("table_type", "location", "is_external", "partitioning", "format", "format_version"):
            kept[name] = value
    if kept:
        keys, values = (", ".join(map(literal, part)) for part in (kept, kept.values()))
        made["extra_properties"] = f"MAP(ARRAY[{keys}], ARRAY[{values}])"
    return made


def read_metadata(run: Run, table: Table) -> dict[str, Any]:
    """An Iceberg table's current metadata, read with the caller's rights."""
    bucket, key = split_uri(table["Parameters"]["metadata_location"])
    return json.load(run.s3.get_object(Bucket=bucket, Key=key)["Body"])
