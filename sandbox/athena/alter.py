"""ALTER TABLE: Hive tables straight in Glue, Iceberg tables through the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.athena import partitions
from sandbox.athena.catalog import Table, ddl_failed, get_table, resolve, semantic, unsupported_by_iceberg, update
from sandbox.athena.errors import USER, AthenaError, QueryFailed, not_supported
from sandbox.athena.hiveddl import ColumnDef
from sandbox.athena.hivetypes import read_type
from sandbox.athena.iceberg import iceberg_properties
from sandbox.athena.permissions import is_iceberg
from sandbox.athena.run import Run
from sandbox.athena.sqltext import Cursor, literal, quoted
from sandbox.athena.trino import ICEBERG_CATALOG
from sandbox.athena.work import DDL, Outcome, Plan

Change = Callable[[Run, str, str, Table], None]


def alter(text: str) -> Plan:
    """ALTER TABLE: partitions, ADD|REPLACE COLUMNS, CHANGE|DROP COLUMN, RENAME, SET LOCATION, [UN]SET TBLPROPERTIES."""
    cursor = Cursor(text)
    cursor.expect("alter", "table")
    name = cursor.names()
    kind, change = _change(cursor)
    cursor.end()

    def work(run: Run) -> Outcome:
        database, table = resolve(run, name)
        change(run, database, table, get_table(run, database, table))
        return Outcome()

    return Plan(DDL, kind, "txt", work)


def _change(cursor: Cursor) -> tuple[str, Change]:
    if cursor.take("add", "columns"):
        return "ALTER_TABLE_ADD_COLUMN", _add_columns(cursor.listed(lambda: _column(cursor)))
    if cursor.take("replace", "columns"):
        return "ALTER_TABLE_REPLACE_COLUMN", _replace_columns(cursor.listed(lambda: _column(cursor)))
    if cursor.take("change", "column") or cursor.take("change"):
        return "ALTER_TABLE_CHANGE_COLUMN", _change_column(cursor.name(), _column(cursor), _where(cursor))
    if cursor.take("drop", "column"):
        return "ALTER_TABLE_DROP_COLUMN", _drop_column(cursor.name())
    if cursor.take("rename", "to"):
        return "ALTER_TABLE_RENAME", _rename(cursor.names())
    if cursor.take("set", "location"):
        return "ALTER_TABLE_SET_LOCATION", _set_location(cursor.string())
    if cursor.take("set", "tblproperties"):
        return "ALTER_TABLE_SET_TBLPROPERTIES", _set_properties(cursor.properties(), [])
    if cursor.take("unset", "tblproperties"):
        return "ALTER_TABLE_UNSET_TBLPROPERTIES", _set_properties({}, cursor.listed(cursor.string))
    return partitions.change(cursor)


def _column(cursor: Cursor) -> ColumnDef:
    name = cursor.name()
    kind = read_type(cursor)
    return ColumnDef(name, kind, cursor.string() if cursor.take("comment") else None)


def _engine(run: Run, database: str, table: str, what: str) -> None:
    run.permissions.catalog("UpdateTable", database, table)
    run.command(f"ALTER TABLE {quoted(ICEBERG_CATALOG, database, table)} {what}")


def _add_columns(columns: list[ColumnDef]) -> Change:
    def change(run: Run, database: str, table: str, entry: Table) -> None:
        for column in columns:
            if is_iceberg(entry):
                comment = f" COMMENT {literal(column.comment)}" if column.comment else ""
                _engine(run, database, table, f"ADD COLUMN {quoted(column.name)} {column.type.engine}{comment}")
            elif any(known["Name"] == column.name for known in entry["StorageDescriptor"]["Columns"]):
                raise semantic(f"Duplicate column name: {column.name}", 1004)
            else:
                entry["StorageDescriptor"]["Columns"].append(column.glue())
        if not is_iceberg(entry):
            update(run, database, entry)

    return change


def _replace_columns(columns: list[ColumnDef]) -> Change:
    def change(run: Run, database: str, table: str, entry: Table) -> None:
        _hive_only(entry, "REPLACE COLUMNS")
        entry["StorageDescriptor"]["Columns"] = [column.glue() for column in columns]
        update(run, database, entry)

    return change


def _where(cursor: Cursor) -> str | None:
    """FIRST ("") or AFTER a column, None to leave the column where it is."""
    if cursor.take("first"):
        return ""
    return cursor.name() if cursor.take("after") else None


def _change_column(old: str, new: ColumnDef, where: str | None) -> Change:
    def change(run: Run, database: str, table: str, entry: Table) -> None:
        known = [column["Name"] for column in entry["StorageDescriptor"]["Columns"]]
        if old not in known:
            raise semantic(f"[Error 10002]: Invalid column reference {old}", 1004)
        if where and where not in known:
            raise semantic(f"[Error 10002]: Invalid column reference {where}", 1004)
        if is_iceberg(entry):
            _change_iceberg(run, database, table, old, new, where)
            return
        columns = entry["StorageDescriptor"]["Columns"]
        columns[known.index(old)] = new.glue()
        if where is not None:
            moved = columns.pop(known.index(old))
            names = [column["Name"] for column in columns]
            columns.insert(names.index(where) + 1 if where else 0, moved)
        update(run, database, entry)

    return change


def _change_iceberg(run: Run, database: str, table: str, old: str, new: ColumnDef, where: str | None) -> None:
    if where is not None:
        raise not_supported("The sandbox does not move the columns of an Iceberg table (FIRST, AFTER)")
    _engine(run, database, table, f"ALTER COLUMN {quoted(old)} SET DATA TYPE {new.type.engine}")
    if new.name != old:
        _engine(run, database, table, f"RENAME COLUMN {quoted(old)} TO {quoted(new.name)}")
    if new.comment is not None:
        column = quoted(ICEBERG_CATALOG, database, table, new.name)
        run.command(f"COMMENT ON COLUMN {column} IS {literal(new.comment)}")


def _rename(new: list[str]) -> Change:
    def change(run: Run, database: str, table: str, entry: Table) -> None:
        if not is_iceberg(entry):
            raise ddl_failed("InvalidOperationException(message:Table cannot be renamed)", 1006)
        target = resolve(run, new)
        run.permissions.catalog("CreateTable", *target)
        run.permissions.catalog("DeleteTable", database, table)
        _engine(run, database, table, f"RENAME TO {quoted(ICEBERG_CATALOG, *target)}")

    return change


def _drop_column(name: str) -> Change:
    def change(run: Run, database: str, table: str, entry: Table) -> None:
        if not is_iceberg(entry):
            message = "FAILED: ParseException line 1:1 mismatched input 'COLUMN' expecting PARTITION"
            raise QueryFailed(AthenaError(USER, 1006, f"{message}: DROP COLUMN is for Iceberg tables"))
        _engine(run, database, table, f"DROP COLUMN {quoted(name)}")

    return change


def _set_location(uri: str) -> Change:
    def change(run: Run, database: str, table: str, entry: Table) -> None:
        _hive_only(entry, "SET LOCATION")
        entry["StorageDescriptor"]["Location"] = uri
        update(run, database, entry)

    return change


def _set_properties(given: dict[str, str], gone: list[str]) -> Change:
    def change(run: Run, database: str, table: str, entry: Table) -> None:
        if is_iceberg(entry):
            if gone:
                raise semantic("UNSET TBLPROPERTIES of an Iceberg table is not done by the sandbox", 1200)
            made: dict[str, Any] = iceberg_properties(given)
            made.pop("format_version")
            _engine(run, database, table, "SET PROPERTIES " + ", ".join(f"{k} = {v}" for k, v in made.items()))
            return
        entry["Parameters"] = {k: v for k, v in (entry.get("Parameters") or {}).items() if k not in gone} | given
        update(run, database, entry)

    return change


def _hive_only(entry: Table, what: str) -> None:
    if is_iceberg(entry):
        raise unsupported_by_iceberg(f"ALTER TABLE {what}")
