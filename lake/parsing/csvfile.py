"""Delimited text, streamed block by block with exact record numbers."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from lake.manifest import FileFacts
from lake.parsing.records import BAD, Counter, Shape, join, rows, single
from lake.parsing.source import DamagedFile
from lake.parsing.streams import TAIL, Watched, split_header, text_stream

BLOCK = 4 << 20  # a record has to fit into one block


def read_csv(
    body: BinaryIO, facts: FileFacts, file: int, fields: tuple[str, ...], counter: Counter
) -> Iterator[pa.RecordBatch]:
    """The records of a delimited file. Raises DamagedFile where the file cannot be read on."""
    header, stream = split_header(
        text_stream(body, facts.compression, facts.encoding, counter), facts.header_rows, facts.quote, facts.delimiter
    )
    shape = shape_of(file, fields, facts, _split(header, facts))
    watched = Watched(stream, facts.quote)
    ragged: list[pacsv.InvalidRow] = []

    def set_aside(row: pacsv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    names = [str(at) for at in range(shape.width)]
    try:
        reader = pacsv.open_csv(
            pa.PythonFile(watched, mode="r"),
            read_options=pacsv.ReadOptions(column_names=names, block_size=BLOCK, use_threads=False),
            parse_options=pacsv.ParseOptions(
                delimiter=facts.delimiter,
                quote_char=facts.quote or False,
                newlines_in_values=bool(facts.quote),
                ignore_empty_lines=False,
                invalid_row_handler=set_aside,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types={name: pa.string() for name in names}, strings_can_be_null=False
            ),
        )
        held: pa.RecordBatch | None = (
            None  # one batch stays behind: the end of the file may speak against its last record
        )
        for batch in reader:
            if held is not None:
                yield from _emit(held, ragged, shape, facts, counter, quoted=watched.seen)
            held = batch
        if held is not None:
            torn = watched.seen and _ends_in_quotes(held, watched.tail, facts)
            whole = held.slice(0, held.num_rows - 1) if torn else held
            yield from _emit(whole, ragged, shape, facts, counter, quoted=watched.seen)
            if torn:
                text = join(held.slice(held.num_rows - 1).columns, facts.delimiter, quoted=True)[0].as_py()
                number = counter.numbers(1, [row.number for row in ragged])[0].as_py()
                yield single(shape, BAD, number=number, raw=text, note="the file ends inside quotes: it was cut short")
    except pa.ArrowInvalid as error:
        if "Empty CSV file" not in str(error):
            raise DamagedFile(_in_words(str(error))) from error
    yield from _ragged(ragged, shape, counter)


def _emit(
    batch: pa.RecordBatch,
    ragged: list[pacsv.InvalidRow],
    shape: Shape,
    facts: FileFacts,
    counter: Counter,
    quoted: bool,
) -> Iterator[pa.RecordBatch]:
    """One block's records, and the ragged ones that stood between them."""
    numbers = counter.numbers(batch.num_rows, [row.number for row in ragged])
    raw = join(batch.columns, facts.delimiter, quoted)
    swallowed = _swallowed(batch, facts.delimiter) if quoted else []
    if swallowed:
        for at in swallowed:
            text = raw[at].as_py()
            note = f"runs over {text.count(chr(10)) + 1} lines and holds other records: a quote in it is never closed"
            yield single(shape, BAD, number=numbers[at].as_py(), raw=text, note=note)
        left = pa.array(sorted(set(range(batch.num_rows)) - set(swallowed)), pa.int64())
        batch, numbers, raw = batch.take(left), numbers.take(left), raw.take(left)
    yield rows(shape, batch.columns, numbers, raw, counter)
    due = [row for row in ragged if row.number < counter.next]
    ragged[:] = ragged[len(due) :]
    yield from _ragged(due, shape, counter)


def _swallowed(batch: pa.RecordBatch, delimiter: str) -> list[int]:
    """Records in which a value goes on over lines that look like records themselves."""
    found: set[int] = set()
    enough = max(batch.num_columns - 1, 2)
    for column in batch.columns:
        lines = pc.match_substring(column, "\n")
        if pc.any(lines).as_py():
            for at in pc.indices_nonzero(lines).to_pylist():
                if any(line.count(delimiter) >= enough for line in column[at].as_py().splitlines()[1:]):
                    found.add(at)
    return sorted(found)


def _ends_in_quotes(batch: pa.RecordBatch, tail: bytes, facts: FileFacts) -> bool:
    """Whether the file ends before the quotes of its last value do: the text's end is the value, all of it."""
    if not batch.num_rows:
        return False
    quote = facts.quote
    value = batch.column(batch.num_columns - 1)[batch.num_rows - 1].as_py()
    if not value:
        return tail.endswith((facts.delimiter + quote).encode())
    end = (quote + value.replace(quote, quote + quote)).encode()[-TAIL:]
    return tail.endswith(end)


def shape_of(file: int, fields: tuple[str, ...], facts: FileFacts, header: list[str]) -> Shape:
    """The file's columns by the facts; facts that speak of a column the header does not have are of another file."""
    found = {column.field: column.index for column in facts.columns}
    if found and max(found.values()) >= len(header):
        raise DamagedFile(f"the header has {len(header)} columns, and column {max(found.values()) + 1} was expected")
    return Shape(
        file=file,
        fields=fields,
        positions=tuple(found.get(field) for field in fields),
        header=tuple(text.strip() for text in header),
        delimiter=facts.delimiter,
    )


def _split(text: str, facts: FileFacts) -> list[str]:
    if facts.quote:
        reader = csv.reader([text], delimiter=facts.delimiter, quotechar=facts.quote)
    else:
        reader = csv.reader([text], delimiter=facts.delimiter, quoting=csv.QUOTE_NONE)
    try:
        return next(reader, [])
    except csv.Error as error:
        raise DamagedFile(f"the header cannot be read ({error}): mend it and drop the file again") from error


def _ragged(ragged: list[pacsv.InvalidRow], shape: Shape, counter: Counter) -> Iterator[pa.RecordBatch]:
    """Records with too many or too few values; those that hold nothing at all are blank, however many they are.

    Not even empty cells too many are forgiven: they may be the trace of a comma inside a value, and then every value
    behind it stands under a wrong name.
    """
    for row in ragged:
        if not row.text.replace(shape.delimiter, "").strip():
            counter.blank += 1
            continue
        note = f"has {row.actual_columns} columns, expected {row.expected_columns}"
        if "\n" in row.text:
            note += f"; it runs over {row.text.count(chr(10)) + 1} lines: a quote in it is never closed"
        yield single(shape, BAD, number=row.number, raw=row.text, note=note)


def _in_words(message: str) -> str:
    """What pyarrow means, for the person who dropped the file."""
    if "straddling" in message:
        return "a quote is never closed, or one record is longer than 4 MB: mend the file and drop it again"
    return f"the file cannot be read as delimited text: {message}"
