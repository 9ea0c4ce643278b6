"""Events reach functions as on AWS, under roles, with the layer's libraries."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Box, until

pytestmark = pytest.mark.sandbox


def test_an_object_reaches_a_function_by_rule_and_queue_with_its_layer(box: Box) -> None:
    key = "in box/größe º 1.csv"

    box.client("s3").put_object(Bucket=box.sandbox.outputs()["Bucket"], Key=key, Body=b"a,b\n1,2\n")

    item = until(lambda: _item(box, key))
    event = json.loads(item["event"]["S"])
    assert event["detail-type"] == "Object Created"
    assert event["detail"]["object"]["key"] == key
    assert item["library"]["S"] == "layer"  # and not the package of that name in the tests' environment
    assert item["greeting"]["S"] == "good morning"


def test_the_job_role_may_not_read_the_table_without_the_grant_on_its_database(box: Box) -> None:
    glue = box.client("glue")
    glue.create_database(DatabaseInput={"Name": "private"})
    glue.create_table(DatabaseName="private", TableInput={"Name": "secrets"})
    iam = box.client("iam")
    iam.create_role(
        RoleName="reader",
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            }
        ),
    )
    prefix = "arn:aws:glue:us-east-1:000000000000:"

    def grant(*resources: str) -> None:
        iam.put_role_policy(
            RoleName="reader",
            PolicyName="read",
            PolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": "glue:GetTable",
                            "Resource": [prefix + resource for resource in resources],
                        }
                    ],
                }
            ),
        )

    reader = _as_role(box, box.client("sts"), "arn:aws:iam::000000000000:role/reader")
    grant("table/private/secrets", "catalog")
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.get_table(DatabaseName="private", Name="secrets")
    grant("table/private/secrets", "database/private", "catalog")
    assert reader.get_table(DatabaseName="private", Name="secrets")["Table"]["Name"] == "secrets"


def test_types_that_the_emulator_refuses_are_there(box: Box) -> None:
    glue = box.client("glue")

    assert glue.get_classifier(Name="seams-columns")["Classifier"]["CsvClassifier"]["Header"] == ["a", "b"]
    assert glue.get_security_configuration(Name="seams-locked")
    assert glue.get_job(JobName="seams-plain")["Job"]["ExecutionProperty"] == {"MaxConcurrentRuns": 2}
    budgets = box.client("budgets").describe_budgets(AccountId="000000000000")["Budgets"]
    assert [budget["BudgetName"] for budget in budgets] == ["seams-budget"]


def _as_role(box: Box, sts: Any, role: str) -> Any:
    """A Glue client with the role's keys."""
    import boto3

    keys = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return boto3.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        region_name="us-east-1",
    ).client("glue", endpoint_url=box.sandbox.env()["AWS_ENDPOINT_URL"])


def _item(box: Box, key: str) -> dict[str, Any] | None:
    found = box.client("dynamodb").get_item(TableName=box.sandbox.outputs()["SeenTable"], Key={"pk": {"S": key}})
    item: dict[str, Any] | None = found.get("Item")
    return item
