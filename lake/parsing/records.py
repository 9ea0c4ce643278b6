"""The one shape in which records leave the parser, whatever the file was.

A data record carries its number, its text as it came and the text of each field (trimmed; null where the file has no
such column). Records that no parser can split carry a note instead. Each file ends in one record of kind END or ERROR:
a file without one was not read to its end, and its run must not go on.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ROW, BAD, END, ERROR = range(4)

# file: position in the batch's list of files. source_row: 1 = the first record after the header.
# blank: on END, how many records held nothing. note: on BAD and ERROR, what is wrong, in words.
# odd: whether the record's text holds UNUSUAL characters, of which some value may have to be freed.
# unmapped: what stood in columns that no field takes, by their names; null where there was nothing.
FRAME = (
    ("file", pa.int32()),
    ("kind", pa.int8()),
    ("source_row", pa.int64()),
    ("raw_row", pa.string()),
    ("note", pa.string()),
    ("blank", pa.int64()),
    ("odd", pa.bool_()),
    ("unmapped", pa.map_(pa.string(), pa.string())),
)
FRAME_DDL = (
    "file int, kind tinyint, source_row bigint, raw_row string, note string, blank bigint, odd boolean, "
    "unmapped map<string,string>"
)
UNREADABLE = "\ufdd0"  # no character: stands for bytes that mean nothing in a file's encoding
RAW = "raw_"  # a field's text travels as raw_<field>
# Characters that are not what they seem (see lake/silver/text.py), in RE2's words. Asked here, of a block of texts at
# once: Spark, row by row, took a third of the reading's time for it.
UNUSUAL = (
    r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\xA0\x{00AD}\x{0370}-\x{052F}\x{0660}-\x{0669}\x{06F0}-\x{06F9}\x{1680}\x{180E}"
    r"\x{2000}-\x{2015}\x{2028}-\x{202F}\x{205F}-\x{206F}\x{2212}\x{3000}\x{FE63}\x{FEFF}\x{FF01}-\x{FF5E}]"
)


@dataclass(frozen=True)
class Shape:
    """What the columns of one file mean: its fields by position, out of all fields of the contract."""

    file: int
    fields: tuple[str, ...]  # every field of the contract, in order
    positions: tuple[int | None, ...]  # where the file has it
    header: tuple[str, ...]  # the file's own header texts, trimmed, by position
    delimiter: str

    @property
    def width(self) -> int:
        return len(self.header)

    @property
    def extras(self) -> tuple[tuple[int, str], ...]:
        """Columns that no field takes: position and a name of its own, also for the nameless and the repeated."""
        taken, names = {at for at in self.positions if at is not None}, set[str]()
        found = []
        for at, header in enumerate(self.header):
            if at not in taken:
                name = header or f"column {at + 1}"
                name = name if name not in names else f"{name} (column {at + 1})"
                names.add(name)
                found.append((at, name))
        return tuple(found)

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([*FRAME, *((RAW + field, pa.string()) for field in self.fields)])


class Counter:
    """Numbers records and keeps what is told about a file as a whole at its end."""

    def __init__(self) -> None:
        self.blank = 0
        self.next = 1
        self.broken = False  # whether UNREADABLE stands somewhere in the text so far
        self.remark: str | None = None  # how the file was read, where that is worth a word

    def numbers(self, count: int, elsewhere: Sequence[int]) -> pa.Array:
        """The next `count` record numbers, leaving out those that went `elsewhere` (sorted, not below the next)."""
        if not elsewhere or elsewhere[0] >= self.next + count:
            found = range(self.next, self.next + count)
            self.next += count
            return pa.array(found, pa.int64())
        taken = set(elsewhere)
        numbers: list[int] = []
        while len(numbers) < count:
            if self.next not in taken:
                numbers.append(self.next)
            self.next += 1
        return pa.array(numbers, pa.int64())


def rows(
    shape: Shape,
    columns: Sequence[pa.Array],
    numbers: pa.Array,
    raw: pa.Array,
    counter: Counter,
    unmapped: pa.Array | None = None,
) -> pa.RecordBatch:
    """Data records, without blank ones (counted) and repeated headers (left out).

    `unmapped` is given where records hold more than columns say.
    """
    trimmed = [pc.utf8_trim_whitespace(column) for column in columns]
    keep = None
    blank = _all_equal(trimmed, [""] * len(trimmed))
    if blank is not None:
        counter.blank += pc.sum(blank).as_py()
        keep = pc.invert(blank)
    named = [position for position in shape.positions if position is not None]
    repeated = _all_equal([trimmed[at] for at in named], [shape.header[at] for at in named])
    if repeated is not None:
        keep = pc.invert(repeated) if keep is None else pc.and_(keep, pc.invert(repeated))
    size = len(numbers)
    nothing = pa.nulls(size, pa.string())
    batch = pa.record_batch(
        [
            pa.repeat(pa.scalar(shape.file, pa.int32()), size),
            pa.repeat(pa.scalar(ROW, pa.int8()), size),
            numbers,
            raw,
            nothing,
            pa.nulls(size, pa.int64()),
            pc.fill_null(pc.match_substring_regex(raw, UNUSUAL), False),
            _unmapped(shape, trimmed, size) if unmapped is None else unmapped,
            *(nothing if at is None else trimmed[at] for at in shape.positions),
        ],
        schema=shape.schema,
    )
    return batch if keep is None else batch.filter(keep)


def _unmapped(shape: Shape, trimmed: Sequence[pa.Array], size: int) -> pa.Array:
    """A map a record: what stands in the columns that no field takes, empty cells left out."""
    kind = pa.map_(pa.string(), pa.string())
    filled = [(name, pc.not_equal(trimmed[at], "")) for at, name in shape.extras]
    held = [(at, name, mask) for (at, name), (_, mask) in zip(shape.extras, filled) if pc.any(mask).as_py()]
    if not held:
        return pa.nulls(size, kind)
    # Column by column one behind the other, then put into the order of the records.
    width = len(held)
    order = np.arange(width * size).reshape(width, size).T.ravel()
    there = np.stack([mask.to_numpy(zero_copy_only=False) for _, _, mask in held], axis=1)
    order = pa.array(order[there.ravel()])
    items = pa.concat_arrays([_whole(trimmed[at]) for at, _, _ in held]).take(order)
    keys = pa.array(np.repeat(np.array([name for _, name, _ in held], dtype=object), size)).take(order)
    counts = there.sum(axis=1)
    ends = np.concatenate([[0], counts.cumsum()]).astype(np.int32)
    maps = pa.MapArray.from_arrays(pa.array(ends), keys.cast(pa.string()), items)
    return pc.if_else(pa.array(counts > 0), maps, pa.scalar(None, kind)) if (counts == 0).any() else maps


def _whole(column: pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def single(
    shape: Shape,
    kind: int,
    number: int | None = None,
    raw: str | None = None,
    note: str | None = None,
    blank: int | None = None,
) -> pa.RecordBatch:
    """One record that is not split into fields: a bad row, or the end of a file."""
    values = [shape.file, kind, number, raw, note, blank, False, None, *([None] * len(shape.fields))]
    return pa.record_batch(
        [pa.array([value], field.type) for value, field in zip(values, shape.schema)], schema=shape.schema
    )


def without_unreadable(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with the records marked bad that hold UNREADABLE; people see U+FFFD in its place."""
    raw = batch.column("raw_row")
    found = pc.fill_null(pc.match_substring(raw, UNREADABLE), False)
    if not pc.any(found).as_py():
        return batch
    kind, note = batch.column("kind"), batch.column("note")
    values = {
        "kind": pc.if_else(pc.and_(found, pc.equal(kind, ROW)), pa.scalar(BAD, pa.int8()), kind),
        "note": pc.if_else(
            pc.and_(found, pc.is_null(note)), "holds bytes that are no character in the encoding of the file", note
        ),
        "raw_row": pc.replace_substring(raw, UNREADABLE, "\ufffd"),
    }
    return pa.record_batch([values.get(name, batch.column(name)) for name in batch.schema.names], schema=batch.schema)


def _all_equal(columns: Sequence[pa.Array], texts: Sequence[str]) -> pa.Array | None:
    """Where every column equals its text; None when nowhere. Stops at the first column that rules all rows out."""
    mask = None
    for column, text in zip(columns, texts):
        equal = pc.equal(column, text)
        mask = equal if mask is None else pc.and_(mask, equal)
        if not pc.any(mask).as_py():
            return None
    return mask


def join(columns: Sequence[pa.Array], delimiter: str, quoted: bool) -> pa.Array:
    """The records as text again. `quoted`: some value may hold a quote, a newline or the delimiter."""
    if quoted:
        columns = [_quote(column, delimiter) for column in columns]
    return pc.binary_join_element_wise(*columns, delimiter)


def _quote(column: pa.Array, delimiter: str) -> pa.Array:
    needs = None
    for text in ('"', delimiter, "\n", "\r"):
        found = pc.match_substring(column, text)
        needs = found if needs is None else pc.or_(needs, found)
    if not pc.any(needs).as_py():
        return column
    doubled = pc.replace_substring(column, '"', '""')
    return pc.if_else(needs, pc.binary_join_element_wise('"', doubled, '"', ""), column)


def as_text(values: Sequence[str], delimiter: str) -> str:
    """One record as text, quoted where needed."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="").writerow(values)
    return out.getvalue()


def batches_of_lists(
    shape: Shape, records: Iterator[tuple[int, list[str]]], counter: Counter, size: int = 10_000
) -> Iterator[pa.RecordBatch]:
    """Record batches from records that a Python reader gives as (number, values of the file's width)."""
    numbers: list[int] = []
    values: list[list[str]] = []

    def flush() -> pa.RecordBatch:
        columns = [pa.array([row[at] for row in values], pa.string()) for at in range(shape.width)]
        raw = pa.array([as_text(row, shape.delimiter) for row in values], pa.string())
        return rows(shape, columns, pa.array(numbers, pa.int64()), raw, counter)

    for number, row in records:
        numbers.append(number)
        values.append(row)
        if len(values) >= size:
            yield flush()
            numbers, values = [], []
    if values:
        yield flush()


def batches_of_texts(
    shape: Shape, records: Iterator[tuple[int, str, list[str], dict[str, str]]], counter: Counter, size: int = 10_000
) -> Iterator[pa.RecordBatch]:
    """Record batches from records that carry a text of their own: (number, text, values, unmapped)."""
    held: list[tuple[int, str, list[str], dict[str, str]]] = []

    def flush() -> pa.RecordBatch:
        columns = [pa.array([values[at] for _, _, values, _ in held], pa.string()) for at in range(shape.width)]
        more = pa.array([list(unmapped.items()) or None for *_, unmapped in held], pa.map_(pa.string(), pa.string()))
        raw = pa.array([text for _, text, _, _ in held], pa.string())
        numbers = pa.array([number for number, *_ in held], pa.int64())
        return rows(shape, columns, numbers, raw, counter, more)

    for record in records:
        held.append(record)
        if len(held) >= size:
            yield flush()
            held = []
    if held:
        yield flush()
