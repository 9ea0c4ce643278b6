"""Queries from the first call to the last page, over csv and Iceberg tables, with boto3 and the aws CLI."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.athena.conftest import Cloud, until

pytestmark = pytest.mark.sandbox


def test_a_csv_table_is_read_with_quotes_commas_and_empty_values(cloud: Cloud) -> None:
    answer = cloud.done("SELECT * FROM raw ORDER BY id")

    assert answer.rows == [
        ["id", "name", "spent"],
        ["1", "Ayanda, M.", "10.50"],
        ["2", 'the "quoted"', ""],
        ["3", "Zoë", "7"],
    ]
    assert answer.columns == [("id", "varchar"), ("name", "varchar"), ("spent", "varchar")]
    assert answer.execution["Statistics"]["DataScannedInBytes"] > 0
    assert answer.execution["StatementType"] == "DML"


def test_one_statement_reads_csv_and_iceberg_tables_of_two_databases(cloud: Cloud) -> None:
    answer = cloud.done(
        'SELECT r.name, v.* FROM people.raw r JOIN "awsdatacatalog"."gold"."visits" v '
        "ON v.person = CAST(r.id AS bigint) ORDER BY v.person",
        database="gold",
    )

    assert answer.data == [
        ["Ayanda, M.", "1", "2018-03-01 10:11:12.131415", "2018-03-01", "10.50"],
        ["Zoë", "3", "2018-04-02 00:00:00.000000", "2018-04-02", None],
    ]
    assert [kind for _, kind in answer.columns] == ["varchar", "bigint", "timestamp", "date", "decimal"]


def test_the_result_lies_in_s3_as_athena_leaves_it(cloud: Cloud) -> None:
    answer = cloud.done("SELECT 'a\"b' AS x, CAST(NULL AS varchar) AS y, '' AS z")

    assert answer.output == f"s3://results/here/{answer.id}.csv"
    assert cloud.text(answer.output) == '"x","y","z"\n"a""b",,""\n'
    assert f"here/{answer.id}.csv.metadata" in cloud.keys("results", "here/")


def test_every_type_is_printed_as_athena_prints_it(cloud: Cloud) -> None:
    answer = cloud.done(
        "SELECT 1e10 a, REAL '1.5' b, ARRAY[1, NULL] c, MAP(ARRAY['k'], ARRAY[1.5e0]) d, "
        "CAST(ROW(1, 'x') AS ROW(p int, q varchar)) e, ROW(1, 2) f, NULL g, 1 = 1 h, X'6869' i, JSON '{\"a\": 1}' j, "
        "DATE '2020-02-29' k, TIMESTAMP '2020-01-01 00:00:00 UTC' l, CAST('a' AS char(3)) m, DECIMAL '1.50' n"
    )

    assert answer.data == [[
        "1.0E10", "1.5", "[1, null]", "{k=1.5}", "{p=1, q=x}", "{1, 2}", None, "true", "68 69", '{"a":1}',
        "2020-02-29", "2020-01-01 00:00:00 UTC", "a  ", "1.50",
    ]]  # fmt: skip
    assert [kind for _, kind in answer.columns] == [
        "double", "float", "array", "map", "row", "row", "unknown", "boolean", "varbinary", "json", "date",
        "timestamp with time zone", "char", "decimal",
    ]  # fmt: skip


def test_results_come_in_pages_of_a_thousand_with_the_header_first(cloud: Cloud) -> None:
    answer = cloud.done("SELECT x, 'v' || CAST(x AS varchar) FROM UNNEST(SEQUENCE(1, 2500)) AS t(x) ORDER BY x")

    paginator = cloud.client("athena").get_paginator("get_query_results")
    pages = list(paginator.paginate(QueryExecutionId=answer.id))
    rows = [[d["VarCharValue"] for d in row["Data"]] for page in pages for row in page["ResultSet"]["Rows"]]

    assert [len(page["ResultSet"]["Rows"]) for page in pages] == [1000, 1000, 501]
    assert rows == [["x", "_col1"], *([str(n), f"v{n}"] for n in range(1, 2501))]


def test_a_query_without_rows_has_its_header(cloud: Cloud) -> None:
    assert cloud.done("SELECT id FROM raw WHERE id = 'nobody'").rows == [["id"]]


def test_results_of_a_failed_or_unknown_query_cannot_be_had(cloud: Cloud) -> None:
    failed = cloud.ask("SELECT nope FROM raw")

    with pytest.raises(ClientError, match="Final query state: FAILED"):
        cloud.client("athena").get_query_results(QueryExecutionId=failed.id)
    with pytest.raises(ClientError, match="was not found"):
        cloud.client("athena").get_query_execution(QueryExecutionId="0c2f9d3e-0000-0000-0000-000000000000")


def test_the_same_client_token_gives_the_same_execution(cloud: Cloud) -> None:
    token = "t" * 32

    first = cloud.start("SELECT 1", ClientRequestToken=token)
    second = cloud.start("SELECT 1", ClientRequestToken=token)

    assert first == second
    with pytest.raises(ClientError, match="Idempotent parameters do not match"):
        cloud.start("SELECT 2", ClientRequestToken=token)


def test_a_running_query_can_be_stopped(engine: Cloud) -> None:
    athena = engine.client("athena")
    many = "UNNEST(SEQUENCE(1, 10000))"
    slow = f"SELECT count(*) FROM {many} a(x), {many} b(y), {many} c(z)"
    query = engine.start(slow)
    until(lambda: athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"] == "RUNNING")

    athena.stop_query_execution(QueryExecutionId=query)

    stopped = engine.ended(query)
    assert (stopped.state, stopped.reason) == ("CANCELLED", "Query cancelled by user")


def test_parameters_take_the_places_of_question_marks(cloud: Cloud) -> None:
    answer = cloud.done("SELECT name, ? AS n FROM raw WHERE id = ?", ExecutionParameters=["42", "'1'"])

    assert answer.data == [["Ayanda, M.", "42"]]
    assert cloud.ask("SELECT\nnope FROM raw WHERE id = ?", ExecutionParameters=["'1'"]).reason == (
        "COLUMN_NOT_FOUND: line 2:1: Column 'nope' cannot be resolved or requester is not authorized to access "
        "requested resources"
    )


def test_prepared_statements_are_kept_by_the_workgroup(cloud: Cloud) -> None:
    athena = cloud.client("athena")
    cloud.done("PREPARE by_id FROM SELECT name FROM raw WHERE id = ?")

    assert cloud.done("EXECUTE by_id USING '3'").data == [["Zoë"]]
    assert cloud.done("EXECUTE by_id", ExecutionParameters=["'1'"]).data == [["Ayanda, M."]]
    kept = athena.get_prepared_statement(StatementName="by_id", WorkGroup="primary")["PreparedStatement"]
    assert kept["QueryStatement"] == "SELECT name FROM raw WHERE id = ?"
    cloud.done("DEALLOCATE PREPARE by_id")
    with pytest.raises(ClientError, match="by_id was not found"):
        cloud.start("EXECUTE by_id USING '3'")


def test_the_aws_cli_asks_and_reads(cloud: Cloud) -> None:
    def aws(*arguments: str) -> dict[str, object]:
        command = [str(Path(sys.executable).with_name("aws")), "athena", *arguments, "--output", "json"]
        done = subprocess.run(command, env=cloud.environment(), capture_output=True, check=True, text=True)
        return dict(json.loads(done.stdout))

    started = aws(
        "start-query-execution", "--query-string", "SELECT count(*) AS n FROM gold.visits", "--result-configuration",
        "OutputLocation=s3://results/cli/",
    )  # fmt: skip
    query = str(started["QueryExecutionId"])
    cloud.ended(query)

    read = aws("get-query-results", "--query-execution-id", query)
    assert read["ResultSet"]["Rows"] == [  # type: ignore[index]
        {"Data": [{"VarCharValue": "n"}]},
        {"Data": [{"VarCharValue": "2"}]},
    ]


def test_iceberg_history_and_time_travel(cloud: Cloud) -> None:
    cloud.done(
        "CREATE TABLE gold.counted WITH (table_type='ICEBERG', is_external=false, "
        "location='s3://warehouse/gold/counted/') AS SELECT 1 AS n"
    )
    first = cloud.done('SELECT snapshot_id FROM gold."counted$snapshots" ORDER BY committed_at DESC').data[0][0]
    written = cloud.done("INSERT INTO gold.counted VALUES (2), (3)")
    cloud.done("DELETE FROM gold.counted WHERE n = 2")
    cloud.done("UPDATE gold.counted SET n = 30 WHERE n = 3")
    merged = cloud.done(
        "MERGE INTO gold.counted t USING (VALUES 1, 4) s(n) ON t.n = s.n "
        "WHEN MATCHED THEN UPDATE SET n = 10 WHEN NOT MATCHED THEN INSERT VALUES (s.n)"
    )

    assert written.page["UpdateCount"] == 2
    assert merged.page["UpdateCount"] == 2
    assert cloud.done("SELECT n FROM gold.counted ORDER BY n").data == [["4"], ["10"], ["30"]]
    assert cloud.done(f"SELECT n FROM gold.counted FOR VERSION AS OF {first}").data == [["1"]]


def test_a_view_is_read_from_the_catalog_that_it_was_made_in(cloud: Cloud) -> None:
    cloud.done("CREATE OR REPLACE VIEW gold.spenders AS SELECT r.name, v.paid FROM people.raw r JOIN gold.visits v "
               "ON CAST(v.person AS varchar) = r.id WHERE v.paid > 0")  # fmt: skip

    assert cloud.done("SELECT * FROM gold.spenders").data == [["Ayanda, M.", "10.50"]]
    assert cloud.done("SHOW VIEWS IN gold").lines == ["spenders"]
    assert cloud.done("SHOW CREATE VIEW gold.spenders").lines[0] == "CREATE VIEW gold.spenders AS"
    cloud.done("DROP VIEW gold.spenders")
    assert cloud.ask("SELECT * FROM gold.spenders").reason.startswith("TABLE_NOT_FOUND")
