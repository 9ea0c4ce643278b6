"""Which row stands in the table: the rule of claims.

Every record is a claim on its key. The newest claim (object time, version, record number) says what the row holds, in
whatever order files arrive. Where the claims before it say the same, the oldest of that unbroken line is the row's
source: a row that changes nothing keeps its lineage. Of several records of a key in one file only the last is a claim.

Most keys of a batch are claimed once and are new; they are told apart on the narrow key first, and only the contested
rest is weighed against the table and its history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.window import Window

from lake.contracts import Contract
from lake.silver.reading import good, month_of, table_columns

BATCH, TABLE, HISTORY = "batch", "table", "history"
INSERTED, UPDATED, UNCHANGED, SUPERSEDED, DUPLICATE, REPLACED = (
    "inserted",
    "updated",
    "unchanged",
    "superseded",
    "duplicate",
    "replaced",
)


# (file, fate, month) -> rows; file -1 stands for rows that the table held before.
Fates = Counter[tuple[int, str, object]]


@dataclass
class Resolution:
    """What a batch means for the table. Frames hold the table's columns; None stands for no rows.

    insert: rows of new keys. change: rows that take the place of the ones with their key. past: what goes to history,
    with its fate.
    """

    insert: list[DataFrame]
    change: DataFrame | None
    past: DataFrame | None
    fates: Fates

    def total(self, *fates: str) -> int:
        return sum(rows for (_, fate, _), rows in self.fates.items() if fate in fates)


def resolve(
    spark: SparkSession,
    contract: Contract,
    batch: DataFrame,
    rows: Fates,
    table: str | None,
    history: str | None,
    within: Column,
) -> Resolution:
    """Weigh a batch's good rows against each other and against the table. `rows`: how many of them, as new ones.

    `within`: what their keys keep. `table` and `history` identify what silver holds, ready for `spark.table`; None
    where it holds no rows.
    """
    key, columns = list(contract.key), table_columns(contract)
    claims = good(batch)
    if not rows:
        return Resolution([], None, None, Counter())
    contested = claims.groupBy(*key).count().where("count > 1").select(*key)
    if table is not None:
        standing_keys = spark.table(table).where(within).select(*key)
        contested = contested.union(standing_keys.join(claims.select(*key), key, "left_semi")).distinct()
    # Checkpoints, not persist: a cached frame that reads a table is thrown away and built again with each write to it.
    contested = contested.localCheckpoint()
    if contested.isEmpty():
        return Resolution([claims.select(*columns)], None, None, rows)

    lone = claims.join(contested, key, "left_anti")
    weighed = _weigh(spark, contract, claims, contested, table, history, within).localCheckpoint()
    fates: Fates = Counter()
    counted = weighed.where("fate IS NOT NULL").groupBy("file", "fate", month_of(contract).alias("month")).count()
    for row in counted.collect():
        fates[row.file, row.fate, row.month] += row["count"]
    weighed_rows = sum(count for (file, _, _), count in fates.items() if file >= 0)
    insert = []
    if weighed_rows < sum(rows.values()):
        insert.append(lone.select(*columns))
        fates += _all_new(lone, contract)
    if any(fate == INSERTED and file >= 0 for file, fate, _ in fates):
        insert.append(weighed.where("shown AND fate = 'inserted'").select(*columns))
    change = weighed.where("shown AND NOT stands AND coalesce(fate, '') <> 'inserted'").select(*columns)
    past = weighed.where("fate = 'replaced' OR (origin = 'batch' AND NOT shown)").select(*columns, "fate")
    return Resolution(
        insert,
        change if any(fate == REPLACED for _, fate, _ in fates) else None,
        past if any(fate not in (INSERTED, UPDATED) for _, fate, _ in fates) else None,
        fates,
    )


def _all_new(claims: DataFrame, contract: Contract) -> Fates:
    """The fates of rows that nobody contests."""
    counted = claims.groupBy("file", month_of(contract).alias("month")).count().collect()
    return Counter({(row.file, INSERTED, row.month): row["count"] for row in counted})


def _weigh(
    spark: SparkSession,
    contract: Contract,
    claims: DataFrame,
    contested: DataFrame,
    table: str | None,
    history: str | None,
    within: Column,
) -> DataFrame:
    """Every claim on the contested keys with its fate.

    Columns: the table's, `file` (-1 outside the batch), `origin`, `shown` (this row stands from now on), `stands` (it
    stood before, too) and `fate` (null for old claims that go on as they were).
    """
    key = list(contract.key)
    columns = table_columns(contract)
    mine = claims.join(contested, key, "left_semi").select("file", *columns, F.lit(BATCH).alias("origin"))
    last_in_file = Window.partitionBy(*key, "file")
    mine = mine.withColumn("repeated", age() < F.max(age()).over(last_in_file))
    for old in known_claims(spark, contract, contested, table, history, within):
        mine = mine.unionByName(old)
    return judge(mine, contract)


def known_claims(
    spark: SparkSession,
    contract: Contract,
    keys: DataFrame,
    table: str | None,
    history: str | None,
    within: Column,
) -> list[DataFrame]:
    """What silver knows of these keys, as `judge` takes it: the standing rows, and the claims that do not stand.

    `within`: what all these keys keep.
    """
    key, columns = list(contract.key), table_columns(contract)
    found = []
    for origin, source in ((TABLE, table), (HISTORY, history)):
        if source is not None:
            old = spark.table(source).where(within).join(keys, key, "left_semi")
            if origin == HISTORY:
                # One claim may stand there more than once. (Not `distinct`: it cannot compare maps.)
                record = [*key, "source_file", "source_version", "source_row"]
                old = old.where(~F.col("fate").isin(DUPLICATE)).select(*columns).dropDuplicates(record)
            marks = (F.lit(origin).alias("origin"), F.lit(False).alias("repeated"))
            found.append(old.select(F.lit(-1).alias("file"), *columns, *marks))
    return found


def age() -> Column:
    """Orders claims. A row that repairs a record stands in that record's place: what was said since stays newer."""
    own = ("object_time", "source_version", "source_row", "source_file")
    place = {name: F.col(f"repairs.{name}") for name in own}
    place["object_time"] = place["object_time"].cast("timestamp_ntz")
    return F.struct(
        *(F.coalesce(place[name], name).alias(name) for name in own),
        *(F.col(name).alias(f"own_{name}") for name in own),
    )


def judge(claims: DataFrame, contract: Contract) -> DataFrame:
    """The rule itself, over all claims of some keys.

    A history claim that says what the table's row says, from the same record, is that row: it is left aside.
    """
    one_key = Window.partitionBy(*contract.key)
    order = age()
    content = F.md5(F.to_json(F.struct(*(column.name for column in contract.columns))))
    weighed = claims.withColumn("age", F.when(~F.col("repeated"), order)).withColumn("content", content)
    weighed = weighed.withColumn("newest", F.max_by("content", "age").over(one_key))
    weighed = weighed.withColumn(
        "other", F.max(F.when(F.col("content") != F.col("newest"), F.col("age"))).over(one_key)
    )
    in_line = F.col("other").isNull() | (F.col("age") > F.col("other"))
    weighed = weighed.withColumn("first", F.min(F.when(in_line, F.col("age"))).over(one_key))
    weighed = weighed.withColumn("table_age", F.max(F.when(F.col("origin") == TABLE, F.col("age"))).over(one_key))
    weighed = weighed.withColumn(
        "table_content", F.max(F.when(F.col("origin") == TABLE, F.col("content"))).over(one_key)
    )
    same_record_as_table = (F.col("origin") == HISTORY) & (F.col("age") == F.col("table_age"))
    weighed = weighed.where(~F.coalesce(same_record_as_table, F.lit(False)))
    shown = F.coalesce(F.col("age") == F.col("first"), F.lit(False))
    batch_fate = (
        F.when(F.col("repeated"), DUPLICATE)
        .when(shown & F.col("table_age").isNull(), INSERTED)
        .when(shown & (F.col("table_content") != F.col("newest")), UPDATED)
        .when(F.col("age") >= F.col("first"), UNCHANGED)
        .otherwise(SUPERSEDED)
    )
    return weighed.withColumns(
        {
            "shown": shown,
            "stands": F.col("origin") == TABLE,
            "fate": F.when(F.col("origin") == BATCH, batch_fate).when((F.col("origin") == TABLE) & ~shown, REPLACED),
        }
    ).drop("age", "content", "newest", "other", "first", "table_age", "table_content", "repeated")


def months(fates: Fates) -> Sequence[str]:
    """First days of the months whose rows came, changed or went."""
    touched = {month for (_, fate, month) in fates if fate in (INSERTED, UPDATED, REPLACED) and month is not None}
    return sorted(str(month) for month in touched)
