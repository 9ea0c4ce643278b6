"""The columns of a parquet file, from its footer alone.

The format (parquet-format, `FileMetaData` in parquet.thrift): the file ends in the metadata, its length (4 bytes,
little endian) and 'PAR1'; the metadata are a Thrift struct in the compact protocol (thrift-compact-protocol.md).
Lambda has no Arrow, and all that is needed is field 2, the schema: a list of elements with a name (4) and a number of
children (5).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MAGIC = b"PAR1"
ENCRYPTED = b"PARE"
TAIL = 8
LONGEST = 16 << 20  # bytes of metadata
_DEEPEST = 32
_SCHEMA, _NAME, _CHILDREN = 2, 4, 5


class FooterError(Exception):
    """The footer cannot be read; the message completes the sentence 'it ...'."""


def columns(read_range: Callable[[int, int], bytes], size: int) -> list[str]:
    """The names of the top-level columns, in order. Raises FooterError."""
    tail = read_range(max(0, size - TAIL), TAIL)
    if tail[4:] == ENCRYPTED:
        raise FooterError("is encrypted")
    length = int.from_bytes(tail[:4], "little")
    if len(tail) < TAIL or tail[4:] != MAGIC or length + TAIL + len(MAGIC) > size:
        raise FooterError("is cut short or damaged: its footer is missing")
    if length > LONGEST:
        raise FooterError("has a footer larger than 16 MB")
    try:
        schema = _Compact(read_range(size - TAIL - length, length)).struct()[_SCHEMA]
        return _top_level(schema)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise FooterError("is damaged: its footer cannot be read") from error


def _top_level(schema: list[dict[int, Any]]) -> list[str]:
    """The children of the root, which stands first; each is followed by its own children."""
    names = []
    place = 1
    for _ in range(schema[0][_CHILDREN]):
        names.append(schema[place][_NAME].decode("utf-8", "replace"))
        place = _behind(schema, place)
    return names


def _behind(schema: list[dict[int, Any]], place: int) -> int:
    """The place behind an element and everything in it."""
    open_children = 1
    while open_children:
        open_children += schema[place].get(_CHILDREN, 0) - 1
        place += 1
    return place


class _Compact:
    """Thrift's compact protocol, read into plain values: structs as dicts by field number, binary as bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        if depth > _DEEPEST:
            raise ValueError("nested too deep")
        found: dict[int, Any] = {}
        field = 0
        while True:
            head = self._byte()
            if head == 0:
                return found
            step, kind = head >> 4, head & 15
            field = field + step if step else self._zigzag()
            found[field] = self._value(kind, depth)

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (1, 2):  # a boolean field carries its value in its type
            return kind == 1
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._zigzag()
        if kind == 7:
            return self._bytes(8)
        if kind == 8:
            return self._bytes(self._varint())
        if kind in (9, 10):
            return self._list(depth)
        if kind == 12:
            return self.struct(depth + 1)
        raise ValueError(f"type {kind}")  # parquet's metadata have no maps

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        size, kind = head >> 4, head & 15
        if size == 15:
            size = self._varint()
        if size > len(self._data):
            raise ValueError("a list longer than the footer")
        if kind in (1, 2):  # in a list a boolean is a byte
            return [self._byte() == 1 for _ in range(size)]
        return [self._value(kind, depth + 1) for _ in range(size)]

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, length: int) -> bytes:
        self._at += length
        if self._at > len(self._data):
            raise ValueError("a value longer than the footer")
        return self._data[self._at - length : self._at]

    def _varint(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number
            if shift > 70:
                raise ValueError("a number without an end")

    def _zigzag(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)
