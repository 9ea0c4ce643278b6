"""What would become of a file's rows: read, typed and checked just as a silver run does it, and nothing is written."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING, Any

from lake.contracts import Contract
from lake.manifest import FileFacts, Manifest, ManifestFile

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_QUOTED = "(?s)'.*'"  # a reason quotes the value that it is about


@dataclass(frozen=True)
class Finding:
    """One kind of reason or flag: how many rows it concerns, and the first of them as an example."""

    words: str
    rows: int
    example: str
    record: int


@dataclass(frozen=True)
class Trial:
    """`held`: why nothing of the file would be published; None when it would load."""

    rows_in: int
    good: int
    quarantined: int
    flagged: int
    blank: int
    held: str | None
    reasons: tuple[Finding, ...]
    flags: tuple[Finding, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def trial(spark: SparkSession, contract: Contract, path: Path, facts: FileFacts) -> Trial:
    """Reads the local file to its end. `facts` are the front desk's."""
    from lake.silver.account import why_held
    from lake.silver.reading import count_files, read_batch

    now = dt.datetime.now(dt.UTC)
    written = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    file = ManifestFile(
        path.name, "here", path.stat().st_size, written.isoformat(), facts, f"file://{path.resolve().parent}"
    )
    manifest = Manifest("trial", 0, now.isoformat(), (file,))
    secret = token_bytes(32)  # of a trial nothing stays, so any key will do
    batch = read_batch(spark, contract, [file], manifest, now, secret=lambda: secret).persist()
    try:
        [count] = count_files(batch, contract, [file])
        held = why_held(batch, 0, count, contract)
        return Trial(
            count.rows_in,
            count.rows,
            count.bad,
            count.flagged,
            count.blank,
            held,
            _findings(batch, "reasons") if count.bad else (),
            _findings(batch, "flags") if count.flagged else (),
        )
    finally:
        batch.unpersist()


def _findings(batch: DataFrame, column: str) -> tuple[Finding, ...]:
    from pyspark.sql import functions as F  # noqa: N812

    each = batch.select("source_row", F.explode(column).alias("words"))
    kinds = each.withColumn("kind", F.regexp_replace("words", _QUOTED, "..."))
    counted = kinds.groupBy("kind").agg(
        F.count("*").alias("rows"),
        F.min("source_row").alias("record"),
        F.min_by("words", "source_row").alias("example"),
    )
    rows = counted.orderBy(F.desc("rows"), "kind").collect()
    return tuple(Finding(re.sub(r"\s+", " ", row.kind), row.rows, row.example, row.record) for row in rows)
