"""Files that were set aside and rows in quarantine, each with its reason.

Refused files never reach silver, so gold does not know them: their states and reasons come from the ledger, by the same
library that `lake files` uses. Rows in quarantine come from gold.data_quality.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from dashboard.markup import element, table
from dashboard.parts import rows_or_words, write
from dashboard.port import trouble
from dashboard.reader import Reader, Told

MOST = 50
WORDS = {"REJECTED": "refused", "HELD": "set aside", "FAILED": "failed"}


def show(reader: Reader, quarantine: Told | None) -> None:
    """Both tables, or in words why there is none."""
    _set_aside(reader)
    if quarantine is not None:
        _quarantine(quarantine)


def _set_aside(reader: Reader) -> None:
    try:
        entries = reader.port.set_aside()
    except Exception as error:  # noqa: BLE001 - said in words; the other sections go on
        write(element("p", trouble(error, reader.port.target), class_="trouble", role="alert"))
        return
    if not entries:
        write(element("p", "No file was refused or set aside.", class_="answer"))
        return
    word = "file was" if len(entries) == 1 else "files were"
    write(
        element(
            "p", f"{len(entries):,} {word} not taken. Mend what the reason says and drop it again.", class_="answer"
        ),
        table(
            "Files that were not taken" + (f", the newest {MOST}" if len(entries) > MOST else ""),
            ("file", "what became of it", "why", "arrived (UTC)"),
            [
                (
                    entry.key,
                    WORDS.get(entry.state, entry.state.lower()),
                    entry.reason or "no reason was kept",
                    entry.arrived_at[:16].replace("T", " "),
                )
                for entry in entries[:MOST]
            ],
        ),
    )


def _quarantine(told: Told) -> None:
    rows = rows_or_words(told, "account of the files")
    if rows is None:
        return
    if not rows:
        write(element("p", "No row is in quarantine.", class_="answer"))
        return
    write(
        element("p", "Rows in quarantine are kept as they came and count in no figure above.", class_="answer"),
        table(
            "Files with rows in quarantine, the newest first",
            ("file", "rows", "in quarantine", "why"),
            [
                (row["source_file"], f"{row['rows_in']:,}", f"{row['quarantined']:,}", "; ".join(_reasons(row)))
                for row in rows
            ],
            ("rows", "in quarantine"),
        ),
    )


def _reasons(row: dict[str, Any]) -> list[str]:
    return kinds(json.loads(row["reasons"] or "[]"))


def kinds(reasons: list[str]) -> list[str]:
    """Reasons with their counts ("x 'abc' is no number: 3"), those that differ only in the value they quote as one."""
    counts: Counter[str] = Counter()
    for reason in reasons:
        words, _, count = reason.rpartition(": ")
        counts[re.sub("'.*'", "…", words)] += int(count)
    return [f"{words}: {count:,}" for words, count in counts.most_common()]
