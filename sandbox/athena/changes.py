"""INSERT INTO, DELETE FROM, UPDATE and MERGE INTO: what Athena lets each kind of table have done to it."""

from __future__ import annotations

from sandbox.athena.catalog import Table, find_table, resolve
from sandbox.athena.errors import USER, AthenaError, EngineError, QueryFailed, not_supported
from sandbox.athena.permissions import is_iceberg
from sandbox.athena.run import Run
from sandbox.athena.sqltext import Cursor
from sandbox.athena.views import is_view
from sandbox.athena.withclause import objects
from sandbox.athena.work import DML, Outcome, Plan

# The serdes that Athena writes with; the engine writes with more.
_WRITES = (
    "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
    "org.apache.hive.hcatalog.data.JsonSerDe",
    "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
)


def change(text: str) -> Plan:
    """INSERT INTO, DELETE FROM, UPDATE or MERGE INTO a table."""
    cursor = Cursor(text, hive=False)
    word = cursor.name()
    if word != "update":
        cursor.expect("from" if word == "delete" else "into")
    name = cursor.names()

    def work(run: Run) -> Outcome:
        database, table = resolve(run, name)
        # The engine does not name the target of a change that it carries out on metadata alone.
        run.permissions.write(database, table)
        entry = find_table(run, database, table)
        if entry is None or is_iceberg(entry) or is_view(entry):
            return _run(run, text, word)
        _check_hive(word, entry)
        return _insert_files(run, text, entry)

    return Plan(DML, word.upper(), "data", work, syntax=text)


def _check_hive(word: str, entry: Table) -> None:
    """Raises QueryFailed for what Athena does not do to a table that is not Iceberg."""
    if word == "delete":
        raise not_supported("Cannot delete from non-managed Hive table")
    if word != "insert":
        raise not_supported(f"{word.upper()} is only supported for transactional tables, such as Iceberg")
    storage = entry.get("StorageDescriptor") or {}
    serde = (storage.get("SerdeInfo") or {}).get("SerializationLibrary")
    if serde not in _WRITES:
        what = f"Output format {storage.get('OutputFormat')} with SerDe {serde} is not supported."
        raise QueryFailed(AthenaError(USER, 1200, f"HIVE_UNSUPPORTED_FORMAT: {what}"))
    if storage.get("NumberOfBuckets", -1) > 0:
        raise not_supported("INSERT INTO is not supported on bucketed tables")


def _insert_files(run: Run, text: str, entry: Table) -> Outcome:
    """An INSERT into files of a table's folder, with their manifest."""
    location = entry["StorageDescriptor"]["Location"]
    before = set(objects(run, location))
    done = _run(run, text, "insert")
    files = sorted(set(objects(run, location)) - before)
    return Outcome(columns=done.columns, update_count=done.update_count, files=files or None)


def _run(run: Run, text: str, word: str) -> Outcome:
    try:
        return run.change(text)
    except EngineError as error:
        if word != "insert":
            raise
        advice = (
            f"If a data manifest file was generated at '{run.location}-manifest.csv', you may need to manually clean "
            "the data from locations specified in the manifest. Athena will not delete data in your account."
        )
        raise error.with_advice(advice) from error
