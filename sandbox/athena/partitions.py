"""Partitions of Hive tables: SHOW PARTITIONS, MSCK REPAIR TABLE, ALTER TABLE ADD|DROP|RENAME PARTITION."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from sandbox.athena.catalog import (
    Table,
    call,
    ddl_failed,
    failure,
    get_table,
    resolve,
    semantic,
    unsupported_by_iceberg,
)
from sandbox.athena.permissions import is_iceberg
from sandbox.athena.rendering import plain_column
from sandbox.athena.results import split_uri
from sandbox.athena.run import Run
from sandbox.athena.sqltext import Cursor, Token
from sandbox.athena.sqltext import unquote as text_of
from sandbox.athena.work import DDL, UTILITY, Outcome, Plan

Spec = dict[str, str]
Change = Callable[[Run, str, str, Table], None]
_BATCH = 100


def show(text: str) -> Plan:
    """SHOW PARTITIONS table."""
    cursor = Cursor(text)
    cursor.expect("show", "partitions")
    name = cursor.names()
    cursor.end()

    def work(run: Run) -> Outcome:
        database, table = resolve(run, name)
        keys = _keys(get_table(run, database, table))
        found = [_path(keys, values) for values in _known(run, database, table)]
        return Outcome(columns=[plain_column("partition")], lines=sorted(found))

    return Plan(UTILITY, "SHOW_PARTITIONS", "txt", work)


def repair(text: str) -> Plan:
    """MSCK REPAIR TABLE table: folders `key=value` below the table's location become partitions."""
    cursor = Cursor(text)
    cursor.expect("msck", "repair", "table")
    name = cursor.names()
    cursor.end()

    def work(run: Run) -> Outcome:
        database, table = resolve(run, name)
        entry = get_table(run, database, table)
        keys = _keys(entry)
        known = set(_known(run, database, table))
        location = entry["StorageDescriptor"]["Location"]
        missing = [(values, path) for values, path in _walk(run, location, keys) if values not in known]
        made = [_partition(entry, values, f"{location.rstrip('/')}/{path}/") for values, path in missing]
        _create(run, database, table, made, lenient=True)
        if not missing:
            return Outcome()
        paths = [_path(keys, values) for values, _ in missing]
        lines = ["Partitions not in metastore:\t" + "\t".join(f"{table}:{path}" for path in paths)]
        return Outcome(lines=lines + [f"Repair: Added partition to metastore {table}:{path}" for path in paths])

    return Plan(DDL, "MSCK_REPAIR", "txt", work)


def change(cursor: Cursor) -> tuple[str, Change]:
    """ADD, DROP or RENAME PARTITION of ALTER TABLE, from the words after the table's name."""
    if cursor.take("add"):
        lenient = cursor.take("if", "not", "exists")
        given: list[tuple[Spec, str | None]] = []
        while not given or cursor.next is not None:
            cursor.expect("partition")
            given.append(
                (dict(cursor.listed(lambda: _value(cursor))), cursor.string() if cursor.take("location") else None)
            )
        return "ALTER_TABLE_ADD_PARTITION", _add(given, lenient)
    if cursor.take("drop"):
        lenient = cursor.take("if", "exists")
        specs: list[Spec] = []
        while not specs or cursor.take(","):
            cursor.expect("partition")
            specs.append(dict(cursor.listed(lambda: _value(cursor))))
        return "ALTER_TABLE_DROP_PARTITION", _drop(specs, lenient)
    if cursor.take("partition"):
        old = dict(cursor.listed(lambda: _value(cursor)))
        cursor.expect("rename", "to", "partition")
        return "ALTER_TABLE_RENAME_PARTITION", _rename(old, dict(cursor.listed(lambda: _value(cursor))))
    raise cursor.wrong("ADD, DROP, CHANGE, REPLACE, SET, UNSET, PARTITION")


def _value(cursor: Cursor) -> tuple[str, str]:
    key = cursor.name()
    cursor.expect("=")
    token: Token | None = cursor.next
    if token is None or token.kind not in ("string", "number"):
        raise cursor.wrong("a value")
    cursor.at += 1
    return key, text_of(token) if token.kind == "string" else token.text


def _add(given: list[tuple[Spec, str | None]], lenient: bool) -> Change:
    def work(run: Run, database: str, table: str, entry: Table) -> None:
        keys = _keys(entry)
        made = []
        for spec, location in given:
            values = _values(keys, spec)
            uri = location or f"{entry['StorageDescriptor']['Location'].rstrip('/')}/{_path(keys, values)}/"
            made.append(_partition(entry, values, uri))
        _create(run, database, table, made, lenient)

    return work


def _drop(specs: list[Spec], lenient: bool) -> Change:
    def work(run: Run, database: str, table: str, entry: Table) -> None:
        keys = _keys(entry)
        known = _known(run, database, table)
        for spec in specs:
            fits = [v for v in known if all(v[keys.index(key)] == value for key, value in spec.items() if key in keys)]
            if not fits and not lenient:
                raise semantic(f"[Error 10006]: Partition not found ({spec})", 1301)
            for values in fits:
                call(run, "delete_partition", DatabaseName=database, TableName=table, PartitionValues=list(values))

    return work


def _rename(old: Spec, new: Spec) -> Change:
    def work(run: Run, database: str, table: str, entry: Table) -> None:
        keys = _keys(entry)
        before, after = _values(keys, old), _values(keys, new)
        found = call(run, "get_partition", DatabaseName=database, TableName=table, PartitionValues=list(before))[
            "Partition"
        ]
        _create(run, database, table, [_partition(entry, after, found["StorageDescriptor"]["Location"])], lenient=False)
        call(run, "delete_partition", DatabaseName=database, TableName=table, PartitionValues=list(before))

    return work


def _keys(entry: Table) -> list[str]:
    name = f"{entry.get('DatabaseName')}.{entry['Name']}"
    if is_iceberg(entry):
        raise unsupported_by_iceberg(f'the partitions of {name} are in "{entry["Name"]}$partitions"')
    keys = [key["Name"] for key in entry.get("PartitionKeys") or []]
    if not keys:
        raise ddl_failed(f"Table {name} is not a partitioned table")
    return keys


def _values(keys: list[str], spec: Spec) -> tuple[str, ...]:
    if sorted(keys) != sorted(spec):
        raise semantic(f"[Error 10098]: A partition is named by all of its columns: {', '.join(keys)}", 1100)
    return tuple(spec[key] for key in keys)


def _path(keys: list[str], values: tuple[str, ...]) -> str:
    return "/".join(f"{key}={value}" for key, value in zip(keys, values, strict=True))


def _known(run: Run, database: str, table: str) -> list[tuple[str, ...]]:
    try:
        pages = run.glue.get_paginator("get_partitions").paginate(DatabaseName=database, TableName=table)
        return [tuple(partition["Values"]) for page in pages for partition in page["Partitions"]]
    except ClientError as error:
        raise failure(error) from error


def _walk(run: Run, location: str, keys: list[str], found: tuple[str, ...] = (), path: str = "") -> Iterator[Any]:
    """Folders `key=value`, one level a key: their values (decoded) and their path below the location as it is."""
    if len(found) == len(keys):
        yield found, path.rstrip("/")
        return
    bucket, prefix = split_uri(location.rstrip("/") + "/" + path)
    try:
        pages = run.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
        names = [entry["Prefix"][len(prefix) :] for page in pages for entry in page.get("CommonPrefixes", [])]
    except ClientError as error:
        raise failure(error) from error
    for name in names:
        key, equals, value = name.rstrip("/").partition("=")
        if equals and unquote(key).lower() == keys[len(found)]:
            yield from _walk(run, location, keys, (*found, unquote(value)), path + name)


def _partition(entry: Table, values: tuple[str, ...], location: str) -> dict[str, Any]:
    storage = copy.deepcopy(entry["StorageDescriptor"])
    storage["Location"] = location
    return {"Values": list(values), "StorageDescriptor": storage}


def _create(run: Run, database: str, table: str, made: list[dict[str, Any]], lenient: bool) -> None:
    for start in range(0, len(made), _BATCH):
        batch = made[start : start + _BATCH]
        answer = call(run, "batch_create_partition", DatabaseName=database, TableName=table, PartitionInputList=batch)
        for error in answer.get("Errors", []):
            if error["ErrorDetail"]["ErrorCode"] != "AlreadyExistsException":
                raise ddl_failed(f"MetaException(message:{error['ErrorDetail'].get('ErrorMessage')})")
            if not lenient:
                raise ddl_failed(
                    f"AlreadyExistsException(message:Partition already exists: {error['PartitionValues']})"
                )
