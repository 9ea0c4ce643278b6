"""Which folders become tables, and which become partitions; JSON and Parquet on the way."""

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.crawler import CrawlError
from sandbox.crawler.globs import matcher

CSV = "id,price\n1,2.5\n2,3.5\n"


def parquet(**columns: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def test_folders_named_key_and_value_become_partitions(world: Any) -> None:
    world.put("orders/year=2018/month=3/a.csv", CSV)
    world.put("orders/year=2018/month=4/a b.csv", CSV)

    report = world.crawl()

    assert [key["Name"] for key in world.table("orders")["PartitionKeys"]] == ["year", "month"]
    assert world.partitions("orders") == {
        ("2018", "3"): "s3://raw/orders/year=2018/month=3/",
        ("2018", "4"): "s3://raw/orders/year=2018/month=4/",
    }
    assert report.partitions_added == ["orders/2018/3", "orders/2018/4"]


def test_plain_folders_become_partitions_with_a_number(world: Any) -> None:
    world.put("orders/north/a.csv", CSV)
    world.put("orders/south/a.csv", CSV)

    world.crawl()

    assert [key["Name"] for key in world.table("orders")["PartitionKeys"]] == ["partition_0"]
    assert set(world.partitions("orders")) == {("north",), ("south",)}


def test_a_second_crawl_adds_only_the_new_partition(world: Any) -> None:
    world.put("orders/day=1/a.csv", CSV)
    world.crawl()
    world.put("orders/day=2/a.csv", CSV)

    report = world.crawl()

    assert report.partitions_added == ["orders/2"]
    assert report.tables_created == []


def test_more_partitions_than_one_request_takes(world: Any) -> None:
    for day in range(120):
        world.put(f"orders/day={day}/a.csv", CSV)

    report = world.crawl()

    assert len(report.partitions_added) == len(world.partitions("orders")) == 120


def test_a_partition_value_is_unescaped(world: Any) -> None:
    world.put("orders/at=12%3A00/a.csv", CSV)

    world.crawl()

    assert world.partitions("orders") == {("12:00",): "s3://raw/orders/at=12%3A00/"}


def test_a_partition_key_named_like_a_column_gets_another_name(world: Any) -> None:
    world.put("orders/id=1/a.csv", CSV)

    world.crawl()

    assert [key["Name"] for key in world.table("orders")["PartitionKeys"]] == ["id_0"]


def test_objects_at_several_depths_make_one_table_without_partitions(world: Any) -> None:
    world.put("orders/a.csv", CSV)
    world.put("orders/more/b.csv", CSV)

    report = world.crawl()

    assert world.tables() == ["orders"]
    assert world.table("orders")["PartitionKeys"] == []
    assert report.messages == ["s3://raw/orders/ holds objects at several depths: its folders are no partitions"]


def test_different_folders_become_different_tables(world: Any) -> None:
    world.put("orders/a/x.csv", CSV)
    world.put("orders/b/x.json", json.dumps({"name": "n"}))

    world.crawl()

    assert world.tables() == ["a", "b"]


def test_different_objects_in_one_folder_become_tables_of_their_own(world: Any) -> None:
    world.put("orders/Prices 1.csv", CSV)
    world.put("orders/towns.csv", "town,people,river\nx,1,y\n")

    world.crawl()

    assert world.tables() == ["prices_1_csv", "towns_csv"]


def test_a_table_level_makes_one_table_whatever_differs(world: Any) -> None:
    world.put("orders/a/x.csv", CSV)
    world.put("orders/b/x.csv", "id,price,extra,more,most\n1,2.5,3,4,5\n")
    configuration = {"Version": 1.0, "Grouping": {"TableLevelConfiguration": 2}}

    world.crawl(path="s3://raw/", Configuration=json.dumps(configuration))

    assert world.tables() == ["orders"]
    assert list(world.columns("orders")) == ["id", "price", "extra", "more", "most"]


def test_compatible_schemas_are_combined_on_request(world: Any) -> None:
    world.put("orders/a.csv", "id,price\n1,2.5\n")
    world.put("orders/b.csv", "id,price,extra,more,most\n1,2.5,3,4,5\n")
    configuration = {"Version": 1.0, "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"}}

    world.crawl(Configuration=json.dumps(configuration))

    assert world.tables() == ["orders"]


def test_hundreds_of_different_tables_are_refused(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.crawler.layout._MOST_TABLES", 2)
    for number in range(3):
        world.put(f"orders/{number}/x.csv", f"a{number},b{number}\n1,2\n")

    with pytest.raises(CrawlError, match="would become 3 tables"):
        world.crawl()


def test_the_table_is_named_after_its_folder_with_the_prefix(world: Any) -> None:
    world.put("Raw Data/Orders-2018/a.csv", CSV)

    world.crawl(path="s3://raw/Raw Data/Orders-2018", TablePrefix="bronze_")

    assert world.tables() == ["bronze_orders_2018"]


def test_two_folders_of_one_name_become_two_tables(world: Any) -> None:
    world.put("one/orders/a.csv", CSV)
    world.put("two/orders/a.csv", CSV)

    world.crawl(Targets={"S3Targets": [{"Path": "s3://raw/one/orders"}, {"Path": "raw/two/orders"}]})

    first, second = world.tables()
    assert first == "orders"
    assert second.startswith("orders_")


def test_exclusions_and_hidden_and_empty_objects_are_not_read(world: Any) -> None:
    world.put("orders/a.csv", CSV)
    world.put("orders/b.txt", "nothing of use")
    world.put("orders/old/c.csv", "x,y,z\n1,2,3\n")
    world.put("orders/_SUCCESS", "done")
    world.put("orders/_temporary/0/d.csv", "q\n")
    world.put("orders/empty.csv", "")
    world.put("orders/folder/", "")

    report = world.crawl(target={"Exclusions": ["**.txt", "old/**"]})

    assert world.table("orders")["Parameters"]["objectCount"] == "1"
    assert report.messages == []


@pytest.mark.parametrize(
    ("glob", "path", "excluded"),
    [
        ("*.csv", "a.csv", True),
        ("*.csv", "a/b.csv", False),
        ("**.csv", "a/b.csv", True),
        ("a/*/c.csv", "a/b/c.csv", True),
        ("?.csv", "ab.csv", False),
        ("[!a]*.csv", "a.csv", False),
        ("[a-c].csv", "b.csv", True),
        ("*.{csv,txt}", "x.txt", True),
        ("a\\*.csv", "a*.csv", True),
        ("a\\*.csv", "ab.csv", False),
    ],
)
def test_globs_exclude_as_glue_says(glob: str, path: str, excluded: bool) -> None:
    pattern = matcher([glob])

    assert pattern is not None
    assert bool(pattern.fullmatch(path)) is excluded


def test_json_lines_give_nested_types(world: Any) -> None:
    rows = [
        {"Id": 1, "at": {"x": 1, "y": None}, "tags": ["a"], "ok": True, "n": 1},
        {"Id": 2**40, "at": {"x": 0.5, "y": "b"}, "tags": [], "ok": None, "n": 2.5, "late": [{"m": 1}]},
    ]
    world.put("orders/a.json", "".join(json.dumps(row) + "\n" for row in rows))

    world.crawl()

    table = world.table("orders")
    assert world.columns("orders") == {
        "id": "bigint",
        "at": "struct<x:double,y:string>",
        "tags": "array<string>",
        "ok": "boolean",
        "n": "double",
        "late": "array<struct<m:int>>",
    }
    assert table["Parameters"]["classification"] == "json"
    assert table["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"] == "org.openx.data.jsonserde.JsonSerDe"
    assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"]["paths"] == "id,at,tags,ok,n,late"


def test_json_files_with_new_fields_stay_one_table(world: Any) -> None:
    world.put("orders/a.json.gz", '{"a":1,"b":2,"c":3}\n', zipped=True)
    world.put("orders/b.json.gz", '{"a":1,"b":2,"c":3,"d":"x"}\n', zipped=True)

    world.crawl()

    assert sorted(world.columns("orders")) == ["a", "b", "c", "d"]
    assert world.table("orders")["Parameters"]["compressionType"] == "gzip"


def test_a_json_array_is_one_column_as_in_glue(world: Any) -> None:
    world.put("orders/a.json", '[{"a": 1}, {"a": 2}]')

    world.crawl()

    assert world.columns("orders") == {"array": "array<struct<a:int>>"}


def test_parquet_gives_the_types_of_its_footer(world: Any) -> None:
    content = parquet(
        Id=pa.array([1, 2], pa.int64()),
        small=pa.array([1, 2], pa.int32()),
        price=pa.array([1, 2], pa.decimal128(9, 2)),
        day=pa.array([1, 2], pa.date32()),
        at=pa.array([1, 2], pa.timestamp("us")),
        name=pa.array(["a", "b"]).dictionary_encode(),
        raw=pa.array([b"a", b"b"]),
        tags=pa.array([["a"], []], pa.list_(pa.string())),
        place=pa.array([{"x": 1.5}, None], pa.struct([("X", pa.float64())])),
        pairs=pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int32())),
    )
    world.put("orders/a.parquet", content)

    world.crawl()

    table = world.table("orders")
    assert world.columns("orders") == {
        "id": "bigint",
        "small": "int",
        "price": "decimal(9,2)",
        "day": "date",
        "at": "timestamp",
        "name": "string",
        "raw": "binary",
        "tags": "array<string>",
        "place": "struct<x:double>",
        "pairs": "map<string,int>",
    }
    assert table["Parameters"]["classification"] == "parquet"
    assert table["Parameters"]["recordCount"] == "2"
    assert "Parquet" in table["StorageDescriptor"]["InputFormat"]


def test_a_damaged_parquet_file_is_left_out_and_told(world: Any) -> None:
    world.put("orders/a.parquet", parquet(a=[1])[:-10])
    world.put("orders/b.parquet", parquet(a=[1]))

    report = world.crawl()

    assert world.tables() == ["orders"]
    assert "its Parquet footer is damaged" in report.messages[0]


def test_a_target_can_be_one_object(world: Any) -> None:
    world.put("orders/a.csv", CSV)
    world.put("orders/a.csv.bak", "other,things,here\n1,2,3\n")

    world.crawl(path="s3://raw/orders/a.csv")

    assert world.columns("orders") == {"id": "bigint", "price": "double"}


def test_of_a_large_folder_only_a_sample_is_looked_at(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(40):
        world.put(f"orders/{number}.csv", CSV)
    reads = world.watch_reads(monkeypatch)

    world.crawl()

    assert len(reads) == 10
    assert world.table("orders")["Parameters"]["objectCount"] == "40"
