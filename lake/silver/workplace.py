"""Quarantine as a workplace: what waits there, and what a repaired file settles.

A row in quarantine is a claim that could not be used; a row that says which record it repairs is a newer claim on that
record, and may be good or bad again. Of the claims on one record the newest stands: when it is bad, it is the
one row in `quarantine`; when it is good, the record is settled and none is. All other claims lie in
`quarantine_history`, the good ones with no reasons. Taking a file back takes its claims away, and what stood before
waits again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.window import Window

from lake.silver.commit import Commit
from lake.silver.tables import QUARANTINE, Names

IDENTITY = ("source_file", "source_version", "source_row")
ROOT = tuple(f"root_{name}" for name in IDENTITY)
COLUMNS = tuple(column.name for column in QUARANTINE)
_NEW, _OPEN, _PAST = "new", "open", "past"


@dataclass(frozen=True)
class Desk:
    """The two tables as the batch has left them so far, ready for `spark.table`; None where one holds no rows."""

    quarantine: str | None
    history: str | None

    @property
    def places(self) -> list[tuple[str, str]]:
        return [(place, table) for place, table in ((_OPEN, self.quarantine), (_PAST, self.history)) if table]


def roots_of(spark: SparkSession, desk: Desk, versions: DataFrame) -> DataFrame | None:
    """The records that rows of these file versions repair; None when nothing was ever repaired."""
    if desk.history is None:
        return None
    found = [
        _rooted(spark.table(table).join(F.broadcast(versions), ["source_file", "source_version"], "left_semi"))
        for _, table in desk.places
    ]
    roots = reduce(DataFrame.union, (rows.where("repairs IS NOT NULL").select(*ROOT) for rows in found))
    return roots.distinct().localCheckpoint()


def settle(
    spark: SparkSession, commit: Commit, names: Names, desk: Desk, new: DataFrame | None, roots: DataFrame | None
) -> Counter[tuple[str, str]]:
    """Let the newest claim stand on each record that `new` claims (rows of QUARANTINE) or that is one of `roots`.

    Gives how many records that waited until now each file version has settled.
    """
    claims = [] if new is None else [_rooted(new).withColumn("place", F.lit(_NEW))]
    wanted = reduce(DataFrame.union, [*(() if roots is None else (roots,)), *(c.select(*ROOT) for c in claims)])
    wanted = wanted.distinct()
    for place, table in desk.places:
        known = _rooted(spark.table(table).select(*COLUMNS)).join(wanted, list(ROOT), "left_semi")
        claims.append(known.select(*COLUMNS, *ROOT).withColumn("place", F.lit(place)))
    if not claims:
        return Counter()
    one = Window.partitionBy(*ROOT)
    age = F.struct(F.col("repairs").isNotNull().alias("later"), "object_time", "source_version", "source_row")
    judged = reduce(DataFrame.unionByName, claims).withColumn("age", age)
    judged = judged.withColumn("stands", (F.col("age") == F.max("age").over(one)) & (F.size("reasons") > 0))
    newest = F.struct(F.size("reasons").alias("reasons"), "source_file", "source_version")
    judged = judged.withColumn("newest", F.max_by(newest, "age").over(one)).localCheckpoint()
    counted = judged.groupBy("place", "stands", "newest").count().collect()
    some = {(row.place, row.stands) for row in counted}

    def rows(condition: str, *columns: str) -> DataFrame:
        return judged.where(condition).select(*columns)

    if (_OPEN, False) in some:
        commit.remove(names.quarantine, rows("place = 'open' AND NOT stands", *IDENTITY))
    if (_PAST, True) in some:
        commit.remove(names.quarantine_history, rows("place = 'past' AND stands", *IDENTITY))
    if some & {(_NEW, True), (_PAST, True)}:
        commit.append(names.quarantine, rows("place <> 'open' AND stands", *COLUMNS))
    if some & {(_NEW, False), (_OPEN, False)}:
        commit.append(names.quarantine_history, rows("place <> 'past' AND NOT stands", *COLUMNS))
    settled: Counter[tuple[str, str]] = Counter()
    for row in counted:
        if row.place == _OPEN and not row.stands and row.newest.reasons == 0:
            settled[row.newest.source_file, row.newest.source_version] += row["count"]
    return settled


def _rooted(claims: DataFrame) -> DataFrame:
    """The claims with the record that each is about: the one it repairs, or itself."""
    return claims.withColumns({f"root_{name}": F.coalesce(f"repairs.{name}", name) for name in IDENTITY})
