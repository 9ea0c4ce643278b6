"""The clients that people have, used as people use them: one test a client. The aws CLI is in test_athena_queries."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import boto3
import pandas as pd
import pytest
from botocore.exceptions import ClientError

from tests.sandbox.athena.conftest import REGION, ROOT, Cloud, until

pytestmark = pytest.mark.sandbox
STAGING = "s3://results/clients/"
VISITS = "SELECT person, at, day, paid FROM gold.visits WHERE person < %(most)s ORDER BY person"


@pytest.fixture(scope="module")
def clients(cloud: Cloud) -> Iterator[Cloud]:
    """The cloud, with a database of these tests' own."""
    cloud.done("CREATE DATABASE clients LOCATION 's3://warehouse/clients/'")
    yield cloud
    cloud.done("DROP DATABASE clients CASCADE")


@pytest.fixture
def connection(clients: Cloud) -> dict[str, Any]:
    """What PyAthena's connect needs."""
    keys = {"aws_access_key_id": ROOT.access_key, "aws_secret_access_key": ROOT.secret_key}
    place = {"s3_staging_dir": STAGING, "region_name": REGION, "endpoint_url": clients.endpoint}
    return {**place, **keys, "schema_name": "gold", "poll_interval": 0.1}


@pytest.fixture
def everywhere(clients: Cloud, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    """The environment that `lake env` would set, and a session in it."""
    for name, value in clients.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return boto3.Session()


def test_boto3_pages_lists_batches_and_runtime_statistics(clients: Cloud) -> None:
    athena = clients.client("athena")
    asked = [clients.done(f"SELECT {n} AS n").id for n in range(3)]

    listed = athena.get_paginator("list_query_executions").paginate(PaginationConfig={"PageSize": 2})
    ids = [one for page in listed for one in page["QueryExecutionIds"]]
    batch = athena.batch_get_query_execution(QueryExecutionIds=[*asked, "00000000-0000-0000-0000-000000000000"])
    told = athena.get_query_runtime_statistics(QueryExecutionId=asked[0])["QueryRuntimeStatistics"]

    assert ids[:3] == asked[::-1]
    assert [one["Query"] for one in batch["QueryExecutions"]] == ["SELECT 0 AS n", "SELECT 1 AS n", "SELECT 2 AS n"]
    assert len(batch["UnprocessedQueryExecutionIds"]) == 1
    assert told["Rows"]["OutputRows"] == 1
    assert told["Timeline"]["TotalExecutionTimeInMillis"] >= told["Timeline"]["EngineExecutionTimeInMillis"]
    with pytest.raises(ClientError, match="does not do CreateNotebook"):
        athena.create_notebook(WorkGroup="primary", Name="n")


def test_a_result_is_used_again_when_the_query_says_so(clients: Cloud) -> None:
    again = {"ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 5}}}
    first = clients.done("SELECT count(*) AS many FROM gold.visits")
    second = clients.done("SELECT count(*) AS many FROM gold.visits", **again)
    fresh = clients.done("SELECT count(*) AS many FROM gold.visits")
    random = [clients.done("SELECT random() AS r", **again) for _ in range(2)]

    assert second.execution["Statistics"]["ResultReuseInformation"]["ReusedPreviousResult"] is True
    assert second.execution["Statistics"]["DataScannedInBytes"] == 0
    assert second.output == first.output
    assert second.rows == first.rows
    assert fresh.output != first.output
    assert random[0].data != random[1].data


def test_workgroups_carry_tags(clients: Cloud) -> None:
    athena = clients.client("athena")
    athena.create_work_group(Name="tagged", Tags=[{"Key": "team", "Value": "bi"}])
    arn = f"arn:aws:athena:{REGION}:000000000000:workgroup/tagged"

    athena.tag_resource(ResourceARN=arn, Tags=[{"Key": "cost", "Value": "low"}])
    athena.untag_resource(ResourceARN=arn, TagKeys=["team"])

    assert athena.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "cost", "Value": "low"}]
    athena.delete_work_group(WorkGroup="tagged")


def test_pyathena_gives_python_values(connection: dict[str, Any]) -> None:
    from pyathena import connect
    from pyathena.cursor import DictCursor
    from pyathena.error import DatabaseError, OperationalError

    cursor = connect(**connection).cursor()
    rows = cursor.execute(VISITS, {"most": 2}).fetchall()
    assert rows == [(1, datetime.datetime(2018, 3, 1, 10, 11, 12, 131415), datetime.date(2018, 3, 1), Decimal("10.50"))]
    assert [(c[0], c[1]) for c in cursor.description] == [
        ("person", "bigint"), ("at", "timestamp"), ("day", "date"), ("paid", "decimal"),
    ]  # fmt: skip
    assert cursor.data_scanned_in_bytes > 0

    values = cursor.execute(
        "SELECT true, 1.5, X'6869', ARRAY[1, 2], MAP(ARRAY['k'], ARRAY[1]), CAST(ROW(1) AS ROW(a int)), JSON '[1]', "
        "NULL"
    ).fetchone()
    assert values == (True, 1.5, b"hi", [1, 2], {"k": "1"}, {"a": "1"}, [1], None)
    assert cursor.execute("SELECT ?, ?", ["Midrand", "2"], paramstyle="qmark").fetchone() == ("Midrand", 2)
    assert [row[0] for row in cursor.execute("SHOW TABLES IN gold").fetchall()] == ["visits"]
    with pytest.raises((OperationalError, DatabaseError), match="COLUMN_NOT_FOUND: line 1:8"):
        cursor.execute("SELECT nope FROM visits")
    assert connect(**connection, cursor_class=DictCursor).cursor().execute("SELECT 1 AS n").fetchall() == [{"n": 1}]


def test_pyathena_gives_data_frames(connection: dict[str, Any], everywhere: boto3.Session) -> None:
    from pyathena import connect
    from pyathena.pandas.cursor import PandasCursor

    cursor = connect(**connection, cursor_class=PandasCursor).cursor()
    frame = cursor.execute("SELECT person, at, paid FROM gold.visits ORDER BY person").as_pandas()
    unloading = connect(**connection, cursor_class=PandasCursor, cursor_kwargs={"unload": True}).cursor()
    unloaded = unloading.execute("SELECT 1 AS n, 'x' AS s").as_pandas()
    written = connect(**connection, cursor_class=PandasCursor).cursor()
    written.execute("CREATE TABLE clients.made AS SELECT 1 AS n")

    assert list(frame.person) == [1, 3]
    assert frame["at"][0] == pd.Timestamp("2018-03-01 10:11:12.131415")
    assert unloaded.to_dict("records") == [{"n": 1, "s": "x"}]
    assert cursor.execute("SELECT n FROM clients.made").as_pandas().n.tolist() == [1]


def test_sqlalchemy_reflects_and_pandas_reads(clients: Cloud) -> None:
    import sqlalchemy as sa

    clients.done("CREATE OR REPLACE VIEW clients.seen AS SELECT person, paid FROM gold.visits")
    host = clients.endpoint.removeprefix("http://")
    url = (
        f"awsathena+rest://{ROOT.access_key}:{ROOT.secret_key}@athena.{REGION}.amazonaws.com:443/gold"
        f"?s3_staging_dir={STAGING}&endpoint_url=http%3A%2F%2F{host.replace(':', '%3A')}&poll_interval=0.1"
    )
    engine = sa.create_engine(url)
    with engine.connect() as open_connection:
        visits = sa.Table("visits", sa.MetaData(), autoload_with=open_connection)
        inspector = sa.inspect(open_connection)
        picked = sa.select(visits.c.person, visits.c.paid).where(visits.c.person == 1)

        assert [(c.name, str(c.type).split("(")[0]) for c in visits.columns] == [
            ("person", "BIGINT"), ("at", "TIMESTAMP"), ("day", "DATE"), ("paid", "DECIMAL"),
        ]  # fmt: skip
        assert open_connection.execute(picked).all() == [(1, Decimal("10.50"))]
        assert pd.read_sql(picked, open_connection).to_dict("records") == [{"person": 1, "paid": Decimal("10.50")}]
        assert {"people", "gold", "clients"} <= set(inspector.get_schema_names())
        assert "visits" in inspector.get_table_names(schema="gold")
        assert inspector.get_view_names(schema="clients") == ["seen"]
        assert inspector.has_table("nothing", schema="gold") is False


def test_awswrangler_reads_writes_and_asks_the_catalog(everywhere: boto3.Session, clients: Cloud) -> None:
    import awswrangler as wr

    usual: dict[str, Any] = {"database": "clients", "s3_output": STAGING, "boto3_session": everywhere}
    frame = pd.DataFrame(
        {"id": [1, 2, 3], "area": ["a", "b", None], "paid": [1.5, 2.5, None], "day": ["2018-01"] * 2 + ["2018-02"]}
    )
    wr.s3.to_parquet(
        frame, path="s3://warehouse/clients/orders/", dataset=True, database="clients", table="orders",
        partition_cols=["day"],
    )  # fmt: skip

    sql = "SELECT id, area, paid, day FROM orders ORDER BY id"
    for how in ({"ctas_approach": True}, {"ctas_approach": False}, {"ctas_approach": False, "unload_approach": True}):
        given = usual | ({"s3_output": f"{STAGING}wrangler-unload/"} if "unload_approach" in how else {})
        read = wr.athena.read_sql_query(sql, **given, **how).sort_values("id")
        assert read["id"].tolist() == [1, 2, 3], how
        assert read["paid"].tolist()[:2] == [1.5, 2.5], how
        assert read["area"].isna().tolist() == [False, False, True], how
    chunks = list(wr.athena.read_sql_query(sql, **usual, ctas_approach=False, chunksize=2))
    assert [len(chunk) for chunk in chunks] == [2, 1]
    by_name = wr.athena.read_sql_query(
        "SELECT id FROM orders WHERE area = :area", **usual, params={"area": "b"}, ctas_approach=False
    )
    by_place = wr.athena.read_sql_query(
        "SELECT id FROM orders WHERE area = ?", **usual, params=["b"], paramstyle="qmark", ctas_approach=False
    )
    assert by_name["id"].tolist() == by_place["id"].tolist() == [2]
    assert len(wr.athena.read_sql_table("orders", **usual, ctas_approach=False)) == 3

    assert wr.catalog.does_table_exist("clients", "orders")
    assert wr.catalog.get_table_types("clients", "orders")["paid"] == "double"
    assert "clients" in wr.catalog.databases().Database.tolist()
    assert "orders" in wr.catalog.tables(database="clients").Table.tolist()
    assert wr.catalog.get_partitions("clients", "orders") == {
        "s3://warehouse/clients/orders/day=2018-01/": ["2018-01"],
        "s3://warehouse/clients/orders/day=2018-02/": ["2018-02"],
    }
    assert wr.athena.show_create_table("orders", **usual).startswith("CREATE EXTERNAL TABLE `orders`(")
    assert wr.athena.describe_table("orders", **usual)["Column Name"].tolist() == ["id", "area", "paid", "day"]

    wr.athena.to_iceberg(
        frame[["id", "paid"]], "clients", "ice", temp_path="s3://warehouse/clients/temp/",
        table_location="s3://warehouse/clients/ice/", keep_files=False, s3_output=STAGING, boto3_session=everywhere,
    )  # fmt: skip
    wr.athena.to_iceberg(
        pd.DataFrame({"id": [3, 4], "paid": [30.0, 40.0]}), "clients", "ice", temp_path="s3://warehouse/clients/temp/",
        merge_cols=["id"], keep_files=False, s3_output=STAGING, boto3_session=everywhere,
    )  # fmt: skip
    merged = wr.athena.read_sql_query("SELECT id, paid FROM ice ORDER BY id", **usual, ctas_approach=False)
    assert merged["paid"].tolist() == [1.5, 2.5, 30.0, 40.0]
    wr.athena.delete_from_iceberg_table(
        pd.DataFrame({"id": [1]}), "clients", "ice", temp_path="s3://warehouse/clients/temp/", merge_cols=["id"],
        keep_files=False, s3_output=STAGING, boto3_session=everywhere,
    )  # fmt: skip
    assert wr.athena.read_sql_query("SELECT count(*) AS n FROM ice", **usual, ctas_approach=False)["n"][0] == 3
    wr.athena.create_prepared_statement("SELECT id FROM orders WHERE area = ?", "by_area", boto3_session=everywhere)
    assert "by_area" in [one["StatementName"] for one in wr.athena.list_prepared_statements(boto3_session=everywhere)]
    wr.athena.delete_prepared_statement("by_area", boto3_session=everywhere)


def test_a_query_reads_one_snapshot_while_others_are_published(clients: Cloud) -> None:
    """A reader that looks at a table three times sees one version of it, however the publisher runs beside it."""
    athena = clients.client("athena")
    clients.done(
        "CREATE TABLE clients.versions WITH (table_type = 'ICEBERG', is_external = false, "
        "location = 's3://warehouse/clients/versions/') AS "
        "SELECT x AS id, 0 AS version FROM UNNEST(sequence(1, 50)) t(x)"
    )
    read = (
        "SELECT min(a.version), max(a.version), (SELECT min(version) FROM clients.versions), (SELECT max(version) FROM "
        "clients.versions), count(*) FROM clients.versions a JOIN clients.versions b ON a.id = b.id AND a.version = "
        "b.version"
    )
    seen: list[list[str | None]] = []
    for version in range(1, 7):
        publish = clients.start(f"UPDATE clients.versions SET version = {version}", athena=athena)
        readers = [clients.start(read, athena=athena) for _ in range(3)]
        for reader in readers:
            answer = clients.ended(reader, athena)
            assert answer.state == "SUCCEEDED", answer.reason
            seen += answer.data
        assert clients.ended(publish, athena).state == "SUCCEEDED"

    mixed = [row for row in seen if len(set(row[:4])) != 1 or row[4] != "50"]
    assert not mixed
    assert len({row[0] for row in seen}) > 1, "no publish was seen at all"
    assert until(lambda: clients.done("SELECT max(version) FROM clients.versions").data) == [["6"]]
