"""Workbooks (.xlsx), read by range: the directory at the end of the file, then the first rows of each sheet.

Only what is needed is read and unpacked, and everything is bounded, so that a huge or malicious workbook costs the
front desk no more than an honest one. XML with a document type (the door to entity bombs) is refused.
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any
from xml.etree import ElementTree

from lake.ranges import RangeFile

ROWS = 50
MAX_SHEETS = 50
MAX_ENTRIES = 10_000
MAX_XML = 64 * 1024 * 1024  # bytes unpacked from one workbook
_CHUNK = 64 * 1024
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")


class WorkbookError(Exception):
    """The workbook cannot be read; the message completes the sentence 'it ...'."""


@dataclass(frozen=True)
class Sheet:
    """A sheet's name and its first rows; the place of a row in the list is its number in the sheet, minus one."""

    name: str
    rows: list[list[str]]
    hidden: bool = False


def directory(file: RangeFile) -> zipfile.ZipFile:
    """The archive's directory. Raises WorkbookError when it is damaged or cut short."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, struct.error) as error:
        raise WorkbookError("is cut short or damaged: its directory is missing") from error
    if len(archive.namelist()) > MAX_ENTRIES:
        raise WorkbookError(f"has more than {MAX_ENTRIES:,} parts")
    return archive


def sheets(archive: zipfile.ZipFile) -> Iterator[Sheet]:
    """Each sheet with its first rows, in the order of the workbook. Raises WorkbookError."""
    budget = _Budget(MAX_XML)
    try:
        named = list(_sheet_parts(archive, budget))[:MAX_SHEETS]
        read = [(name, hidden, list(_cells(archive, part, budget))) for name, part, hidden in named]
        wanted = {int(value) for _, _, cells in read for _, _, kind, value in cells if kind == "s" and value.isdigit()}
        texts = _shared_texts(archive, wanted, budget)
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, RuntimeError, ValueError, EOFError) as error:
        raise WorkbookError("is damaged: one of its parts cannot be read") from error
    except NotImplementedError as error:
        raise WorkbookError("is packed in a way that cannot be read") from error
    for name, hidden, cells in read:
        yield Sheet(name, _rows(cells, texts), hidden)


def _rows(cells: list[tuple[int, int, str, str]], texts: dict[int, str]) -> list[list[str]]:
    rows: list[list[str]] = [[] for _ in range(max((row for row, _, _, _ in cells), default=0))]
    for row, column, kind, value in cells:
        cells_of_row = rows[row - 1]
        cells_of_row += [""] * (column + 1 - len(cells_of_row))
        cells_of_row[column] = texts.get(int(value), "") if kind == "s" and value.isdigit() else value
    return rows


class _Budget:
    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, number: int) -> None:
        self.left -= number
        if self.left < 0:
            raise WorkbookError("unpacks to more than a workbook of this kind ever has")


def _events(archive: zipfile.ZipFile, part: str, budget: _Budget) -> Iterator[tuple[str, ElementTree.Element]]:
    """The elements of a part as they begin ("start") and end ("end"), unpacked piece by piece."""
    parser: Any = ElementTree.XMLPullParser(["start", "end"])
    prolog: bytes | None = b""  # what stands before the first element: the only place for a document type
    with archive.open(part) as stream:
        while piece := _piece(stream, budget):
            if prolog is not None:
                prolog += piece
                if b"<!DOCTYPE" in prolog or b"\x00" in prolog:  # zero bytes: UTF-16, which would hide it
                    raise WorkbookError("holds XML with a document type, which no spreadsheet program writes")
            parser.feed(piece)
            for event, element in parser.read_events():
                prolog = None
                yield event, element


def _piece(stream: IO[bytes], budget: _Budget) -> bytes:
    piece = stream.read(_CHUNK)
    budget.take(len(piece))
    return piece


def _tag(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _attribute(element: ElementTree.Element, name: str) -> str:
    """An attribute by its local name, whatever its namespace."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def _sheet_parts(archive: zipfile.ZipFile, budget: _Budget) -> Iterator[tuple[str, str, bool]]:
    """Each sheet's name, the part that holds it, and whether it is hidden."""
    targets = {
        _attribute(element, "Id"): _attribute(element, "Target")
        for event, element in _events(archive, "xl/_rels/workbook.xml.rels", budget)
        if event == "end" and _tag(element) == "Relationship"
    }
    for event, element in _events(archive, "xl/workbook.xml", budget):
        if event == "end" and _tag(element) == "sheet":
            target = targets.get(_attribute(element, "id"), "")
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            if part in archive.NameToInfo and "worksheets/" in part:
                yield element.get("name", ""), part, element.get("state", "visible") != "visible"


def _cells(archive: zipfile.ZipFile, part: str, budget: _Budget) -> Iterator[tuple[int, int, str, str]]:
    """(row from 1, column from 0, kind, value) of the cells in the first rows of a sheet."""
    row = column = 0
    for event, element in _events(archive, part, budget):
        tag = _tag(element)
        if event == "start" and tag == "row":
            row, column = int(element.get("r") or row + 1), -1
            if row > ROWS:
                return
        elif event == "end" and tag == "c":
            found = _REFERENCE.fullmatch(element.get("r") or "")
            column = _column(found.group(1)) if found else column + 1
            yield row, column, element.get("t", "n"), _value(element)
            element.clear()


def _value(cell: ElementTree.Element) -> str:
    """The text of a cell: its value, or all the runs of an inline string."""
    return "".join(part.text or "" for part in cell.iter() if _tag(part) in ("v", "t"))


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _shared_texts(archive: zipfile.ZipFile, wanted: set[int], budget: _Budget) -> dict[int, str]:
    """The shared strings of these numbers; the part is read no further than the last of them."""
    texts: dict[int, str] = {}
    if not wanted or "xl/sharedStrings.xml" not in archive.NameToInfo:
        return texts
    last, number = max(wanted), 0
    for event, element in _events(archive, "xl/sharedStrings.xml", budget):
        if event == "end" and _tag(element) == "si":
            if number in wanted:
                texts[number] = "".join(part.text or "" for part in element.iter() if _tag(part) == "t")
            element.clear()
            number += 1
            if number > last:
                break
    return texts
