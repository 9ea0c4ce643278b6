"""CREATE TABLE AS SELECT: Athena's table properties turned into the engine's; the query itself is left as it is."""

from __future__ import annotations

from sandbox.athena.catalog import find_table, has_database, resolve, semantic
from sandbox.athena.errors import USER, AthenaError, EngineError, InvalidRequest, QueryFailed
from sandbox.athena.iceberg import iceberg_properties
from sandbox.athena.run import Run
from sandbox.athena.sqltext import Cursor, after, literal, quoted
from sandbox.athena.trino import GLUE_CATALOG, ICEBERG_CATALOG
from sandbox.athena.withclause import Value, array, must_be_empty, objects, read_with, text
from sandbox.athena.work import DDL, Outcome, Plan

_FORMATS = ("parquet", "orc", "avro", "json", "textfile")
_COMPRESSIONS = ("write_compression", "parquet_compression", "orc_compression")
_HIVE = {"table_type", "is_external", "format", "external_location", "partitioned_by", "bucketed_by", "bucket_count",
         "field_delimiter", *_COMPRESSIONS}  # fmt: skip
# What ORC calls zlib is gzip to the engine.
_CODECS = {"ZLIB": "GZIP"}
_ENFORCED = (
    "The Create Table As Select query failed because it was submitted with an 'external_location' property to an "
    "Athena Workgroup that enforces a centralized output location for all queries. Please remove the "
    "'external_location' property and resubmit the query."
)
_LEFT = (
    "You may need to manually clean the data at location '{}' before retrying. Athena will not delete data in your "
    "account."
)


def is_ctas(sql: str) -> bool:
    """True when a CREATE TABLE names its columns by a query."""
    cursor = Cursor(sql, hive=False)
    cursor.expect("create", "table")
    cursor.take("if", "not", "exists")
    cursor.names()
    return cursor.take("with") or cursor.take("as") or cursor.take("comment")


def create(sql: str) -> Plan:
    """CREATE TABLE [IF NOT EXISTS] name [WITH (...)] AS query [WITH [NO] DATA]."""
    cursor = Cursor(sql, hive=False)
    cursor.expect("create", "table")
    lenient = cursor.take("if", "not", "exists")
    name = cursor.names()
    given = read_with(cursor) if cursor.take("with") else {}
    start = cursor.next.start if cursor.next else len(sql)
    cursor.expect("as")
    iceberg = (text(given, "table_type") or "hive").lower() == "iceberg"
    _known(given, iceberg)

    def work(run: Run) -> Outcome:
        database, table = resolve(run, name)
        if find_table(run, database, table) is not None:
            if lenient:
                return Outcome(update_count=0)
            message = (
                f"TABLE_ALREADY_EXISTS: line 1:1: Destination table 'awsdatacatalog.{database}.{table}' already exists"
            )
            raise QueryFailed(AthenaError(USER, 1000, message))
        if not has_database(run, database):
            what = f"Database {database} not found. Please check your query. {_LEFT.format(run.location)}"
            raise QueryFailed(AthenaError(USER, 1301, what))
        location = _location(run, given, iceberg)
        run.permissions.catalog("CreateTable", database, table)
        run.permissions.folder("s3:PutObject", location)
        must_be_empty(run, location, f"table '{database}.{table}'")
        made = _iceberg(given, location) if iceberg else _hive(given, location)
        catalog = ICEBERG_CATALOG if iceberg else GLUE_CATALOG
        listed = ", ".join(f"{key} = {value}" for key, value in made.items())
        head = f"CREATE TABLE {quoted(catalog, database, table)} WITH ({listed})"
        rewritten, moved = after(head, sql, start)
        try:
            done = run.change(rewritten, session=_session(given, iceberg), moved=moved)
        except EngineError as error:
            raise error.with_advice(_LEFT.format(run.location)) from error
        # Only files of a Hive table are listed: an Iceberg table knows its own.
        files = None if iceberg else objects(run, location)
        return Outcome(columns=done.columns, update_count=done.update_count, files=files)

    return Plan(DDL, "CREATE_TABLE_AS_SELECT", "data", work, syntax=None)


def _known(given: dict[str, Value], iceberg: bool) -> None:
    """Refuse what Athena does not know, by name."""
    file_format = (text(given, "format") or "parquet").lower()
    if file_format not in _FORMATS:
        raise InvalidRequest(
            f"Unsupported file format '{file_format}' in CREATE TABLE AS.", athena_code="INVALID_QUERY"
        )
    wrong = [key for key in given if key not in _HIVE] if not iceberg else [
        key for key in ("external_location", "partitioned_by", "bucketed_by", "bucket_count") if key in given
    ]  # fmt: skip
    if wrong:
        kind = "Iceberg" if iceberg else "Hive"
        raise InvalidRequest(
            f"Table property '{wrong[0]}' is not supported for {kind} tables", athena_code="INVALID_QUERY"
        )


def _location(run: Run, given: dict[str, Value], iceberg: bool) -> str:
    """Where the data goes: where the statement says, or below the results."""
    if iceberg:
        location = text(given, "location")
        if location is None and not run.enforced:
            raise semantic("No location was specified for table. An S3 location must be specified", 1103)
        return location or f"{run.output}tables/{run.query_id}/"
    external = text(given, "external_location")
    if external is not None and run.enforced:
        raise QueryFailed(AthenaError(USER, 1103, _ENFORCED))
    return external or f"{run.output}tables/{run.query_id}/"


def _hive(given: dict[str, Value], location: str) -> dict[str, str]:
    made = {"format": literal((text(given, "format") or "parquet").upper()), "external_location": literal(location)}
    for name in ("partitioned_by", "bucketed_by"):
        if name in given:
            made[name] = "ARRAY[" + ", ".join(map(literal, array(given, name))) + "]"
    if "bucket_count" in given:
        made["bucket_count"] = str(int(text(given, "bucket_count") or "0"))
    if "field_delimiter" in given:
        made["textfile_field_separator"] = literal(text(given, "field_delimiter") or "")
    return made


def _iceberg(given: dict[str, Value], location: str) -> dict[str, str]:
    plain = {key: str(value) for key, value in given.items() if not isinstance(value, list)}
    made = iceberg_properties(plain) | {"location": literal(location.rstrip("/"))}
    made.setdefault("format", literal("PARQUET"))
    if "partitioning" in given:
        made["partitioning"] = "ARRAY[" + ", ".join(map(literal, array(given, "partitioning"))) + "]"
    return made


def _session(given: dict[str, Value], iceberg: bool) -> dict[str, str]:
    """Files are compressed as a session of the engine says. Athena's defaults: gzip, and zstd for Iceberg."""
    codec = next((text(given, key) for key in _COMPRESSIONS if key in given), None)
    catalog, default = (ICEBERG_CATALOG, "ZSTD") if iceberg else (GLUE_CATALOG, "GZIP")
    name = (codec or default).upper()
    return {f"{catalog}.compression_codec": _CODECS.get(name, name)}
