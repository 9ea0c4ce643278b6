"""JSON at the front desk: where its records are, and which contract their keys fit.

The same as with delimiters: every place that may hold the records is read, and the one that fits a contract best is
right. What JSON leaves out of one record may stand in the next, so the header is all keys of the first records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lake import jsontext
from lake.contracts import Contract
from lake.headers import normalise
from lake.tables import Header, find_header

SAMPLE = 500  # records whose keys make the header
LINES, DOCUMENT = "jsonl", "json"


@dataclass(frozen=True)
class Json:
    """A way to read a text's records. `format`: LINES (an object a line) or DOCUMENT; `path` as in `lake.jsontext`."""

    format: str
    path: jsontext.Path | None
    names: list[str]
    header: Header | None


def read(text: str, whole: bool, contracts: Mapping[str, Contract]) -> Json | str:
    """The way to read a text (or the beginning of one) that fits a contract best; what is wrong if there is none."""
    found = []
    wrong = 'holds no records: expected are objects, one for each row, such as {"order_id": "1", ...}'
    for format_, path in _ways(text, whole):
        records: list[dict[str, Any]] = []
        try:
            records.extend(islice(_records(text, whole, format_, path), SAMPLE))
        except jsontext.UnfinishedError as error:
            if whole:
                return str(error)
        except jsontext.JsonError as error:
            wrong = str(error)
        if records:
            names = header_of(records)
            found.append(Json(format_, path, names, find_header([names], contracts)))
    return max(found, key=lambda one: (one.header is not None, one.header.rank if one.header else ()), default=wrong)


def _ways(text: str, whole: bool) -> Iterable[tuple[str, jsontext.Path | None]]:
    lines = [jsontext.parse(line).value for line in _lines(text, whole)[:SAMPLE]]
    if 2 * sum(isinstance(value, dict) for value in lines) >= len(lines) > 0:
        yield LINES, None
    elif text.lstrip("\ufeff \t\r\n").startswith("{"):
        yield DOCUMENT, None
    for path in jsontext.arrays(text):
        yield DOCUMENT, path


def _lines(text: str, whole: bool) -> list[str]:
    lines = text.split("\n")
    return [line for line in (lines if whole else lines[:-1]) if line.strip("\ufeff \t\r")]


def _records(text: str, whole: bool, format_: str, path: jsontext.Path | None) -> Iterable[dict[str, Any]]:
    if format_ == LINES:
        found = (jsontext.parse(line) for line in _lines(text, whole))
    else:
        found = (element for element in jsontext.elements(jsontext.Scanner.over(text), path))
    return (element.value for element in found if isinstance(element.value, dict) and element.value)


def header_of(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """All keys in the order of their first appearance. One name in two spellings counts once, if no record has both."""
    names: dict[str, None] = {}
    spellings: dict[str, set[str]] = {}
    together: set[frozenset[str]] = set()
    for record in records:
        keys: dict[str, str] = {}
        for key in record:
            folded = normalise(key) or key
            if folded in keys:
                together.add(frozenset((keys[folded], key)))
            keys.setdefault(folded, key)
            known = spellings.setdefault(folded, set())
            if not known or any(frozenset((key, other)) in together for other in known):
                names.setdefault(key)
            known.add(key)
    return list(names)
