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
from lake.gold.audit import look, passed
from lake.gold.changes import changed_months
from lake.gold.headline import months_and_headline
from lake.gold.marts import Mart
from lake.gold.writing import BY_MONTH, Writing
from lake.manifest import GoldResult
from lake.migrations.apply import Wanted, ensure
from lake.migrations.numbered import MIGRATIONS
from lake.migrations.plan import recomputations
from lake.parallel import together
from lake.refresh import FRESHNESS
from lake.steps import step

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

RUN_ID, RESULT, DIGEST, SPLIT = "gold-run-id", "gold-result", "gold-marts-digest", "gold-last-train-day"
# Property of the freshness snapshot for each silver table that gold reads. That of orders is the watermark.
WATERMARKS = {
    "orders": "silver-snapshot-id",
    "file_loads": "silver-file-loads-snapshot-id",
    "quarantine": "silver-quarantine-snapshot-id",
}
BRANCH_PREFIX = "gold-"


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
    brought to one state by the next run, for which every month is due.
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
    # The branch of freshness is made when all others have passed: some of them may be published.
    left = {name: head for name, head in heads[tables[FRESHNESS]].items() if name.startswith(BRANCH_PREFIX)}
    stopped = any(head != heads[tables[FRESHNESS]].get("main") for head in left.values())
    if not stopped and all(last.get(key) == value for key, value in properties.items()):
        unchanged = replace(GoldResult.from_json(last[RESULT]), gold_run_id=run.run_id, months=(), rows={})
        return replace(unchanged, snapshot_ids={FRESHNESS: heads[tables[FRESHNESS]]["main"]})

    months = None
    with step("changes"):
        if last.get(DIGEST) == digest and not stopped:
            months = changed_months(spark, sources["orders"], _snapshot(last[WATERMARKS["orders"]]), now["orders"])
        for name in tables.keys() - {FRESHNESS}:
            _discard_abandoned(spark, tables[name], heads[tables[name]])
    split = date.fromisoformat(last[SPLIT]) if last.get(SPLIT, "None") != "None" else None
    return _recompute(spark, run, marts, tables, now, months, split, properties, left)


def _recompute(
    spark: SparkSession,
    run: GoldRun,
    marts: dict[str, Mart],
    tables: dict[str, str],
    now: dict[str, int | None],
    months: tuple[date, ...] | None,
    split: date | None,
    properties: dict[str, str],
    left: Iterable[str],
) -> GoldResult:
    """Write the marts that are due to branches, audit them, publish them. `months` None: all.

    `left`: branches of freshness that earlier runs left. They tell that one stopped, so they stay until its work is
    done again.
    """
    branch = BRANCH_PREFIX + run.run_id
    parameters: dict[str, Any] = {"promise_minutes": run.promise_minutes}
    refreshed = (declared.WHOLE, *(BY_MONTH if months != () else ()))
    due = [mart for mart in marts.values() if mart.refresh in refreshed]
    writing = Writing(spark, tables, branch, months, split, parameters)
    orders = writing.name_views(run.silver, now)
    try:
        with step("marts"), publishing.snapshot_properties(spark, {RUN_ID: run.run_id}):
            seen = writing.write_all(due)
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
        writing.parameters |= {
            "published_at": result.published_at,
            "gold_run_id": run.run_id,
            "silver_snapshot_id": now["orders"],
            "data_through": headline["data_through"],
            "marts": ",".join(name for name in marts if name != FRESHNESS),
        }
        told = properties | {RUN_ID: run.run_id, RESULT: result.to_json(), SPLIT: str(writing.split)}
        _discard_abandoned(spark, tables[FRESHNESS], left)
        with step("freshness"), publishing.snapshot_properties(spark, told):
            passed([look(spark, writing.write(marts[FRESHNESS]))])
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


def _snapshot(text: str) -> int | None:
    """A snapshot id as a property says it; "None" stands for a table that nothing was ever published to."""
    return None if text == "None" else int(text)
