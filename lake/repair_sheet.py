"""Rows of quarantine as a sheet to repair: the columns of their files, what is wrong, and where each row came from.

Pure: it gets the rows as silver.quarantine has them and the facts of their files as the ledger has them.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lake.headers import normalise
from lake.manifest import FileFacts
from lake.repair import AS_IT_CAME, NOTES, ORIGIN, REASONS, harmless, original

RAGGED = re.compile(r"\d+ columns?, expected \d+")


@dataclass(frozen=True)
class Waiting:
    """A row of quarantine. `origin` is the record it is about: its own, or the one that it was to repair."""

    source_file: str
    source_version: str
    raw_row: str
    reasons: tuple[str, ...]
    origin: tuple[str, str, int]


@dataclass(frozen=True)
class Sheet:
    """A header and rows of texts, made harmless for spreadsheets."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_csv(self) -> bytes:
        """As spreadsheets open it without a question: UTF-8 with a mark, commas, CRLF, quotes where needed."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows([self.header, *self.rows])
        return text.getvalue().encode("utf-8-sig")


def sheet(waiting: Sequence[Waiting], facts: Mapping[tuple[str, str], FileFacts]) -> Sheet:
    """The rows under the headers of their files; files of several layouts share the columns that mean the same.

    A record that cannot be split into these columns stands in the last column as it came, with what can be told of its
    values in the others.
    """
    columns: dict[str, str] = {}  # what a column means -> its header
    rows: list[tuple[dict[str, str], Waiting, bool]] = []
    for row in waiting:
        known = facts.get((row.source_file, row.source_version))
        cells, whole = _cells(row, known)
        meant: dict[str, str] = {}
        for name, header, text in _meaning(cells, known):
            if name not in columns and (text or known is not None):
                columns[name] = header
            meant[name] = text
        rows.append((meant, row, whole))
    used = [name for name in columns if name.startswith(_FIELD) or any(meant.get(name) for meant, _, _ in rows)]
    names = (REASONS, *(columns[name] for name in used), *ORIGIN, AS_IT_CAME)
    return Sheet(
        names,
        tuple(
            tuple(
                harmless(text)
                for text in (
                    "; ".join(row.reasons),
                    *(meant.get(name, "") for name in used),
                    *(str(part) for part in row.origin),
                    "" if whole else row.raw_row,
                )
            )
            for meant, row, whole in rows
        ),
    )


_FIELD, _UNKNOWN, _PLACE = "field ", "name ", "place "


def _meaning(cells: Mapping[int | str, str], facts: FileFacts | None) -> Iterable[tuple[str, str, str]]:
    """(what it means, header, text) of each cell, in the order of the file; what was ours is left out."""
    if facts is None:
        return
    fields = {column.index: column for column in facts.columns}
    unknown = dict(zip(facts.unmapped_at, facts.unmapped))
    if any(isinstance(place, str) for place in cells):  # records with names: json
        by_name: dict[str, str] = {normalise(str(name)): text for name, text in cells.items()}
        for column in facts.columns:
            if column.field not in (*ORIGIN, *NOTES):
                yield _FIELD + column.field, column.source, by_name.pop(normalise(column.source), "")
        for name, text in cells.items():
            if normalise(str(name)) in by_name and normalise(str(name)) not in map(normalise, (*ORIGIN, *NOTES)):
                yield _UNKNOWN + normalise(str(name)), str(name), text
        return
    for place in sorted({*fields, *unknown, *(place for place in cells if isinstance(place, int))}):
        text = cells.get(place, "")
        if facts.repairs:
            text = original(text)
        if place in fields:
            if fields[place].field not in (*ORIGIN, *NOTES):
                yield _FIELD + fields[place].field, fields[place].source, text
        elif place in unknown:
            yield _UNKNOWN + normalise(unknown[place]), unknown[place], text
        elif text:
            yield f"{_PLACE}{place}", f"column {place + 1}", text


def _cells(row: Waiting, facts: FileFacts | None) -> tuple[dict[int | str, str], bool]:
    """The values of a record by position (json: by name), and whether they are all of it."""
    if facts is None:
        return {}, False
    if facts.format in ("json", "jsonl"):
        return _json_cells(row.raw_row)
    quote = '"' if '"' in row.raw_row or not facts.quote else facts.quote
    reader = csv.reader(io.StringIO(row.raw_row, newline=""), delimiter=facts.delimiter, quotechar=quote)
    try:
        records = [record for record in reader if record]
    except csv.Error:
        return {}, False
    if len(records) != 1:
        return {}, False
    cells: dict[int | str, str] = dict(enumerate(records[0]))
    return cells, not any(RAGGED.search(reason) for reason in row.reasons)


def _json_cells(text: str) -> tuple[dict[int | str, str], bool]:
    try:
        record = json.loads(text)
    except ValueError:
        return {}, False
    if not isinstance(record, dict):
        return {}, False
    return {str(name): _text(value) for name, value in record.items()}, True


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
