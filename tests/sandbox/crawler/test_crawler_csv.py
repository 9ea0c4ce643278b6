"""Delimited text: what a custom classifier declares, and what is found without one."""

from typing import Any

import pytest

from sandbox.crawler import CrawlError

# The habits of exports: a mark before the first name, spaces around names, names missing, odd signs, empty records.
EXPORT = (
    "\ufeffNo.,Order Date, Base prep (mins),Oven Temp º,Reason,,\r\n"
    '1,05/03/2018,3.25,244.5,"late, cold",,\r\n'
    "2,06/03/2018,3.39,277.9,,,\r\n"
    ",,,,,,\r\n"
)
HEADER = ["no", "order_date", "prep", "temp", "reason", "column_6", "column_7"]


def classifier(**changes: Any) -> dict[str, Any]:
    """A custom classifier as GetClassifier gives it."""
    declared = {"Name": "x", "Delimiter": ",", "QuoteSymbol": '"', "ContainsHeader": "PRESENT", "Header": HEADER}
    return {"CsvClassifier": {**declared, **changes}}


def test_a_declared_header_names_the_columns_of_one_table(world: Any) -> None:
    world.put("orders/March export.csv", EXPORT)
    world.put("orders/2018/april º.csv", EXPORT)

    report = world.crawl(classifiers=[classifier()])

    table = world.table("orders")
    storage = table["StorageDescriptor"]
    assert report.tables_created == world.tables() == ["orders"]
    assert world.columns("orders") == dict.fromkeys(HEADER, "string")
    assert storage["Location"] == "s3://raw/orders/"
    assert storage["InputFormat"] == "org.apache.hadoop.mapred.TextInputFormat"
    assert storage["SerdeInfo"] == {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
        "Parameters": {"separatorChar": ",", "quoteChar": '"'},
    }
    parameters = table["Parameters"]
    assert parameters["skip.header.line.count"] == "1"
    assert parameters["areColumnsQuoted"] == "true"
    assert parameters["classification"] == "csv"
    assert parameters["delimiter"] == ","
    assert parameters["objectCount"] == "2"
    assert parameters["sizeKey"] == str(2 * len(EXPORT.encode()))
    assert parameters["typeOfData"] == "file"
    assert parameters["UPDATED_BY_CRAWLER"] == "c"
    assert parameters["CrawlerSchemaSerializerVersion"] == "1.0"


def test_a_declared_header_holds_for_a_file_of_another_width(world: Any) -> None:
    world.put("orders/a.csv", EXPORT)
    world.put("orders/b.csv", "order_id,when,how much\n1,2018-01-01,3\n")

    world.crawl(classifiers=[classifier()])

    assert list(world.columns("orders")) == HEADER


def test_what_the_classifier_cannot_read_is_left_out_and_told(world: Any) -> None:
    world.put("orders/a.csv", EXPORT)
    world.put("orders/b.xlsx", b"PK\x03\x04 and so on")

    report = world.crawl(classifiers=[classifier()])

    assert world.tables() == ["orders"]
    assert report.messages == ["s3://raw/orders/b.xlsx is left out: it is a zip archive or an Excel workbook"]


def test_the_built_in_classifier_cannot_name_such_columns(world: Any) -> None:
    world.put("orders/a.csv", EXPORT)

    world.crawl()

    assert list(world.columns("orders")) == [f"col{number}" for number in range(7)]
    assert "skip.header.line.count" not in world.table("orders")["Parameters"]


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_the_built_in_classifier_finds_header_delimiter_and_types(world: Any, delimiter: str) -> None:
    rows = [["Id", "Price", "Name", "Empty"], ["1", "2.50", "a b", ""], ["2", "3", "c", ""]]
    world.put("orders/a.csv", "".join(delimiter.join(row) + "\n" for row in rows))

    world.crawl()

    table = world.table("orders")
    assert world.columns("orders") == {"id": "bigint", "price": "double", "name": "string", "empty": "string"}
    assert table["Parameters"]["skip.header.line.count"] == "1"
    assert table["Parameters"]["recordCount"] == "3"
    assert table["StorageDescriptor"]["SerdeInfo"] == {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        "Parameters": {"field.delim": delimiter},
    }


def test_names_over_nothing_but_text_are_no_header_for_the_built_in_classifier(world: Any) -> None:
    world.put("orders/a.csv", "name,town\nann,paarl\nbob,ceres\n")

    world.crawl()

    assert world.columns("orders") == {"col0": "string", "col1": "string"}


def test_gzip_is_looked_into(world: Any) -> None:
    world.put("orders/a.csv.gz", "id,price\n" + "1,2.5\n" * 50_000, zipped=True)

    world.crawl()

    table = world.table("orders")
    assert world.columns("orders") == {"id": "bigint", "price": "double"}
    assert table["Parameters"]["compressionType"] == "gzip"
    assert table["StorageDescriptor"]["Compressed"] is True
    assert int(table["Parameters"]["recordCount"]) == pytest.approx(50_000, rel=0.2)


def test_only_the_head_of_a_large_object_is_read(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put("orders/a.csv", "id,price\n" + "1,2.5\n" * 200_000)
    reads = world.watch_reads(monkeypatch)

    world.crawl()

    assert reads == [("orders/a.csv", "bytes=0-131071")]
    assert int(world.table("orders")["Parameters"]["recordCount"]) == pytest.approx(200_000, rel=0.01)


@pytest.mark.parametrize(
    ("changes", "columns", "skip"),
    [
        ({"Header": [], "ContainsHeader": "PRESENT"}, ["a", "b"], "1"),
        ({"Header": [], "ContainsHeader": "ABSENT"}, ["col0", "col1"], None),
        ({"Header": [], "ContainsHeader": "UNKNOWN"}, ["a", "b"], "1"),
        ({"Header": ["x", "y"], "ContainsHeader": "ABSENT"}, ["x", "y"], None),
        ({"Header": ["a", "b"], "ContainsHeader": "UNKNOWN"}, ["a", "b"], "1"),
    ],
)
def test_the_classifier_says_whether_there_is_a_header(
    world: Any, changes: dict[str, Any], columns: list[str], skip: str | None
) -> None:
    world.put("orders/a.csv", "a,b\n1,2\n")

    world.crawl(classifiers=[classifier(**changes)])

    assert list(world.columns("orders")) == columns
    assert world.table("orders")["Parameters"].get("skip.header.line.count") == skip


def test_the_simple_reader_can_be_asked_for_and_keeps_types(world: Any) -> None:
    world.put("orders/a.csv", "a,b\n1,2.5\n")

    world.crawl(classifiers=[classifier(Header=["n", "x"], Serde="LazySimpleSerDe")])

    assert world.columns("orders") == {"n": "bigint", "x": "double"}


def test_a_single_column_must_be_allowed(world: Any) -> None:
    world.put("orders/a.csv", "word\none\n")

    refused = world.crawl(classifiers=[classifier(Header=["word"])])
    assert refused.tables_created == []

    world.crawl(classifiers=[classifier(Header=["word"], AllowSingleColumn=True)])
    assert list(world.columns("orders")) == ["word"]


def test_names_that_differ_only_in_case_are_kept_apart(world: Any) -> None:
    world.put("orders/a.csv", "Id,ID,x\n1,2,3\n")

    world.crawl()

    assert list(world.columns("orders")) == ["id", "id_1", "x"]


def test_another_kind_of_classifier_is_refused_by_name(world: Any) -> None:
    with pytest.raises(CrawlError, match="has no GrokClassifier"):
        world.crawl(classifiers=[{"GrokClassifier": {"Name": "g"}}])
