"""The caller's rights on what the engine does for it.

The engine reads with the account owner's keys. Before it may, the tables that a statement reads and writes are asked
from the engine (EXPLAIN TYPE IO), and the caller must have the rights that Athena would need from it: on the table,
its database and the catalog in Glue, and on the table's folder in S3. The account's owner is not asked. The engine
itself, to which the caller is known by name, shows of a table what Lake Formation grants.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError
from ministack.core import iam_evaluator

from sandbox.athena.client import Engine
from sandbox.athena.errors import EngineError, QueryFailed, denied
from sandbox.athena.identity import Caller, Clients
from sandbox.athena.results import split_uri
from sandbox.athena.sqltext import line_and_column, tokens
from sandbox.formation import store
from sandbox.formation.declared import OWNER, Access

_OWN_SCHEMAS = ("information_schema",)
Table = tuple[str, str]
# The engine's words where a right is missing: the second where SELECT * would give no column at all.
_DENIED = ("Access Denied: ", "Relation not found or not allowed")


class Permissions:
    """What one caller may do. Every question is put to the emulator's evaluator, and so recorded like any other."""

    def __init__(self, caller: Caller, clients: Clients) -> None:
        self._caller = caller
        self._clients = clients

    def check_engine(self, engine: Engine, database: str, explained: Callable[[str], str]) -> None:
        """Check a query or a change. `explained` puts a prefix before the statement.

        Raises QueryFailed in Athena's words for a missing right, EngineError for a statement that is wrong.
        """
        if self._caller.root:
            return
        explain, user, declared = explained("EXPLAIN (TYPE IO, FORMAT JSON)"), self._caller.user, store.declared()
        # As in Athena, a right that is missing in IAM is told first: so the tables are named to the owner.
        read, written = tables_of(engine, explain, OWNER if declared.databases else user, database)
        for table in read:
            self.read(*table)
        if written is not None:
            self.write(*written)
        if declared.databases:
            try:
                engine.rows(explain, user, database)
            except EngineError as error:
                raise refused(error, explain, {table: declared.access(user, *table) for table in read}) from error

    def read(self, database: str, table: str) -> None:
        """The caller must be allowed to read this table's entry and its files."""
        if self._caller.root:
            return
        found = self._table(database, table)
        if found.get("TableType") == "VIRTUAL_VIEW":
            return
        self._formation(database, table, (found.get("StorageDescriptor") or {}).get("Location") or "")
        bucket, arn = _folder(found)
        self.need("s3:GetObject", "s3", arn, s3=True)
        if not is_iceberg(found):
            self.need("s3:ListBucket", "s3", bucket, s3=True)

    def _formation(self, database: str, table: str, location: str) -> None:
        """Lake Formation hands out keys to its data, and none for a table that another database makes of it."""
        declared = store.declared()
        if database in declared.databases:
            self.need("lakeformation:GetDataAccess", "lakeformation", "*")
        elif declared.limits(self._caller.user) and declared.registered(location):
            raise insufficient(f"Insufficient Lake Formation permission(s): Required Select on {table}")

    def write(self, database: str, table: str) -> None:
        """The caller must be allowed to put files into this table, and, for Iceberg, to commit them."""
        if self._caller.root:
            return
        try:
            found = self._table(database, table)
        except LookupError:  # a table that the statement makes: Glue itself is asked when it does
            self.catalog("CreateTable", database, table)
            return
        self.need("s3:PutObject", "s3", _folder(found)[1], s3=True)
        if is_iceberg(found):
            self.catalog("UpdateTable", database, table)

    def catalog(self, action: str, database: str, table: str) -> None:
        """The caller must have this right of Glue on the table, its database and the catalog."""
        prefix = f"arn:aws:glue:{self._caller.region}:{self._caller.account}:"
        for name in (f"table/{database}/{table}", f"database/{database}", "catalog"):
            self.need(f"glue:{action}", "glue", prefix + name)

    def folder(self, action: str, uri: str) -> None:
        """The caller must have this right of S3 on everything below `uri`."""
        bucket, key = split_uri(uri)
        self.need(action, "s3", f"arn:aws:s3:::{bucket}/{key.rstrip('/') + '/' if key else ''}*", s3=True)

    def need(self, action: str, service: str, resource: str, s3: bool = False) -> None:
        """Raises QueryFailed unless the caller may do `action` on `resource`."""
        if self._caller.root:
            return
        # A policy may allow data to be read through Athena only, and says so by this condition key.
        through_athena = {"aws:CalledVia": ["athena.amazonaws.com"]}
        found = iam_evaluator.enforce(
            self._caller.access_key, action, service, self._caller.region, resource, through_athena
        )
        if found is None:
            return
        why = f"because no identity-based policy allows the {action} action"
        if getattr(found, "decision", "") == "Deny":
            why = "with an explicit deny in a policy"
        raise insufficient(
            f"User: {self._caller.arn} is not authorized to perform: {action} on resource: {resource} {why}", s3
        )

    def _table(self, database: str, table: str) -> dict[str, Any]:
        """The table's entry, asked with the caller's keys. Raises QueryFailed when denied, LookupError when none."""
        try:
            return self._clients.glue(self._caller).get_table(DatabaseName=database, Name=table)["Table"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "EntityNotFoundException":
                raise LookupError(f"{database}.{table}") from error
            raise insufficient(error.response["Error"]["Message"]) from error


def insufficient(message: str, s3: bool = False) -> QueryFailed:
    """Athena's failure for a missing right."""
    return denied(f"Insufficient permissions to execute the query. {message}", s3)


def refused(error: EngineError, sql: str, access: Mapping[Table, Access]) -> EngineError | QueryFailed:
    """What the engine's access control denies, in Athena's words for what Lake Formation does not grant.

    sql: the statement as the engine got it; the engine does not say where in it a column stands that is denied.
    access: what the caller may see of each table that it reads.
    """
    if not any(word in error.message for word in _DENIED):
        return error
    for (_, table), seen in access.items():
        if not seen.cells:
            return insufficient(f"Insufficient Lake Formation permission(s): Required Select on {table}")
    hidden = set().union(*(cells.without for seen in access.values() for cells in seen.cells))
    for token in tokens(sql):
        column = token.text.strip('"').lower()
        if token.kind in ("word", "double") and column in hidden:
            line, _, place = line_and_column(sql, token.start).partition(":")
            what = f"Column '{column}' cannot be resolved"
            return EngineError("COLUMN_NOT_FOUND", "USER_ERROR", f"line {line}:{place}: {what}", int(line), int(place))
    partly = ", ".join(sorted(table for (_, table), seen in access.items() if not seen.whole))
    return insufficient(f"Insufficient Lake Formation permission(s): Required Select on the whole of {partly}")


def is_iceberg(table: dict[str, Any]) -> bool:
    """True for a Glue table entry of an Iceberg table."""
    return (table.get("Parameters") or {}).get("table_type", "").upper() == "ICEBERG"


def tables_of(engine: Engine, explain: str, user: str, database: str) -> tuple[list[Table], Table | None]:
    """The tables that a statement reads, and the one that it writes."""
    plan = json.loads(engine.rows(explain, user, database)[0][0])
    read = [_named(entry["table"]) for entry in plan.get("inputTableColumnInfos", [])]
    written = plan.get("outputTable")
    return [table for table in read if table[0] not in _OWN_SCHEMAS], _named(written) if written else None


def _named(table: dict[str, Any]) -> Table:
    """Schema and name; `orders$files` is a part of orders."""
    name = table["schemaTable"]
    return name["schema"], name["table"].partition("$")[0]


def _folder(table: dict[str, Any]) -> tuple[str, str]:
    """The ARN of a table's bucket, and of everything in the table's folder."""
    bucket, key = split_uri((table.get("StorageDescriptor") or {}).get("Location") or "s3://unknown/")
    folder = key.rstrip("/") + "/" if key else ""
    return f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/{folder}*"
