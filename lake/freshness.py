"""Whether gold shows what silver holds: the watermarks in gold's own snapshot against silver's current snapshots."""

from __future__ import annotations

from lake.gold.refresh import WATERMARKS
from lake.ports import Tables
from lake.refresh import FRESHNESS


def behind(tables: Tables, silver_database: str, gold_database: str) -> list[str]:
    """The silver tables whose current snapshot gold has not seen; empty when gold is fresh (or silver has no data)."""
    published = tables.snapshot(gold_database, FRESHNESS, having=WATERMARKS["orders"])
    seen = published.properties if published else {}
    late = []
    for table, mark in WATERMARKS.items():
        current = tables.snapshot(silver_database, table)
        if current is not None and seen.get(mark) != str(current.id):
            late.append(table)
    return late
