"""Excel workbooks: one sheet, read row by row, its cells as the texts a csv export would hold."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from lake.manifest import FileFacts
from lake.parsing.csvfile import shape_of
from lake.parsing.records import Counter, batches_of_lists
from lake.parsing.source import DamagedFile
from lake.parsing.streams import gunzip

IN_MEMORY = 32 << 20  # larger workbooks wait on disk: the format has to be read from its end


def read_sheet(
    body: BinaryIO, facts: FileFacts, file: int, fields: tuple[str, ...], kinds: dict[str, str], counter: Counter
) -> Iterator[pa.RecordBatch]:
    """The records of the sheet that the facts name. `kinds` (field -> logical type) says what an Excel moment means."""
    import openpyxl

    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as copy:
        shutil.copyfileobj(gunzip(body) if facts.compression == "gzip" else body, copy)
        copy.seek(0)
        try:
            book = openpyxl.load_workbook(copy, read_only=True, data_only=True)
            sheet = book[facts.sheet] if facts.sheet else book.worksheets[0]
            # The size that a workbook states about itself is often wrong; the rows say how wide they are.
            sheet.reset_dimensions()
            cells = sheet.iter_rows(values_only=True)
            header: list[str] = []
            for _ in range(facts.header_rows):
                header = [cell_text(cell, "") for cell in next(cells, ())]
            while header and not header[-1].strip():
                header.pop()
            shape = shape_of(file, fields, facts, header)
            by_position = {at: kinds[field] for field, at in zip(shape.fields, shape.positions) if at is not None}
            records = (
                (number, [cell_text(cell, by_position.get(at, "")) for at, cell in enumerate(_wide(row, shape.width))])
                for number, row in enumerate(cells, start=1)
            )
            yield from batches_of_lists(shape, records, counter)
        except DamagedFile:
            raise
        except Exception as error:
            # openpyxl lets whatever XML, zip and its own surprise raise come through. The bytes are here already, so it
            # is the workbook that is at fault, and not the store.
            raise DamagedFile(f"the workbook is damaged or cannot be read: {error}") from error


def _wide(row: tuple[Any, ...], width: int) -> tuple[Any, ...]:
    return (*row, *([None] * (width - len(row))))[:width]


def cell_text(cell: Any, kind: str) -> str:
    """A cell as text: whole numbers without a fraction, dates and times as ISO writes them."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, dt.datetime):
        if kind == "time":
            return cell.time().isoformat("seconds")
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(" ", "seconds")
    if isinstance(cell, dt.date):
        return cell.isoformat()
    if isinstance(cell, dt.timedelta):  # hours beyond a day, in the format [h]:mm:ss
        seconds = round(cell.total_seconds())
        sign, seconds = "-" if seconds < 0 else "", abs(seconds)
        return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    if isinstance(cell, dt.time):
        return cell.isoformat("seconds")
    return str(cell)
