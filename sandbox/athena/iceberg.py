"""What Athena and the engine name differently of an Iceberg table, and the table's metadata file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.athena.catalog import Table, semantic
from sandbox.athena.errors import USER, AthenaError, QueryFailed
from sandbox.athena.results import split_uri
from sandbox.athena.sqltext import literal

if TYPE_CHECKING:
    from sandbox.athena.run import Run

# What Athena lets people set, as its documentation lists it. Everything else is refused by name.
_SETTABLE = (
    "format", "write_compression", "compression_level", "optimize_rewrite_data_file_threshold",
    "optimize_rewrite_delete_file_threshold", "optimize_rewrite_min_data_file_size_bytes",
    "optimize_rewrite_max_data_file_size_bytes", "vacuum_min_snapshots_to_keep", "vacuum_max_snapshot_age_seconds",
    "vacuum_max_metadata_files_to_keep", "write_target_data_file_size_bytes", "write_data_path_enabled",
)  # fmt: skip
# Of the statement rather than of the table.
_OF_THE_STATEMENT = ("table_type", "location", "is_external", "partitioning", "parquet_compression", "orc_compression")
_CODECS = ("snappy", "zstd", "gzip", "lz4", "none")


def iceberg_properties(given: dict[str, str]) -> dict[str, str]:
    """The engine's table properties, as SQL, for Athena's. Raises QueryFailed for a value that Athena does not know."""
    for key in given:
        if key.lower() not in (*_SETTABLE, *_OF_THE_STATEMENT):
            raise QueryFailed(AthenaError(USER, 1200, f"Unsupported table property key: {key}"))
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
