"""ExecutionParameters: what Athena makes of the texts that a client gives for the question marks.

A text that is an expression is taken as one: `'abc'`, `1 + 1`, `DATE '2020-01-01'`. Anything else, and what names a
column, is a text value: `abc def`, `it's`, `Midrand`.
"""

from __future__ import annotations

import re

from sandbox.athena.client import Engine
from sandbox.athena.errors import EngineError
from sandbox.athena.sqltext import literal, tokens

_PLAIN = re.compile(r"-?\d+(\.\d+)?|(?:(?:date|timestamp|time|decimal|double|real)\s+)?'(?:[^']|'')*'", re.IGNORECASE)
_NO_EXPRESSION = ("SYNTAX_ERROR", "COLUMN_NOT_FOUND")


def placeholders(sql: str) -> int:
    """How many question marks wait for a value."""
    return sum(token.text == "?" for token in tokens(sql))


def classified(engine: Engine, user: str, values: list[str]) -> list[str]:
    """The values as SQL. Asks the engine about those that are no plain literal."""
    return [value if _PLAIN.fullmatch(value.strip()) else _read(engine, user, value) for value in values]


def _read(engine: Engine, user: str, value: str) -> str:
    # In parentheses and on a line of its own, so that commas and comments in it stay its own.
    return f"(\n{value}\n)" if _is_expression(engine, user, value) else literal(value)


def _is_expression(engine: Engine, user: str, value: str) -> bool:
    try:
        engine.rows(f"EXPLAIN (TYPE VALIDATE) SELECT (\n{value}\n)", user)
    except EngineError as error:
        return error.name not in _NO_EXPRESSION
    return True
