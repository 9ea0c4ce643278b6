"""Delimited text and JSON with a customer's cells emptied. Everything else stays to the byte, so that each other record
reads as it did before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

from lake.erasure.wanted import Wanted
from lake.headers import normalise

_MARK = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[{}\[\]:,]', re.DOTALL)


def without_cells(
    text: str,
    wanted: Wanted,
    *,
    delimiter: str,
    quote: str,
    header_rows: int,
    hidden: Collection[int],
    loose: Collection[int],
) -> tuple[str, int]:
    """The text, and how many cells were changed.

    `hidden`: positions of columns that hold customers' ids. `loose`: of columns that no contract knows and of notes
    about rows, where the id may stand in a longer text. In a record that is not as wide as its header any cell may be
    it.
    """
    changes: list[tuple[int, int, str]] = []
    width = 0
    for number, record in enumerate(_records(text, delimiter, quote), start=1):
        if number <= header_rows:
            width = len(record)
            continue
        ragged = len(record) != width
        for place, (start, end) in enumerate(record):
            cell = text[start:end]
            value = _unquoted(cell, quote)
            if (ragged or place in hidden or place in loose) and wanted.is_it(value):
                changes.append((start, end, ""))
            elif (ragged or place in loose or "\n" in cell) and wanted.is_in(cell):
                changes.append((start, end, wanted.without(cell)))
    return _changed(text, changes), len(changes)


def without_values(text: str, wanted: Wanted, hidden: Collection[str], known: Collection[str]) -> tuple[str, int]:
    """JSON, and how many values were changed.

    `hidden`: folded names of keys that hold customers' ids. `known`: those of all keys that the contract knows; under
    any other key the id may be a value, one of a list, or a word in a text.
    """
    changes: list[tuple[int, int, str]] = []
    key, last = "", ""  # the key whose value stands here; the text before it
    name = ""
    for found in _MARK.finditer(text):
        mark = found.group()
        if mark == ":" and last.startswith('"'):
            key = name
        elif mark not in "{}[],:":
            name = _value(mark)
            if _is_key(text, found.end()):
                key = ""
            elif key == "" or normalise(key) in hidden or normalise(key) not in known:
                if wanted.is_it(name):
                    changes.append((found.start(), found.end(), '""'))
                elif mark.startswith('"') and wanted.is_in(name):
                    changes.append((found.start(), found.end(), json.dumps(wanted.without(name), ensure_ascii=False)))
        last = mark
    return _changed(text, changes), len(changes)


def _records(text: str, delimiter: str, quote: str) -> Iterator[list[tuple[int, int]]]:
    """The places of the cells of each record, blank ones included."""
    plain = rf"[^{re.escape(delimiter)}\r\n]*"
    q = re.escape(quote)
    cell = re.compile(rf"{q}(?:[^{q}]|{q}{q})*(?:{q}{plain}|\Z)|{plain}" if quote else plain)
    at, record = 0, []
    while True:
        found = cell.match(text, at)
        at = found.end() if found else at
        record.append(found.span() if found else (at, at))
        if text.startswith(delimiter, at):
            at += len(delimiter)
            continue
        if at >= len(text):
            if record != [(at, at)]:
                yield record
            return
        yield record
        at, record = at + (2 if text.startswith("\r\n", at) else 1), []


def _unquoted(cell: str, quote: str) -> str:
    stripped = cell.strip()
    if quote and len(stripped) > 1 and stripped[0] == stripped[-1] == quote:
        return stripped[1:-1].replace(quote * 2, quote)
    return cell


def _is_key(text: str, at: int) -> bool:
    return bool(re.compile(r"\s*:").match(text, at))


def _value(mark: str) -> str:
    if not mark.startswith('"'):
        return mark
    try:
        return str(json.loads(mark, strict=False))
    except ValueError:
        return mark[1:-1]


def _changed(text: str, changes: list[tuple[int, int, str]]) -> str:
    pieces, at = [], 0
    for start, end, new in changes:
        pieces += [text[at:start], new]
        at = end
    return "".join([*pieces, text[at:]])
