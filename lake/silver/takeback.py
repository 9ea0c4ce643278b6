"""Taking back what file versions said: their claims go, and each key shows what the claims that are left say of it.

A row that a version inserted goes; a row that it changed shows what the other files say; a row that only confirmed
what was known leaves nothing behind. It is the rule of claims (lake/silver/claims.py) over fewer claims, so the tables
end as if the versions had never come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lake.contracts import Contract
from lake.manifest import ManifestFile
from lake.silver.claims import HISTORY, REPLACED, TABLE, judge, known_claims
from lake.silver.reading import month_of, table_columns

VERSION = ("source_file", "source_version")


@dataclass
class TakeBack:
    """What silver has to do for it. Frames hold the table's columns, `gone` the key alone, `versions` VERSION.

    change: rows that take the place of the ones with their key. gone: keys that nobody claims any more. past: standing
    rows that another claim with the same content takes the place of. `months` of all rows that change or go.
    """

    versions: DataFrame
    change: DataFrame
    gone: DataFrame
    past: DataFrame
    changed_rows: int
    gone_rows: int
    past_rows: int
    months: set[object]


def versions_of(spark: SparkSession, files: Sequence[ManifestFile]) -> DataFrame:
    """The file versions as a frame of VERSION."""
    return spark.createDataFrame(
        [(file.key, file.version) for file in files], "source_file string, source_version string"
    )


def take_back(
    spark: SparkSession, contract: Contract, versions: DataFrame, table: str, history: str | None
) -> TakeBack:
    """What it means for a feed's table to lose the claims of these versions (a frame of VERSION).

    `table` and `history` identify what silver holds, ready for `spark.table`; history None: it holds no rows.
    """
    key, columns = list(contract.key), table_columns(contract)
    theirs = F.broadcast(versions)
    standing = spark.table(table).join(theirs, list(VERSION), "left_semi")
    touched = standing.select(*key)
    if history is not None:
        touched = touched.union(spark.table(history).join(theirs, list(VERSION), "left_semi").select(*key))
    touched = touched.distinct().localCheckpoint()
    left = [
        claims.join(theirs, list(VERSION), "left_anti").select(*claims.columns)
        for claims in known_claims(spark, contract, touched, table, history, within=F.lit(True))
    ]
    weighed = judge(left[0] if len(left) == 1 else left[0].unionByName(left[1]), contract).localCheckpoint()
    change = weighed.where(F.col("shown") & (F.col("origin") == HISTORY)).select(*columns)
    past = weighed.where((F.col("origin") == TABLE) & ~F.col("shown")).select(*columns, F.lit(REPLACED).alias("fate"))
    gone = standing.join(weighed.where("shown").select(*key), key, "left_anti").localCheckpoint()
    month = month_of(contract).alias("month")
    marked = [
        frame.select(month, F.lit(what).alias("what"))
        for what, frame in (("change", change), ("gone", gone), ("past", past), ("standing", standing))
    ]
    counted = marked[0].union(marked[1]).union(marked[2]).union(marked[3]).groupBy("what", "month").count().collect()
    rows = {what: sum(row["count"] for row in counted if row.what == what) for what in ("change", "gone", "past")}
    return TakeBack(
        versions,
        change,
        gone.select(*key),
        past,
        rows["change"],
        rows["gone"],
        rows["past"],
        {row.month for row in counted if row.month is not None},
    )
