"""Rows on their way out to a person and back: how a csv for repair names the record that each row came from, and how
text that a spreadsheet would run as a formula travels through it unharmed.

`lake quarantine export` writes the columns below beside those of the file; a file that comes with them repairs what it
names (lake/silver/workplace.py), under whatever name and in whatever order of columns.
"""

from __future__ import annotations

import re

SOURCE_FILE, SOURCE_VERSION, SOURCE_ROW = "lake_source_file", "lake_source_version", "lake_source_row"
ORIGIN = (SOURCE_FILE, SOURCE_VERSION, SOURCE_ROW)  # together they name one record
REASONS, AS_IT_CAME = "lake_reasons", "lake_row_as_it_came"
NOTES = (REASONS, AS_IT_CAME)  # for the person who repairs; not read again
PREFIX = "lake_"

# What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection", the full-width signs included), behind
# any blanks. An apostrophe in front is what a spreadsheet itself would write; one more goes in front of such texts, so
# that taking one away gives back exactly what was there.
_SIGNS = "=+\\-@\t\r\n＝＋－＠"
PREFIXED = rf"^'('*\s*[{_SIGNS}])"  # a Java pattern as well as one of Python
_FORMULA = re.compile(rf"'*\s*[{_SIGNS}]")
_NUMBER = re.compile(r"[+-]?\d[\d .,]*|[+-]?\.\d+")


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet runs. Plain numbers stay numbers, negative ones too."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def original(text: str) -> str:
    """The inverse of `harmless`."""
    return re.sub(PREFIXED, r"\1", text)
