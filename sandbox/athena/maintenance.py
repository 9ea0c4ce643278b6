"""OPTIMIZE and VACUUM of Iceberg tables."""

from __future__ import annotations

from sandbox.athena.catalog import get_table, resolve, semantic
from sandbox.athena.errors import EngineError, not_supported
from sandbox.athena.iceberg import read_metadata
from sandbox.athena.permissions import is_iceberg
from sandbox.athena.run import Run
from sandbox.athena.sqltext import Cursor, quoted
from sandbox.athena.trino import ICEBERG_CATALOG
from sandbox.athena.work import DDL, DML, Outcome, Plan

_FIVE_DAYS = "432000"


def optimize(text: str) -> Plan:
    """OPTIMIZE table REWRITE DATA USING BIN_PACK [WHERE predicate]."""
    cursor = Cursor(text, hive=False)
    cursor.expect("optimize")
    name = cursor.names()
    cursor.expect("rewrite", "data", "using", "bin_pack")
    if cursor.next is not None and cursor.next.lower != "where":
        raise cursor.wrong("WHERE, <EOF>")
    where = cursor.rest()

    def work(run: Run) -> Outcome:
        table, _ = _target(run, name, "OPTIMIZE")
        try:
            run.command(f"ALTER TABLE {table} EXECUTE optimize {where}")
        except EngineError as error:
            if "Unexpected FilterNode" in error.message:
                raise not_supported("OPTIMIZE ... WHERE may only name partition columns here") from error
            raise
        return Outcome()

    return Plan(DDL, "OPTIMIZE", "txt", work)


def vacuum(text: str) -> Plan:
    """VACUUM table: snapshots older than the table's vacuum_max_snapshot_age_seconds go, and files that none needs."""
    cursor = Cursor(text, hive=False)
    cursor.expect("vacuum")
    name = cursor.names()
    cursor.end()

    def work(run: Run) -> Outcome:
        table, properties = _target(run, name, "VACUUM")
        age = int(properties.get("vacuum_max_snapshot_age_seconds", _FIVE_DAYS))
        run.command(f"ALTER TABLE {table} EXECUTE expire_snapshots(retention_threshold => '{age}s')")
        run.command(f"ALTER TABLE {table} EXECUTE remove_orphan_files(retention_threshold => '{age}s')")
        return Outcome()

    return Plan(DML, "VACUUM", "txt", work)


def _target(run: Run, name: list[str], what: str) -> tuple[str, dict[str, str]]:
    """The engine's name of the table, and the table's properties, once the caller may change it."""
    database, table = resolve(run, name)
    entry = get_table(run, database, table)
    if not is_iceberg(entry):
        raise semantic(f"{what} is only supported for Iceberg tables: {database}.{table}", 1200)
    location = entry["StorageDescriptor"]["Location"]
    for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
        run.permissions.folder(action, location)
    run.permissions.catalog("UpdateTable", database, table)
    return quoted(ICEBERG_CATALOG, database, table), read_metadata(run, entry).get("properties", {})
