"""Silver without one customer: what the tables no longer show goes from their snapshots and from the bucket's versions.

The current snapshot has no trace of an original any more (it was taken back), so everything older goes: by Athena's own
VACUUM, and then for ever, because the bucket keeps deleted objects for a month.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from lake.contracts import Contract
from lake.erasure.vault import Stored, Vault
from lake.erasure.wanted import Wanted

Ask = Callable[[str], list[tuple]]  # a statement to Athena, on silver; its rows
_AGE = "vacuum_max_snapshot_age_seconds"
_FIVE_DAYS = "432000"  # Athena's own age
SHARED = ("quarantine", "quarantine_history", "file_loads")  # what is not one feed's
RESULTS = ("athena/", "athena-personal/")  # where Athena puts what it answers
_MORE = "ICEBERG_VACUUM_MORE_RUNS_NEEDED"
_RUNS = 50


def tables(contracts: Mapping[str, Contract]) -> list[str]:
    own = [name for contract in contracts.values() for name in (contract.table, f"{contract.table}_history")]
    return [*own, *SHARED]


def vacuum(ask: Ask, table: str, alive: Callable[[], None]) -> None:
    """All snapshots of a table but the current one go, with the files that only they need."""
    ask(f"ALTER TABLE {table} SET TBLPROPERTIES ('{_AGE}'='1')")
    try:
        for _ in range(_RUNS):
            alive()
            try:
                ask(f"VACUUM {table}")
                return
            except Exception as error:
                if _MORE not in str(error):  # Athena stops after a while and wants to be asked again
                    raise
        raise RuntimeError(f"VACUUM of {table} wanted more than {_RUNS} runs: ask again")
    finally:
        ask(f"ALTER TABLE {table} SET TBLPROPERTIES ('{_AGE}'='{_FIVE_DAYS}')")


def former(vault: Vault, prefix: str) -> list[Stored]:
    """Everything under a prefix that readers do not get: former versions, and deleted objects with their markers."""
    return [one for one in vault.versions(prefix) if one.marker or not one.newest]


def holding(vault: Vault, found: Iterable[Stored], sought: Sequence[Wanted]) -> list[Stored]:
    """Those whose bytes hold one of the words (the id, its hash), packed or not."""
    held = []
    for one in found:
        if not one.marker:
            body = vault.read(one.key, one.version)
            if any(holds(body, wanted) for wanted in sought):
                held.append(one)
    return held


def left_over(vault: Vault, warehouse: str, wanted: Wanted, pseudonym: str) -> list[Stored]:
    """What of the bucket still holds the customer after an erasure; `warehouse` is silver's folder.

    Athena's VACUUM succeeds also where it may not delete, so silver's files are looked at. In those of feeds for the
    hash alone, since the id may be an order's number as well. Gold knows nobody.
    """
    hashed = Wanted(pseudonym)
    files = [one for one in vault.versions(warehouse) if one.key.endswith(".parquet")]
    shared = tuple(f"{warehouse}{name}/" for name in SHARED)
    elsewhere = [one for one in vault.versions() if not one.key.startswith(("warehouse/", "assets/", *RESULTS))]
    return [
        *holding(vault, [one for one in files if not one.key.startswith(shared)], [hashed]),
        *holding(vault, [one for one in files if one.key.startswith(shared)], [wanted, hashed]),
        *holding(vault, elsewhere, [wanted, hashed]),
    ]


def holds(body: bytes, wanted: Wanted, depth: int = 3) -> bool:
    """Whether bytes hold it: as text, in a packed file, in Parquet. What cannot be opened is looked at as bytes."""
    if body.startswith(b"PAR1"):
        try:
            return _in_parquet(body, wanted)
        except (ValueError, OSError):  # Arrow's errors are of these kinds
            return wanted.is_in_bytes(body)
    if wanted.is_in_bytes(body):
        return True
    try:
        if body.startswith(b"\x1f\x8b") and depth:
            return holds(gzip.decompress(body), wanted, depth - 1)
        if body.startswith(b"PK\x03\x04") and depth:
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                return any(holds(archive.read(item), wanted, depth - 1) for item in archive.infolist())
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile):
        return False
    return False


def _in_parquet(body: bytes, wanted: Wanted) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(body))
    for batch in file.iter_batches():
        for column in batch.columns:
            if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                found = column.filter(pc.match_substring(column, wanted.customer))  # nearly always none are left
            elif pa.types.is_nested(column.type):
                found = column
            else:
                continue  # a number or a moment is nobody's id
            if any(wanted.is_in(str(value)) for value in found.to_pylist() if value is not None):
                return True
    return False


def still_there(ask: Ask, contracts: Mapping[str, Contract], there: Sequence[str], pseudonym: str) -> list[str]:
    """Tables, of those that are there, whose rows still carry the customer's hash.

    Athena keeps the text of statements, so neither the id nor its hash may stand in one: the hash of the hash does.
    """
    twice = hashlib.sha256(pseudonym.encode()).hexdigest()
    found = []
    for contract in contracts.values():
        for column in [field.name for field in contract.fields if field.pseudonymised]:
            for table in sorted({contract.table, f"{contract.table}_history"} & {*there}):
                [(rows,)] = ask(
                    f"SELECT count(*) FROM {table} WHERE lower(to_hex(sha256(to_utf8({column})))) = '{twice}'"  # noqa: S608
                )
                if rows:
                    found.append(f"silver.{table}: {rows} rows")
    return found


def destroy(vault: Vault, versions: Sequence[Stored], alive: Callable[[], None]) -> int:
    """Deletes versions and markers for ever; how many."""
    for one in versions:
        alive()
        vault.destroy(one.key, one.version)
    return len(versions)
