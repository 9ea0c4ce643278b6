"""Views: the engine makes and drops them; their text is read from Glue, where it lies encoded as on AWS."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from sandbox.athena.catalog import find_table, resolve, semantic
from sandbox.athena.errors import USER, AthenaError, QueryFailed
from sandbox.athena.rendering import plain_column
from sandbox.athena.run import Run
from sandbox.athena.sqltext import Cursor, after, quoted
from sandbox.athena.work import DDL, UTILITY, Outcome, Plan

_ENCODED = re.compile(r"/\* Presto View: (\S+) \*/")


def create(text: str) -> Plan:
    """CREATE [OR REPLACE] VIEW name AS query."""
    cursor = Cursor(text, hive=False)
    cursor.expect("create")
    replace = cursor.take("or", "replace")
    cursor.expect("view")
    name = cursor.names()
    cursor.expect("as")
    query = cursor.next.start if cursor.next else len(text)

    def work(run: Run) -> Outcome:
        database, view = resolve(run, name)
        run.check(*after("", text, query))
        run.permissions.catalog("CreateTable", database, view)
        if replace:
            run.permissions.catalog("UpdateTable", database, view)
        run.command(text)
        return Outcome()

    return Plan(DDL, "CREATE_VIEW", "txt", work, syntax=text)


def drop(text: str) -> Plan:
    """DROP VIEW [IF EXISTS] name."""
    cursor = Cursor(text, hive=False)
    cursor.expect("drop", "view")
    lenient = cursor.take("if", "exists")
    name = cursor.names()
    cursor.end()

    def work(run: Run) -> Outcome:
        database, view = resolve(run, name)
        run.permissions.catalog("DeleteTable", database, view)
        run.command(f"DROP VIEW {'IF EXISTS ' if lenient else ''}{quoted(database, view)}")
        return Outcome()

    return Plan(DDL, "DROP_VIEW", "txt", work)


def show_create(text: str) -> Plan:
    """SHOW CREATE VIEW name."""
    cursor = Cursor(text, hive=False)
    cursor.expect("show", "create", "view")
    name = cursor.names()
    cursor.end()

    def work(run: Run) -> Outcome:
        database, view = resolve(run, name)
        entry = find_table(run, database, view)
        if entry is None:
            message = f"TABLE_NOT_FOUND: line 1:1: View 'awsdatacatalog.{database}.{view}' does not exist"
            raise QueryFailed(AthenaError(USER, 1301, message))
        lines = [f"CREATE VIEW {database}.{view} AS", *definition(entry)["originalSql"].rstrip().split("\n")]
        return Outcome(columns=[plain_column("Create View", "varchar")], lines=lines)

    return Plan(UTILITY, "SHOW_CREATE_VIEW", "txt", work)


def is_view(entry: dict[str, Any]) -> bool:
    """True for a Glue entry of a view."""
    return entry.get("TableType") == "VIRTUAL_VIEW"


def definition(entry: dict[str, Any]) -> dict[str, Any]:
    """What the engine keeps of a view: originalSql, columns, ... Raises QueryFailed when the entry is no view."""
    found = _ENCODED.search(entry.get("ViewOriginalText") or "")
    if found is None:
        raise semantic(f"[Error 10218]: {entry['DatabaseName']}.{entry['Name']} is not a view", 1107)
    return json.loads(base64.b64decode(found.group(1)))
