"""The look at branches before they are published: keys, required columns, each mart's checks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.gold.marts import Mart
from lake.publishing import literal

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class AuditFailed(RuntimeError):  # noqa: N818 - the name says what happened; that it is an error is clear
    """A mart does not keep what it declares; nothing of the run was published."""


@dataclass(frozen=True)
class Written:
    """What a run wrote of one mart: where, and the condition that picks the recomputed rows there."""

    mart: Mart
    branch: str
    condition: str


@dataclass(frozen=True)
class Seen:
    """What a look at a written mart found: how many rows, and what does not hold, in words."""

    written: Written
    rows: int
    broken: tuple[str, ...]


def look(spark: SparkSession, written: Written) -> Seen:
    """Count what was written of a mart and try its checks, in one Spark action."""
    row = _findings(spark, written).collect()[0]
    broken = [f"{written.mart.name}: {found.name} ({found.broken} times)" for found in row.findings if found.broken]
    return Seen(written, row.rows, tuple(broken))


def passed(seen: Iterable[Seen]) -> dict[str, int]:
    """Row counts of what was written, a mart each. Raises AuditFailed naming every check that does not hold."""
    looks = sorted(seen, key=lambda one: one.written.mart.name)
    broken = [words for one in looks for words in one.broken]
    if broken:
        raise AuditFailed("gold was not published, its audit failed: " + "; ".join(broken))
    return {one.written.mart.name: one.rows for one in looks}


def _findings(spark: SparkSession, part: Written) -> DataFrame:
    mart = part.mart
    key = ", ".join(f"`{column}`" for column in mart.key)
    broken = {f"one row per {', '.join(mart.key)}": f"count(*) - count(DISTINCT struct({key}))"}
    broken |= {f"{c.name} is known": f"count_if(`{c.name}` IS NULL)" for c in mart.columns if c.required}
    broken |= {c.name: f"count_if(NOT ({c.sql}))" for c in mart.checks if not c.whole}
    broken |= {c.name: f"if({c.sql}, 0, 1)" for c in mart.checks if c.whole}
    findings = ", ".join(
        f"struct({literal(name)} AS name, CAST({sql} AS bigint) AS broken)" for name, sql in broken.items()
    )
    return spark.sql(
        f"SELECT count(*) AS rows, array({findings}) AS findings "  # noqa: S608 - our own files
        f"FROM {part.branch} WHERE {part.condition}"
    )
