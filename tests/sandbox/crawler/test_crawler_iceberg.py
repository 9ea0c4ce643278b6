"""Iceberg tables: registered when unknown, and their pointer never moved under a commit or backwards."""

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest

from sandbox.crawler import CrawlReport, crawl, iceberg

UUID = "0b6e8f9c-0000-4000-8000-000000000001"
FIELDS = [
    {"id": 1, "name": "Order_Id", "type": "string", "required": True, "doc": "key"},
    {"id": 2, "name": "at", "type": "timestamptz", "required": False},
    {"id": 3, "name": "n", "type": "long", "required": False},
    {"id": 4, "name": "price", "type": "decimal(9, 2)", "required": False},
    {"id": 5, "name": "flags", "type": {"type": "list", "element-id": 7, "element": "string"}, "required": False},
    {
        "id": 6,
        "name": "place",
        "type": {"type": "struct", "fields": [{"id": 8, "name": "X", "type": "double", "required": False}]},
        "required": False,
    },
]


def path(version: int, table: str = "orders") -> str:
    return f"s3://raw/lake/{table}/metadata/{version:05d}-{'a' * 8}.metadata.json"


def commit(world: Any, version: int, *, log: tuple[int, ...] = (), table: str = "orders", uuid: str = UUID) -> str:
    """The metadata of one version, whose history tells of the versions in `log`."""
    content = {
        "format-version": 2,
        "table-uuid": uuid,
        "location": f"s3://raw/lake/{table}",
        "last-sequence-number": version,
        "last-updated-ms": 1_700_000_000_000 + version,
        "current-schema-id": 1,
        "schemas": [{"schema-id": 0, "fields": FIELDS[:1]}, {"schema-id": 1, "type": "struct", "fields": FIELDS}],
        "metadata-log": [{"timestamp-ms": 0, "metadata-file": path(old, table)} for old in log],
    }
    where = path(version, table)
    world.put(where.removeprefix("s3://raw/"), json.dumps(content))
    return where


def run(world: Any, depth: int = 3, **crawler: Any) -> CrawlReport:
    target = {"Paths": ["s3://raw/lake"], "MaximumTraversalDepth": depth}
    whole = {"Name": "c", "DatabaseName": "db", "Targets": {"IcebergTargets": [target]}, **crawler}
    return crawl(whole, [], world.s3, world.glue)


def pointer(world: Any, table: str = "orders") -> str:
    return str(world.table(table)["Parameters"]["metadata_location"])


def committed_by_an_engine(world: Any, where: str) -> None:
    """The table as Iceberg's own Glue catalog leaves it after a commit."""
    storage = {"Location": "s3://raw/lake/orders", "Columns": [{"Name": "order_id", "Type": "string"}]}
    parameters = {"table_type": "ICEBERG", "metadata_location": where, "previous_metadata_location": "s3://raw/old"}
    table = {"Name": "orders", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage, "Parameters": parameters}
    world.glue.create_table(DatabaseName="db", TableInput=table)


def test_an_unknown_table_is_registered_with_its_newest_metadata(world: Any) -> None:
    commit(world, 9)
    newest = commit(world, 10, log=(9,))

    report = run(world)

    table = world.table("orders")
    assert report.tables_created == ["orders"]
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert table["Parameters"]["table_type"] == "ICEBERG"
    assert pointer(world) == newest
    assert table["StorageDescriptor"]["Location"] == "s3://raw/lake/orders"
    assert world.columns("orders") == {
        "order_id": "string",
        "at": "timestamp",
        "n": "bigint",
        "price": "decimal(9,2)",
        "flags": "array<string>",
        "place": "struct<x:double>",
    }
    assert table["StorageDescriptor"]["Columns"][0]["Comment"] == "key"
    assert table["StorageDescriptor"]["Columns"][0]["Parameters"]["iceberg.field.id"] == "1"


def test_every_table_below_the_path_is_found_down_to_the_depth(world: Any) -> None:
    commit(world, 1, table="silver/orders")
    commit(world, 1, table="gold/late")

    run(world, depth=1)
    assert world.tables() == []

    run(world, depth=2)
    assert world.tables() == ["late", "orders"]


def test_a_table_that_only_crawlers_keep_follows_its_metadata(world: Any) -> None:
    commit(world, 1)
    run(world)
    newest = commit(world, 2, log=(1,))

    report = run(world)

    assert report.tables_updated == ["orders"]
    assert pointer(world) == newest
    assert run(world).tables_updated == []


def test_the_policy_log_keeps_the_pointer(world: Any) -> None:
    first = commit(world, 1)
    run(world)
    commit(world, 2, log=(1,))

    run(world, SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"})

    assert pointer(world) == first


def test_a_pointer_is_never_moved_backwards(world: Any) -> None:
    commit(world, 1)
    elsewhere = commit(world, 5, log=(1,)).replace("/lake/", "/moved/")
    content = world.s3.get_object(Bucket="raw", Key=path(5).removeprefix("s3://raw/"))["Body"].read()
    world.put(elsewhere.removeprefix("s3://raw/"), content)
    world.s3.delete_object(Bucket="raw", Key=path(5).removeprefix("s3://raw/"))
    committed_by_an_engine(world, elsewhere)

    run(world)

    assert pointer(world) == elsewhere


def test_metadata_with_another_history_is_not_followed(world: Any) -> None:
    first = commit(world, 1)
    run(world)
    commit(world, 2, log=())
    commit(world, 3, log=(1,), uuid="another")

    report = run(world)

    assert pointer(world) == first
    assert report.tables_updated == []


def test_fresh_metadata_is_left_to_the_engine_that_may_be_committing_it(world: Any) -> None:
    first = commit(world, 1)
    committed_by_an_engine(world, first)
    commit(world, 2, log=(1,))

    report = run(world)

    assert pointer(world) == first
    assert report.messages == ["orders is committed to by an engine, maybe now: newer metadata is left to it"]


def test_settled_metadata_heals_a_catalog_that_fell_behind(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    committed_by_an_engine(world, commit(world, 1))
    newest = commit(world, 2, log=(1,))
    monkeypatch.setattr(iceberg, "SETTLED", timedelta(0))

    run(world)

    assert pointer(world) == newest
    assert world.table("orders")["Parameters"]["previous_metadata_location"] == "s3://raw/old"


def test_a_pointer_to_nothing_gets_the_newest_metadata(world: Any) -> None:
    newest = commit(world, 2)
    committed_by_an_engine(world, "s3://raw/lake/orders/metadata/00001-gone.metadata.json")

    report = run(world)

    assert pointer(world) == newest
    assert "which is gone" in report.messages[0]


def test_an_ordinary_table_of_the_same_place_is_left(world: Any) -> None:
    commit(world, 1)
    storage = {"Location": "s3://raw/lake/orders", "Columns": []}
    world.glue.create_table(DatabaseName="db", TableInput={"Name": "orders", "StorageDescriptor": storage})

    report = run(world)

    assert report.messages == ["orders is in the catalog and is not an Iceberg table: it is left as it is"]


def test_hadoop_names_and_gzip_are_understood(world: Any) -> None:
    commit(world, 1)
    content = world.s3.get_object(Bucket="raw", Key=path(1).removeprefix("s3://raw/"))["Body"].read()
    world.s3.delete_object(Bucket="raw", Key=path(1).removeprefix("s3://raw/"))
    world.put("lake/orders/metadata/v2.metadata.json", content)
    world.put("lake/orders/metadata/v11.gz.metadata.json", gzip.compress(content))

    run(world)

    assert pointer(world) == "s3://raw/lake/orders/metadata/v11.gz.metadata.json"


def test_a_path_without_tables_is_told(world: Any) -> None:
    report = run(world)

    assert report.messages == ["There is no Iceberg table under s3://raw/lake"]
