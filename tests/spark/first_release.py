"""A lake as the first release left it: layouts and rows as that release wrote them (first_release.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lake import publishing
from lake.gold.refresh import WATERMARKS

WRITTEN = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))


def restore(spark: SparkSession, silver: str, gold: str) -> None:
    """Make every table of the first release in these databases (named with their catalog), and put its rows in."""
    databases = {"silver": silver, "gold": gold}
    for name, table in WRITTEN["tables"].items():
        layer, _, short = name.partition(".")
        if name != "gold.freshness":
            _restore(spark, f"{databases[layer]}.{short}", table, {})
    # Gold remembers what it was computed from in the snapshot of freshness: here silver has other snapshots.
    properties = dict(WRITTEN["publication"])
    for short, key in WATERMARKS.items():
        properties[key] = str(publishing.current_snapshot(spark, f"{silver}.{short}"))
    _restore(spark, f"{gold}.freshness", WRITTEN["tables"]["gold.freshness"], properties)


def _restore(spark: SparkSession, table: str, written: dict[str, Any], properties: dict[str, str]) -> None:
    columns = ", ".join(f"`{name}` {kind}" for name, kind in written["columns"])
    clauses = [f"CREATE TABLE {table} ({columns}) USING iceberg"]
    if written["partition"]:
        clauses.append(f"PARTITIONED BY ({written['partition']})")
    settings = ", ".join(f"'{key}'='{value}'" for key, value in publishing.TABLE_PROPERTIES.items())
    spark.sql(" ".join([*clauses, f"TBLPROPERTIES ({settings})"]))
    if not written["rows"]:
        return
    texts = spark.createDataFrame([(json.dumps(row),) for row in written["rows"]], "text string")
    rows = texts.select(F.from_json("text", columns).alias("row")).select("row.*")
    with publishing.snapshot_properties(spark, properties):
        rows.writeTo(table).append()
