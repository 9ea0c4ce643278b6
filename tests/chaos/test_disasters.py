"""Disasters: catalog, a pointer, ledger or lake bucket are gone, a bad release runs. Gold ends the same each time.

Bronze is the truth: files and their versions stay. One lake goes from one disaster to the next.
"""

from __future__ import annotations

from typing import Any

import pytest

from lake.sample import generate
from tests.e2e.conftest import Lake
from tests.e2e.orders import export, order

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]
LAYERS = ("jozi_dev_silver", "jozi_dev_gold")
# What people read, without the moments and ids of runs.
QUESTIONS = (
    "select * from jozi_dev_gold.delivery_performance order by 1, 2, 3",
    "select month, order_hour, stage, orders, avg_minutes from jozi_dev_gold.stage_bottlenecks order by 1, 2, 3",
    "select month, reason, complaints, orders from jozi_dev_gold.complaint_summary order by 1, 2",
    "select period, outcome, value_1, value_2, hits, rank from jozi_dev_gold.root_causes order by 1, 2, 6, 3, 4",
    "select source_file, source_row, raw_row from jozi_dev_silver.quarantine order by 1, 2",
    "select order_id, source_file, source_row from jozi_dev_silver.orders order by 1",
)


@pytest.fixture(scope="module")
def before(lake: Lake) -> list[Any]:
    """What people read of two good files, one that is refused and one that was taken back."""
    for number in (1, 2):
        lake.put(f"orders/{number}.csv", generate(300, seed=number, first_id=number * 1_000_000).content)
    lake.put("orders/menu.csv", b"<html><body>Margherita</body></html>")
    lake.put("orders/wrong.csv", export([order("wrong")]))
    lake.wait()
    lake.run("retract", "orders/wrong.csv")
    found = answers(lake)
    assert all(found)
    return found


def answers(lake: Lake) -> list[Any]:
    return [lake.athena(question) for question in QUESTIONS]


def states(lake: Lake) -> dict[str, str]:
    return {row["key"]: row["state"] for row in lake.files()}


STATES = {
    "orders/1.csv": "LOADED",
    "orders/2.csv": "LOADED",
    "orders/menu.csv": "REJECTED",
    "orders/wrong.csv": "RETRACTED",
}


def take_entries_out(lake: Lake) -> int:
    glue, taken = lake.client("glue"), 0
    for database in LAYERS:
        for table in glue.get_tables(DatabaseName=database)["TableList"]:
            glue.delete_table(DatabaseName=database, Name=table["Name"])
            taken += 1
    return taken


def test_a_catalog_that_was_emptied_is_filled_again_by_a_sweep(lake: Lake, before: list[Any]) -> None:
    taken = take_entries_out(lake)

    told = lake.run("doctor", check=False).stdout
    swept = lake.run("sweep").stdout

    assert "the catalog has lost jozi_dev_silver.orders" in told
    assert swept.count("was missing from the catalog: it is back") == taken
    lake.wait()
    assert answers(lake) == before
    assert lake.run("doctor").stdout.splitlines()[-1] == "Everything is fine."


@pytest.mark.parametrize("table", ["jozi_dev_silver.orders", "jozi_dev_gold.freshness"])
def test_a_broken_pointer_is_named_with_what_to_do_and_mended(lake: Lake, before: list[Any], table: str) -> None:
    glue = lake.client("glue")
    database, name = table.split(".")
    entry = glue.get_table(DatabaseName=database, Name=name)["Table"]
    gone = entry["Parameters"]["metadata_location"].replace(".metadata.json", "-gone.metadata.json")
    kept = {key: entry[key] for key in ("Name", "TableType", "StorageDescriptor") if key in entry}
    parameters = {**entry["Parameters"], "metadata_location": gone}
    glue.update_table(DatabaseName=database, TableInput={**kept, "Parameters": parameters})

    swept = lake.run("sweep", check=False)
    assert swept.returncode == 1
    assert f"{table} points to metadata that is gone" in swept.stdout
    assert f"aws glue delete-table --database-name {database} --name {name}" in swept.stdout
    glue.delete_table(DatabaseName=database, Name=name)
    lake.run("sweep")

    lake.wait()
    assert answers(lake) == before


def test_a_ledger_that_was_lost_is_written_again_from_bronze_and_silver(lake: Lake, before: list[Any]) -> None:
    dynamo, table = lake.client("dynamodb"), lake.outputs["LedgerTableName"]
    key = [part["AttributeName"] for part in dynamo.describe_table(TableName=table)["Table"]["KeySchema"]]
    for page in dynamo.get_paginator("scan").paginate(TableName=table):
        for item in page["Items"]:
            dynamo.delete_item(TableName=table, Key={name: item[name] for name in key})
    assert states(lake) == {}

    lake.run("sweep")
    lake.run("wait", "--timeout", "600", check=False)  # 1: the refused file is refused again

    assert states(lake) == STATES
    assert answers(lake) == before


def test_a_lake_bucket_that_was_emptied_is_rebuilt_from_bronze(lake: Lake, before: list[Any]) -> None:
    s3 = lake.client("s3")
    bucket = lake.outputs["LakeBucketName"]
    removed = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for one in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
            s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
            removed += 1
    assert removed > 100
    told = lake.run("doctor", check=False)
    take_entries_out(lake)

    lake.run("replay", "--all")

    assert told.returncode == 1
    assert "points to metadata that is gone" in told.stdout
    assert states(lake) == STATES
    assert answers(lake) == before


def test_jobs_in_processes_of_their_own_answer_as_warm_engines_did(lake: Lake, before: list[Any]) -> None:
    jobs = [lake.client("glue").get_job(JobName=lake.outputs[name])["Job"] for name in ("SilverJobName", "GoldJobName")]
    for job in jobs:
        deploy(lake, job, DefaultArguments={**job["DefaultArguments"], "--sandbox-engine": "cold"})
    earlier = lake.json("runs", "--limit", "500")

    lake.run("replay", "--all")

    layers = {run["layer"] for run in lake.json("runs", "--limit", "500") if run not in earlier}
    left = {part["name"] for part in lake.json("status")["parts"]}
    for job in jobs:
        deploy(lake, job)
    assert layers >= {"silver", "gold"}
    assert not left & {f"spark {job['Name']}" for job in jobs}  # an engine that no job wants has ended
    assert answers(lake) == before


def test_a_bad_release_of_a_job_harms_nothing_and_is_rolled_back(lake: Lake, before: list[Any]) -> None:
    glue, job = lake.client("glue"), lake.outputs["SilverJobName"]
    definition = glue.get_job(JobName=job)["Job"]
    bad = f"s3://{lake.outputs['LakeBucketName']}/assets/bad/silver.py"
    lake.client("s3").put_object(
        Bucket=lake.outputs["LakeBucketName"], Key="assets/bad/silver.py", Body=b"raise RuntimeError('a bad release')"
    )
    deploy(lake, definition, Command={**definition["Command"], "ScriptLocation": bad})

    version = lake.put("orders/during.csv", export([order("during")]))
    waited = lake.run("wait", "--timeout", "600", check=False)
    failed = [run for run in lake.json("runs") if run["state"] == "FAILED"]
    shown = answers(lake)
    deploy(lake, definition)
    lake.run("replay", "--file", "orders/during.csv", check=False)
    lake.wait()

    assert waited.returncode == 1
    assert "a bad release" in failed[0]["error"]
    assert shown == before
    assert lake.file("orders/during.csv", version)["state"] == "LOADED"
    assert lake.one("select count(*) from jozi_dev_silver.orders where order_id = 'during'") == ["1"]
    lake.run("retract", "orders/during.csv")
    assert answers(lake) == before


def deploy(lake: Lake, job: dict[str, Any], **other: Any) -> None:
    """Give the job its definition with some other parts, as a deployment of another release does."""
    parts = ("Role", "Command", "DefaultArguments", "GlueVersion", "ExecutionProperty")
    kept = {name: job[name] for name in parts if name in job}
    lake.client("glue").update_job(JobName=job["Name"], JobUpdate={**kept, **other})
