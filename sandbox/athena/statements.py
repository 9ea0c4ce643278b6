"""From the text of a statement to its plan: which kind it is, who answers it, and what Athena does not have.

What goes to the engine goes untouched wherever possible, so that lines and columns in errors are the user's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sandbox.athena import (
    alter,
    changes,
    ctas,
    databases,
    describe,
    maintenance,
    partitions,
    prepared,
    tables,
    unload,
    views,
)
from sandbox.athena.errors import InvalidRequest
from sandbox.athena.relations import hide_engine
from sandbox.athena.rendering import plain_column
from sandbox.athena.run import Run
from sandbox.athena.sqltext import Cursor, after, one_statement, words
from sandbox.athena.work import DML, UTILITY, Outcome, Plan

_QUERIES = ("select", "with", "values", "table")
_CHANGES = ("insert", "delete", "update", "merge")
# What the engine knows and Athena does not: refused when it is submitted, by name.
_REFUSED = (
    "analyze", "call", "comment", "commit", "deny", "grant", "refresh", "reset", "revoke", "rollback", "set", "start",
    "truncate", "use", "lock", "unlock", "import", "export", "load", "using", "dfs", "reload",
)  # fmt: skip


def plan(sql: str) -> Plan:
    """The plan of one statement. Raises InvalidRequest for what Athena refuses on submission."""
    text = one_statement(sql)
    found = _plan(text)

    def work(run: Run) -> Outcome:
        hide_engine(text)
        return found.work(run)

    return replace(found, work=work)


def _plan(text: str) -> Plan:
    first = words(text)
    if not first:
        return _query(text)
    word = first[0]
    if word == "with" and first[1:2] in (["function"], ["session"]) and len(first) > 2 and first[2] != "as":
        raise unsupported(" ".join(w.upper() for w in first[:2]))
    if word in _QUERIES:
        return _query(text)
    if word in _CHANGES:
        return changes.change(text)
    if word in _REFUSED:
        raise unsupported(" ".join(w.upper() for w in first[: 3 if word == "using" else 2]))
    reader = _READERS.get(word)
    # What begins as no statement does goes to the engine too: it says what is wrong with it.
    return reader(text) if reader else _query(text)


def unsupported(what: str) -> InvalidRequest:
    """Athena's refusal, with the name of what it refuses."""
    return InvalidRequest(f"Queries of this type are not supported: {what}", athena_code="UNSUPPORTED_QUERY")


def _query(text: str) -> Plan:
    return Plan(DML, "SELECT", "csv", lambda run: run.query(text), syntax=text)


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
    raise unsupported(" ".join(first[: _name_length(first)]).upper())


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
    if what[:1] == ["functions"]:
        return Plan(UTILITY, "SHOW_FUNCTIONS", "csv", lambda run: run.query(text), syntax=text)
    if what[:1] in (["databases"], ["schemas"]):
        return databases.show(text)
    if what[:1] == ["partitions"]:
        return partitions.show(text)
    if what == ["create", "view"]:
        return views.show_create(text)
    if what[:1] in (["tables"], ["views"], ["columns"], ["tblproperties"]) or what == ["create", "table"]:
        return describe.show(text)
    raise unsupported("SHOW " + " ".join(what if what[:1] == ["create"] else what[:1]).upper())


def _explain(text: str) -> Plan:
    """EXPLAIN [ANALYZE] [(options)] query: the engine's plan as text, a row a line."""
    cursor = Cursor(text, hive=False)
    cursor.expect("explain")
    analyze = cursor.take("analyze")
    cursor.take("verbose")
    plain = text
    if cursor.next is not None and cursor.next.text == "(":
        options = words(text[cursor.next.end :])
        if options[:1] in (["type"], ["format"]):
            start = cursor.next.start
            given = cursor.group()
            if analyze and "format" in options and "json" in given.lower():
                raise unsupported("EXPLAIN ANALYZE (FORMAT JSON) is not done by the sandbox")
            if analyze:  # the engine knows no options here; FORMAT TEXT is what it does
                end = cursor.next.start if cursor.next else len(text)
                plain = text[:start] + " " * (end - start) + text[end:]
    start = cursor.next.start if cursor.next else len(text)
    first = words(text[start:])[:1]
    if first and first[0] not in (*_QUERIES, *_CHANGES):
        raise unsupported("EXPLAIN " + first[0].upper())

    def work(run: Run) -> Outcome:
        run.check(*after("", text, start))
        name, rows = run.table(plain)
        # Athena puts one more line break behind the plan.
        lines = [line for row in rows for line in f"{_shown(row[0])}\n".split("\n")]
        return Outcome(columns=[plain_column(name, "varchar")], lines=[name, *lines])

    return Plan(DML, "EXPLAIN", "txt", work, syntax=plain)


def _shown(value: object) -> str:
    """EXPLAIN (TYPE VALIDATE) answers a truth, everything else a text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _name_length(first: Sequence[str]) -> int:
    """How many words name what a CREATE makes: CREATE FUNCTION, CREATE MATERIALIZED VIEW, CREATE OR REPLACE TABLE."""
    return 4 if first[1:3] == ["or", "replace"] else 3 if first[1:2] in (["materialized"], ["temporary"]) else 2


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
    "prepare": lambda text: prepared.prepare(text, plan),
    "deallocate": prepared.deallocate,
}
