"""Grants of Lake Formation as rules of the engine's access control, without any engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sandbox.formation.declared import Cells, Declared, Unsupported, user_of
from sandbox.formation.engine import rules
from sandbox.formation.store import RULES, Store

ROLE = "arn:aws:iam::000000000000:role/"
CELLS = {"TableCatalogId": "0", "DatabaseName": "Gold", "TableName": "causes", "Name": "some"}


def permission(role: str, resource: dict[str, Any], *granted: str) -> tuple[str, dict[str, Any]]:
    principal = {"DataLakePrincipalIdentifier": ROLE + role}
    return "AWS::LakeFormation::PrincipalPermissions", {
        "Principal": principal,
        "Resource": resource,
        "Permissions": list(granted or ["SELECT"]),
    }


def cells(name: str, rows: str | None, *without: str) -> tuple[str, dict[str, Any]]:
    row_filter = {"FilterExpression": rows} if rows else {"AllRowsWildcard": {}}
    wildcard = {"ExcludedColumnNames": list(without)}
    properties = CELLS | {"Name": name, "RowFilter": row_filter, "ColumnWildcard": wildcard}
    return "AWS::LakeFormation::DataCellsFilter", properties


def named(name: str) -> dict[str, Any]:
    return {"Table": {"DatabaseName": "gold", "Name": name}}


def filtered(name: str) -> dict[str, Any]:
    return {"DataCellsFilter": CELLS | {"Name": name}}


def first(declared: Declared, user: str, schema: str, table: str) -> dict[str, Any]:
    """The rule that decides, as the engine finds it: the first whose patterns fit the whole of each name."""
    for rule in rules(declared)["tables"]:
        asked = {"user": user, "schema": schema, "table": table}
        if all(re.fullmatch(rule[key], value) for key, value in asked.items() if key in rule):
            return rule
    raise AssertionError("no rule fits")


def test_without_anything_declared_everybody_may_everything() -> None:
    assert "SELECT" in first(Declared(), "role/x", "gold", "causes")["privileges"]


def test_a_governed_database_is_closed_to_whom_nothing_was_granted_and_others_are_open() -> None:
    declared = Declared([permission("reader", named("plain"))])

    assert first(declared, "role/reader", "gold", "plain")["privileges"] == ["SELECT"]
    assert first(declared, "role/reader", "gold", "causes")["privileges"] == []
    assert first(declared, "role/reader2", "gold", "plain")["privileges"] == []
    assert first(declared, "role/x", "silver", "orders")["privileges"] != []
    assert first(declared, "root", "gold", "causes")["privileges"] != []


def test_filters_of_one_reader_add_up_and_a_whole_table_needs_none() -> None:
    some = [cells("a", "x = 1"), cells("b", "y = 2"), permission("r", filtered("a")), permission("r", filtered("b"))]

    assert first(Declared(some), "role/r", "gold", "causes")["filter"] == "(x = 1) OR (y = 2)"
    whole = first(Declared([*some, permission("r", named("causes"))]), "role/r", "gold", "causes")
    assert "filter" not in whole


def test_metadata_of_a_filtered_table_is_closed_and_of_a_whole_one_open() -> None:
    declared = Declared([cells("a", None, "note"), permission("r", filtered("a")), permission("w", named("causes"))])

    assert first(declared, "role/r", "gold", "causes")["columns"] == [{"name": "note", "allow": False}]
    assert first(declared, "role/r", "gold", "causes$files")["privileges"] == []
    assert first(declared, "role/w", "gold", "causes$files")["privileges"] == ["SELECT"]


def test_filters_with_different_columns_are_refused() -> None:
    some = [
        cells("a", "x = 1"),
        cells("b", None, "note"),
        permission("r", filtered("a")),
        permission("r", filtered("b")),
    ]

    with pytest.raises(Unsupported, match="different columns"):
        rules(Declared(some))


def test_permissions_to_write_are_the_engines() -> None:
    declared = Declared(
        [permission("job", {"Table": {"DatabaseName": "gold", "TableWildcard": {}}}, "INSERT", "DELETE")]
    )

    assert first(declared, "role/job", "gold", "any")["privileges"] == ["INSERT", "DELETE", "UPDATE"]


@pytest.mark.parametrize(
    ("arn", "user"),
    [
        (f"{ROLE}path/reader", "role/reader"),
        ("arn:aws:sts::000000000000:assumed-role/reader/session", "role/reader"),
        ("arn:aws:iam::000000000000:user/root", "user/root"),
        ("arn:aws:iam::000000000000:root", "root"),
    ],
)
def test_an_identity_has_a_name_that_no_other_can_have(arn: str, user: str) -> None:
    assert user_of(arn) == user


@pytest.mark.parametrize("name", ["IAM_ALLOWED_PRINCIPALS", "000000000000", "root", "sandbox"])
def test_who_is_no_identity_of_the_account_is_refused(name: str) -> None:
    with pytest.raises(Unsupported):
        user_of(name)


def test_lists_of_columns_are_refused() -> None:
    resource = {"TableWithColumns": {"DatabaseName": "gold", "Name": "causes", "ColumnNames": ["id"]}}
    with pytest.raises(Unsupported, match="ExcludedColumnNames"):
        Declared([permission("r", resource)])


def test_a_tag_of_a_table_wins_over_that_of_its_database() -> None:
    def tags(resource: dict[str, Any], value: str) -> tuple[str, dict[str, Any]]:
        return "AWS::LakeFormation::TagAssociation", {
            "Resource": resource,
            "LFTags": [{"TagKey": "kind", "TagValues": [value]}],
        }

    expression = [{"TagKey": "kind", "TagValues": ["public"]}]
    policy = {"LFTagPolicy": {"ResourceType": "TABLE", "Expression": expression}}
    declared = Declared(
        [tags({"Database": {"Name": "gold"}}, "personal"), tags(named("plain"), "public"), permission("r", policy)]
    )

    assert declared.access("role/r", "gold", "plain").cells == (Cells(),)
    assert declared.access("role/r", "gold", "causes").cells == ()
    assert declared.access("role/r", "gold", None).cells == ()


def test_what_is_kept_is_enforced_again_after_a_restart_and_forgotten_when_no_stack_has_it(tmp_path: Path) -> None:
    kind, properties = permission("r", named("plain"))
    Store(tmp_path).put("one", kind, properties)

    again = Store(tmp_path)

    assert again.declared.databases == ("gold",)
    assert "role/r" in (tmp_path / RULES).read_text()
    again.keep_only([])
    assert again.declared.databases == ()
    assert "role/r" not in (tmp_path / RULES).read_text()


def test_a_refused_resource_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    kind, properties = permission("r", {"TableWithColumns": {"DatabaseName": "g", "Name": "c", "ColumnNames": ["id"]}})

    with pytest.raises(Unsupported):
        store.put("one", kind, properties)

    assert Store(tmp_path).declared.databases == ()


def test_a_registered_location_covers_what_lies_in_it() -> None:
    location = "AWS::LakeFormation::Resource", {"ResourceArn": "arn:aws:s3:::lake/warehouse"}
    declared = Declared([location, permission("r", named("plain"))])

    assert declared.registered("s3://lake/warehouse/gold/causes/")
    assert declared.registered("s3://lake/warehouse")
    assert not declared.registered("s3://lake/warehouse2/x")
    assert not Declared([permission("r", named("plain"))]).registered("s3://lake/warehouse/gold")
