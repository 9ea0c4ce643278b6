"""What silver keeps of the past goes by Athena's VACUUM and from the bucket; no statement tells whom it is about."""

from __future__ import annotations

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.contracts import load_contracts
from lake.erasure.silver import destroy, former, holding, holds, left_over, still_there, tables, vacuum
from lake.erasure.vault import S3Vault, Stored
from lake.erasure.wanted import Wanted
from tests.unit.flow_fakes import FakeObjects, FakeTime
from tests.unit.test_erasure_bronze import FakeVault

GONE, HASH = Wanted("C-47"), "0123456789abcdef0123456789abcdef"


class Athena:
    """Keeps the statements; `fails` says with which words the next ones fail."""

    def __init__(self, *fails: str) -> None:
        self.said: list[str] = []
        self._fails = list(fails)

    def __call__(self, sql: str) -> list[tuple]:
        self.said.append(sql)
        if sql.startswith("VACUUM") and self._fails:
            raise RuntimeError(self._fails.pop(0))
        return [(3,)] if "count(*)" in sql else []

    @property
    def ages(self) -> list[str]:
        return [sql.rpartition("=")[2].strip("')") for sql in self.said if "max_snapshot_age" in sql]


def nobody() -> None:
    """Nothing has to be kept alive."""


def test_a_vacuum_that_athena_stops_goes_on_and_leaves_the_age_as_it_was() -> None:
    athena = Athena("ICEBERG_VACUUM_MORE_RUNS_NEEDED", "ICEBERG_VACUUM_MORE_RUNS_NEEDED")

    vacuum(athena, "orders", nobody)

    assert athena.said.count("VACUUM orders") == 3
    assert athena.ages == ["1", "432000"]


def test_a_vacuum_that_fails_leaves_the_age_as_it_was() -> None:
    athena = Athena("GENERIC_INTERNAL_ERROR")

    with pytest.raises(RuntimeError, match="GENERIC"):
        vacuum(athena, "orders", nobody)

    assert athena.ages == ["1", "432000"]


def test_a_statement_names_neither_the_customer_nor_the_hash() -> None:
    athena = Athena()

    left = still_there(athena, load_contracts(), ["orders", "orders_history", "quarantine"], HASH)

    assert left == ["silver.orders: 3 rows", "silver.orders_history: 3 rows"]
    assert not any(HASH in sql or GONE.customer in sql for sql in athena.said)


def test_every_table_of_silver_is_swept() -> None:
    assert tables(load_contracts()) == ["orders", "orders_history", "quarantine", "quarantine_history", "file_loads"]


def test_only_what_readers_do_not_get_is_destroyed() -> None:
    objects = FakeObjects(FakeTime())
    vault = FakeVault(objects)
    old, new = objects.put("warehouse/a", b"1"), objects.put("warehouse/a", b"2")
    gone = objects.put("warehouse/b", b"3")
    vault.hide("warehouse/b")

    found = former(vault, "warehouse/")

    assert {one.version for one in found} == {old, gone, "marker"}
    assert new not in {one.version for one in found}
    assert destroy(vault, found, nobody) == 3
    assert [item.version for item, _ in objects.stored["warehouse/a"]] == [new]


def test_results_that_name_the_customer_or_the_hash_are_found() -> None:
    objects = FakeObjects(FakeTime())
    vault = FakeVault(objects)
    held = {objects.put("athena/1.csv", b'"id"\n"C-47"\n'), objects.put("athena/2.csv", HASH.encode())}
    objects.put("athena/3.csv", b'"id"\n"C-478"\n')

    found = holding(vault, vault.versions("athena/"), [GONE, Wanted(HASH)])

    assert {one.version for one in found} == held


def parquet(**columns: list) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream, compression="zstd")
    return stream.getvalue()


def test_what_is_left_over_is_found_in_silver_and_elsewhere_but_an_order_s_number_is_nobody() -> None:
    objects = FakeObjects(FakeTime())
    vault = FakeVault(objects)
    left = {
        "warehouse/silver/orders/data/1.parquet": parquet(customer_id=[HASH, None]),
        "warehouse/silver/quarantine/data/1.parquet": parquet(raw_row=["9,C-47"]),
        "runs/silver/b/result.json": b'{"reason": "C-47"}',
    }
    for key, body in left.items():
        objects.put(key, body)
    objects.put("warehouse/silver/orders/data/2.parquet", parquet(order_id=["C-47"], customer_id=["another"]))
    objects.put("warehouse/silver/quarantine/metadata/1.json", b"C-47 is a count here")
    objects.put("warehouse/gold/freshness/data/1.parquet", parquet(word=["C-47"]))
    objects.put("assets/code.zip", b"C-47")

    found = left_over(vault, "warehouse/silver/", GONE, HASH)

    assert sorted(one.key for one in found) == sorted(left)


def test_an_id_is_found_in_parquet_and_in_what_is_packed() -> None:
    stream = io.BytesIO()
    pq.write_table(pa.table({"n": [1], "raw_row": ["1,2,C-47"]}), stream, compression="zstd", use_dictionary=False)

    assert holds(stream.getvalue(), GONE)
    assert holds(gzip.compress(stream.getvalue()), GONE)
    assert not holds(gzip.compress(b"C-478"), GONE)


def test_an_id_that_looks_like_a_number_is_not_taken_for_one_and_damaged_parquet_is_looked_at_as_bytes() -> None:
    stream = io.BytesIO()
    pq.write_table(pa.table({"line": [47], "raw_row": ["1,2,C-478"], "more": [["a", "b"]]}), stream)

    assert not holds(stream.getvalue(), Wanted("47"))
    assert holds(b"PAR1 half a file with 47 in it", Wanted("47"))


class Pages:
    """An S3 client that lists two pages and keeps what is asked of it."""

    def __init__(self) -> None:
        self.deleted: list[dict[str, str]] = []

    def get_paginator(self, name: str) -> Pages:
        assert name == "list_object_versions"
        return self

    def paginate(self, **asked: str) -> list[dict]:
        assert asked == {"Bucket": "lake", "Prefix": "a/"}
        from datetime import UTC, datetime

        item = {"Key": "a/1", "VersionId": "v1", "LastModified": datetime(2026, 1, 1, tzinfo=UTC), "IsLatest": False}
        return [{"Versions": [item | {"Size": 3, "ETag": '"e"'}]}, {"DeleteMarkers": [item | {"VersionId": "v2"}]}]

    def delete_object(self, **asked: str) -> None:
        self.deleted.append(asked)


def test_a_bucket_is_listed_with_its_markers_and_one_version_is_destroyed() -> None:
    client = Pages()
    vault = S3Vault("lake", client)

    first, second = vault.versions("a/")
    vault.destroy("a/1", "v1")

    assert first == Stored("a/1", "v1", 3, "e", "2026-01-01T00:00:00.000000Z", newest=False)
    assert (second.version, second.marker) == ("v2", True)
    assert client.deleted == [{"Bucket": "lake", "Key": "a/1", "VersionId": "v1"}]
