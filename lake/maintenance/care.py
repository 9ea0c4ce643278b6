"""Care for Iceberg tables: pack small files, expire snapshots, remove what no metadata names. No row changes but
those that forget who they tell of.

Main moves while files are packed, so whoever calls this holds the leases of the jobs that publish to the tables: a run
that wrote to a branch meanwhile could not publish it. Each step is one commit of Iceberg; a run that dies between two
leaves tables that read the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial, reduce

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lake.maintenance.plan import DAY_SECONDS, Limits, Moment, crowded, expire_before, line_of
from lake.maintenance.result import TableCare
from lake.maintenance.retention import Forgetting
from lake.parallel import together
from lake.publishing import discard, heads, literal, quoted

MAIN = "main"
TURNED_BACK = "its history was turned back, so no snapshot goes before gold has read it"


class LeaseLost(RuntimeError):  # noqa: N818 - the name says what happened
    """The leases are another's now: nothing more may be done to the tables."""


@dataclass(frozen=True)
class Rules:
    """What is special about a table.

    `stale` tells branches that a dead run left behind; the snapshot `keep` and all after it stay; `keep_all` says why
    no snapshot may go, `hands_off` why nothing at all is done.
    """

    stale: Callable[[str], bool] = lambda _: False
    keep: int | None = None
    keep_all: str = ""
    hands_off: str = ""


@dataclass
class Seen:
    """A table as its metadata tells it: the files that readers read, by partition, and its snapshots."""

    refs: Mapping[str, int] = field(default_factory=dict)
    partitions: list[int] = field(default_factory=list)
    bytes: int = 0
    manifests: int = 0
    snapshots: list[Moment] = field(default_factory=list)

    @property
    def files(self) -> int:
        return sum(self.partitions)

    @property
    def line(self) -> list[Moment]:
        """The snapshots of main, newest first."""
        return line_of(self.snapshots, self.refs.get(MAIN))


def survey(spark: SparkSession, tables: Sequence[str]) -> dict[str, Seen]:
    """How tables are now; one question of each kind for all of them, however many there are."""
    if not tables:
        return {}
    seen = {table: Seen(refs) for table, refs in heads(spark, tables).items()}
    for row in _all(spark, tables, "files", _by_partition).collect():
        seen[row.table].partitions.append(row.files)
        seen[row.table].bytes += row.bytes
    for row in _all(spark, tables, "manifests", lambda one: one.select("path")).groupBy("table").count().collect():
        seen[row.table].manifests = row["count"]
    wanted = ("snapshot_id", "parent_id", "unix_millis(committed_at) AS at", "summary")
    for row in _all(spark, tables, "snapshots", lambda one: one.selectExpr(*wanted)).collect():
        seen[row.table].snapshots.append(Moment(row.snapshot_id, row.parent_id, row.at, dict(row.summary or {})))
    return seen


def _all(
    spark: SparkSession, tables: Sequence[str], what: str, looked_at: Callable[[DataFrame], DataFrame]
) -> DataFrame:
    """The same metadata of all tables, each row with its table."""
    frames = (looked_at(spark.table(quoted(f"{table}.{what}"))).withColumn("table", F.lit(table)) for table in tables)
    return reduce(DataFrame.unionAll, frames)


def _by_partition(files: DataFrame) -> DataFrame:
    by = ["spec_id", *(["partition"] if "partition" in files.columns else [])]
    counted = files.groupBy(*by).agg(F.count("*").alias("files"), F.sum("file_size_in_bytes").alias("bytes"))
    return counted.select("files", "bytes")


class Keeper:
    """Cares for the tables ("glue_catalog.jozi_dev_silver.orders") of one run, which began at `now`."""

    def __init__(self, spark: SparkSession, limits: Limits, holds_leases: Callable[[], bool], now: float) -> None:
        self._spark = spark
        self._limits = limits
        self._holds_leases = holds_leases
        self._now = now

    def care(self, rules: Mapping[str, Rules], before: Mapping[str, Seen]) -> dict[str, TableCare]:
        """Everything that is due for these tables, as they were seen. `table` of the results is the given name."""
        worked = [table for table, rule in rules.items() if not rule.hands_off]
        did = together(partial(self._work, table, rules[table], before[table]) for table in worked)
        removed = dict(zip(worked, did))
        after = survey(self._spark, worked)
        done = {}
        for table, rule in rules.items():
            was, now = before[table], after.get(table, before[table])
            dropped, orphans, note = removed.get(table, (0, 0, rule.hands_off))
            known = {moment.id for moment in now.snapshots}
            done[table] = TableCare(
                table,
                files_before=was.files,
                files_after=now.files,
                bytes_before=was.bytes,
                bytes_after=now.bytes,
                snapshots_expired=sum(moment.id not in known for moment in was.snapshots),
                orphans_removed=orphans,
                branches_dropped=dropped,
                rewritten=was.refs.get(MAIN) != now.refs.get(MAIN),
                note=note,
            )
        return done

    def forget(self, due: Iterable[Forgetting]) -> Counter[str]:
        """How many rows of each table no longer tell of a person."""
        rows: Counter[str] = Counter()
        for one in due:
            found = self._spark.table(quoted(one.table)).where(one.where).count()
            if found:
                self._may_go_on()
                self._spark.sql(one.statement)
                self._spark.catalog.refreshTable(quoted(one.table))
                rows[one.table] += found
        return rows

    def _work(self, table: str, rules: Rules, seen: Seen) -> tuple[int, int, str]:
        """How many branches and orphans went, and why snapshots did not where they might have."""
        left = [branch for branch in seen.refs if branch != MAIN and rules.stale(branch)]
        for branch in left:
            self._may_go_on()
            discard(self._spark, table, branch)
        at_least = self._limits.min_input_files
        if crowded(seen.partitions, at_least):
            self._call(table, "rewrite_data_files", options=f"map('min-input-files', '{at_least}')")
        if seen.manifests >= at_least:
            self._call(table, "rewrite_manifests", use_caching="false")
        note = self._expire(table, rules, seen)
        old = _timestamp(self._cutoff(self._limits.orphan_days))
        orphans = self._call(table, "remove_orphan_files", older_than=old, prefix_listing="true")
        return len(left), len(orphans), note

    def _expire(self, table: str, rules: Rules, seen: Seen) -> str:
        """Expires what may go; gives why nothing did."""
        before: int | None = self._cutoff(self._limits.snapshot_days)
        if rules.keep_all:
            return rules.keep_all
        if rules.keep is not None:
            before = expire_before(seen.line, before or 0, rules.keep)
            if before is None:
                return TURNED_BACK
        if any(moment.at < (before or 0) for moment in seen.snapshots):
            retain = str(self._limits.retain_last)
            self._call(table, "expire_snapshots", older_than=_timestamp(before or 0), retain_last=retain)
        return ""

    def _call(self, table: str, procedure: str, **arguments: str) -> list[Row]:
        """One of Iceberg's procedures; its rows."""
        self._may_go_on()
        catalog, _, rest = table.partition(".")
        given = ", ".join([f"table => {literal(rest)}", *(f"{name} => {value}" for name, value in arguments.items())])
        rows: list[Row] = self._spark.sql(f"CALL {quoted(catalog)}.system.{procedure}({given})").collect()
        # What this session read before is not what the table says now.
        self._spark.catalog.refreshTable(quoted(table))
        return rows

    def _may_go_on(self) -> None:
        if not self._holds_leases():
            raise LeaseLost("maintenance lost its leases; what it did so far stays, the next one does the rest")

    def _cutoff(self, days: float) -> int:
        return int((self._now - days * DAY_SECONDS) * 1000)


def _timestamp(milliseconds: int) -> str:
    """A moment as a Spark SQL literal, whatever the session's time zone."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S}.{milliseconds % 1000:03d}+00:00'"
