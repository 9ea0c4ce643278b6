"""CREATE, DROP, ALTER and SHOW for databases, straight on Glue."""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import ClientError

from sandbox.athena.catalog import all_tables, call, ddl_failed, failure, semantic
from sandbox.athena.rendering import plain_column
from sandbox.athena.run import Run
from sandbox.athena.sqltext import Cursor
from sandbox.athena.work import DDL, UTILITY, Outcome, Plan


def create(text: str) -> Plan:
    """CREATE DATABASE|SCHEMA [IF NOT EXISTS] name [COMMENT ''] [LOCATION ''] [WITH DBPROPERTIES (...)]."""
    cursor = Cursor(text)
    cursor.expect("create")
    _kind(cursor)
    lenient = cursor.take("if", "not", "exists")
    entry: dict[str, Any] = {"Name": cursor.name()}
    while cursor.next is not None:
        if cursor.take("comment"):
            entry["Description"] = cursor.string()
        elif cursor.take("location"):
            entry["LocationUri"] = cursor.string()
        elif cursor.take("with", "dbproperties"):
            entry["Parameters"] = cursor.properties()
        else:
            raise cursor.wrong("COMMENT, LOCATION, WITH DBPROPERTIES, <EOF>")

    def work(run: Run) -> Outcome:
        try:
            run.glue.create_database(DatabaseInput=entry)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AlreadyExistsException":
                raise failure(error) from error
            if not lenient:
                raise ddl_failed(f"Database {entry['Name']} already exists") from error
        return Outcome()

    return Plan(DDL, "CREATE_DATABASE", "txt", work)


def drop(text: str) -> Plan:
    """DROP DATABASE|SCHEMA [IF EXISTS] name [RESTRICT|CASCADE]."""
    cursor = Cursor(text)
    cursor.expect("drop")
    _kind(cursor)
    lenient = cursor.take("if", "exists")
    name = cursor.name()
    cascade = cursor.take("cascade")
    if not cascade:
        cursor.take("restrict")
    cursor.end()

    def work(run: Run) -> Outcome:
        try:
            run.glue.get_database(Name=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise failure(error) from error
            if lenient:
                return Outcome()
            raise semantic(f"[Error 10072]: Database does not exist: {name}", 1004) from error
        if not cascade and next(all_tables(run, name), None) is not None:
            reason = f"InvalidOperationException(message:Database {name} is not empty. One or more tables exist.)"
            raise ddl_failed(reason)
        call(run, "delete_database", Name=name)
        return Outcome()

    return Plan(DDL, "DROP_DATABASE", "txt", work)


def alter(text: str) -> Plan:
    """ALTER DATABASE|SCHEMA name SET DBPROPERTIES (...)."""
    cursor = Cursor(text)
    cursor.expect("alter")
    _kind(cursor)
    name = cursor.name()
    cursor.expect("set", "dbproperties")
    properties = cursor.properties()
    cursor.end()

    def work(run: Run) -> Outcome:
        found = call(run, "get_database", Name=name)["Database"]
        entry = {key: found[key] for key in ("Name", "Description", "LocationUri") if found.get(key)}
        entry["Parameters"] = (found.get("Parameters") or {}) | properties
        call(run, "update_database", Name=name, DatabaseInput=entry)
        return Outcome()

    return Plan(DDL, "ALTER_DATABASE", "txt", work)


def show(text: str) -> Plan:
    """SHOW DATABASES|SCHEMAS [LIKE 'pattern']."""
    cursor = Cursor(text)
    cursor.expect("show")
    if not cursor.take("databases"):
        cursor.expect("schemas")
    fits = matcher(cursor.string() if cursor.take("like") else None)
    cursor.end()

    def work(run: Run) -> Outcome:
        try:
            pages = run.glue.get_paginator("get_databases").paginate()
            names = [entry["Name"] for page in pages for entry in page["DatabaseList"]]
        except ClientError as error:
            raise failure(error) from error
        return Outcome(columns=[plain_column("database_name")], lines=sorted(filter(fits, names)))

    return Plan(UTILITY, "SHOW_DATABASES", "txt", work)


def matcher(pattern: str | None) -> Any:
    """A predicate for Hive's patterns: `*` is anything, `|` is or; case does not matter."""
    if pattern is None:
        return lambda name: True
    alternatives = "|".join(".*".join(map(re.escape, part.split("*"))) for part in pattern.split("|"))
    compiled = re.compile(alternatives, re.IGNORECASE)
    return lambda name: compiled.fullmatch(name) is not None


def _kind(cursor: Cursor) -> None:
    if not cursor.take("database"):
        cursor.expect("schema")
