"""Names of tables in a query, found without reading the whole grammar: what the engine has there and Athena has not."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.athena.errors import USER, AthenaError, QueryFailed
from sandbox.athena.sqltext import Token, line_and_column, tokens
from sandbox.athena.trino import ICEBERG_CATALOG, UNLOAD_CATALOG

_ENGINE_CATALOGS = (ICEBERG_CATALOG, UNLOAD_CATALOG, "system")
# Metadata tables that the engine has and Athena's documentation does not name.
_ENGINE_METADATA = ("all_entries", "all_manifests", "entries", "metadata_log_entries", "properties")
_BEFORE = ("from", "join", "into", "update", "table", "using")
_CLAUSES = ("select", "where", "on", "group", "having", "order", "limit", "offset", "set", "values", "when", "window")
_NAME = ("word", "double")


def names(sql: str) -> Iterator[list[Token]]:
    """The dotted names that stand where a table stands, as their parts."""
    found = tokens(sql)
    # One entry an open parenthesis: whether a table may stand here, and whether it holds a function's arguments.
    tables, arguments = [False], [False]
    before: Token | None = None
    at = 0
    while at < len(found):
        token = found[at]
        word = token.lower if token.kind == "word" else ""
        if token.text == "(":
            is_call = (
                before is not None and before.kind in _NAME and before.lower not in (*_BEFORE, *_CLAUSES, "in", "as")
            )
            tables.append(tables[-1] and not is_call)
            arguments.append(is_call)
        elif token.text == ")" and len(tables) > 1:
            tables.pop()
            arguments.pop()
        elif word in _CLAUSES:
            tables[-1] = False
            arguments[-1] = arguments[-1] and word != "select"
        elif word in _BEFORE:
            tables[-1] = not arguments[-1]
        elif (
            tables[-1]
            and token.kind in _NAME
            and before is not None
            and (before.text in ("(", ",") or before.lower in _BEFORE)
        ):
            parts = [token]
            while at + 2 < len(found) and found[at + 1].text == "." and found[at + 2].kind in _NAME:
                at += 2
                parts.append(found[at])
            yield parts
        before = found[at]
        at += 1


def hide_engine(sql: str) -> None:
    """A table that only the engine has is not found. Raises QueryFailed."""
    for parts in names(sql):
        spelled = [part.text.strip('"').lower() for part in parts]
        place = line_and_column(sql, parts[0].start)
        if len(parts) == 3 and spelled[0] in _ENGINE_CATALOGS:
            raise _missing("CATALOG_NOT_FOUND", 1006, place, f"Catalog '{spelled[0]}' does not exist")
        if spelled[-1].partition("$")[2] in _ENGINE_METADATA:
            name = ".".join(spelled if len(spelled) == 3 else ["awsdatacatalog", *spelled])
            raise _missing("TABLE_NOT_FOUND", 1301, place, f"Table '{name}' does not exist")


def _missing(code: str, number: int, place: str, what: str) -> QueryFailed:
    return QueryFailed(AthenaError(USER, number, f"{code}: line {place}: {what}"))
