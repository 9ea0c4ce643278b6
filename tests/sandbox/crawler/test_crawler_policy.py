"""What a crawl does with a table that is there already, and how it fails."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.crawler import CrawlError

OLD = "id,price,size\n1,2.5,3\n"
NEW = "id,price,size,town\n1,2.5,3,x\n"


def crawled(world: Any, update: str = "UPDATE_IN_DATABASE", delete: str = "LOG", **crawler: Any) -> Any:
    return world.crawl(SchemaChangePolicy={"UpdateBehavior": update, "DeleteBehavior": delete}, **crawler)


def replace(world: Any) -> None:
    """The folder's only object gets one column more, and another name."""
    world.s3.delete_object(Bucket="raw", Key="orders/a.csv")
    world.put("orders/b.csv", NEW)


@pytest.fixture
def known(world: Any) -> Any:
    """A world whose table `orders` was crawled once."""
    world.put("orders/a.csv", OLD)
    crawled(world)
    return world


def test_nothing_new_changes_nothing(known: Any) -> None:
    report = crawled(known)

    assert (report.tables_created, report.tables_updated, report.partitions_added) == ([], [], [])


def test_a_changed_schema_updates_the_table(known: Any) -> None:
    replace(known)

    report = crawled(known)

    assert report.tables_updated == ["orders"]
    assert list(known.columns("orders")) == ["id", "price", "size", "town"]


def test_the_policy_log_leaves_the_table_and_says_so(known: Any) -> None:
    replace(known)

    report = crawled(known, update="LOG")

    assert list(known.columns("orders")) == ["id", "price", "size"]
    assert report.tables_updated == []
    assert report.messages == ["The schema of orders changed; the policy LOG leaves the table as it is"]


def test_new_columns_are_merged_and_old_ones_stay(known: Any) -> None:
    known.s3.delete_object(Bucket="raw", Key="orders/a.csv")
    known.put("orders/b.csv", "price,town\n2.5,3\n")
    configuration = {"Version": 1.0, "CrawlerOutput": {"Tables": {"AddOrUpdateBehavior": "MergeNewColumns"}}}

    crawled(known, Configuration=json.dumps(configuration))

    assert known.columns("orders") == {"id": "bigint", "price": "double", "size": "bigint", "town": "bigint"}


def test_what_people_wrote_on_a_table_stays(known: Any) -> None:
    table = known.table("orders")
    storage = table["StorageDescriptor"]
    storage["Columns"][0]["Comment"] = "the order"
    changed = {"Name": "orders", "Description": "ours", "StorageDescriptor": storage, "TableType": "EXTERNAL_TABLE"}
    known.glue.update_table(
        DatabaseName="db", TableInput={**changed, "Parameters": {**table["Parameters"], "owner": "bi"}}
    )
    replace(known)

    crawled(known)

    after = known.table("orders")
    assert after["Description"] == "ours"
    assert after["Parameters"]["owner"] == "bi"
    assert after["StorageDescriptor"]["Columns"][0]["Comment"] == "the order"


@pytest.mark.parametrize("delete", ["LOG", "DEPRECATE_IN_DATABASE", "DELETE_FROM_DATABASE"])
def test_a_table_whose_objects_are_gone(known: Any, delete: str) -> None:
    known.s3.delete_object(Bucket="raw", Key="orders/a.csv")

    report = crawled(known, delete=delete)

    assert known.tables() == ([] if delete == "DELETE_FROM_DATABASE" else ["orders"])
    assert report.tables_deleted == (["orders"] if delete == "DELETE_FROM_DATABASE" else [])
    if delete == "DEPRECATE_IN_DATABASE":
        assert "DEPRECATED_BY_CRAWLER" in known.table("orders")["Parameters"]
    if delete == "LOG":
        assert "Nothing is left of orders; the policy LOG leaves the table as it is" in report.messages


def test_a_deprecated_table_whose_objects_come_back_is_in_use_again(known: Any) -> None:
    known.s3.delete_object(Bucket="raw", Key="orders/a.csv")
    crawled(known, delete="DEPRECATE_IN_DATABASE")
    known.put("orders/a.csv", OLD)

    crawled(known)

    assert "DEPRECATED_BY_CRAWLER" not in known.table("orders")["Parameters"]


def test_another_crawlers_table_is_never_taken_for_gone(known: Any) -> None:
    known.s3.delete_object(Bucket="raw", Key="orders/a.csv")

    crawled(known, delete="DELETE_FROM_DATABASE", Name="another")

    assert known.tables() == ["orders"]


def test_a_partition_that_is_gone_is_dropped_only_on_request(world: Any) -> None:
    for day in ("1", "2"):
        world.put(f"orders/day={day}/a.csv", OLD)
    crawled(world)
    world.s3.delete_object(Bucket="raw", Key="orders/day=1/a.csv")

    left = crawled(world, delete="LOG")
    assert len(world.partitions("orders")) == 2
    assert "1 partitions of orders hold nothing any more; they are left" in left.messages

    crawled(world, delete="DELETE_FROM_DATABASE")
    assert list(world.partitions("orders")) == [("2",)]


def test_only_new_folders_count_when_the_crawler_says_so(world: Any) -> None:
    world.put("orders/day=1/a.csv", OLD)
    world.crawl(RecrawlPolicy={"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"})
    world.put("orders/day=2/a.csv", NEW)

    report = world.crawl(RecrawlPolicy={"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"})

    assert report.partitions_added == ["orders/2"]
    assert list(world.columns("orders")) == ["id", "price", "size"]


def test_partitions_inherit_the_tables_schema_on_request(world: Any) -> None:
    world.put("orders/day=1/a.json", '{"a":1,"b":1,"c":1}\n')
    world.put("orders/day=2/a.json", '{"a":1,"b":1,"c":1,"d":1}\n')
    configuration = {"Version": 1.0, "CrawlerOutput": {"Partitions": {"AddOrUpdateBehavior": "InheritFromTable"}}}

    world.crawl(Configuration=json.dumps(configuration))

    found = world.glue.get_partitions(DatabaseName="db", TableName="orders")["Partitions"]
    assert {len(entry["StorageDescriptor"]["Columns"]) for entry in found} == {4}


def test_a_change_by_another_during_the_crawl_is_left(known: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    replace(known)

    def conflict(**request: Any) -> None:
        raise ClientError({"Error": {"Code": "ConcurrentModificationException", "Message": ""}}, "UpdateTable")

    monkeypatch.setattr(known.glue, "update_table", conflict)

    report = crawled(known)

    assert report.tables_updated == []
    assert "orders was changed by another while it was crawled: it is left as it is" in report.messages


def test_an_empty_folder_is_no_failure(world: Any) -> None:
    report = world.crawl()

    assert world.tables() == []
    assert report.messages == ["There is nothing to read under s3://raw/orders/"]


def test_a_missing_bucket_is_named(world: Any) -> None:
    with pytest.raises(CrawlError, match=r"^The bucket of s3://nowhere/orders/ does not exist\.$"):
        world.crawl(path="s3://nowhere/orders/")


def test_a_missing_database_is_named(world: Any) -> None:
    with pytest.raises(CrawlError, match="The database other does not exist"):
        world.crawl(DatabaseName="other")


@pytest.mark.parametrize(
    ("client", "method", "says"),
    [
        ("s3", "get_object", "may not s3:GetObject on s3://raw/orders/a.csv"),
        ("glue", "create_table", "may not glue:CreateTable on db.orders"),
        ("glue", "get_tables", "may not glue:GetTables on db"),
    ],
)
def test_a_denied_call_names_action_and_resource(
    world: Any, monkeypatch: pytest.MonkeyPatch, client: str, method: str, says: str
) -> None:
    world.put("orders/a.csv", OLD)

    def deny(**request: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, method)

    target = getattr(world, client)
    if method == "get_tables":
        monkeypatch.setattr(target, "get_paginator", lambda name: type("P", (), {"paginate": staticmethod(deny)}))
    else:
        monkeypatch.setattr(target, method, deny)

    with pytest.raises(CrawlError, match=says):
        world.crawl()


def test_other_targets_are_refused_by_name(world: Any) -> None:
    with pytest.raises(CrawlError, match="has no JdbcTargets"):
        world.crawl(Targets={"S3Targets": [], "JdbcTargets": [{"Path": "x"}]})


def test_a_crawler_without_targets_says_so(world: Any) -> None:
    with pytest.raises(CrawlError, match="has no targets"):
        world.crawl(Targets={"S3Targets": []})
