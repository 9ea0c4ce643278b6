"""Characters that are not what they seem, made plain before a value is read. The record itself is kept as it came.

Most records hold none of them, and one look at a record's text says so; only in the others each value is cleaned.
"""

from __future__ import annotations

from lake.contracts import Contract, Field
from lake.parsing.records import RAW
from lake.publishing import literal

# Letters of other alphabets that look like Latin ones: an Е typed on a Russian keyboard makes no new area.
LOOK_ALIKES = dict(
    zip("АВЕКМНОРСТУХІЈЅаеорсухіјѕΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEKMHOPCTYXIJSaeopcyxijsABEZHIKMNOPTYXo", strict=True)
)
SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
# Nobody sees these: control characters (but tab, newline, return), soft hyphens, joiners, marks of direction and order.
CONTROLS = "".join(map(chr, (*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0))))
INVISIBLE = (
    CONTROLS + "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063"
)
INVISIBLE += "\u2064\u2066\u2067\u2068\u2069\ufeff"
# Full-width forms, as East Asian keyboards write them; dashes; digits of other scripts.
WIDE = {chr(0xFEE0 + code): chr(code) for code in range(0x21, 0x7F)}
DASHES = dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63", "-")
DIGITS = {chr(start + digit): str(digit) for start in (0x660, 0x6F0) for digit in range(10)}

ODD = "odd"  # column of the parser's frame: the record holds any of them (lake/parsing/records.py, UNUSUAL)
WAS = "was_"  # column: the text of a code before it was made plain, where that changed it
_UNSEEN = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\u00AD\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]"


def has_unseen() -> str:
    """Whether a record held characters that nobody sees; they are left out of its values."""
    return f"({ODD} AND raw_row RLIKE {literal(_UNSEEN)})"


def cleaned(contract: Contract) -> list[tuple[str, str]]:
    """Columns to put in place of, or beside, the raw ones: (name, expression over ODD and the raw texts)."""
    columns = []
    for field in contract.fields:
        raw = f"`{RAW}{field.name}`"
        columns.append((f"{RAW}{field.name}", f"CASE WHEN {ODD} THEN {_clean(field, raw)} ELSE {raw} END"))
        if field.folding == "plain":
            was = f"CASE WHEN {ODD} AND {_made_plain(raw)} <> {_seen(raw)} THEN {_seen(raw)} END"
            columns.append((WAS + field.name, was))
    return columns


def _clean(field: Field, text: str) -> str:
    """Text that stays text keeps its letters; numbers, dates and codes are read in their plain forms."""
    if field.kind != "string":
        return _translated(text, WIDE | DASHES | DIGITS)
    return _made_plain(text) if field.folding == "plain" else _seen(text)


def _made_plain(text: str) -> str:
    return _translated(text, WIDE | DASHES | DIGITS | LOOK_ALIKES)


def _seen(text: str) -> str:
    return _translated(text, {})


def _translated(text: str, pairs: dict[str, str]) -> str:
    every = dict.fromkeys(SPACES, " ") | pairs
    return f"trim(translate({text}, {escaped(''.join(every) + INVISIBLE)}, {escaped(''.join(every.values()))}))"


def escaped(text: str) -> str:
    """A Spark SQL literal that names each character by its number, so that no tool on the way loses one."""
    return "'" + "".join(f"\\u{ord(letter):04x}" for letter in text) + "'"
