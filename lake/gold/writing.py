"""Writing marts to branches: which rows of each are due, what their SQL reads, in which order they are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from lake import publishing
from lake.gold import marts as declared
from lake.gold.audit import Seen, Written, look
from lake.gold.marts import Mart
from lake.gold.months import condition, period_condition, years_of
from lake.gold.windows import due, last_train_day, with_the_month_before
from lake.parallel import together
from lake.steps import step

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Marts that are due only where months changed.
BY_MONTH = (declared.CHANGED_MONTHS, declared.CHANGED_PERIODS, declared.CHANGED_WINDOWS)
# What is computed from a mart that has just been written comes right after it.
AFTER = {declared.CHANGED_PERIODS: "cause_counts", declared.CHANGED_WINDOWS: "delivery_performance"}
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


# A task keeps a file open for each partition that it writes, a megabyte and more each. Where they may be more than
# these, rows are sorted by partition first, which is a shuffle, and one file is open at a time.
OPEN_FILES = 70


@dataclass
class Writing:
    """One run's writing. `months`: those that changed, None for all. `split`: the last day for training, at first that
    of the last publication, after `write_all` the one that was written; `parameters`: what the marts' SQL is given."""

    spark: SparkSession
    tables: Mapping[str, str]
    branch: str
    months: tuple[date, ...] | None
    split: date | None
    parameters: dict[str, Any]
    windows: tuple[date, ...] | None = None  # the months that are due of marts with windows

    def name_views(self, silver: str, now: Mapping[str, int | None]) -> DataFrame:
        """Name the views that the marts' SQL reads, all at the snapshots of `now`; silver may move on meanwhile.

        Returns the rows behind `orders`, which are kept in memory from their first use: several marts read them.
        """
        frames = {name: self._read(f"{silver}.{name}", snapshot) for name, snapshot in now.items()}
        everything = frames["orders"].where("order_date IS NOT NULL").drop(*NOT_READ)
        orders = everything.where(condition("order_date", self.months)).cache()
        orders.createOrReplaceTempView("orders")
        (orders if self.months is None else everything).createOrReplaceTempView("all_orders")
        frames["file_loads"].createOrReplaceTempView("file_loads")
        frames["quarantine"].createOrReplaceTempView("quarantine")
        return orders

    def write_all(self, marts: Iterable[Mart]) -> list[Seen]:
        """Write marts to their branches, several at the same time, and look at each."""
        return [seen for turn in together(partial(self._in_turn, turn) for turn in turns(marts)) for seen in turn]

    def _in_turn(self, marts: Iterable[Mart]) -> list[Seen]:
        seen = []
        for mart in marts:
            with step("write", mart=mart.name):
                written = self.write(mart)
            if mart.step == declared.COUNT_CAUSES:
                self._name_cause_counts(written)
            if mart.name == AFTER[declared.CHANGED_WINDOWS]:
                self._name_windows(written)
            with step("look", mart=mart.name):
                seen.append(look(self.spark, written))
        return seen

    def write(self, mart: Mart) -> Written:
        """Replace the mart's rows that are due on a new branch, in one commit."""
        months = self._due(mart)
        replaced = (period_condition if mart.refresh == declared.CHANGED_PERIODS else condition)(
            mart.month_column or "", months
        )
        if mart.step:
            from lake.gold import causes  # it needs numpy, which the functions that import gold's words have not

            rows = causes.rows(self.spark, mart, self.parameters)
        else:
            rows = self.spark.sql(mart.statement(self.parameters | {"last_train_day": self.split and str(self.split)}))
        typed = rows.selectExpr(*(f"CAST(`{c.name}` AS {c.type}) AS `{c.name}`" for c in mart.columns))
        table = self.tables[mart.name]
        part = Written(mart, publishing.branch(self.spark, table, self.branch), replaced)
        if mart.keeps_years and months is not None:
            # Iceberg replaces whole files: the years' other months are written again as they are.
            replaced = condition(mart.month_column or "", years_of(months))
            others = self.spark.table(publishing.quoted(table)).where(f"({replaced}) AND NOT ({part.condition})")
            typed = typed.unionByName(others.select(*typed.columns))  # a newer release may have added columns
        if mart.keeps_years:
            typed = typed.coalesce(1)
        from pyspark.sql.functions import expr

        writer = typed.writeTo(part.branch)
        if mart.refresh in BY_MONTH and (months is None or mart.partitions_of(len(months)) > OPEN_FILES):
            writer = writer.option("distribution-mode", "hash").option("fanout-enabled", "false")
        writer.overwrite(expr(replaced))
        return part

    def _due(self, mart: Mart) -> tuple[date, ...] | None:
        if mart.refresh == declared.CHANGED_WINDOWS:
            return self.windows
        return self.months if mart.refresh in (declared.CHANGED_MONTHS, declared.CHANGED_PERIODS) else None

    def _name_cause_counts(self, counts: Written) -> None:
        """Name what root_causes reads: the counts, as they will be published, of the periods that are due."""
        from lake.gold.causes import by_period

        everything = self.spark.table(counts.branch)
        by_period(everything, everything.where(counts.condition)).createOrReplaceTempView("period_counts")

    def _name_windows(self, performance: Written) -> None:
        """Find the last day for training among the orders as they will be published, and name what is due by it."""
        days = self.spark.table(performance.branch).groupBy("order_date").agg({"orders": "sum"}).collect()
        now = last_train_day(dict(days))
        self.windows, self.split = due(self.months, self.split, now), now
        everything = self.spark.table("all_orders")
        for name, months in (("due_orders", self.windows), ("recent_orders", with_the_month_before(self.windows))):
            everything.where(condition("order_date", months)).createOrReplaceTempView(name)

    def _read(self, table: str, snapshot: int | None) -> DataFrame:
        reader = self.spark.read if snapshot is None else self.spark.read.option("versionAsOf", str(snapshot))
        return reader.table(publishing.quoted(table))


def turns(marts: Iterable[Mart]) -> list[list[Mart]]:
    """Marts that can be written at the same time, and in each turn those that have to wait for one another."""
    marts = list(marts)
    found = {mart.name: [mart] for mart in marts if mart.refresh not in AFTER}
    for mart in marts:
        if mart.refresh in AFTER:
            found[AFTER[mart.refresh]].append(mart)
    # The longest turns first: the others go on beside them.
    return sorted(found.values(), key=len, reverse=True)
