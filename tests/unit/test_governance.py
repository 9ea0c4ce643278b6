"""Readers: every role's policies allow the tables that governance.yaml names, and no others."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.grants import Call, allows

from .stack import REPOSITORY, for_environment, grants, listed, of_type, properties, text

GOVERNANCE: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(
    (REPOSITORY / "governance.yaml").read_text(encoding="utf-8")
)["readers"]
MARTS = sorted(path.stem for path in (REPOSITORY / "marts").glob("*.sql"))
# Names that start alike are there to see that a grant on one table is no grant on its namesakes.
TABLES = [
    *(("gold", table) for table in [*MARTS, "delivery_features_old"]),
    *(("silver", table) for table in ("orders", "quarantine", "file_loads")),
    ("bronze", "orders"),
]
CATALOG = "arn:aws:glue:${AWS::Region}:${AWS::AccountId}:"
BUCKET = "${LakeBucket.Arn}"


def plain(role: str) -> list[dict[str, list[str]]]:
    """The role's statements with their functions as text, databases by name."""
    names = {f"${{{layer.title()}Database}}": f"jozi_dev_{layer}" for layer in ("bronze", "silver", "gold")}
    found = []
    for grant in grants(role):
        resources = [for_environment(one) for one in listed(grant["Resource"])]
        for name, database in names.items():
            resources = [one.replace(name, database) for one in resources]
        found.append({"Action": listed(grant["Action"]), "Resource": resources})
    return found


def may(role: str, action: str, resource: str) -> bool:
    return any(allows(statement, Call(role, action, resource, True)) for statement in plain(role))


def declared(role: str, layer: str, table: str) -> bool:
    tables = GOVERNANCE[role].get(layer, {})
    return "*" in tables or table in tables


def test_every_role_that_people_may_assume_is_declared() -> None:
    by_people = {
        role
        for role, one in of_type("AWS::IAM::Role").items()
        if "AWS" in one["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
    }
    assert by_people == {*GOVERNANCE, "EraserRole"}  # who erases reads no tables: `lake forget` does


def test_what_is_declared_exists() -> None:
    known = set(TABLES)
    for role, layers in GOVERNANCE.items():
        for layer, tables in layers.items():
            assert all(table == "*" or (layer, table) in known for table in tables), role


@pytest.mark.parametrize("role", sorted(GOVERNANCE))
def test_a_reader_reads_the_tables_that_are_declared_and_no_others(role: str) -> None:
    for layer, table in TABLES:
        wanted = declared(role, layer, table)
        entry = may(role, "glue:GetTable", f"{CATALOG}table/jozi_dev_{layer}/{table}")
        files = may(role, "s3:GetObject", f"{BUCKET}/warehouse/jozi_dev_{layer}/{table}/data/one.parquet")
        assert (entry, files) == (wanted, wanted), f"{role}: {layer}.{table}"


@pytest.mark.parametrize("role", sorted(GOVERNANCE))
def test_a_reader_reads_through_athena_only_and_writes_nothing_but_results(role: str) -> None:
    for grant in grants(role):
        for resource in listed(grant["Resource"]):
            if "/warehouse/" in text(resource):
                assert listed(grant["Action"]) == ["s3:GetObject"]
                assert grant["Condition"] == {"ForAnyValue:StringEquals": {"aws:CalledVia": "athena.amazonaws.com"}}
    for statement in plain(role):
        for action in statement["Action"]:
            if action == "s3:PutObject":
                assert statement["Resource"] in ([f"{BUCKET}/athena/*"], [f"{BUCKET}/athena-personal/*"])
            else:
                assert not any(word in action for word in ("Put", "Create", "Update", "Delete", "Start")) or (
                    action == "athena:StartQueryExecution"
                ), action


@pytest.mark.parametrize("role", sorted(GOVERNANCE))
def test_a_reader_is_assumed_by_people_and_starts_nothing_else(role: str) -> None:
    (statement,) = properties(role)["AssumeRolePolicyDocument"]["Statement"]
    assert text(statement["Principal"]["AWS"]).endswith("${AWS::AccountId}:root")
    assert statement["Action"] == "sts:AssumeRole"


def test_the_results_of_who_reads_about_persons_are_apart() -> None:
    """What a filter hides from one reader must not lie in a folder that they may fetch results from."""
    folders = {}
    for role in GOVERNANCE:
        for statement in plain(role):
            if "s3:PutObject" in statement["Action"]:
                (folders[role],) = statement["Resource"]
    assert len(set(folders.values())) == 2
    assert folders["AnalystRole"] == folders["DataScientistRole"] == f"{BUCKET}/athena/*"
    for role in ("ManagerRole", "EngineerRole"):
        assert not may("AnalystRole", "s3:GetObject", folders[role].replace("*", "one.csv"))
    for role, group in (("AnalystRole", "WorkGroup"), ("ManagerRole", "PersonalWorkGroup")):
        place = properties(group)["WorkGroupConfiguration"]["ResultConfiguration"]["OutputLocation"]
        assert text(place).replace("s3://${LakeBucket}", BUCKET) + "*" == folders[role]
        asked = [one for one in plain(role) if "athena:GetQueryResults" in one["Action"]]
        assert all(one["Resource"][0].endswith(f"workgroup/${{{group}}}") for one in asked)
