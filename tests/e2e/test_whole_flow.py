"""Last of this folder: what the whole flow was seen doing, against what its roles may do.

Its name keeps it last: the record is that of all tests before it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.grants import Call, Statement, calls, idle

from .conftest import REPOSITORY, Lake

STACK = "jozi-lake-dev"
READERS = set(yaml.safe_load((REPOSITORY / "governance.yaml").read_text(encoding="utf-8"))["readers"])
UNUSED = yaml.safe_load((REPOSITORY / "iam-unused.yaml").read_text(encoding="utf-8"))


def roles(lake: Lake) -> dict[str, str]:
    """Name in IAM -> logical id, of the stack's roles."""
    pages = lake.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
    found = [resource for page in pages for resource in page["StackResourceSummaries"]]
    return {
        str(one["PhysicalResourceId"]): str(one["LogicalResourceId"])
        for one in found
        if one["ResourceType"] == "AWS::IAM::Role"
    }


def policies(iam: Any, role: str) -> list[Statement]:
    """Every statement that a role has in IAM, its own and those of managed policies."""
    documents = [
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = attached["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        documents.append(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])
    read = [json.loads(document) if isinstance(document, str) else document for document in documents]
    return [statement for document in read for statement in document["Statement"]]


def made(lake: Lake) -> list[Call]:
    return calls((lake.home / "iam.jsonl").read_text().splitlines(), roles(lake))


def test_no_role_was_denied_anything_but_what_a_test_took_away(lake: Lake) -> None:
    # Denials of readers are what the tests of readers are about.
    denied = {(call.role, call.action) for call in made(lake) if not call.allowed and call.role not in READERS}
    assert denied <= {(roles(lake)[role], action) for role, action in lake.taken}


def test_no_role_may_do_what_nothing_needs(lake: Lake, request: pytest.FixtureRequest) -> None:
    ran = {Path(item.path).name for item in request.session.items}
    if not {"test_one_file.py", "test_permissions.py"} <= ran:
        pytest.skip("without the tests of a whole file's way the record does not show what the roles need")
    lake.run("sweep")
    iam, record = lake.client("iam"), made(lake)

    nobody_would_miss = {
        (role, action)
        for name, role in roles(lake).items()
        for action in idle(policies(iam, name), [call for call in record if call.role == role])
    }

    listed = {(role, action) for role, reasons in UNUSED.items() for action in reasons}
    assert nobody_would_miss <= listed, sorted(nobody_would_miss - listed)
