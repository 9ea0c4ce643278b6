"""Decides the shape of an object: custom classifiers first, then what Glue knows by itself."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.crawler import csv_shape, json_shape
from sandbox.crawler.objects import Bucket, Head, Seekable, Thing
from sandbox.crawler.report import CrawlError
from sandbox.crawler.shape import Column, Shape
from sandbox.crawler.types import from_arrow

_BINARY = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"ORC": "ORC",
    b"Obj\x01": "Avro",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
}
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class UnreadableError(Exception):
    """An object that no classifier recognises; says what it seems to be."""


def csv_classifiers(classifiers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The custom classifiers in their order. Raises CrawlError for a kind that is not supported, by its name."""
    found = []
    for entry in classifiers:
        entry = entry.get("Classifier", entry)
        if "CsvClassifier" not in entry:
            kind = next(iter(entry), "empty")
            raise CrawlError(f"The sandbox's crawler has no {kind}: only CsvClassifier can be attached here.")
        found.append(entry["CsvClassifier"])
    return found


def classify(bucket: Bucket, thing: Thing, custom: list[dict[str, Any]]) -> Shape:
    """The object's shape. Raises UnreadableError when nothing recognises it, CrawlError when it may not be read."""
    head = bucket.head(thing)
    if head.content.startswith(b"PAR1"):
        return _parquet(bucket, thing)
    for magic, name in _BINARY.items():
        if head.content.startswith(magic):
            raise UnreadableError(f"it is {name}")
    text = _text(head)
    for classifier in custom:
        if shape := csv_shape.by_classifier(text, classifier, head.compression):
            return _as_stored(shape, head)
    shape = json_shape.built_in(text, head.compression) or csv_shape.built_in(text, head.compression)
    if shape is None:
        raise UnreadableError("no classifier recognises it")
    return _as_stored(shape, head)


def _as_stored(shape: Shape, head: Head) -> Shape:
    """Records are counted in bytes of the stored object, and gzip stores less."""
    ratio = head.stored / len(head.content) if head.content else 1.0
    return Shape(**{**shape.__dict__, "record_bytes": shape.record_bytes * ratio})


def _text(head: Head) -> str:
    """The head as text, up to its last whole line. Raises UnreadableError for bytes that are no text."""
    content = head.content
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    if encoding is None and b"\0" in content:
        raise UnreadableError("it is binary")
    if not head.whole and encoding != "utf-16":
        content = content[: content.rfind(b"\n") + 1] or content
    for name in (encoding or "utf-8", "latin-1"):
        try:
            text = content.decode(name)
        except UnicodeDecodeError as problem:
            # A head can end in the middle of a character; anything earlier means another encoding.
            if problem.start < len(content) - 4:
                continue
            text = content[: problem.start].decode(name)
        if text.strip():
            return text
        break
    raise UnreadableError("it holds no text")


def _parquet(bucket: Bucket, thing: Thing) -> Shape:
    """The schema and the number of records stand in the footer; nothing else is read."""
    try:
        metadata = pq.read_metadata(pa.PythonFile(Seekable(bucket, thing), mode="r"))
    except (pa.ArrowException, OSError) as problem:
        raise UnreadableError(f"its Parquet footer is damaged ({str(problem).splitlines()[0]})") from problem
    schema = metadata.schema.to_arrow_schema()
    return Shape(
        classification="parquet",
        columns=tuple(Column(entry.name.lower(), from_arrow(entry.type)) for entry in schema),
        serde="org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        input_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        output_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        serde_parameters={"serialization.format": "1"},
        parameters={"compressionType": "none"},
        record_bytes=thing.size / max(metadata.num_rows, 1),
    )
