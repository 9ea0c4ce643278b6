"""JSON: a record a line, records one after another, or one array of records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sandbox.crawler.shape import JSON_SERDE, Column, Shape
from sandbox.crawler.types import Array, Struct, Type, widen

_RECORDS = 1000


def built_in(text: str, compression: str) -> Shape | None:
    """The shape of JSON text, of which only the head may be there; None when it is not JSON."""
    start = text.lstrip()
    if start.startswith("["):
        # Glue reads an array as one record with one column of that name.
        elements = list(_values(start, 1))
        if not elements:
            return None
        element: Type | None = None
        for value, _ in elements:
            element = widen(element, _type(value))
        return _shape((Column("array", Array(element)),), len(text.encode()), compression)
    found = list(_values(start, 0))
    records = [value for value, _ in found if isinstance(value, dict)]
    if not start.startswith("{") or not records:
        return None
    kinds: dict[str, Type | None] = {}
    for record in records:
        for name, value in record.items():
            kinds[name.lower()] = widen(kinds.get(name.lower()), _type(value))
    columns = tuple(Column(name, kind) for name, kind in kinds.items())
    return _shape(columns, len(start[: found[-1][1]].encode()) / len(found), compression)


def _shape(columns: tuple[Column, ...], record_bytes: float, compression: str) -> Shape:
    return Shape(
        classification="json",
        columns=columns,
        serde=JSON_SERDE,
        parameters={"compressionType": compression},
        record_bytes=record_bytes,
    )


def _values(text: str, position: int) -> Iterator[tuple[Any, int]]:
    """The values from that position on, each with where it ends, until the text ends, also in the middle of one."""
    decoder = json.JSONDecoder()
    for _ in range(_RECORDS):
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        try:
            value, position = decoder.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError):
            return
        yield value, position


def _type(value: Any) -> Type | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "int" if -(2**31) <= value < 2**31 else "bigint"
    if isinstance(value, float):
        return "double"
    if isinstance(value, list):
        element: Type | None = None
        for item in value:
            element = widen(element, _type(item))
        return Array(element)
    if isinstance(value, dict):
        return Struct(tuple((name.lower(), _type(inner)) for name, inner in value.items()))
    return "string"
