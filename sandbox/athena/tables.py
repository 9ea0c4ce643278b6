"""CREATE and DROP for tables: Hive tables straight in Glue, Iceberg tables through the engine."""

from __future__ import annotations

import time

from botocore.exceptions import ClientError

from sandbox.athena.catalog import call, failure, find_table, get_table, resolve, semantic
from sandbox.athena.errors import USER, AthenaError, QueryFailed
from sandbox.athena.hiveddl import TableDef, read_create, storage
from sandbox.athena.iceberg import iceberg_properties
from sandbox.athena.permissions import is_iceberg
from sandbox.athena.run import Run
from sandbox.athena.sqltext import Cursor, literal, quoted
from sandbox.athena.trino import ICEBERG_CATALOG
from sandbox.athena.views import is_view
from sandbox.athena.work import DDL, Outcome, Plan


def create(text: str) -> Plan:
    """CREATE EXTERNAL TABLE, or CREATE TABLE with table_type ICEBERG."""
    table = read_create(text)

    def work(run: Run) -> Outcome:
        database, name = resolve(run, table.name)
        if table.iceberg:
            _create_iceberg(run, table, database, name)
        else:
            _create_hive(run, table, database, name)
        return Outcome()

    return Plan(DDL, "CREATE_TABLE", "txt", work)


def _create_hive(run: Run, table: TableDef, database: str, name: str) -> None:
    parameters = {"EXTERNAL": "TRUE", "transient_lastDdlTime": str(int(time.time()))} | table.properties
    if table.comment is not None:
        parameters["comment"] = table.comment
    entry = {
        "Name": name,
        "Owner": "hadoop",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
        "StorageDescriptor": storage(table),
        "PartitionKeys": [column.glue() for column in table.partition_columns],
    }
    try:
        run.glue.create_table(DatabaseName=database, TableInput=entry)
    except ClientError as error:
        if error.response["Error"]["Code"] == "AlreadyExistsException" and table.if_not_exists:
            return
        if error.response["Error"]["Code"] == "EntityNotFoundException":
            raise semantic(f"[Error 10072]: Database does not exist: {database}", 1004) from error
        raise failure(error) from error


def _create_iceberg(run: Run, table: TableDef, database: str, name: str) -> None:
    if table.hive_clauses:
        what = f"Iceberg create table statement does not allow {table.hive_clauses[0]}"
        raise QueryFailed(AthenaError(USER, 1200, what))
    if table.partition_columns:
        what = "Invalid PARTITIONED BY clause in Iceberg create table statement: its columns are named without a type"
        raise QueryFailed(AthenaError(USER, 1006, what))
    run.permissions.catalog("CreateTable", database, name)
    run.permissions.folder("s3:PutObject", str(table.location))
    columns = ", ".join(
        f"{quoted(c.name)} {c.type.engine}" + (f" COMMENT {literal(c.comment)}" if c.comment else "")
        for c in table.columns
    )
    properties = iceberg_properties(table.properties) | {"location": literal(str(table.location))}
    if table.transforms:
        parts = ", ".join(literal(t.engine()) for t in table.transforms)
        properties["partitioning"] = f"ARRAY[{parts}]"
    lenient = "IF NOT EXISTS " if table.if_not_exists else ""
    comment = f" COMMENT {literal(table.comment)}" if table.comment else ""
    listed = ", ".join(f"{key} = {value}" for key, value in properties.items())
    run.command(f"CREATE TABLE {lenient}{quoted(ICEBERG_CATALOG, database, name)} ({columns}){comment} WITH ({listed})")


def drop(text: str) -> Plan:
    """DROP TABLE [IF EXISTS] name [PURGE]: the entry of a Hive table, entry and files of an Iceberg table."""
    cursor = Cursor(text)
    cursor.expect("drop", "table")
    lenient = cursor.take("if", "exists")
    name = cursor.names()
    cursor.take("purge")
    cursor.end()

    def work(run: Run) -> Outcome:
        database, table = resolve(run, name)
        found = find_table(run, database, table) if lenient else get_table(run, database, table)
        if found is None:
            return Outcome()
        if is_view(found):
            raise semantic(f"[Error 10217]: Cannot use DROP TABLE on the view {database}.{table}: use DROP VIEW", 1000)
        if is_iceberg(found):
            run.permissions.catalog("DeleteTable", database, table)
            run.permissions.folder("s3:DeleteObject", found["StorageDescriptor"]["Location"])
            run.command(f"DROP TABLE {quoted(ICEBERG_CATALOG, database, table)}")
        else:
            call(run, "delete_table", DatabaseName=database, Name=table)
        return Outcome()

    return Plan(DDL, "DROP_TABLE", "txt", work)
