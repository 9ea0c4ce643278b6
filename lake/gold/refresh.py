"""One gold run: what silver changed since the watermark is recomputed, audited and published; the rest stays.

The result is always what a recomputation of everything would give. Run ids make it repeatable: the freshness mart is
published last, and its snapshot carries the run's id, the silver snapshots it was computed from, and its result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from lake import publishing
from lake.gold import marts as declared
from lake.gold.audit import Seen, Written, look, passed
from lake.gold.changes import changed_months
from lake.gold.headline import months_and_headline
from lake.gold.marts import Mart
from lake.gold.months import condition, period_condition, years_of
from lake.manifest import GoldResult
from lake.migrations.apply import Wanted, ensure
from lake.migrations.numbered import MIGRATIONS
from lake.migrations.plan import recomputations
from lake.parallel import together
from lake.refresh import FRESHNESS
from lake.steps import step

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

RUN_ID, RESULT, DIGEST = "gold-run-id", "gold-result", "gold-marts-digest"
# Property of the freshness snapshot for each silver table that gold reads. That of orders is the watermark.
WATERMARKS = {
    "orders": "silver-snapshot-id",
    "file_loads": "silver-file-loads-snapshot-id",
    "quarantine": "silver-quarantine-snapshot-id",
}
BRANCH_PREFIX = "gold-"
BY_MONTH = (declared.CHANGED_MONTHS, declared.CHANGED_PERIODS)  # marts that are due only where months changed
# No mart of orders reads these; leaving them out keeps the cached rows small.
NOT_READ = (
    "source_version",
    "batch_id",
    "loaded_at",
    "object_time",
    "flags",
    "repairs",
    "unmapped",
)


class LeaseLost(RuntimeError):  # noqa: N818 - the name says what happened; that it is an error is clear
    """The run no longer holds its lease: another may be publishing, so this one must not."""


@dataclass(frozen=True)
class GoldRun:
    """What a run is given. Databases are identifiers with their catalog ("glue_catalog.jozi_dev_gold")."""

    run_id: str
    silver: str
    gold: str
    promise_minutes: Decimal
    holds_lease: Callable[[], bool]


def refresh(spark: SparkSession, run: GoldRun) -> GoldResult:
    """Bring gold to silver's current snapshots and say what was done.

    A run id that was published before changes nothing and reports the same. Where silver has not changed, nothing is
    published and the figures of the last publication are reported, with no months. Raises AuditFailed, LeaseLost or
    PublishConflict; gold then shows what it showed before, or, when a publication stopped between two tables, is
    brought to one state by the next run, whose watermark is still the old one.
    """
    marts = declared.load_marts()
    tables = {name: f"{run.gold}.{name}" for name in marts}

    def still_ours() -> None:
        if not run.holds_lease():
            raise LeaseLost(
                f"gold run {run.run_id} lost its lease before it could upgrade a table; nothing was changed"
            )

    with step("tables"):
        together(partial(_ensure, spark, tables[name], mart, still_ours) for name, mart in marts.items())
    sources = {name: f"{run.silver}.{name}" for name in WATERMARKS}
    heads = publishing.heads(spark, [*sources.values(), *tables.values()])
    published = _publications(spark, tables[FRESHNESS], heads[tables[FRESHNESS]].get("main"))
    for summary in published:
        if summary[RUN_ID] == run.run_id:
            return _as_published(spark, GoldResult.from_json(summary[RESULT]), tables)

    now = {name: heads[table].get("main") for name, table in sources.items()}
    digest = declared.digest(marts, {"promise_minutes": run.promise_minutes}, recomputations(MIGRATIONS))
    properties = {DIGEST: digest} | {key: str(now[name]) for name, key in WATERMARKS.items()}
    # A table that nothing was published to is new, or was lost and made anew by a run that then died.
    unpublished = [table for table in tables.values() if "main" not in heads[table]]
    last: Mapping[str, str] = published[0] if published and not unpublished else {}
    if all(last.get(key) == value for key, value in properties.items()):
        unchanged = replace(GoldResult.from_json(last[RESULT]), gold_run_id=run.run_id, months=(), rows={})
        return replace(unchanged, snapshot_ids={FRESHNESS: heads[tables[FRESHNESS]]["main"]})

    months = None
    with step("changes"):
        if last.get(DIGEST) == digest:
            months = changed_months(spark, sources["orders"], _snapshot(last[WATERMARKS["orders"]]), now["orders"])
        for table in tables.values():
            _discard_abandoned(spark, table, heads[table])
    return _recompute(spark, run, marts, tables, now, months, properties)


def _recompute(
    spark: SparkSession,
    run: GoldRun,
    marts: dict[str, Mart],
    tables: dict[str, str],
    now: dict[str, int | None],
    months: tuple[date, ...] | None,
    properties: dict[str, str],
) -> GoldResult:
    """Write the marts that are due to branches, audit them, publish them. `months` None: all."""
    branch = BRANCH_PREFIX + run.run_id
    parameters: dict[str, Any] = {"promise_minutes": run.promise_minutes}
    orders = _name_views(spark, run.silver, now, months)
    refreshed = (declared.WHOLE, *(BY_MONTH if months != () else ()))
    due = [mart for mart in marts.values() if mart.refresh in refreshed]
    try:
        with step("marts"), publishing.snapshot_properties(spark, {RUN_ID: run.run_id}):
            write = partial(_write_in_turn, spark, tables, branch, months, parameters)
            seen = [part for parts in together(partial(write, turn) for turn in _turns(due)) for part in parts]
        rows = passed(seen)
        written = [part.written for part in seen]
        readable = {name: publishing.quoted(table) for name, table in tables.items()}
        readable |= {part.mart.name: part.branch for part in written}
        with step("headline"):
            existing, headline = months_and_headline(spark, readable, float(run.promise_minutes))
        result = GoldResult(
            gold_run_id=run.run_id,
            silver_snapshot_id=now["orders"],
            months=tuple(month.isoformat() for month in (existing if months is None else months)),
            rows=rows,
            headline=headline,
            published_at=datetime.now(UTC).isoformat(timespec="seconds"),
            silver_snapshot_ids={name: snapshot for name, snapshot in now.items() if snapshot is not None},
        )
        parameters |= {
            "published_at": result.published_at,
            "gold_run_id": run.run_id,
            "silver_snapshot_id": now["orders"],
            "data_through": headline["data_through"],
            "marts": ",".join(name for name in marts if name != FRESHNESS),
        }
        told = properties | {RUN_ID: run.run_id, RESULT: result.to_json()}
        with step("freshness"), publishing.snapshot_properties(spark, told):
            freshness = _write(spark, marts[FRESHNESS], tables[FRESHNESS], branch, None, parameters)
            passed([look(spark, freshness)])
    finally:
        orders.unpersist()
    if not run.holds_lease():
        raise LeaseLost(f"gold run {run.run_id} lost its lease before it could publish; nothing was published")
    names = [part.mart.name for part in written]
    with step("publish"):
        ids = together(partial(publishing.publish, spark, tables[name], branch) for name in names)
        shown = dict(zip([*names, FRESHNESS], [*ids, publishing.publish(spark, tables[FRESHNESS], branch)]))
    return replace(result, snapshot_ids={name: snapshot for name, snapshot in shown.items() if snapshot is not None})


def _as_published(spark: SparkSession, result: GoldResult, tables: Mapping[str, str]) -> GoldResult:
    """The result of a run that was published before, with the snapshots that it made."""
    names = [name for name in (*result.rows, FRESHNESS) if name in tables]
    found = {name: publishing.find_snapshot(spark, tables[name], RUN_ID, result.gold_run_id) for name in names}
    return replace(result, snapshot_ids={name: snapshot for name, snapshot in found.items() if snapshot is not None})


def _turns(marts: Iterable[Mart]) -> list[list[Mart]]:
    """Marts that can be written at the same time, and in each turn those that have to wait for one another."""
    turns = [[mart] for mart in marts if mart.refresh != declared.CHANGED_PERIODS]
    counts = next((turn for turn in turns if turn[0].step == declared.COUNT_CAUSES), None)
    if counts is not None:
        counts += [mart for mart in marts if mart.refresh == declared.CHANGED_PERIODS]
    # The longest turn first: the others go on beside it.
    return sorted(turns, key=len, reverse=True)


def _write_in_turn(
    spark: SparkSession,
    tables: Mapping[str, str],
    branch: str,
    months: tuple[date, ...] | None,
    parameters: dict[str, Any],
    marts: Iterable[Mart],
) -> list[Seen]:
    """Write marts one after another to their branches, and look at each."""
    seen = []
    for mart in marts:
        with step("write", mart=mart.name):
            written = _write(spark, mart, tables[mart.name], branch, months, parameters)
        if mart.step == declared.COUNT_CAUSES:
            _name_cause_counts(spark, written)
        with step("look", mart=mart.name):
            seen.append(look(spark, written))
    return seen


def _ensure(spark: SparkSession, table: str, mart: Mart, still_ours: Callable[[], None]) -> bool:
    columns = [publishing.ColumnSpec(column.name, column.type, column.comment) for column in mart.columns]
    wanted = Wanted(f"gold.{mart.name}", table, columns, mart.grain, mart.owner, mart.partition)
    return ensure(spark, wanted, still_ours)


def _publications(spark: SparkSession, freshness: str, head: int | None) -> list[Mapping[str, str]]:
    """What the snapshots of earlier runs say, newest first. (Maintenance makes snapshots too; they name no run.)"""
    line = publishing.ancestry(spark, freshness, head) if head else []
    return [snapshot.summary for snapshot in line if RUN_ID in snapshot.summary]


def _discard_abandoned(spark: SparkSession, table: str, branches: Iterable[str]) -> None:
    """Drop what runs left behind that died. One that only seems dead loses its branch and so cannot publish."""
    for name in branches:
        if name.startswith(BRANCH_PREFIX):
            publishing.discard(spark, table, name)


def _name_views(
    spark: SparkSession, silver: str, now: dict[str, int | None], months: tuple[date, ...] | None
) -> DataFrame:
    """Name the views that the marts' SQL reads, all at the snapshots of `now`; silver may move on meanwhile.

    Returns the rows behind `orders`, which are kept in memory from their first use: several marts read them.
    """
    frames = {name: _read(spark, f"{silver}.{name}", snapshot) for name, snapshot in now.items()}
    everything = frames["orders"].where("order_date IS NOT NULL").drop(*NOT_READ)
    orders = everything.where(condition("order_date", months)).cache()
    orders.createOrReplaceTempView("orders")
    (orders if months is None else everything).createOrReplaceTempView("all_orders")
    frames["file_loads"].createOrReplaceTempView("file_loads")
    frames["quarantine"].createOrReplaceTempView("quarantine")
    return orders


def _name_cause_counts(spark: SparkSession, counts: Written) -> None:
    """Name what root_causes reads: the counts as they will be published, and those of them that were made anew."""
    everything = spark.table(counts.branch)
    everything.createOrReplaceTempView("cause_counts")
    everything.where(counts.condition).createOrReplaceTempView("changed_cause_counts")


def _read(spark: SparkSession, table: str, snapshot: int | None) -> DataFrame:
    reader = spark.read if snapshot is None else spark.read.option("versionAsOf", str(snapshot))
    return reader.table(publishing.quoted(table))


def _write(
    spark: SparkSession,
    mart: Mart,
    table: str,
    branch: str,
    months: tuple[date, ...] | None,
    parameters: dict[str, Any],
) -> Written:
    """Replace the mart's rows of those months (None: all) on a new branch, in one commit."""
    due = months if mart.refresh in BY_MONTH else None
    replaced = (period_condition if mart.refresh == declared.CHANGED_PERIODS else condition)(
        mart.month_column or "", due
    )
    if mart.step:
        from lake.gold import causes  # it needs numpy, which the functions that import this module have not

        rows = causes.rows(spark, mart, parameters)
    else:
        rows = spark.sql(mart.statement(parameters))
    typed = rows.selectExpr(*(f"CAST(`{c.name}` AS {c.type}) AS `{c.name}`" for c in mart.columns))
    part = Written(mart, publishing.branch(spark, table, branch), replaced)
    if mart.keeps_years and due is not None:
        # Iceberg replaces whole files: the years' other months are written again as they are.
        replaced = condition(mart.month_column or "", years_of(due))
        others = spark.table(publishing.quoted(table)).where(f"({replaced}) AND NOT ({part.condition})")
        typed = typed.unionByName(others.select(*typed.columns))  # a newer release may have added columns
    if mart.keeps_years:
        typed = typed.coalesce(1)
    from pyspark.sql.functions import expr

    typed.writeTo(part.branch).overwrite(expr(replaced))
    return part


def _snapshot(text: str) -> int | None:
    """A snapshot id as a property says it; "None" stands for a table that nothing was ever published to."""
    return None if text == "None" else int(text)
