"""JSON as text that arrives piece by piece: where its records are, and each of them as it was written.

Records are the objects of a sequence (one a line or not), of an array, or of an array inside an object; which of them
is told by a path: None for a sequence, otherwise the keys that lead to the array. Only the record at hand is in memory.
Numbers keep their writing: 29.00 stays '29.00'.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Path = tuple[str, ...]

LONGEST = 4 << 20  # characters of one record
DEEPEST = 3  # objects around the array of records
_SPACE = re.compile(r"[ \t\r\n\ufeff]*")
_MARKS = re.compile(r'[{}\[\]]|"(?:[^"\\]|\\.)*"|"', re.DOTALL)
_START = re.compile(r"[\s\ufeff]*[\[{]")


class JsonError(Exception):
    """The text cannot be read on as JSON; the message completes the sentence 'it ...'."""


class UnfinishedError(JsonError):
    """The text ends in the middle of a value."""


class TwiceError(ValueError):
    """An object that has a key twice: nobody can tell which value counts."""


@dataclass(frozen=True)
class Element:
    """One value of a sequence or array: its text as written, and the value, or why there is none."""

    text: str
    value: Any
    wrong: str | None = None


def looks_like_json(text: str) -> bool:
    """Whether a text begins as a JSON object or array does."""
    return bool(_START.match(text))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise TwiceError(next(name for name in names if names.count(name) > 1))
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=str, parse_int=str, parse_constant=str)


def parse(text: str) -> Element:
    """A whole text as one value."""
    body = text.strip(" \t\r\n\ufeff")
    try:
        value, end = _DECODER.raw_decode(body)
    except (ValueError, RecursionError) as error:
        return Element(body, None, _why(error))
    if end < len(body):
        return Element(body, None, "goes on after its end")
    return Element(body, value)


def _why(error: Exception) -> str:
    if isinstance(error, TwiceError):
        return f"has the key '{error}' twice"
    if isinstance(error, RecursionError):
        return "is nested too deep"
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON ({error.msg} at character {error.pos + 1})"
    return "is not JSON"


class Scanner:
    """A place in a text whose pieces `more` gives; an empty piece is the end."""

    def __init__(self, more: Callable[[], str]) -> None:
        self._more = more
        self._text = ""
        self._at = 0
        self._ended = False

    @classmethod
    def over(cls, text: str) -> Scanner:
        """A scanner of a text that is all there."""
        pieces = iter([text])
        return cls(lambda: next(pieces, ""))

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._fill():
                return ""

    def take(self, wanted: str) -> bool:
        """Goes past a character if it is the next one."""
        found = self.peek() == wanted
        self._at += found
        return found

    def expect(self, *wanted: str) -> str:
        """Goes past the next character, one of these. Raises JsonError."""
        found = self.peek()
        if not found:
            raise UnfinishedError("ends too early: it was cut short")
        if found not in wanted:
            raise JsonError(f"is not JSON: {' or '.join(wanted)} was expected where '{found}' stands")
        self._at += 1
        return found

    def value(self) -> Element:
        """The next value. One that is spoilt but whose end can be told is an element with a reason."""
        if not self.peek():
            raise UnfinishedError("ends too early: it was cut short")
        while True:
            wrong, end = None, -1
            value: Any = None
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                wrong, end = _why(error), self._end_by_brackets()
            if end >= 0 and (end < len(self._text) or self._text[end - 1] in '}]"' or self._ended):
                text = self._text[self._at : end]
                self._at = end
                return Element(text, value, wrong)
            if len(self._text) - self._at > LONGEST:
                raise JsonError("has a record that does not end: a quote or a bracket in it is never closed")
            if not self._fill():
                if end >= 0:
                    continue
                if self._text[self._at] in '{["':
                    raise UnfinishedError("ends in the middle of a record: it was cut short")
                raise JsonError(f"is not JSON: no value begins with '{self._text[self._at]}'")

    def _end_by_brackets(self) -> int:
        """Where the value ends, by its brackets alone; -1 when it does not, or is no object or array."""
        if self._text[self._at] not in "{[":
            return -1
        depth = 0
        for found in _MARKS.finditer(self._text, self._at):
            mark = found.group()
            if mark == '"':
                return -1  # a string without an end
            depth += (mark in "{[") - (mark in "}]")
            if depth == 0:
                return found.end()
        return -1

    def _fill(self) -> bool:
        piece = "" if self._ended else self._more()
        self._ended = self._ended or not piece
        self._text, self._at = self._text[self._at :] + piece, 0
        return bool(piece)


def elements(scanner: Scanner, path: Path | None) -> Iterator[Element]:
    """The values of a sequence, or of the array at a path. Raises JsonError where the text cannot be read on."""
    if path is None:
        while scanner.peek():
            yield scanner.value()
        return
    while True:
        yield from _within(scanner, path)
        if not scanner.peek():
            return
        if path:  # an array may be followed by further ones, as tools write them that append; an object may not
            raise JsonError("goes on after its end: several documents in one file")


def _within(scanner: Scanner, path: Path) -> Iterator[Element]:
    if not path:
        scanner.expect("[")
        while not scanner.take("]"):
            yield scanner.value()
            if scanner.expect(",", "]") == "]":
                return
        return
    scanner.expect("{")
    found = False
    while not scanner.take("}"):
        key = scanner.value()
        scanner.expect(":")
        if key.value == path[0] and not found:
            found = True
            yield from _within(scanner, path[1:])
        else:
            scanner.value()
        if scanner.expect(",", "}") == "}":
            break
    if not found:
        raise JsonError(f"has no '{path[0]}' any more")


def arrays(text: str) -> list[Path]:
    """The paths of the arrays of objects that a text (perhaps only its beginning) holds, outermost first."""
    found: list[Path] = []
    try:
        _arrays(Scanner.over(text), (), found)
    except JsonError:
        return found  # the text goes on, or is spoilt further on
    return found


def _arrays(scanner: Scanner, path: Path, found: list[Path]) -> None:
    if scanner.peek() == "[":
        scanner.expect("[")
        if scanner.peek() == "{":
            found.append(path)
        while not scanner.take("]"):
            scanner.value()
            if scanner.expect(",", "]") == "]":
                return
    elif scanner.peek() == "{" and len(path) < DEEPEST:
        scanner.expect("{")
        while not scanner.take("}"):
            key = scanner.value().value
            scanner.expect(":")
            _arrays(scanner, (*path, str(key)), found)
            if scanner.expect(",", "}") == "}":
                return
    else:
        scanner.value()
