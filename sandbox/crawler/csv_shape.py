"""Delimited text: a custom CsvClassifier's word, or Glue's built-in detection."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import Any

from sandbox.crawler.shape import Column, Shape, unique
from sandbox.crawler.types import Type, widen

OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
LAZY_SIMPLE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"

_DELIMITERS = (",", "|", "\t", ";", "\x01")
_LINES = 2000
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_DECIMAL = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?")
_COLUMN_NAME = re.compile(r"[A-Za-z0-9 _.\-/()#%&$]{1,149}")

Rows = list[list[str]]


def by_classifier(text: str, classifier: dict[str, Any], compression: str) -> Shape | None:
    """The shape that a custom classifier gives this text; None when it does not recognise it."""
    text = _beginning(text)
    delimiter = classifier.get("Delimiter") or ","
    quote = classifier.get("QuoteSymbol") or '"'
    rows = _rows(text, delimiter, quote)
    width = _width(rows)
    if not rows or (width < 2 and not classifier.get("AllowSingleColumn")):
        return None
    if not classifier.get("DisableValueTrimming"):
        rows = [[value.strip() for value in row] for row in rows]
    names = list(classifier.get("Header") or [])
    says = classifier.get("ContainsHeader") or "UNKNOWN"
    header = says == "PRESENT" or (says == "UNKNOWN" and (_has_header(rows, width) or rows[0] == names))
    data = rows[1:] if header else rows
    if not names:
        names = rows[0] + [""] * (width - len(rows[0])) if header else [f"col{number}" for number in range(width)]
    serde = _serde(classifier)
    types = _declared_types(classifier, len(names)) or _types(data, len(names))
    if serde == OPEN_CSV:
        types = ["string"] * len(names)  # That reader hands out every value as text.
    columns = tuple(Column(name, kind) for name, kind in zip(unique(names), types, strict=True))
    declared = bool(classifier.get("Header"))
    return _shape(columns, serde, delimiter, quote, header, text, rows, compression, declared)


def built_in(text: str, compression: str) -> Shape | None:
    """The shape that Glue finds by itself; None when this is not delimited text of two columns and two rows."""
    text = _beginning(text)
    found = [(_regularity(rows := _rows(text, delimiter, '"')), delimiter, rows) for delimiter in _DELIMITERS]
    (regular, width), delimiter, rows = max(found, key=lambda item: item[0])
    if regular < 0.9 or width < 2 or len(rows) < 2:
        return None
    header = _has_header(rows, width)
    names = rows[0] if header else [f"col{number}" for number in range(width)]
    types = _types(rows[1:] if header else rows, width)
    columns = tuple(Column(name, kind) for name, kind in zip(unique(names), types, strict=True))
    return _shape(columns, LAZY_SIMPLE, delimiter, '"', header, text, rows, compression, False)


def _shape(
    columns: tuple[Column, ...],
    serde: str,
    delimiter: str,
    quote: str,
    header: bool,
    text: str,
    rows: Rows,
    compression: str,
    declared: bool,
) -> Shape:
    quoted = text.startswith(quote) or f"{delimiter}{quote}" in text
    parameters = {
        "areColumnsQuoted": str(quoted).lower(),
        "columnsOrdered": "true",
        "compressionType": compression,
        "delimiter": delimiter,
    }
    if header:
        parameters["skip.header.line.count"] = "1"
    options = {"separatorChar": delimiter, "quoteChar": quote} if serde == OPEN_CSV else {"field.delim": delimiter}
    return Shape(
        classification="csv",
        columns=columns,
        serde=serde,
        serde_parameters=options,
        parameters=parameters,
        record_bytes=len(text.encode()) / len(rows),
        declared=declared,
    )


def _serde(classifier: dict[str, Any]) -> str:
    """What the classifier asks for; where it leaves that open, quotes need the reader that knows quotes."""
    named = {"OpenCSVSerDe": OPEN_CSV, "LazySimpleSerDe": LAZY_SIMPLE}
    chosen = OPEN_CSV if classifier.get("QuoteSymbol") else LAZY_SIMPLE
    return named.get(classifier.get("Serde") or "", chosen)


def _declared_types(classifier: dict[str, Any], count: int) -> list[Type | None] | None:
    kinds = list(classifier.get("CustomDatatypes") or [])
    if not classifier.get("CustomDatatypeConfigured") or len(kinds) != count:
        return None
    return [{"LONG": "bigint", "SHORT": "smallint"}.get(kind.upper(), kind.lower()) for kind in kinds]


def _beginning(text: str) -> str:
    """Enough lines to know the rest."""
    return "".join(text.splitlines(keepends=True)[:_LINES])


def _rows(text: str, delimiter: str, quote: str) -> Rows:
    """The records of the text, blank ones left out."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote)
    rows: Rows = []
    try:
        rows += [row for row in reader if any(value.strip() for value in row)]
    except csv.Error:
        return []  # A field longer than the reader allows, a stray NUL: not such text.
    return rows


def _width(rows: Rows) -> int:
    """The number of columns that most records have."""
    return Counter(len(row) for row in rows).most_common(1)[0][0] if rows else 0


def _regularity(rows: Rows) -> tuple[float, int]:
    """How many of the records have the usual number of columns (0..1), and that number; (0, 0) for one column."""
    width = _width(rows)
    return (sum(len(row) == width for row in rows) / len(rows), width) if width > 1 else (0.0, 0)


def _has_header(rows: Rows, width: int) -> bool:
    """Glue's rule: names in every cell (the last may be empty), and data below that is not all text."""
    first, data = rows[0], rows[1:]
    named = first if len(first) < width or first[-1].strip() else first[:-1]
    if len(first) != width or not all(_COLUMN_NAME.fullmatch(name.strip()) for name in named):
        return False
    if any(_type(name.strip()) != "string" for name in named):
        return False
    return any(kind not in (None, "string") for kind in _types(data, width))


def _types(rows: Rows, width: int) -> list[Type | None]:
    """The type of each of the first `width` columns; None where every cell is empty."""
    types: list[Type | None] = [None] * width
    for row in rows:
        for number, value in enumerate(row[:width]):
            if types[number] != "string":
                types[number] = widen(types[number], _type(value.strip()))
    return types


def _type(value: str) -> Type | None:
    if not value:
        return None
    if _INTEGER.fullmatch(value):
        return "bigint"
    return "double" if _DECIMAL.fullmatch(value) else "string"
