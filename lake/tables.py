"""Which rows of a file are a header, and of which contract; and the words for a file that fits none.

Works on the first records of anything that has rows and cells: a delimited text, a sheet of a workbook.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lake.contracts import Contract
from lake.headers import HeaderMatch, label, match
from lake.words import clean, count, quoted

HEADER_ROWS = 50  # records among which the header is looked for: title lines may stand above it
MAX_COLUMNS = 2_000
_LOOKS_ALIKE = 3  # so many recognised columns make a file one of the contract with faults, not one of another kind
_VALUE = re.compile(r"[-+]?[\d.,:/ -]*\d[\d.,:/ -]*(\s?(am|pm|%))?", re.I)

Row = Sequence[str]


@dataclass(frozen=True)
class Header:
    """A row that was taken for a header. `row` counts from 0; `match` is that of the contract it fits best."""

    row: int
    names: tuple[str, ...]
    contract: Contract
    match: HeaderMatch

    @property
    def good(self) -> bool:
        return self.match.complete and self.match.matched >= self.contract.minimum_columns

    @property
    def rank(self) -> tuple[bool, bool, int, int, int]:
        """For comparing headers: the larger the better; of equals the upper row."""
        match_ = self.match
        return (
            self.good,
            match_.complete,
            match_.matched,
            -len(match_.missing_required) - len(match_.ambiguous),
            -self.row,
        )


def find_header(rows: Sequence[Row], contracts: Mapping[str, Contract]) -> Header | None:
    """The row that fits a contract best; None when no row has a name that any contract knows."""
    found: Header | None = None
    for place, cells in enumerate(rows[:HEADER_ROWS]):
        if len(cells) > MAX_COLUMNS:
            continue
        for contract in contracts.values():
            candidate = Header(place, tuple(cells), contract, match(cells, contract))
            if candidate.match.matched and (found is None or candidate.rank > found.rank):
                found = candidate
    return found


def why_not(name: str, found: Header | None, rows: Sequence[Row], contracts: Mapping[str, Contract]) -> str:
    """One sentence or two about a table that cannot be taken: what is wrong, what was expected, how to mend it.

    `name` is the file as people call it. Cells of data are never repeated, only names of columns.
    """
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    if not filled:
        return f"{name} has no content: there is nothing but empty lines. Export it again and check the file's size."
    if max(len(row) for row in filled) > MAX_COLUMNS:
        return f"{name} has more than {MAX_COLUMNS:,} columns; no contract has that many. Check the delimiter."
    if found is None:
        return _no_header(name, filled[0], contracts)
    wanted, match_ = found.contract, found.match
    if match_.ambiguous:
        field, names = match_.ambiguous[0]
        return (
            f"{name} has {count(len(names), 'column')} for {field} of {wanted.name} ({quoted(names)}), so nobody can "
            "tell which one is meant. Keep one of them and upload the file again."
        )
    lacking = [label(field) for field in wanted.fields if field.name in match_.missing_required]
    if lacking and match_.matched >= _LOOKS_ALIKE:
        return (
            f"{name} looks like {wanted.name}, but has no column for {quoted(lacking)}, and no row can be loaded "
            f"without {'it' if len(lacking) == 1 else 'them'}. Add {_columns(lacking)} and upload the file again."
        )
    absent = lacking + [label(field) for field in wanted.fields if field.name in match_.missing_optional]
    return (
        f"{name} is not a kind of file that the lake knows. The closest is {wanted.name}: of its "
        f"{count(len(wanted.fields), 'column')} the file has only {quoted([source for _, source, _ in match_.columns])}"
        f" and lacks {quoted(absent, 6)}. Upload the export with these columns, or ask for a contract for this kind."
    )


def _no_header(name: str, first: Row, contracts: Mapping[str, Contract]) -> str:
    expected = "; or ".join(f"{quoted(_usual(contract))} ({contract.name})" for contract in contracts.values())
    cells = [cell.strip() for cell in first if cell.strip()]
    names = [cell for cell in cells if not _VALUE.fullmatch(cell)]
    values = len(cells) - len(names)
    if len(cells) >= _LOOKS_ALIKE and values * 3 >= len(cells):
        return (
            f"{name} has no header: its first line already holds values. Put a line with the names of the columns on "
            f"top ({expected}) and upload the file again."
        )
    if len(cells) < 2:  # a table has two columns at least
        return (
            f"{name} is not a table that can be read: no line has names of columns. Expected is a file (csv, json, xlsx"
            f" or parquet) with columns such as {expected}."
        )
    return (
        f"{name} is not a kind of file that the lake knows: none of its columns ({quoted(names, 6)}) is in a contract. "
        f"Expected are columns such as {expected}."
    )


def _usual(contract: Contract) -> list[str]:
    """Names of columns by which people know the feed: the required ones, then the first others."""
    ordered = sorted(contract.fields, key=lambda field: not field.required)
    return [label(field) for field in ordered[:5]]


def _columns(names: Sequence[str]) -> str:
    return "a column of that name" if len(names) == 1 else "columns of these names"


def plain_name(name: str) -> str:
    """A column's name as it is kept in the facts: as written, without control characters, of bounded length."""
    return clean(name, 200)
