"""UNLOAD (query) TO 's3://...' WITH (...): the engine writes files, the catalog is not touched."""

from __future__ import annotations

from sandbox.athena.errors import InvalidRequest
from sandbox.athena.run import Run
from sandbox.athena.sqltext import Cursor, after, literal, quoted
from sandbox.athena.trino import UNLOAD_CATALOG
from sandbox.athena.withclause import array, must_be_empty, objects, read_with, text
from sandbox.athena.work import DML, Outcome, Plan

_SCHEMA = "files"
_FORMATS = ("parquet", "orc", "avro", "json", "textfile")
_KNOWN = ("format", "compression", "partitioned_by", "field_delimiter", "compression_level")


def unload(sql: str) -> Plan:
    """Read the statement; the query inside stays as it is."""
    cursor = Cursor(sql, hive=False)
    cursor.expect("unload")
    start = cursor.next.end if cursor.next else len(sql)
    query = cursor.group()
    cursor.expect("to")
    target = cursor.string()
    given = read_with(cursor) if cursor.take("with") else {}
    cursor.end()
    file_format = (text(given, "format") or "").lower()
    if file_format not in _FORMATS:
        raise InvalidRequest(
            "UNLOAD needs WITH (format = 'PARQUET'|'ORC'|'AVRO'|'JSON'|'TEXTFILE')", athena_code="INVALID_QUERY"
        )
    wrong = [key for key in given if key not in _KNOWN]
    if wrong:
        raise InvalidRequest(f"UNLOAD property '{wrong[0]}' is not supported", athena_code="INVALID_QUERY")

    def work(run: Run) -> Outcome:
        inner, moved = after("", sql[: start + len(query)], start)
        run.check(inner, moved)
        run.permissions.folder("s3:PutObject", target)
        must_be_empty(run, target, "UNLOAD")
        table = quoted(UNLOAD_CATALOG, _SCHEMA, run.query_id)
        properties = {"format": literal(file_format.upper()), "external_location": literal(target.rstrip("/") + "/")}
        if "partitioned_by" in given:
            properties["partitioned_by"] = f"ARRAY[{', '.join(map(literal, array(given, 'partitioned_by')))}]"
        if "field_delimiter" in given:
            properties["textfile_field_separator"] = literal(text(given, "field_delimiter") or "")
        listed = ", ".join(f"{key} = {value}" for key, value in properties.items())
        body, moved = after(f"CREATE TABLE {table} WITH ({listed}) AS", sql[: start + len(query)], start)
        codec = {f"{UNLOAD_CATALOG}.compression_codec": (text(given, "compression") or "GZIP").upper()}
        run.command(f"CREATE SCHEMA IF NOT EXISTS {quoted(UNLOAD_CATALOG, _SCHEMA)}", bind=False)
        try:
            done = run.change(body, codec, moved, checked=True)
        finally:
            run.command(f"DROP TABLE IF EXISTS {table}", bind=False)
        return Outcome(update_count=done.update_count, files=objects(run, target))

    return Plan(DML, "UNLOAD", "data", work)
