"""The header and the first rows of any file that holds a table, as texts: what a proposal is made from."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from lake import delimited

MOST_ROWS = 20_000
MOST_BYTES = 32 << 20  # of a text
_HEADER_AMONG = 50


class NoTableError(ValueError):
    """The file holds no table that a contract could be made from; the message is a sentence."""


@dataclass(frozen=True)
class Table:
    """Texts by column. `rows` have as many cells as the header; `whole` says that they are all of the file."""

    format: str
    header: tuple[str, ...]
    rows: list[list[str]]
    whole: bool


def read_table(path: Path) -> Table:
    """Csv of any of the usual delimiters, xlsx, json, json lines or parquet, also gzipped. Raises NoTableError."""
    try:
        with path.open("rb") as body:
            head = body.read(4)
            body.seek(0)
            if head.startswith(b"\x1f\x8b"):
                with gzip.open(body) as inner:
                    return _of_text(inner.read(MOST_BYTES + 1), path.name)
            if head.startswith(b"PK"):
                return _of_lists("xlsx", _sheet_rows(path), path.name)
            if head == b"PAR1":
                return _of_parquet(path)
            return _of_text(body.read(MOST_BYTES + 1), path.name)
    except (OSError, zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
        raise NoTableError(f"{path.name} cannot be read: {error}.") from error


def _of_text(data: bytes, name: str) -> Table:
    whole = len(data) <= MOST_BYTES
    decoded = delimited.decode(data, whole) if data else None
    if decoded is None:
        raise NoTableError(f"{name} is no text, no workbook and no parquet file: export it as csv or xlsx.")
    text = decoded.text
    first = text.lstrip("\ufeff \t\r\n")[:1]
    if first in ("{", "["):
        return _of_records("json", _json_records(text, whole, name), name)
    if not whole:
        text = text[: text.rfind("\n") + 1]
    tries = [(delimiter, _csv_rows(text, delimiter)) for delimiter in delimited.DELIMITERS]
    rows = max(tries, key=lambda one: _evenness(one[1]))[1]
    return _of_lists("csv", rows, name, whole)


def _csv_rows(text: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            rows.append(row)
            if len(rows) > MOST_ROWS + _HEADER_AMONG:
                break
    except csv.Error:  # what follows is no csv; what came before may tell enough
        return rows
    return rows


def _evenness(rows: Sequence[Sequence[str]]) -> tuple[float, int]:
    """How table-like rows are: the share of those with the most frequent width above one, and that width."""
    widths = Counter(len(row) for row in rows if len(row) > 1)
    if not widths:
        return 0.0, 1
    width, often = widths.most_common(1)[0]
    return often / max(1, sum(1 for row in rows if row)), width


def _of_lists(format_: str, rows: Iterable[Sequence[str]], name: str, whole: bool = True) -> Table:
    """The header is the first row that fills most of the usual width with names."""
    taken = [list(row) for row in islice(rows, MOST_ROWS + _HEADER_AMONG + 1)]
    filled = [row for row in taken if any(cell.strip() for cell in row)]
    if not filled:
        raise NoTableError(f"{name} has no content.")
    width = Counter(_filled(row) for row in filled).most_common(1)[0][0]
    at = next(
        (
            place
            for place, row in enumerate(taken[:_HEADER_AMONG])
            if _filled(row) * 2 > width and _filled(row) > 1 and all(_is_name(cell) for cell in row if cell.strip())
        ),
        None,
    )
    if at is None:
        raise NoTableError(f"{name} has no line with names of columns: put one on top.")
    header = [cell.strip() for cell in taken[at]]
    data = [row for row in taken[at + 1 :] if any(cell.strip() for cell in row) and row != taken[at]]
    if not data:
        raise NoTableError(f"{name} has names of columns, but no rows: there is nothing to learn from.")
    rows_ = [(row + [""] * len(header))[: len(header)] for row in data[:MOST_ROWS] if len(row) <= len(header)]
    return Table(format_, tuple(header), rows_, whole and len(data) <= MOST_ROWS)


def _filled(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell.strip())


def _is_name(cell: str) -> bool:
    return any(letter.isalpha() for letter in cell) and len(cell) <= 100


def _sheet_rows(path: Path) -> Iterator[list[str]]:
    """The rows of the sheet that holds most of them, cells as silver reads them."""
    import openpyxl

    from lake.parsing.sheet import cell_text

    sheets: list[list[list[str]]] = []
    with path.open("rb") as body:
        for sheet in openpyxl.load_workbook(body, read_only=True, data_only=True).worksheets:
            sheet.reset_dimensions()
            rows = islice(sheet.iter_rows(values_only=True), MOST_ROWS + _HEADER_AMONG + 1)
            sheets.append([[cell_text(cell, "") for cell in row] for row in rows])
    yield from max(sheets, key=lambda rows: sum(1 for row in rows if any(row)), default=[])


def _json_records(text: str, whole: bool, name: str) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(text)
        if isinstance(found, dict):
            lists = [value for value in found.values() if isinstance(value, list)]
            found = lists[0] if len(lists) == 1 else [found]
    except ValueError:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            found = [json.loads(line) for line in (lines if whole else lines[:-1])]
        except ValueError as error:
            raise NoTableError(f"{name} begins like json, and is none: {error}.") from error
    records: list[Mapping[str, Any]] = [record for record in found if isinstance(record, dict)]
    if not records:
        raise NoTableError(f"{name} holds no json records (objects with names).")
    return records


def _of_parquet(path: Path) -> Table:
    import pyarrow.parquet as parquet

    file = parquet.ParquetFile(path)
    batch = next(file.iter_batches(batch_size=MOST_ROWS), None)
    if batch is None or not batch.num_rows:
        raise NoTableError(f"{path.name} has names of columns, but no rows: there is nothing to learn from.")
    return _of_records("parquet", batch.to_pylist(), path.name, batch.num_rows == file.metadata.num_rows)


def _of_records(format_: str, records: Sequence[Mapping[str, Any]], name: str, whole: bool = True) -> Table:
    header = list(dict.fromkeys(key for record in records[:MOST_ROWS] for key in record))
    rows = [[_value(record.get(key)) for key in header] for record in records[:MOST_ROWS]]
    return Table(format_, tuple(header), rows, whole and len(records) <= MOST_ROWS)


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
