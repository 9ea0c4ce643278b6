"""Reading Athena's own statements word by word, with the place of each word.

Plain queries go to the engine untouched and are not read beyond their first words. Statements of Athena's Hive side
(CREATE EXTERNAL TABLE, MSCK, ...) are read here; there a double quote makes a string and a backquote an identifier.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sandbox.athena.errors import InvalidRequest

Item = TypeVar("Item")

_REST = r"""
      | (?P<back>`(?:[^`]|``)*`)
      | (?P<word>[A-Za-z_][A-Za-z0-9_$]*)
      | (?P<number>[0-9]+(?:\.[0-9]+)?)
      | (?P<mark>.)"""
_SPACE = r"(?P<space>\s+|--[^\n]*|/\*.*?\*/)"
# The engine's SQL: a backslash is a character like others, a double quote makes an identifier.
_QUERY = re.compile(
    _SPACE + r"""| (?P<string>'(?:[^']|'')*') | (?P<double>"(?:[^"]|"")*")""" + _REST, re.VERBOSE | re.DOTALL
)
# Hive's: a backslash escapes, a double quote makes a string.
_HIVE = re.compile(
    _SPACE + r"""| (?P<string>'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*")""" + _REST, re.VERBOSE | re.DOTALL
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


@dataclass(frozen=True)
class Token:
    """One word: its kind (string, double, back, word, number, mark), its text as written, and where it stands."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def lower(self) -> str:
        """The word in lower case."""
        return self.text.lower()


def tokens(sql: str, hive: bool = False) -> list[Token]:
    """All words of a statement, without comments and blanks. Anything at all can be read."""
    pattern = _HIVE if hive else _QUERY
    found = (Token(str(m.lastgroup), m.group(), m.start(), m.end()) for m in pattern.finditer(sql))
    return [token for token in found if token.kind != "space"]


def one_statement(sql: str) -> str:
    """The statement without the semicolon that may end it. Raises InvalidRequest for none or for two."""
    words = tokens(sql)
    marks = [token for token in words if token.text == ";"]
    if marks and marks[0] is not words[-1]:
        raise InvalidRequest("Only one sql statement is allowed. Got: " + sql, athena_code="MALFORMED_QUERY")
    text = sql[: marks[0].start] if marks else sql
    if not text.strip() or len(words) == len(marks):
        raise InvalidRequest("Query string is empty or contains only comments", athena_code="MALFORMED_QUERY")
    return text


class Cursor:
    """A place between the words of `sql`; each method reads on or leaves the place as it was."""

    def __init__(self, sql: str, hive: bool = True) -> None:
        self.sql = sql
        self.tokens = tokens(sql, hive)
        self.at = 0

    @property
    def next(self) -> Token | None:
        """The word that follows, None at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, *words: str) -> bool:
        """Read these bare words or marks, all or none."""
        ahead = self.tokens[self.at : self.at + len(words)]
        if len(ahead) != len(words) or any(
            t.kind not in ("word", "mark") or t.lower != w for t, w in zip(ahead, words, strict=True)
        ):
            return False
        self.at += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Read these words. Raises InvalidRequest when something else stands there."""
        if not self.take(*words):
            raise self.wrong(" ".join(words).upper())

    def end(self) -> None:
        """Raises InvalidRequest when words are left."""
        if self.next is not None:
            raise self.wrong("<EOF>")

    def name(self) -> str:
        """An identifier, bare or quoted, in lower case as the catalog keeps it."""
        token = self.next
        if token is None or token.kind not in ("word", "back", "double"):
            raise self.wrong("an identifier")
        self.at += 1
        return (token.text if token.kind == "word" else token.text[1:-1]).lower()

    def names(self, most: int = 3) -> list[str]:
        """A dotted name of at most `most` parts."""
        parts = [self.name()]
        while self.take("."):
            parts.append(self.name())
        if len(parts) > most:
            raise self.wrong("a shorter name")
        return parts

    def string(self) -> str:
        """A quoted text."""
        token = self.next
        if token is None or token.kind != "string":
            raise self.wrong("a quoted text")
        self.at += 1
        return unquote(token)

    def is_string(self) -> bool:
        """True when a quoted text follows."""
        return self.next is not None and self.next.kind == "string"

    def number(self) -> int:
        """A whole number."""
        token = self.next
        if token is None or token.kind != "number" or "." in token.text:
            raise self.wrong("a number")
        self.at += 1
        return int(token.text)

    def group(self) -> str:
        """The text between the parenthesis that stands here and its partner, which is read too."""
        start = self.next
        self.expect("(")
        depth = 1
        while self.next is not None:
            token = self.next
            self.at += 1
            depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "mark" else 0
            if depth == 0 and start is not None:
                return self.sql[start.end : token.start]
        raise self.wrong("')'")

    def listed(self, item: Callable[[], Item]) -> list[Item]:
        """`( item, item, ... )`."""
        self.expect("(")
        found = [item()]
        while self.take(","):
            found.append(item())
        self.expect(")")
        return found

    def properties(self) -> dict[str, str]:
        """`( 'key' = 'value', ... )`."""
        return dict(self.listed(self._property))

    def _property(self) -> tuple[str, str]:
        key = self.string() if self.is_string() else ".".join(self.names(9))
        self.expect("=")
        token = self.next
        if token is not None and token.kind in ("number", "word"):
            self.at += 1
            return key, token.text
        return key, self.string()

    def rest(self) -> str:
        """Everything from here on, unread."""
        return "" if self.next is None else self.sql[self.next.start :]

    def wrong(self, wanted: str) -> InvalidRequest:
        """The error for what stands here, with its line and column, as the engine words it."""
        token = self.next
        place = token.start if token else len(self.sql.rstrip())
        found = f"'{token.text}'" if token else "'<EOF>'"
        text = f"line {line_and_column(self.sql, place)}: mismatched input {found}. Expecting: {wanted}"
        return InvalidRequest(text, athena_code="MALFORMED_QUERY")


def line_and_column(sql: str, place: int) -> str:
    """A place in the text as `line:column`, both from 1."""
    return f"{sql.count(chr(10), 0, place) + 1}:{place - sql.rfind(chr(10), 0, place)}"


def unquote(token: Token) -> str:
    """The text of a string in Hive's spelling: doubled quotes and backslashes."""
    inner = token.text[1:-1].replace(token.text[0] * 2, token.text[0])
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), inner, flags=re.DOTALL)


def literal(text: str) -> str:
    """`text` as an SQL string for the engine."""
    return "'" + text.replace("'", "''") + "'"


def quoted(*parts: str) -> str:
    """A dotted identifier for the engine, every part quoted."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def words(sql: str, count: int = 4) -> Sequence[str]:
    """The first bare words, in lower case, up to the first thing that is none."""
    found: list[str] = []
    for token in tokens(sql):
        if token.kind != "word" or len(found) == count:
            break
        found.append(token.lower)
    return found


def after(head: str, sql: str, start: int) -> tuple[str, int]:
    """`head`, and `sql` from `start` on, on a line of its own at its old column; by how many lines it moved down."""
    line = sql.count("\n", 0, start) + 1
    column = start - (sql.rfind("\n", 0, start) + 1)
    return f"{head}\n{' ' * column}{sql[start:]}", 2 - line
