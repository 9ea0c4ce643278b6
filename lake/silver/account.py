"""What is said about each file of a batch: where its rows went, or why nothing of it was published."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812

from lake.contracts import Contract
from lake.manifest import COUNTS, FileOutcome, ManifestFile
from lake.silver.claims import Resolution
from lake.silver.reading import FileCount

LOADED, HELD, RETRACTED = "LOADED", "HELD", "RETRACTED"
_READ = ("rows_in", "duplicate", "quarantined", "blank")  # what does not depend on what else silver holds


def why_held(batch: DataFrame, file: int, count: FileCount, contract: Contract, repairs: bool = False) -> str | None:
    """Why nothing of a file may be published, in words; None when it may.

    A file that `repairs` rows holds nothing but rows that were set aside: many bad ones among them are no surprise.
    """
    if count.damage:
        return count.damage
    if repairs:
        return None
    share = count.bad / count.rows_in if count.rows_in else 0.0
    if count.rows_in < contract.quarantine_threshold_rows or share <= contract.quarantine_threshold:
        return None
    common = (
        batch.where(F.col("file") == file)
        .select(F.explode("reasons").alias("reason"))
        # Without the quoted value one kind of trouble is one sentence.
        .select(F.regexp_replace("reason", r" '.*'", "").alias("reason"))
        .groupBy("reason")
        .count()
        .orderBy(F.desc("count"), "reason")
        .limit(3)
        .collect()
    )
    most = "; ".join(f"{row.reason} ({row['count']} rows)" for row in common)
    return (
        f"{count.bad} of its {count.rows_in} rows are bad ({share:.0%}), more than the "
        f"{contract.quarantine_threshold:.0%} that its contract allows: {most}"
    )


def fates_by_file(resolution: Resolution) -> dict[int, Counter[str]]:
    """How many rows of each file of a batch met which fate."""
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for (where, fate, _), rows in resolution.fates.items():
        found[where][fate] += rows
    return found


def account(
    file: ManifestFile, count: FileCount, fates: Mapping[str, Any], held: str | None, findings: Sequence[str] = ()
) -> FileOutcome:
    """Where a file's rows went. `fates`: how many good ones met which. `findings`: what they say of it as a whole."""
    findings = (*_findings(file), *((count.remark,) if count.remark else ()), *findings)
    if held:
        return FileOutcome(file.key, file.version, HELD, held, findings=findings)
    outcome = FileOutcome(
        file.key,
        file.version,
        LOADED,
        rows_in=count.rows_in,
        quarantined=count.bad,
        blank=count.blank,
        flagged=count.flagged,
        findings=findings,
    )
    return replace(outcome, **fates)


def _findings(file: ManifestFile) -> tuple[str, ...]:
    named = [name.strip() for name in file.facts.unmapped if name.strip()]
    return (f"columns that the contract does not know: {', '.join(named)}",) if named else ()


def as_before(outcome: FileOutcome, earlier: Mapping[tuple[str, str], Row]) -> FileOutcome:
    """The fates that a file's rows had when it was loaded first, where it reads just as it did then.

    A file that is read again meets other rows than on its first day: what it brought then would count as confirmed.
    """
    row = earlier.get((outcome.key, outcome.version))
    if row is None or row.state != LOADED or outcome.state != LOADED:
        return outcome
    before = recorded(row)
    if any(getattr(before, name) != getattr(outcome, name) for name in _READ):
        return outcome
    return replace(before, flagged=outcome.flagged, findings=outcome.findings)


def recorded(row: Row) -> FileOutcome:
    """A row of file_loads as the outcome it was written from."""
    return FileOutcome(
        row.source_file,
        row.source_version,
        row.state,
        row.reason,
        **{name: row[name] for name in COUNTS},
        findings=tuple(row.findings or ()),
    )
