"""Roles: each has one owner, and lists actions and resources. What the emulator cannot enforce is proven here."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from .stack import REPOSITORY, expanded, for_environment, grants, listed, of_type, properties, text, written

OWNERS = {"AWS::Lambda::Function": "lambda.amazonaws.com", "AWS::Glue::Job": "glue.amazonaws.com",
          "AWS::Glue::Crawler": "glue.amazonaws.com",
          "AWS::LakeFormation::Resource": "lakeformation.amazonaws.com"}  # fmt: skip
UNUSED = REPOSITORY / "iam-unused.yaml"
READERS = {"AnalystRole", "DataScientistRole", "EngineerRole", "ManagerRole"}  # people take them
ERASER = "EraserRole"  # so they do this one, for `lake forget`
PEOPLE = READERS | {ERASER}


def roles() -> list[str]:
    return sorted(of_type("AWS::IAM::Role"))


def owners() -> dict[str, list[str]]:
    """Role -> the resources that work under it."""
    found: dict[str, list[str]] = {role: [] for role in roles()}
    for name, resource in expanded().items():
        if resource["Type"] in OWNERS:
            role = resource["Properties"].get("Role") or resource["Properties"]["RoleArn"]
            found[text(role).strip("${}").removesuffix(".Arn")].append(name)
    return found


def actions(role: str) -> set[str]:
    return {action for grant in grants(role) for action in listed(grant["Action"])}


def resources(grant: dict[str, Any]) -> list[str]:
    return [for_environment(resource) for resource in listed(grant["Resource"])]


def test_every_function_job_and_crawler_has_a_role_of_its_own() -> None:
    for role, users in owners().items():
        assert len(users) == (0 if role in PEOPLE else 1), f"{role} is used by {users}"


def test_only_the_service_of_its_owner_may_take_a_role() -> None:
    for role, users in owners().items():
        for user in users:
            (statement,) = properties(role)["AssumeRolePolicyDocument"]["Statement"]
            assert statement["Principal"] == {"Service": OWNERS[expanded()[user]["Type"]]}
            assert statement["Action"] == "sts:AssumeRole"


@pytest.mark.parametrize("role", roles())
def test_roles_name_actions_and_resources(role: str) -> None:
    for grant in grants(role):
        assert grant["Effect"] == "Allow"
        assert not {"NotAction", "NotResource"} & set(grant)
        for action in listed(grant["Action"]):
            assert re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action), f"{role}: {action}"
        for resource in resources(grant):
            # Lake Formation asks for its own key to data without naming any; its grants say which data that is.
            assert resource != "*" or grant["Action"] == "lakeformation:GetDataAccess", f"{role}: {grant}"
            assert not resource.startswith("arn:aws:s3:::*"), f"{role}: {grant}"


@pytest.mark.parametrize("role", roles())
def test_no_role_brings_a_policy_from_outside(role: str) -> None:
    managed = properties(role).get("ManagedPolicyArns", [])
    assert all(policy["Ref"] in of_type("AWS::IAM::ManagedPolicy") for policy in managed)


def test_a_shared_policy_is_needed_by_all_who_have_it() -> None:
    users: dict[str, set[str]] = {}
    for role in roles():
        for policy in properties(role).get("ManagedPolicyArns", []):
            users.setdefault(policy["Ref"], set()).add(role)
    glue = {role for role, owned in owners().items() for user in owned if "Glue" in expanded()[user]["Type"]}
    assert users == {
        "FlowPolicy": {"ConductorRole", "SweeperRole"},
        "GlueLogsPolicy": glue,
        "QueryPolicy": {"DataScientistRole", ERASER},
        "PersonalQueryPolicy": {"EngineerRole", "ManagerRole"},
    }


def test_no_role_grants_an_action_on_a_resource_twice() -> None:
    for role in roles():
        seen = [
            (action, resource, str(grant.get("Condition")))
            for grant in grants(role)
            for action in listed(grant["Action"])
            for resource in resources(grant)
        ]
        assert len(seen) == len(set(seen)), role


def test_nobody_deletes_tables_or_files_of_bronze() -> None:
    for role in set(roles()) - {ERASER}:
        for grant in grants(role):
            dangerous = {action for action in listed(grant["Action"]) if re.search("Delete|Drop", action)}
            assert dangerous <= {"sqs:DeleteMessage", "s3:DeleteObject", "dynamodb:DeleteItem"}
            if "s3:DeleteObject" in dangerous:
                assert all("/warehouse/jozi_dev_" in resource for resource in resources(grant))


def test_only_the_eraser_deletes_for_ever_and_nothing_of_gold_runs_or_code() -> None:
    deleting = {
        (role, resource)
        for role in roles()
        for grant in grants(role)
        if "s3:DeleteObjectVersion" in listed(grant["Action"])
        for resource in resources(grant)
    }
    assert {role for role, _ in deleting} == {ERASER}
    assert {resource for _, resource in deleting} == {
        "${BronzeBucket.Arn}/*", "${LakeBucket.Arn}/warehouse/jozi_dev_silver/*", "${LakeBucket.Arn}/athena/*",
        "${LakeBucket.Arn}/athena-personal/*",
    }  # fmt: skip


def test_the_eraser_rewrites_silver_through_athena_only() -> None:
    for grant in grants(ERASER):
        if any("/warehouse/" in one for one in resources(grant)) and {"s3:PutObject", "s3:DeleteObject"} & set(
            listed(grant["Action"])
        ):
            assert grant["Condition"] == {"ForAnyValue:StringEquals": {"aws:CalledVia": "athena.amazonaws.com"}}


def test_only_its_job_and_table_care_write_a_layer() -> None:
    for layer in ("silver", "gold"):
        writers = {
            role
            for role in roles()
            for grant in grants(role)
            if {"s3:PutObject", "s3:DeleteObject", "glue:UpdateTable"} & set(listed(grant["Action"]))
            and any(re.search(rf"jozi_dev_{layer}|\${{{layer.title()}Database}}", one) for one in resources(grant))
        }
        vacuuming = {ERASER, "LakeLocationRole"} if layer == "silver" else set()
        assert writers == {f"{layer.title()}JobRole", "MaintainJobRole", *vacuuming}


def test_table_care_makes_no_table_reads_no_file_and_writes_no_batch() -> None:
    assert not actions("MaintainJobRole") & {"glue:CreateTable", "glue:DeleteTable", "dynamodb:UpdateItem"}
    reached = {resource for grant in grants("MaintainJobRole") for resource in resources(grant)}
    assert not [resource for resource in reached if re.search("Bronze|/runs/(silver|gold)", resource)]


@pytest.mark.parametrize("layer", ["Silver", "Gold"])
def test_a_crawler_cannot_move_the_pointer_of_an_iceberg_table(layer: str) -> None:
    assert not {"glue:UpdateTable", "glue:DeleteTable"} & actions(f"{layer}CrawlerRole")


def test_analysts_read_gold_through_athena_and_nothing_else() -> None:
    (statement,) = properties("AnalystRole")["AssumeRolePolicyDocument"]["Statement"]
    assert text(statement["Principal"]["AWS"]).endswith("${AWS::AccountId}:root")
    for grant in grants("AnalystRole"):
        for resource in resources(grant):
            assert not re.search(r"bronze|silver|ledger|Bronze|Silver|Ledger|/runs|/assets", resource), grant
            if "/warehouse/" in resource:
                assert listed(grant["Action"]) == ["s3:GetObject"]
                assert grant["Condition"] == {"ForAnyValue:StringEquals": {"aws:CalledVia": "athena.amazonaws.com"}}
    writes = {action for action in actions("AnalystRole") if re.search("Put|Create|Update|Delete", action)}
    assert writes == {"s3:PutObject"}  # results of their own queries


def test_functions_log_into_their_own_group_which_forgets() -> None:
    for name, function in of_type("AWS::Lambda::Function").items():
        group = function["LoggingConfig"]["LogGroup"]["Ref"]
        assert properties(group)["RetentionInDays"] == {"Ref": "LogRetentionDays"}
        role = text(function["Role"]).strip("${}").removesuffix(".Arn")
        logging = [grant for grant in grants(role) if "logs:PutLogEvents" in listed(grant["Action"])]
        assert [resources(grant) for grant in logging] == [["${" + group + ".Arn}"]], name


def test_grants_that_are_never_used_are_real_and_have_a_reason() -> None:
    if not UNUSED.exists():
        pytest.skip("no grant is listed as never used")
    for role, listed_actions in yaml.safe_load(UNUSED.read_text()).items():
        assert role in roles()
        for action, reason in listed_actions.items():
            assert action in actions(role), f"{role} does not have {action}"
            assert len(reason) > 20


def test_no_resource_is_reached_by_a_name_that_the_stack_does_not_make() -> None:
    parameters = set(written()["Parameters"]) | {"AccountId", "Region"}
    for role in roles():
        for grant in grants(role):
            for resource in resources(grant):
                named = set(re.findall(r"\${(?:AWS::)?(\w+)", resource))
                assert named <= parameters | set(expanded()), resource
