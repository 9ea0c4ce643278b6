"""Glue for a statement of Athena: calls with the caller's rights, and failures in Hive's words, as in Athena."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sandbox.athena.errors import USER, AthenaError, QueryFailed
from sandbox.athena.permissions import insufficient

if TYPE_CHECKING:
    from sandbox.athena.run import Run

Table = dict[str, Any]
_CATALOG = "awsdatacatalog"
_DDL_TASK = "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "
# What UpdateTable takes of what GetTable gives.
_INPUT = (
    "Name", "Description", "Owner", "LastAccessTime", "LastAnalyzedTime", "Retention", "StorageDescriptor",
    "PartitionKeys", "ViewOriginalText", "ViewExpandedText", "TableType", "Parameters", "TargetTable",
)  # fmt: skip


def ddl_failed(message: str, number: int = 1003) -> QueryFailed:
    """A DDL statement fails in its task."""
    return QueryFailed(AthenaError(USER, number, _DDL_TASK + message))


def semantic(message: str, number: int = 1110) -> QueryFailed:
    """A DDL statement fails because of what it names."""
    return QueryFailed(AthenaError(USER, number, f"FAILED: SemanticException {message}"))


def unsupported_by_iceberg(what: str) -> QueryFailed:
    """A statement of Hive's that Athena has not for Iceberg tables."""
    return QueryFailed(AthenaError(USER, 1200, f"Query type not supported by Athena Iceberg at this time: {what}"))


def resolve(run: Run, name: list[str]) -> tuple[str, str]:
    """Database and table of a dotted name, in the execution's database when it names none."""
    if len(name) == 3 and name[0] != _CATALOG:
        raise semantic(f"Catalog '{name[0]}' does not exist", 1301)
    return (name[-2] if len(name) > 1 else run.database), name[-1]


def call(run: Run, method: str, **arguments: Any) -> dict[str, Any]:
    """One Glue call for the caller. Raises QueryFailed for a missing right and for what Glue refuses."""
    try:
        return getattr(run.glue, method)(**arguments)
    except ClientError as error:
        raise failure(error) from error


def failure(error: ClientError) -> QueryFailed:
    """A Glue error in Athena's words."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code in ("AccessDeniedException", "AccessDenied"):
        return insufficient(message)
    if code == "AlreadyExistsException":
        return ddl_failed(f"AlreadyExistsException(message:{message})")
    if code == "EntityNotFoundException":
        return ddl_failed(f"NoSuchObjectException(message:{message})", 1110)
    return ddl_failed(f"MetaException(message:{message})")


def find_table(run: Run, database: str, table: str) -> Table | None:
    """The table's entry in Glue, None when there is none."""
    try:
        return run.glue.get_table(DatabaseName=database, Name=table)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "EntityNotFoundException":
            return None
        raise failure(error) from error


def get_table(run: Run, database: str, table: str) -> Table:
    """The table's entry in Glue. Raises QueryFailed when there is none."""
    found = find_table(run, database, table)
    if found is None:
        raise semantic(f"[Error 10001]: Table not found {database}.{table}")
    return found


def all_tables(run: Run, database: str) -> Iterator[Table]:
    """Every table and view of a database. Raises QueryFailed for a database that is not there."""
    found = False
    try:
        for page in run.glue.get_paginator("get_tables").paginate(DatabaseName=database):
            found = found or bool(page["TableList"])
            yield from page["TableList"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityNotFoundException":
            raise failure(error) from error
    # The emulator lists no tables of a database that it has not, as of one that is empty.
    if not found and not has_database(run, database):
        raise semantic(f"[Error 10072]: Database does not exist: {database}", 1004)


def has_database(run: Run, database: str) -> bool:
    """True when the catalog has this database; a caller who may not ask is not told, and meets the refusal later."""
    try:
        run.glue.get_database(Name=database)
    except ClientError as error:
        return error.response["Error"]["Code"] != "EntityNotFoundException"
    return True


def table_input(table: Table) -> dict[str, Any]:
    """A table's entry as UpdateTable takes it back."""
    return {key: table[key] for key in _INPUT if table.get(key) is not None}


def update(run: Run, database: str, table: Table) -> None:
    """Write a changed entry back."""
    call(run, "update_table", DatabaseName=database, TableInput=table_input(table))
