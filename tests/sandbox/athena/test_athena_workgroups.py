"""Workgroups, named queries and the catalog's calls; stacks that hold them; what a restart keeps."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.athena.conftest import Cloud, free_port, start_emulator, stop

pytestmark = pytest.mark.sandbox
TEMPLATE = {
    "Resources": {
        "Group": {
            "Type": "AWS::Athena::WorkGroup",
            "Properties": {
                "Name": "stacked",
                "RecursiveDeleteOption": True,
                "WorkGroupConfiguration": {
                    "EnforceWorkGroupConfiguration": True,
                    "BytesScannedCutoffPerQuery": 10000000,
                    "ResultConfiguration": {
                        "OutputLocation": "s3://results/stacked/",
                        "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
                    },
                },
            },
        },
        "Query": {
            "Type": "AWS::Athena::NamedQuery",
            "Properties": {
                "Name": "everybody",
                "Database": "people",
                "QueryString": "SELECT count(*) FROM raw",
                "WorkGroup": {"Ref": "Group"},
            },
        },
    },
    "Outputs": {"QueryId": {"Value": {"Ref": "Query"}}},
}


def test_an_enforced_workgroup_decides_where_results_go(cloud: Cloud) -> None:
    athena = cloud.client("athena")
    athena.create_work_group(
        Name="strict",
        Configuration={
            "ResultConfiguration": {"OutputLocation": "s3://results/strict"},
            "EnforceWorkGroupConfiguration": True,
        },
    )

    answer = cloud.done("SELECT 1", WorkGroup="strict", ResultConfiguration={"OutputLocation": "s3://elsewhere/"})

    assert answer.output == f"s3://results/strict/{answer.id}.csv"
    assert athena.list_query_executions(WorkGroup="strict")["QueryExecutionIds"] == [answer.id]
    refused = cloud.ask(
        "CREATE TABLE people.c WITH (external_location='s3://warehouse/c/') AS SELECT 1 AS n", WorkGroup="strict"
    )
    assert "enforces a centralized output location" in refused.reason
    with pytest.raises(ClientError, match="is not empty"):
        athena.delete_work_group(WorkGroup="strict")
    athena.delete_work_group(WorkGroup="strict", RecursiveDeleteOption=True)
    with pytest.raises(ClientError, match="WorkGroup is not found"):
        cloud.start("SELECT 1", WorkGroup="strict")


def test_a_lenient_workgroup_takes_the_callers_place_or_its_own(cloud: Cloud) -> None:
    athena = cloud.client("athena")
    athena.create_work_group(Name="lenient", Configuration={"EnforceWorkGroupConfiguration": False})

    with pytest.raises(ClientError, match="No output location provided"):
        athena.start_query_execution(QueryString="SELECT 1", WorkGroup="lenient")
    athena.update_work_group(
        WorkGroup="lenient",
        ConfigurationUpdates={"ResultConfigurationUpdates": {"OutputLocation": "s3://results/lenient/"}},
    )
    query = athena.start_query_execution(QueryString="SELECT 1", WorkGroup="lenient")["QueryExecutionId"]

    assert cloud.ended(query).output == f"s3://results/lenient/{query}.csv"
    assert cloud.done("SELECT 1", WorkGroup="lenient").output.startswith("s3://results/here/")
    athena.update_work_group(WorkGroup="lenient", State="DISABLED")
    with pytest.raises(ClientError, match="lenient is disabled"):
        cloud.start("SELECT 1", WorkGroup="lenient")


def test_an_output_bucket_that_is_not_there_is_told_on_submission(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="Unable to verify/create output bucket nowhere-at-all"):
        cloud.start("SELECT 1", ResultConfiguration={"OutputLocation": "s3://nowhere-at-all/"})


def test_a_query_that_scans_too_much_is_cancelled(cloud: Cloud) -> None:
    cloud.client("s3").put_object(Bucket="raw", Key="big/one.csv", Body=(b"x" * 99 + b"\n") * 120_000)
    cloud.done("CREATE EXTERNAL TABLE people.big (line string) LOCATION 's3://raw/big/'")
    cloud.client("athena").create_work_group(
        Name="thrifty",
        Configuration={
            "ResultConfiguration": {"OutputLocation": "s3://results/thrifty/"},
            "BytesScannedCutoffPerQuery": 10_000_000,
        },
    )

    stopped = cloud.ask("SELECT max(line) FROM people.big", WorkGroup="thrifty")
    small = cloud.done("SELECT count(*) FROM raw", WorkGroup="thrifty")

    assert (stopped.state, stopped.reason) == ("CANCELLED", "Query cancelled! : Bytes scanned limit was exceeded")
    assert small.execution["Statistics"]["DataScannedInBytes"] < 10_000_000


def test_a_stack_makes_a_workgroup_and_a_named_query_and_removes_them(cloud: Cloud) -> None:
    stacks, athena = cloud.client("cloudformation"), cloud.client("athena")
    stacks.create_stack(StackName="athena-parts", TemplateBody=json.dumps(TEMPLATE))
    stacks.get_waiter("stack_create_complete").wait(StackName="athena-parts", WaiterConfig={"Delay": 1})

    group = athena.get_work_group(WorkGroup="stacked")["WorkGroup"]["Configuration"]
    [query] = athena.list_named_queries(WorkGroup="stacked")["NamedQueryIds"]
    named = athena.get_named_query(NamedQueryId=query)["NamedQuery"]
    answer = cloud.done(named["QueryString"], WorkGroup="stacked")

    assert group["EnforceWorkGroupConfiguration"] is True
    assert group["BytesScannedCutoffPerQuery"] == 10_000_000
    assert group["ResultConfiguration"]["OutputLocation"] == "s3://results/stacked/"
    assert answer.output.startswith("s3://results/stacked/")
    assert answer.data == [["3"]]
    assert stacks.describe_stacks(StackName="athena-parts")["Stacks"][0]["Outputs"][0]["OutputValue"] == query
    stacks.delete_stack(StackName="athena-parts")
    stacks.get_waiter("stack_delete_complete").wait(StackName="athena-parts", WaiterConfig={"Delay": 1})
    assert "stacked" not in [entry["Name"] for entry in athena.list_work_groups()["WorkGroups"]]


def test_named_queries_are_made_listed_and_deleted(cloud: Cloud) -> None:
    athena = cloud.client("athena")
    made = athena.create_named_query(Name="n", Database="people", QueryString="SELECT 1")["NamedQueryId"]

    batch = athena.batch_get_named_query(NamedQueryIds=[made, "00000000-0000-0000-0000-000000000000"])
    assert [query["Name"] for query in batch["NamedQueries"]] == ["n"]
    assert len(batch["UnprocessedNamedQueryIds"]) == 1
    assert made in athena.list_named_queries()["NamedQueryIds"]
    athena.delete_named_query(NamedQueryId=made)
    with pytest.raises(ClientError, match="was not found"):
        athena.get_named_query(NamedQueryId=made)


def test_the_catalog_is_told_from_glue(cloud: Cloud) -> None:
    athena = cloud.client("athena")

    names = [entry["Name"] for entry in athena.list_databases(CatalogName="AwsDataCatalog")["DatabaseList"]]
    tables = athena.list_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="people", Expression="ra.*")
    visits = athena.get_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="gold", TableName="visits")[
        "TableMetadata"
    ]

    assert {"people", "gold"} <= set(names)
    assert [entry["Name"] for entry in tables["TableMetadataList"]] == ["raw"]
    assert [(c["Name"], c["Type"]) for c in visits["Columns"]][-1] == ("paid", "decimal(9,2)")
    assert visits["Parameters"]["table_type"] == "ICEBERG"
    assert athena.get_data_catalog(Name="AwsDataCatalog")["DataCatalog"]["Type"] == "GLUE"
    with pytest.raises(ClientError, match="MetadataException"):
        athena.get_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="gold", TableName="nothing")


def test_a_restart_keeps_workgroups_and_results_and_ends_what_was_waiting(cloud: Cloud) -> None:
    home, port, nobody = cloud.home / "restarted", free_port(), f"http://127.0.0.1:{free_port()}"
    other = Cloud(f"http://127.0.0.1:{port}", nobody, home, {})
    process = start_emulator(home, port, nobody)
    try:
        other.client("s3").create_bucket(Bucket="results")
        other.client("athena").create_work_group(Name="kept")
        waiting = other.start("SELECT 1")
        assert (
            other.client("athena").get_query_execution(QueryExecutionId=waiting)["QueryExecution"]["Status"]["State"]
            == "QUEUED"
        )
        stop(process)
        process = start_emulator(home, port, nobody)

        abandoned = other.ended(waiting)
        assert (abandoned.state, abandoned.error["Retryable"]) == ("FAILED", True)
        assert other.client("athena").get_work_group(WorkGroup="kept")["WorkGroup"]["Name"] == "kept"
    finally:
        stop(process)


def test_a_query_fails_clearly_when_the_engine_never_comes(cloud: Cloud) -> None:
    home, port = cloud.home / "engineless", free_port()
    process = start_emulator(home, port, f"http://127.0.0.1:{free_port()}", START_SECONDS="1")
    other = Cloud(f"http://127.0.0.1:{port}", "", home, {})
    try:
        other.client("s3").create_bucket(Bucket="results")
        failed = other.ask("SELECT 1")
    finally:
        stop(process)

    assert failed.reason == "The query engine did not start within 1 seconds: see its log."
    assert failed.error["ErrorCategory"] == 1
