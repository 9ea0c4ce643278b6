"""One maintenance run over silver and gold: which tables there are, and what is special about each.

| table                                   | what stays, whatever its age                                            |
| --------------------------------------- | ----------------------------------------------------------------------- |
| silver's that gold reads                | the snapshot that gold has read last, and all after it                  |
| the same, while gold has read none      | everything                                                              |
| gold.freshness                          | the last publication: it says what gold has read                        |
| a branch whose batch is in `file_loads` | the branch, and silver as it is: the next silver run finishes the batch |
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pyspark.sql import SparkSession

from lake.gold import refresh
from lake.maintenance.care import Keeper, Rules, Seen, survey
from lake.maintenance.plan import Limits, newest_with
from lake.maintenance.result import MaintenanceResult, TableCare
from lake.maintenance.retention import Forgetting
from lake.publishing import quoted
from lake.silver.commit import PREFIX as SILVER_BRANCH
from lake.silver.commit import branch_of

NOT_READ = "gold has not read it yet, so no snapshot goes"
NOT_PUBLISHED = "nothing was published to it yet"
UNFINISHED = "left as it is: the next silver run finishes a batch that was interrupted"
DECIDING = "file_loads"  # of silver: a batch that it knows was published, or is to be


def maintain(
    spark: SparkSession,
    run_id: str,
    silver: str,
    gold: str,
    limits: Limits,
    holds_leases: Callable[[], bool],
    tell: Callable[[TableCare], object] = lambda _: None,
    forget: Sequence[Forgetting] = (),
) -> MaintenanceResult:
    """Care for every Iceberg table of both databases ("glue_catalog.jozi_dev_silver"); `tell` hears of each.

    Raises LeaseLost when `holds_leases` says no before a step. No row changes, wherever it stops, but those of silver
    that are to `forget` who they tell of.
    """
    keeper = Keeper(spark, limits, holds_leases, time.time())
    seen = {base: survey(spark, [f"{base}.{name}" for name in tables_of(spark, base)]) for base in (silver, gold)}
    read = read_by_gold(seen[gold].get(f"{gold}.{refresh.FRESHNESS}", Seen()))
    unfinished = _unfinished(spark, f"{silver}.{DECIDING}", seen[silver])
    rules = {
        silver: {table: silver_rules(_short(table), read, unfinished) for table in seen[silver]},
        gold: {table: gold_rules(_short(table), found) for table, found in seen[gold].items()},
    }
    forgotten = {} if unfinished else keeper.forget(one for one in forget if one.table in seen[silver])
    done: list[TableCare] = []
    for layer, base in (("silver", silver), ("gold", gold)):
        for table, care in keeper.care(rules[base], seen[base]).items():
            done.append(replace(care, table=f"{layer}.{_short(table)}", rows_forgotten=forgotten.get(table, 0)))
            tell(done[-1])
    return MaintenanceResult(run_id, tuple(done))


def tables_of(spark: SparkSession, database: str) -> list[str]:
    """The Iceberg tables of a database, in order (the catalog leaves others out)."""
    rows = spark.sql(f"SHOW TABLES IN {quoted(database)}").collect()
    return sorted(row.tableName for row in rows if not row.isTemporary)


def silver_rules(table: str, read: Mapping[str, int], unfinished: bool) -> Rules:
    """What is special about a silver table; `read` is the snapshot of each that gold has read last."""
    if unfinished:
        return Rules(hands_off=UNFINISHED)
    stale = _begins_with(SILVER_BRANCH)
    if table in refresh.WATERMARKS and table not in read:
        return Rules(stale, keep_all=NOT_READ)
    return Rules(stale, keep=read.get(table))


def gold_rules(table: str, seen: Seen) -> Rules:
    """What is special about a gold table: its branches are of dead runs, since gold's lease is held."""
    if table != refresh.FRESHNESS:
        return Rules(_begins_with(refresh.BRANCH_PREFIX))
    # Its branches stay: by one of them the next run knows that this one stopped while it published.
    last = newest_with(seen.line, refresh.WATERMARKS["orders"])
    return Rules(keep_all=NOT_PUBLISHED) if last is None else Rules(keep=last.id)


def read_by_gold(freshness: Seen) -> dict[str, int]:
    """The snapshot of each silver table that gold has read last, as its last publication says; missing: none."""
    last = newest_with(freshness.line, refresh.WATERMARKS["orders"])
    said = {table: last.summary.get(key, "None") for table, key in refresh.WATERMARKS.items()} if last else {}
    return {table: int(value) for table, value in said.items() if value != "None"}


def _unfinished(spark: SparkSession, file_loads: str, silver: Mapping[str, Seen]) -> bool:
    """Whether a branch is left of a batch that `file_loads` knows: silver is half way through publishing it."""
    left = {name for found in silver.values() for name in found.refs if name.startswith(SILVER_BRANCH)}
    if not left or file_loads not in silver:
        return False
    known = spark.table(quoted(file_loads)).select("batch_id").distinct().collect()
    return bool(left & {branch_of(row.batch_id) for row in known})


def _begins_with(prefix: str) -> Callable[[str], bool]:
    return lambda name: name.startswith(prefix)


def _short(table: str) -> str:
    return table.rpartition(".")[2]
