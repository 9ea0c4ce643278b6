"""Rights: a role reaches through Athena only what its policies let it reach by itself."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.athena.conftest import ACCOUNT, REGION, Cloud

pytestmark = pytest.mark.sandbox
CALLS = ["StartQueryExecution", "GetQueryExecution", "GetQueryResults", "StopQueryExecution"]
WORKGROUP = ([f"athena:{call}" for call in CALLS], [f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/primary"])
CATALOG = (
    ["glue:GetTable", "glue:GetDatabase", "glue:GetPartitions"],
    [f"arn:aws:glue:{REGION}:{ACCOUNT}:{name}" for name in ("catalog", "database/gold", "table/gold/*")],
)
BUCKET = (["s3:GetBucketLocation"], ["arn:aws:s3:::results"])
OUTPUT = (["s3:PutObject", "s3:GetObject"], ["arn:aws:s3:::results/here/*"])
DATA = (["s3:GetObject"], ["arn:aws:s3:::warehouse/gold/*"])
READ = "SELECT count(*) FROM gold.visits"


def asked_as(cloud: Cloud, name: str, sql: str, *allowed: tuple[list[str], list[str]]) -> Any:
    return cloud.ask(sql, athena=cloud.client("athena", cloud.role(name, *allowed)))


def test_a_role_with_the_rights_reads_and_is_recorded(cloud: Cloud) -> None:
    answer = asked_as(cloud, "reader", READ, WORKGROUP, CATALOG, BUCKET, OUTPUT, DATA)

    assert answer.data == [["2"]]
    lines = [json.loads(line) for line in (cloud.home / "iam.jsonl").read_text().splitlines()]
    seen = {(line["action"], line["resource"]) for line in lines if "assumed-role/reader/" in line["principal"]}
    assert ("glue:GetTable", f"arn:aws:glue:{REGION}:{ACCOUNT}:table/gold/visits") in seen
    assert ("s3:GetObject", "arn:aws:s3:::warehouse/gold/visits/*") in seen
    assert ("athena:GetQueryExecution", f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/primary") in seen


@pytest.mark.parametrize(
    ("name", "allowed", "missing"),
    [
        ("no-catalog", [WORKGROUP, BUCKET, OUTPUT, DATA], "glue:GetTable"),
        ("no-data", [WORKGROUP, CATALOG, BUCKET, OUTPUT], "s3:GetObject"),
        ("no-output", [WORKGROUP, CATALOG, BUCKET, DATA], "s3:PutObject"),
    ],
)
def test_a_missing_right_fails_the_query_and_names_the_action(
    cloud: Cloud, name: str, allowed: list[tuple[list[str], list[str]]], missing: str
) -> None:
    answer = asked_as(cloud, name, READ, *allowed)

    assert answer.state == "FAILED"
    assert answer.error["ErrorCategory"] == 2
    assert answer.error["ErrorType"] in (1500, 1501)
    assert f"not authorized to perform: {missing}" in answer.reason


def test_a_role_without_the_workgroup_cannot_even_ask(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match=re.escape("AccessDeniedException")):
        asked_as(cloud, "outsider", READ, CATALOG, BUCKET, OUTPUT, DATA)


def test_a_reader_cannot_write_nor_drop_nor_read_another_database(cloud: Cloud) -> None:
    client = cloud.client("athena", cloud.role("only-reads", WORKGROUP, CATALOG, BUCKET, OUTPUT, DATA))
    for sql, missing in {
        "INSERT INTO gold.visits SELECT * FROM gold.visits": "s3:PutObject",
        "DELETE FROM gold.visits": "s3:PutObject",
        "DROP TABLE gold.visits": "glue:DeleteTable",
        "CREATE VIEW gold.mine AS SELECT 1 AS n": "glue:CreateTable",
        "CREATE TABLE gold.mine AS SELECT 1 AS n": "glue:CreateTable",
        "UNLOAD (SELECT 1 AS n) TO 's3://warehouse/mine/' WITH (format='JSON')": "s3:PutObject",
        "SELECT * FROM people.raw": "glue:GetTable",
        "SHOW TABLES IN gold": "glue:GetTables",
        "EXPLAIN SELECT * FROM people.raw": "glue:GetTable",
    }.items():
        answer = cloud.ask(sql, athena=client)
        assert (answer.state, missing in answer.reason) == ("FAILED", True), f"{sql}: {answer.reason}"
    assert cloud.done(READ).data == [["2"]]


def test_everything_listens_on_the_loopback_only(cloud: Cloud) -> None:
    ours = {str(process.pid) for process in cloud.processes.values()}
    listed = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout.splitlines()
    addresses = [line.split()[3] for line in listed if any(f"pid={pid}," in line for pid in ours)]

    assert len(addresses) >= 2
    assert all("127.0.0.1" in address for address in addresses), addresses
