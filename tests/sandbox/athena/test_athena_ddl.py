"""Athena's own statements: tables in Hive's words, partitions, CREATE TABLE AS, UNLOAD, maintenance, SHOW."""

from __future__ import annotations

import gzip

import pytest

from tests.sandbox.athena.conftest import Cloud

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def shop(cloud: Cloud) -> Cloud:
    """A database `shop` with a partitioned json table whose partitions nobody has told to the catalog yet."""
    cloud.done("CREATE DATABASE IF NOT EXISTS shop COMMENT 'for these tests' LOCATION 's3://warehouse/shop/'")
    for day, value in (("2018-03-01", 1), ("2018-03-02", 2)):
        body = f'{{"n": {value}, "who": {{"name": "A", "tags": ["x", "y"]}}}}\n'.encode()
        cloud.client("s3").put_object(Bucket="raw", Key=f"events/day={day}/one.json", Body=body)
    cloud.done(
        "CREATE EXTERNAL TABLE shop.events (`n` int COMMENT 'a number', who struct<name:string,tags:array<string>>)\n"
        "PARTITIONED BY (`day` string) ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'\n"
        'LOCATION \'s3://raw/events/\' TBLPROPERTIES ("owner" = "shop")'
    )
    return cloud


def test_partitions_are_found_dropped_and_added(shop: Cloud) -> None:
    assert shop.done("SELECT n FROM shop.events").data == []

    repaired = shop.done("MSCK REPAIR TABLE shop.events")
    assert "Repair: Added partition to metastore events:day=2018-03-01" in repaired.lines
    assert shop.done("SHOW PARTITIONS shop.events").lines == ["day=2018-03-01", "day=2018-03-02"]
    found = shop.done("SELECT n, who, day FROM shop.events WHERE day = '2018-03-02'")
    assert found.data == [["2", "{name=A, tags=[x, y]}", "2018-03-02"]]

    shop.done("ALTER TABLE shop.events DROP PARTITION (day = '2018-03-02')")
    assert shop.done("SELECT count(*) FROM shop.events").data == [["1"]]
    shop.done(
        "ALTER TABLE shop.events ADD IF NOT EXISTS PARTITION (day = '2018-03-02') LOCATION 's3://raw/events/day=2018-03-02/'"
    )
    shop.done("ALTER TABLE shop.events ADD IF NOT EXISTS PARTITION (day = '2018-03-02')")
    assert shop.done("SELECT count(*) FROM shop.events").data == [["2"]]
    assert "already exists" in shop.ask("ALTER TABLE shop.events ADD PARTITION (day = '2018-03-02')").reason


def test_a_table_is_described_as_hive_describes_it(shop: Cloud) -> None:
    described = shop.done("DESCRIBE shop.events")

    assert described.lines[0] == "n                   \tint                 \ta number            "
    assert "# Partition Information\t \t " in described.lines
    assert [name for name, _ in described.columns] == ["col_name", "data_type", "comment"]
    ddl = shop.done("SHOW CREATE TABLE shop.events").lines
    assert ddl[:3] == ["CREATE EXTERNAL TABLE `events`(", "  `n` int COMMENT 'a number', ",
                       "  `who` struct<name:string,tags:array<string>>)"]  # fmt: skip
    assert shop.done("SHOW COLUMNS IN shop.events").lines == [f"{name:<20}" for name in ("n", "who", "day")]
    assert shop.done("SHOW TBLPROPERTIES shop.events ('owner')").lines == ["owner\tshop"]
    assert "events" in shop.done("SHOW TABLES IN shop 'ev*'").lines
    assert "shop" in shop.done("SHOW DATABASES LIKE 's*'").lines


def test_an_iceberg_table_is_described_with_its_partitions(shop: Cloud) -> None:
    lines = shop.done("DESCRIBE gold.visits").lines

    assert "paid\tdecimal(9, 2)\t" in lines
    assert lines[-1] == "day_month\tmonth\tday"
    assert "PARTITIONED BY (month(`day`))" in shop.done("SHOW CREATE TABLE gold.visits").lines


def test_create_table_as_writes_files_a_table_and_a_manifest(shop: Cloud) -> None:
    made = shop.done(
        "CREATE TABLE shop.copied WITH (format='PARQUET', write_compression='SNAPPY', partitioned_by=ARRAY['id'],\n"
        "  external_location='s3://warehouse/shop/copied/') AS\nSELECT name, spent, id FROM people.raw"
    )

    manifest = made.execution["Statistics"]["DataManifestLocation"]
    assert len(shop.text(manifest).strip().split("\n")) == 3
    assert made.page["UpdateCount"] == 3
    assert made.execution["SubstatementType"] == "CREATE_TABLE_AS_SELECT"
    assert shop.done("SELECT name FROM shop.copied WHERE id = '3'").data == [["Zoë"]]
    again = shop.ask("CREATE TABLE shop.other WITH (external_location='s3://warehouse/shop/copied/') AS SELECT 1 AS n")
    assert again.reason.startswith("HIVE_PATH_ALREADY_EXISTS")
    assert shop.ask("CREATE TABLE shop.copied AS SELECT 1 AS n").reason.startswith("TABLE_ALREADY_EXISTS")
    shop.done("DROP TABLE shop.copied")
    assert shop.keys("warehouse", "shop/copied/"), "dropping an external table leaves its files"


def test_create_table_as_without_a_place_writes_below_the_results(shop: Cloud) -> None:
    made = shop.done("CREATE TABLE IF NOT EXISTS shop.here AS SELECT 1 AS n")

    assert made.output == f"s3://results/here/tables/{made.id}"
    assert shop.keys("results", f"here/tables/{made.id}/")


def test_errors_in_create_table_as_stand_where_the_user_wrote_them(shop: Cloud) -> None:
    failed = shop.ask("CREATE TABLE shop.bad WITH (\n  format = 'ORC'\n) AS SELECT nope\nFROM people.raw")

    assert failed.reason.startswith("COLUMN_NOT_FOUND: line 3:13: Column 'nope' cannot be resolved")
    assert failed.reason.endswith("before retrying. Athena will not delete data in your account.")


def test_the_engines_own_catalogs_are_hidden_from_every_statement(shop: Cloud) -> None:
    for sql in (
        "CREATE TABLE shop.stolen AS SELECT * FROM iceberg.gold.visits",
        "CREATE VIEW shop.seen AS SELECT * FROM system.runtime.nodes",
        "UNLOAD (SELECT * FROM iceberg.gold.visits) TO 's3://warehouse/stolen/' WITH (format = 'ORC')",
    ):
        assert shop.ask(sql).reason.startswith("CATALOG_NOT_FOUND: line 1:")


def test_hive_files_refuse_microseconds_as_athena_does(shop: Cloud) -> None:
    failed = shop.ask("CREATE TABLE shop.micros AS SELECT at FROM gold.visits")

    assert failed.reason.startswith("NOT_SUPPORTED: Incorrect timestamp precision for timestamp(6)")


def test_an_iceberg_table_is_made_changed_optimized_vacuumed_and_dropped(shop: Cloud) -> None:
    shop.done(
        "CREATE TABLE shop.ice (id int COMMENT 'key', at timestamp, who struct<a:int>)\n"
        "PARTITIONED BY (day(at), bucket(4, id)) LOCATION 's3://warehouse/shop/ice/'\n"
        "TBLPROPERTIES ('table_type'='ICEBERG', 'format'='parquet', 'vacuum_max_snapshot_age_seconds'='0')"
    )
    for number in range(3):
        shop.done(f"INSERT INTO shop.ice VALUES ({number}, TIMESTAMP '2018-03-01 00:00:00', ROW({number}))")
    shop.done("ALTER TABLE shop.ice ADD COLUMNS (note string)")
    shop.done("ALTER TABLE shop.ice CHANGE COLUMN note remark string")
    assert (
        "may only name partition columns"
        in shop.ask("OPTIMIZE shop.ice REWRITE DATA USING BIN_PACK WHERE remark = 'x'").reason
    )
    shop.done("OPTIMIZE shop.ice REWRITE DATA USING BIN_PACK")
    shop.done("VACUUM shop.ice")

    assert shop.done("SELECT id, who, remark FROM shop.ice ORDER BY id").data == [
        ["0", "{a=0}", None], ["1", "{a=1}", None], ["2", "{a=2}", None],
    ]  # fmt: skip
    assert shop.done('SELECT count(*) FROM shop."ice$snapshots"').data == [["1"]]
    shop.done("DROP TABLE shop.ice")
    assert not [key for key in shop.keys("warehouse", "shop/ice/") if key.endswith(".parquet")]


def test_unload_writes_files_and_no_table(shop: Cloud) -> None:
    tables = shop.done("SHOW TABLES IN people").lines
    made = shop.done(
        "UNLOAD (SELECT id, spent, name FROM people.raw) TO 's3://warehouse/unloaded/' "
        "WITH (format = 'TEXTFILE', field_delimiter = ',', compression = 'GZIP')"
    )

    manifest = made.execution["Statistics"]["DataManifestLocation"]
    [file] = shop.text(manifest).split()
    body = shop.client("s3").get_object(Bucket="warehouse", Key=file.removeprefix("s3://warehouse/"))["Body"].read()
    assert sorted(gzip.decompress(body).decode().splitlines()) == ["1,10.50,Ayanda, M.", '2,,the "quoted"', "3,7,Zoë"]
    assert made.execution["SubstatementType"] == "UNLOAD"
    assert shop.done("SHOW TABLES IN people").lines == tables
    again = shop.ask("UNLOAD (SELECT 1 AS n) TO 's3://warehouse/unloaded/' WITH (format = 'ORC')")
    assert again.reason.startswith("HIVE_PATH_ALREADY_EXISTS")
    wrong = shop.ask("UNLOAD (SELECT\n  nope FROM people.raw) TO 's3://warehouse/nothing/' WITH (format = 'ORC')")
    assert wrong.reason.startswith("COLUMN_NOT_FOUND: line 2:3: Column 'nope' cannot be resolved")


def test_columns_and_properties_of_a_hive_table_change_in_glue(shop: Cloud) -> None:
    shop.done("CREATE EXTERNAL TABLE shop.plain (a int) STORED AS PARQUET LOCATION 's3://raw/plain/'")
    shop.done("ALTER TABLE shop.plain ADD COLUMNS (b string, c decimal(5,2))")
    shop.done("ALTER TABLE shop.plain SET TBLPROPERTIES ('colour' = 'red')")
    shop.done("ALTER TABLE shop.plain SET LOCATION 's3://raw/elsewhere/'")

    entry = shop.client("glue").get_table(DatabaseName="shop", Name="plain")["Table"]
    assert [(c["Name"], c["Type"]) for c in entry["StorageDescriptor"]["Columns"]] == [
        ("a", "int"), ("b", "string"), ("c", "decimal(5,2)"),
    ]  # fmt: skip
    assert entry["Parameters"]["colour"] == "red"
    assert entry["StorageDescriptor"]["Location"] == "s3://raw/elsewhere/"
    shop.done("DROP TABLE shop.plain")
    assert "Table not found shop.plain" in shop.ask("DROP TABLE shop.plain").reason
    shop.done("DROP TABLE IF EXISTS shop.plain")


def test_explain_tells_the_plan(shop: Cloud) -> None:
    explained = shop.done("EXPLAIN SELECT * FROM people.raw")

    assert any("TableScan[table = awsdatacatalog:people:raw]" in (line or "") for line in explained.lines)
    assert explained.output.endswith(".txt")


def test_a_database_with_tables_is_dropped_only_with_cascade(shop: Cloud) -> None:
    shop.done("CREATE SCHEMA short_lived")
    shop.done("CREATE EXTERNAL TABLE short_lived.t (a int) LOCATION 's3://raw/t/'")

    assert "is not empty" in shop.ask("DROP DATABASE short_lived").reason
    shop.done("DROP DATABASE short_lived CASCADE")
    assert "Database does not exist" in shop.ask("DROP DATABASE short_lived").reason
