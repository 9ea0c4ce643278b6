"""Delimited text: which encoding, which delimiter, which quotes, from its first 64 KB.

The delimiter is not guessed from how often a character occurs: the text is read with each one in turn, and the one with
which a header fits a contract best is right.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from lake.contracts import Contract
from lake.tables import HEADER_ROWS, Header, find_header

DELIMITERS = (",", ";", "\t", "|")
_CONTROLS_ALLOWED = 0.01  # share of control characters beyond which a text is none
_NULS_ALLOWED = 0.005
_BOMS = (  # the longer ones first: a UTF-32 mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Text:
    """Decoded bytes. `encoding` is a Python codec name."""

    encoding: str
    text: str


@dataclass(frozen=True)
class Delimited:
    """A text read with one delimiter. `records` are the first ones, blank ones included."""

    delimiter: str
    quote: str
    records: list[list[str]]
    header: Header | None


def decode(head: bytes, whole: bool) -> Text | None:
    """The head as text; `whole` says that it is all of the file. None when it is no text."""
    encoding = _encoding(head, whole)
    if encoding is None:
        return None
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    text = decoder.decode(head, final=False)  # a character that the end of the head cuts is left out
    controls = sum(letter < " " and letter not in "\t\r\n\f\x1a\x00" for letter in text)
    if controls > len(text) * _CONTROLS_ALLOWED:
        return None
    return Text(encoding, text)


def _encoding(head: bytes, whole: bool) -> str | None:
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    nuls = head.count(0)
    if nuls:
        sides = (head[0::2].count(0), head[1::2].count(0))
        half = len(head) / 2
        if sides[1] > half * 0.4 and sides[0] < half * 0.05:
            return "utf-16-le"
        if sides[0] > half * 0.4 and sides[1] < half * 0.05:
            return "utf-16-be"
        if nuls > len(head) * _NULS_ALLOWED:
            return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=whole)
    except UnicodeDecodeError:
        return "utf-8" if _mostly_utf8(head) else _one_byte_encoding(head)
    return "utf-8"


def _mostly_utf8(head: bytes) -> bool:
    """Whether letters beyond ASCII are rather spelt as UTF-8 than not: the bytes that are not spoil their own records.

    In a text of one byte a letter, two such bytes hardly ever stand side by side in the way that UTF-8 has them.
    """
    text = head.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    return sum(letter > "\x7f" for letter in text) - broken > broken


def _one_byte_encoding(head: bytes) -> str:
    """The encoding of a text that is not proper UTF-8.

    Many good UTF-8 sequences beside a few bad bytes are UTF-8 with damage: silver puts those rows in quarantine.
    """
    replaced = head.decode("utf-8", errors="replace")
    bad = replaced.count("\ufffd")
    good = sum(letter > "\x7f" for letter in replaced) - bad
    if good > 10 * bad:
        return "utf-8"
    try:
        head.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def read(text: str, whole: bool, contracts: Mapping[str, Contract]) -> Delimited:
    """The text with the delimiter that fits best; when none fits, with the one that makes the widest first record."""
    body = text if whole else text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    tries = []
    for delimiter in DELIMITERS:
        records = _records(body, delimiter, '"')
        tries.append(Delimited(delimiter, '"', records, find_header(records, contracts)))
    fitting = [one for one in tries if one.header is not None]
    if not fitting:
        return max(tries, key=lambda one: max((len(record) for record in one.records[:5]), default=0))
    best = max(fitting, key=lambda one: one.header.rank if one.header else ())
    return _with_single_quotes(body, best, contracts)


def _with_single_quotes(body: str, best: Delimited, contracts: Mapping[str, Contract]) -> Delimited:
    """The same, read with ' as quotes, when the names of the header stand in them."""
    names = [name.strip() for name in best.header.names if name.strip()] if best.header else []
    in_single = sum(len(name) > 1 and name[0] == name[-1] == "'" for name in names)
    if not names or in_single < len(names):
        return best
    records = _records(body, best.delimiter, "'")
    return Delimited(best.delimiter, "'", records, find_header(records, contracts))


def _records(body: str, delimiter: str, quote: str) -> list[list[str]]:
    """The first records. A field that never ends (a quote that is not closed) ends the reading, not the program."""
    records: list[list[str]] = []
    try:
        for record in islice(
            csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, quotechar=quote), HEADER_ROWS
        ):
            records.append(record)
    except csv.Error:
        return records
    return records
