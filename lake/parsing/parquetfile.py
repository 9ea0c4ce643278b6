"""Parquet: batches of its columns as the texts a csv export would hold. Its rows have no text of their own."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.manifest import FileFacts
from lake.parsing.csvfile import shape_of
from lake.parsing.records import Counter, join, rows
from lake.parsing.sheet import IN_MEMORY, cell_text
from lake.parsing.source import DamagedFile
from lake.parsing.streams import gunzip

ROWS = 10_000


def read_parquet(
    body: BinaryIO, facts: FileFacts, file: int, fields: tuple[str, ...], kinds: dict[str, str], counter: Counter
) -> Iterator[pa.RecordBatch]:
    """The records of a parquet file. `kinds` (field -> logical type) says what a moment means. Raises DamagedFile."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as copy:
        shutil.copyfileobj(gunzip(body) if facts.compression == "gzip" else body, copy)
        copy.seek(0)
        try:
            table = pq.ParquetFile(pa.PythonFile(copy, mode="r"))
            header = list(table.schema_arrow.names)
            shape = shape_of(file, fields, facts, header)
            by_position = {at: kinds[field] for field, at in zip(shape.fields, shape.positions) if at is not None}
            for batch in table.iter_batches(batch_size=ROWS, use_threads=False):
                columns = [as_texts(column, by_position.get(at, "")) for at, column in enumerate(batch.columns)]
                numbers = counter.numbers(batch.num_rows, ())
                yield rows(shape, columns, numbers, join(columns, shape.delimiter, quoted=True), counter)
        except DamagedFile:
            raise
        except Exception as error:  # whatever a spoilt file makes Arrow raise: its bytes are here already
            raise DamagedFile(f"the parquet file is damaged or cannot be read: {error}") from error


def as_texts(column: pa.Array, kind: str) -> pa.Array:
    """A column as texts; null is empty."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type) or pa.types.is_integer(column.type):
        return pc.fill_null(column.cast(pa.string()), "")
    return pa.array([_text(value, kind) for value in column.to_pylist()], pa.string())


def _text(value: Any, kind: str) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return cell_text(value, kind)
