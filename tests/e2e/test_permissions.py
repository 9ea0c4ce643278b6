"""Roles matter: taking one needed permission away makes the flow fail loudly, and giving it back heals it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
import yaml

from .conftest import REPOSITORY, Lake, finished
from .orders import export, order


def role_of_job(lake: Lake, job: str) -> str:
    return str(lake.client("glue").get_job(JobName=job)["Job"]["Role"]).rsplit("/", 1)[-1]


@contextmanager
def without(lake: Lake, role: str, action: str) -> Iterator[None]:
    """Take an action out of every inline policy of a role; put the policies back at the end."""
    iam = lake.client("iam")
    policies: dict[str, Any] = {}
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        policies[name] = json.loads(document) if isinstance(document, str) else document
    taken = 0
    lake.taken.add((role, action))
    try:
        for name, document in policies.items():
            reduced = copy.deepcopy(document)
            for statement in reduced["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                kept = [one for one in actions if one != action]
                taken += len(actions) - len(kept)
                statement["Action"] = kept
            reduced["Statement"] = [statement for statement in reduced["Statement"] if statement["Action"]]
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(reduced))
        assert taken, f"{role} does not have {action}: nothing was taken away"
        yield
    finally:
        for name, document in policies.items():
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


@pytest.mark.parametrize(
    ("job", "action"),
    [("SilverJobName", "s3:GetObjectVersion"), ("GoldJobName", "glue:UpdateTable")],
)
def test_a_missing_permission_fails_loudly(lake: Lake, job: str, action: str) -> None:
    name = f"P-{job}"
    file = export([order(name, **{"Order Date": "02/12/2019"})])
    role = role_of_job(lake, lake.outputs[job])

    with without(lake, role, action):
        version = lake.put(f"orders/{name}.csv", file)
        waited = lake.run("wait", "--timeout", "600", check=False)

    assert waited.returncode == 1
    runs = lake.client("glue").get_job_runs(JobName=lake.outputs[job])["JobRuns"]
    assert runs[0]["JobRunState"] == "FAILED"
    denied = [json.loads(line) for line in (lake.home / "iam.jsonl").read_text().splitlines()]
    assert any(one["action"] == action and role in one["principal"] for one in denied if one["decision"] != "Allow")
    entry = lake.file(f"orders/{name}.csv", version)
    assert entry["state"] in ("HELD", "LOADED")  # kept, with its error: never lost
    if entry["state"] == "HELD":
        lake.run("replay", "--file", f"orders/{name}.csv")
        assert lake.file(f"orders/{name}.csv", version)["state"] == "LOADED"


GOVERNANCE = yaml.safe_load((REPOSITORY / "governance.yaml").read_text(encoding="utf-8"))
READERS = GOVERNANCE["readers"]
ASKED = (("gold", "freshness"), ("gold", "delivery_features"), ("silver", "orders"), ("silver", "quarantine"))


def as_reader(lake: Lake, role: str, service: str = "athena") -> Any:
    """Athena, or another service, with the keys of a role that people assume."""
    stack = {"StackName": "jozi-lake-dev", "LogicalResourceId": role}
    name = lake.client("cloudformation").describe_stack_resource(**stack)["StackResourceDetail"]["PhysicalResourceId"]
    return with_keys(lake, name, service)


def with_keys(lake: Lake, name: str, service: str = "athena") -> Any:
    """Athena, or another service, with the keys of a role, by its name in IAM."""
    arn = lake.client("iam").get_role(RoleName=name)["Role"]["Arn"]
    keys = lake.client("sts").assume_role(RoleArn=arn, RoleSessionName="reader")["Credentials"]
    return boto3.client(
        service,
        endpoint_url=lake.client(service).meta.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def group_of(role: str) -> str:
    """The workgroup whose results a role may fetch."""
    return f"jozi-dev{'-personal' if role in ('EngineerRole', 'ManagerRole') else ''}"


@pytest.fixture
def filled(lake: Lake) -> Lake:
    """A lake whose tables are there, whatever test came before."""
    if not any(row["state"] == "LOADED" for row in lake.files()):
        lake.load("orders/for readers.csv", export([order("P-readers")]))
    return lake


@pytest.mark.parametrize("role", sorted(READERS))
def test_a_reader_reads_what_is_declared_and_nothing_else(filled: Lake, role: str) -> None:
    lake = filled
    athena, group = as_reader(lake, role), group_of(role)

    for layer, table in ASKED:
        declared = READERS[role].get(layer, {})
        may = "*" in declared or table in declared
        for sql in (
            "select count(*) from {}",
            "explain select * from {}",
            "with t as (select * from {}) select 1 from t",
        ):
            answer = finished(athena, sql.format(f"jozi_dev_{layer}.{table}"), group)
            assert answer["State"] == ("SUCCEEDED" if may else "FAILED"), (sql, table, answer.get("StateChangeReason"))
            assert may or "not authorized" in answer["StateChangeReason"]


def test_a_reader_makes_no_table_of_what_it_reads(filled: Lake) -> None:
    lake, athena = filled, as_reader(filled, "DataScientistRole")
    copied = "create table jozi_dev_gold.copied as select * from jozi_dev_gold.delivery_features"

    answer = finished(athena, copied, lake.outputs["AthenaWorkGroup"])

    assert answer["State"] == "FAILED"
    assert "not authorized" in answer["StateChangeReason"]
