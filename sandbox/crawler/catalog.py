"""Writes to a crawler's database, as its schema change policy wants it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.crawler.report import CrawlError, CrawlReport, code_of, refused

_INPUT = (
    *("Name", "Description", "Owner", "LastAccessTime", "LastAnalyzedTime", "Retention", "StorageDescriptor"),
    *("PartitionKeys", "ViewOriginalText", "ViewExpandedText", "TableType", "Parameters", "TargetTable"),
)
_BATCH = 100
_DEPRECATED = "DEPRECATED_BY_CRAWLER"


@dataclass(frozen=True)
class Policy:
    """update: UPDATE_IN_DATABASE or LOG. delete: LOG, DELETE_FROM_DATABASE or DEPRECATE_IN_DATABASE.

    merge_columns: keep the columns that a table has and only add new ones. inherit: partitions take the table's schema.
    """

    update: str = "UPDATE_IN_DATABASE"
    delete: str = "DEPRECATE_IN_DATABASE"
    merge_columns: bool = False
    inherit: bool = False


class Catalog:
    """One database, written with the crawler's role. Every method raises CrawlError when it may not or cannot."""

    def __init__(self, glue: Any, database: str, policy: Policy, report: CrawlReport) -> None:
        self._glue = glue
        self.database = database
        self.policy = policy
        self._report = report

    def check(self) -> None:
        """The database must be there before anything is read."""
        if self._call("GetDatabase", self.database, lambda: self._glue.get_database(Name=self.database)) is None:
            raise CrawlError(f"The database {self.database} does not exist: create it, then start the crawler again.")

    def table(self, name: str) -> dict[str, Any] | None:
        """The table as the catalog has it."""
        found = self._call("GetTable", name, lambda: self._glue.get_table(DatabaseName=self.database, Name=name))
        return found["Table"] if found else None

    def tables(self) -> list[dict[str, Any]]:
        """All tables of the database."""

        def read() -> list[dict[str, Any]]:
            pages = self._glue.get_paginator("get_tables").paginate(DatabaseName=self.database)
            return [table for page in pages for table in page["TableList"]]

        return self._call("GetTables", self.database, read) or []

    def put(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Create the table, or change it as the policy allows. The table as it then stands."""
        name = wanted["Name"]
        current = self.table(name)
        if current is None:
            self.create(wanted)
            return wanted
        target = _changed(current, wanted, self.policy.merge_columns)
        if _same(current, target):
            return target
        if self.policy.update != "UPDATE_IN_DATABASE":
            if _schema(current) != _schema(target):
                self._report.messages.append(f"The schema of {name} changed; the policy LOG leaves the table as it is")
            return current
        self.update(target, current.get("VersionId"))
        return target

    def create(self, table: dict[str, Any]) -> None:
        """Make a new table."""
        name = table["Name"]
        self._call("CreateTable", name, lambda: self._glue.create_table(DatabaseName=self.database, TableInput=table))
        self._report.tables_created.append(name)

    def update(self, table: dict[str, Any], version: str | None) -> bool:
        """Change a table unless somebody else did since `version` was read; then it is left, and False."""
        name = table["Name"]
        request = {"DatabaseName": self.database, "TableInput": table, "SkipArchive": True}
        if version:
            request["VersionId"] = version
        try:
            self._glue.update_table(**request)
        except ClientError as problem:
            if code_of(problem) != "ConcurrentModificationException":
                raise refused(problem, "glue:UpdateTable", f"{self.database}.{name}") from problem
            self._report.messages.append(f"{name} was changed by another while it was crawled: it is left as it is")
            return False
        self._report.tables_updated.append(name)
        return True

    def put_partitions(self, table: str, wanted: list[dict[str, Any]]) -> None:
        """Add the partitions that are new, change those that differ, and treat the others as gone."""
        current = {tuple(entry["Values"]): entry for entry in self._partitions(table)}
        new = [entry for entry in wanted if tuple(entry["Values"]) not in current]
        for chunk in _chunks(new):
            make = partial(self._glue.batch_create_partition, **self._of(table), PartitionInputList=chunk)
            answer = self._call("BatchCreatePartition", table, make)
            for error in (answer or {}).get("Errors", []):
                raise CrawlError(f"A partition of {table} could not be made: {error['ErrorDetail']['ErrorMessage']}")
        self._report.partitions_added += ["/".join((table, *entry["Values"])) for entry in new]
        if self.policy.update == "UPDATE_IN_DATABASE":
            for entry in wanted:
                old = current.get(tuple(entry["Values"]))
                if old is not None and not _same(old, entry):
                    self._update_partition(table, entry)
        kept = {tuple(entry["Values"]) for entry in wanted}
        self._drop_partitions(table, [values for values in current if values not in kept])

    def gone(self, table: dict[str, Any]) -> None:
        """What a table's objects being gone means is the policy's to say."""
        name = table["Name"]
        if self.policy.delete == "DELETE_FROM_DATABASE":
            self._call("DeleteTable", name, lambda: self._glue.delete_table(DatabaseName=self.database, Name=name))
            self._report.tables_deleted.append(name)
        elif self.policy.delete == "DEPRECATE_IN_DATABASE":
            if _DEPRECATED not in table.get("Parameters", {}):
                marked = {key: table[key] for key in _INPUT if table.get(key) is not None}
                marked["Parameters"] = {**table.get("Parameters", {}), _DEPRECATED: str(int(time.time() * 1000))}
                self.update(marked, table.get("VersionId"))
        else:
            self._report.messages.append(f"Nothing is left of {name}; the policy LOG leaves the table as it is")

    def _partitions(self, table: str) -> list[dict[str, Any]]:
        def read() -> list[dict[str, Any]]:
            pages = self._glue.get_paginator("get_partitions").paginate(**self._of(table))
            return [entry for page in pages for entry in page["Partitions"]]

        return self._call("GetPartitions", table, read) or []

    def _update_partition(self, table: str, entry: dict[str, Any]) -> None:
        change = partial(self._glue.update_partition, PartitionValueList=entry["Values"], PartitionInput=entry)
        self._call("UpdatePartition", table, partial(change, **self._of(table)))

    def _drop_partitions(self, table: str, gone: list[tuple[str, ...]]) -> None:
        if gone and self.policy.delete != "DELETE_FROM_DATABASE":
            self._report.messages.append(f"{len(gone)} partitions of {table} hold nothing any more; they are left")
            return
        for values in gone:
            drop = partial(self._glue.delete_partition, **self._of(table), PartitionValues=list(values))
            self._call("DeletePartition", table, drop)

    def _of(self, table: str) -> dict[str, str]:
        return {"DatabaseName": self.database, "TableName": table}

    def _call(self, action: str, name: str, run: Callable[[], Any]) -> Any:
        """The answer, or None where the thing is not there."""
        try:
            return run()
        except ClientError as problem:
            if code_of(problem) == "EntityNotFoundException":
                return None
            resource = name if name == self.database else f"{self.database}.{name}"
            raise refused(problem, f"glue:{action}", resource) from problem
        except BotoCoreError as problem:
            raise CrawlError(f"The catalog did not answer: {problem}") from problem


def _changed(current: dict[str, Any], wanted: dict[str, Any], merge_columns: bool) -> dict[str, Any]:
    """The current table with what was found now; what people added to it stays."""
    kept = {key: current[key] for key in _INPUT if current.get(key) is not None}
    parameters = {**current.get("Parameters", {}), **wanted["Parameters"]}
    parameters.pop(_DEPRECATED, None)
    if "skip.header.line.count" not in wanted["Parameters"]:
        parameters.pop("skip.header.line.count", None)
    storage = dict(wanted["StorageDescriptor"])
    described = {column["Name"]: column for column in current.get("StorageDescriptor", {}).get("Columns", [])}
    if merge_columns:
        new = [column for column in storage["Columns"] if column["Name"] not in described]
        storage["Columns"] = [*described.values(), *new]
    else:
        comments = {name: column["Comment"] for name, column in described.items() if column.get("Comment")}
        storage["Columns"] = [
            {**column, "Comment": comments[column["Name"]]} if column["Name"] in comments else column
            for column in storage["Columns"]
        ]
    return {**kept, **wanted, "Parameters": parameters, "StorageDescriptor": storage}


def _same(current: dict[str, Any], wanted: dict[str, Any]) -> bool:
    parameters = current.get("Parameters", {})
    return _schema(current) == _schema(wanted) and parameters == wanted.get("Parameters", {})


def _schema(table: dict[str, Any]) -> tuple[Any, ...]:
    """What a reader depends on."""
    storage = table.get("StorageDescriptor", {})
    serde = storage.get("SerdeInfo", {})
    return (
        [(column["Name"], column.get("Type")) for column in storage.get("Columns", [])],
        [(column["Name"], column.get("Type")) for column in table.get("PartitionKeys", [])],
        (storage.get("Location") or "").rstrip("/"),
        *(storage.get("InputFormat"), storage.get("OutputFormat"), serde.get("SerializationLibrary")),
        serde.get("Parameters", {}),
    )


def _chunks(entries: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    return (entries[start : start + _BATCH] for start in range(0, len(entries), _BATCH))
