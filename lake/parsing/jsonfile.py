"""JSON: the objects of a file, one a line or in an array, read one by one; each keeps its own text.

Whatever is wrong with one object is said of that object; only where nobody can tell where the next one begins does the
file end in damage.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import pyarrow as pa

from lake import jsontext
from lake.headers import normalise
from lake.manifest import FileFacts
from lake.parsing.records import BAD, Counter, Shape, batches_of_texts, single
from lake.parsing.source import DamagedFile
from lake.parsing.streams import BLOCK, Readable, text_stream

_BROKEN = re.compile("[\ud800-\udfff]")
_LINE = 16 << 20  # bytes after which a line without an end is damage


def read_json(
    body: BinaryIO, facts: FileFacts, file: int, fields: tuple[str, ...], known: Mapping[str, str], counter: Counter
) -> Iterator[pa.RecordBatch]:
    """The records of a JSON file. `known`: folded names of columns and the fields they mean, of the whole contract:

    JSON leaves out what is null, so a field may come up first anywhere in the file. Raises DamagedFile.
    """
    stream = text_stream(body, facts.compression, facts.encoding, counter)
    shape = Shape(file, fields, tuple(range(len(fields))), fields, ",")
    meaning = _Meaning(fields, known)
    elements = _lines(stream) if facts.format == "jsonl" else _elements(stream, facts.path)

    def records() -> Iterator[tuple[int, str, list[str], dict[str, str]]]:
        for number, element in enumerate(elements, start=1):
            wrong = element.wrong or _why_not(element)
            values: list[str] = []
            unmapped: dict[str, str] = {}
            if wrong is None:
                wrong = meaning.read(element.value, values, unmapped)
            if wrong is None:
                yield number, element.text, values, unmapped
            else:
                bad.append(single(shape, BAD, number=number, raw=_whole(element.text), note=wrong))

    bad: list[pa.RecordBatch] = []
    try:
        for batch in batches_of_texts(shape, records(), counter):
            yield from bad
            bad.clear()
            yield batch
    except jsontext.JsonError as error:
        raise DamagedFile(f"the file {error}: mend it and drop it again") from error
    yield from bad


class _Meaning:
    """Which field a key means; each spelling is looked up once."""

    def __init__(self, fields: tuple[str, ...], known: Mapping[str, str]) -> None:
        self._places = {field: place for place, field in enumerate(fields)}
        self._known = known
        self._found: dict[str, int | None] = {}

    def read(self, record: Mapping[str, Any], values: list[str], unmapped: dict[str, str]) -> str | None:
        """Fills the values of a record by field, and what else it holds; what is wrong with it, in words."""
        values.extend([""] * len(self._places))
        taken: dict[int, str] = {}
        for key, value in record.items():
            place = self._place(key)
            if place is None:
                if value is not None:
                    unmapped[_whole(key)] = _whole(_text(value))
                continue
            if place in taken:
                return f"has two values for one column: '{taken[place]}' and '{key}'"
            taken[place] = key
            if isinstance(value, (dict, list)):
                return f"'{key}' holds {'an object' if isinstance(value, dict) else 'a list'}, not one value"
            values[place] = _text(value)
        return None

    def _place(self, key: str) -> int | None:
        if key not in self._found:
            field = self._known.get(normalise(key))
            self._found[key] = None if field is None else self._places.get(field)
        return self._found[key]


def _text(value: Any) -> str:
    """A value as a csv export would write it; numbers are texts already, as they were written."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def _why_not(element: jsontext.Element) -> str | None:
    if not isinstance(element.value, dict):
        return "is not a JSON object"
    if "\\ud" in element.text.lower() and _BROKEN.search(json.dumps(element.value, ensure_ascii=False)):
        return "holds half a character"
    return None


def _whole(text: str) -> str:
    """The text without what no text may hold: bytes that could not be decoded, halves of characters."""
    return text if text.isascii() else _BROKEN.sub("\ufffd", text)


def _lines(stream: Readable) -> Iterator[jsontext.Element]:
    """The values of a file with one a line. Blank lines come as empty objects: they are counted as blank."""
    for line in _split(stream):
        text = line.decode("utf-8")
        yield jsontext.parse(text) if text.strip(" \t\r\ufeff") else jsontext.Element(text, {})


def _split(stream: Readable) -> Iterator[bytes]:
    rest = b""
    while block := stream.read(BLOCK):
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
        if len(rest) > _LINE:
            raise DamagedFile("a line is longer than 16 MB: mend the file and drop it again")
    if rest:
        yield rest


def _elements(stream: Readable, path: jsontext.Path | None) -> Iterable[jsontext.Element]:
    decoder = codecs.getincrementaldecoder("utf-8")()

    def more() -> str:
        while block := stream.read(BLOCK):
            text = decoder.decode(block)
            if text:
                return text
        return decoder.decode(b"", final=True)

    return jsontext.elements(jsontext.Scanner(more), path)
