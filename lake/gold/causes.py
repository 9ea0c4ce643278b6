"""Root causes where Spark is: counting on the workers, testing the few counts that are left on the driver."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pyspark.sql import Window
from pyspark.sql import functions as F  # noqa: N812 - as everybody writes it

from lake.causes import counting
from lake.causes.counts import by_period_and_outcome
from lake.causes.declared import Declared, declared
from lake.causes.finding import Cause, find
from lake.causes.wording import about_person, named, sentence
from lake.gold.marts import COUNT_CAUSES, Mart, load_marts

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

KEY = ("outcome", "dimension_1", "value_1", "dimension_2", "value_2")
PERIODS_AT_ONCE = 12  # whose counts the driver holds at the same time


def rows(spark: SparkSession, mart: Mart, parameters: Mapping[str, Any]) -> DataFrame:
    """The rows of a mart that has a step. What is a cause is declared by root_causes, for the counts too."""
    causes = declared(load_marts()["root_causes"].causes or {})
    from_sql = spark.sql(mart.statement({**parameters, **vars(causes.limits)}))
    return _count(from_sql, causes) if mart.step == COUNT_CAUSES else _find(spark, from_sql, causes)


def _count(orders: DataFrame, causes: Declared) -> DataFrame:
    """Orders with their outcomes and factors become counts by month, outcome and at most two factors' values."""
    cells = orders.mapInArrow(counting.counter(causes, _values(orders, causes)), counting.CELLS_DDL)
    return _summed(cells, "month", *KEY)


def _summed(counts: DataFrame, *by: str) -> DataFrame:
    return counts.groupBy(*by).agg(F.sum("orders").alias("orders"), F.sum("hits").alias("hits"))


def _values(orders: DataFrame, causes: Declared) -> dict[Any, dict[str, list[str]]]:
    """The most frequent values of each factor in each month: as many rows as months times factors times most_values."""
    most = {factor.name: causes.limits.most_values for factor in counting.named_factors(causes)}
    most[counting.REASON] = causes.limits.most_reasons
    pairs = F.array(*(F.struct(F.lit(name).alias("name"), F.col(name).alias("value")) for name in most))
    counted = (
        orders.select("month", F.explode(pairs).alias("pair"))
        .select("month", "pair.name", "pair.value")
        .where("value IS NOT NULL")
        .groupBy("month", "name", "value")
        .count()
    )
    by_frequency = Window.partitionBy("month", "name").orderBy(F.desc("count"), "value")
    limit = F.create_map(*(F.lit(part) for item in most.items() for part in item))
    kept = counted.withColumn("place", F.row_number().over(by_frequency)).where(F.col("place") <= limit[F.col("name")])
    values: dict[Any, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in kept.select("month", "name", "value").collect():
        values[row.month][row.name].append(row.value)
    return {month: dict(names) for month, names in values.items()}


def by_period(counts: DataFrame, changed: DataFrame) -> DataFrame:
    """The counts of each period that is due: of a changed month its own, of all time ("all") the sum of all months.

    They are read several times, so they are kept: all months' counts are many more than their sum.
    """
    months = changed.select(F.date_format("month", "yyyy-MM").alias("period"), *KEY, "orders", "hits")
    all_time = _summed(counts, *KEY).withColumn("period", F.lit("all"))
    return months.unionByName(all_time).localCheckpoint()


def _find(spark: SparkSession, cells: DataFrame, causes: Declared) -> DataFrame:
    """Counts by period become causes, ranked and put into words."""
    periods = sorted(row.period for row in spark.table("period_counts").select("period").distinct().collect())
    found: list[Cause] = []
    for start in range(0, len(periods), PERIODS_AT_ONCE):
        part = cells.where(F.col("period").isin(periods[start : start + PERIODS_AT_ONCE])).toArrow()
        for counts in by_period_and_outcome(part, causes):
            found += find(counts, causes)
    # Rows and a schema in words: an Arrow table without a row is none that Spark takes.
    return spark.createDataFrame([tuple(_row(cause, causes).values()) for cause in found], ROWS_DDL)


# In the order of `_row`.
ROWS_DDL = (
    "period string, outcome string, dimension_1 string, value_1 string, dimension_2 string, value_2 string, "
    "orders bigint, hits bigint, rate double, baseline_rate double, lift double, excess_hits double, q_value double, "
    "rank int, about_person boolean, evidence string, explains array<string>"
)


def _row(cause: Cause, causes: Declared) -> dict[str, Any]:
    (dimension_1, value_1), (dimension_2, value_2) = (*cause.factors, (None, None))[:2]
    personal = about_person(causes, cause.factors)
    return {
        "period": cause.period,
        "outcome": cause.outcome,
        "dimension_1": dimension_1,
        "value_1": value_1,
        "dimension_2": dimension_2,
        "value_2": value_2,
        "orders": cause.orders,
        "hits": cause.hits,
        "rate": cause.rate,
        "baseline_rate": cause.baseline,
        "lift": cause.lift,
        "excess_hits": cause.excess,
        "q_value": cause.q_value,
        "rank": cause.rank,
        "about_person": personal,
        "evidence": sentence(
            causes,
            cause.outcome,
            cause.factors,
            orders=cause.orders,
            hits=cause.hits,
            baseline=cause.baseline,
            shadows=cause.shadows,
        ),
        "explains": list(dict.fromkeys(named(causes, shadow, name_people=personal) for shadow in cause.shadows)),
    }
