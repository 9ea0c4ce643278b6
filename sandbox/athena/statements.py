"""From the text of a statement to its plan: which kind it is, who answers it, and what Athena does not have.

What goes to the engine goes untouched wherever possible, so that lines and columns in errors are the user's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from sandbox.athena import alter, ctas, databases, describe, maintenance, partitions, prepared, tables, unload, views
from sandbox.athena.catalog import resolve
from sandbox.athena.errors import USER, AthenaError, InvalidRequest, QueryFailed
from sandbox.athena.rendering import plain_column
from sandbox.athena.run import Run
from sandbox.athena.sqltext import Cursor, after, line_and_column, one_statement, tokens, words
from sandbox.athena.trino import ICEBERG_CATALOG, UNLOAD_CATALOG
from sandbox.athena.work import DML, UTILITY, Outcome, Plan

_QUERIES = ("select", "with", "values", "table")
_CHANGES = ("insert", "delete", "update", "merge")
_ENGINE_CATALOGS = (ICEBERG_CATALOG, UNLOAD_CATALOG, "system")
_BEFORE_TABLE = ("from", "join", "into", "update", "table", "using", ",")
# What the engine knows and Athena does not: refused when it is submitted, by name.
_REFUSED = (
    "analyze", "call", "comment", "commit", "deny", "grant", "refresh", "reset", "revoke", "rollback", "set", "start",
    "truncate", "use", "lock", "unlock", "import", "export", "load",
)  # fmt: skip


def plan(sql: str) -> Plan:
    """The plan of one statement. Raises InvalidRequest for what Athena refuses on submission."""
    text = one_statement(sql)
    found = _plan(text)

    def work(run: Run) -> Outcome:
        _hide_engine_catalogs(text)
        return found.work(run)

    return replace(found, work=work)


def _plan(text: str) -> Plan:
    first = words(text)
    if not first:
        return _query(text)
    word = first[0]
    if word in _QUERIES:
        return _query(text)
    if word in _CHANGES:
        return _change(text)
    if word in _REFUSED:
        raise unsupported(" ".join(w.upper() for w in first[:2]))
    reader = _READERS.get(word)
    # What begins as no statement does goes to the engine too: it says what is wrong with it.
    return reader(text) if reader else _query(text)


def unsupported(what: str) -> InvalidRequest:
    """Athena's refusal, with the name of what it refuses."""
    return InvalidRequest(f"Queries of this type are not supported: {what}", athena_code="UNSUPPORTED_QUERY")


def _query(text: str) -> Plan:
    return Plan(DML, "SELECT", "csv", lambda run: run.query(text), syntax=text)


def _change(text: str) -> Plan:
    """INSERT INTO, DELETE FROM, UPDATE or MERGE INTO a table."""
    cursor = Cursor(text, hive=False)
    word = cursor.name()
    if word != "update":
        cursor.expect("from" if word == "delete" else "into")
    name = cursor.names()

    def work(run: Run) -> Outcome:
        # The engine does not name the target of a change that it carries out on metadata alone.
        run.permissions.write(*resolve(run, name))
        return run.change(text)

    return Plan(DML, word.upper(), "data", work, syntax=text)


def _hide_engine_catalogs(text: str) -> None:
    """A table in a catalog that only the engine has is not found. Raises QueryFailed."""
    seen = tokens(text)
    for before, token, dot in zip(seen, seen[1:], seen[2:], strict=False):
        name = token.text.strip('"').lower()
        if before.lower in _BEFORE_TABLE and name in _ENGINE_CATALOGS and dot.text == ".":
            after_dot = seen[seen.index(dot) + 2 : seen.index(dot) + 3]
            if after_dot and after_dot[0].text == ".":
                place = line_and_column(text, token.start)
                message = f"CATALOG_NOT_FOUND: line {place}: Catalog '{name}' not found"
                raise QueryFailed(AthenaError(USER, 1301, message))


def _create(text: str) -> Plan:
    first = words(text)
    if first[1:2] == ["external"] or (first[1:2] == ["table"] and not ctas.is_ctas(text)):
        return tables.create(text)
    if first[1:2] == ["table"]:
        return ctas.create(text)
    if first[1:2] == ["view"] or first[1:4] == ["or", "replace", "view"]:
        return views.create(text)
    if first[1:2] in (["database"], ["schema"]):
        return databases.create(text)
    raise unsupported("CREATE " + " ".join(first[1:2]).upper())


def _drop(text: str) -> Plan:
    what = words(text)[1:2]
    if what == ["table"]:
        return tables.drop(text)
    if what == ["view"]:
        return views.drop(text)
    if what in (["database"], ["schema"]):
        return databases.drop(text)
    raise unsupported("DROP " + " ".join(what).upper())


def _alter(text: str) -> Plan:
    what = words(text)[1:2]
    if what == ["table"]:
        return alter.alter(text)
    if what in (["database"], ["schema"]):
        return databases.alter(text)
    raise unsupported("ALTER " + " ".join(what).upper())


def _show(text: str) -> Plan:
    what = words(text)[1:3]
    if what[:1] in (["databases"], ["schemas"]):
        return databases.show(text)
    if what[:1] == ["partitions"]:
        return partitions.show(text)
    if what == ["create", "view"]:
        return views.show_create(text)
    if what[:1] in (["tables"], ["views"], ["columns"], ["tblproperties"]) or what == ["create", "table"]:
        return describe.show(text)
    raise unsupported("SHOW " + " ".join(what[:1]).upper())


def _explain(text: str) -> Plan:
    """EXPLAIN [ANALYZE] [(options)] query: the engine's plan as text, a row a line."""
    cursor = Cursor(text, hive=False)
    cursor.expect("explain")
    cursor.take("analyze")
    cursor.take("verbose")
    if (
        cursor.next is not None
        and cursor.next.text == "("
        and words(text[cursor.next.end :])[:1] in (["type"], ["format"])
    ):
        cursor.group()
    start = cursor.next.start if cursor.next else len(text)
    first = words(text[start:])[:1]
    if first and first[0] not in (*_QUERIES, *_CHANGES):
        raise unsupported("EXPLAIN " + first[0].upper())

    def work(run: Run) -> Outcome:
        run.check(*after("", text, start))
        lines = [line for row in run.command(text) for line in str(row[0]).rstrip().split("\n")]
        return Outcome(columns=[plain_column("Query Plan", "varchar")], lines=lines)

    return Plan(UTILITY, "EXPLAIN", "txt", work, syntax=text)


_READERS: Mapping[str, Callable[[str], Plan]] = {
    "create": _create,
    "drop": _drop,
    "alter": _alter,
    "show": _show,
    "describe": describe.describe,
    "desc": describe.describe,
    "msck": partitions.repair,
    "unload": unload.unload,
    "optimize": maintenance.optimize,
    "vacuum": maintenance.vacuum,
    "explain": _explain,
    "prepare": prepared.prepare,
    "deallocate": prepared.deallocate,
}
