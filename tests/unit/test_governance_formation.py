"""Lake Formation in the template: it grants what governance.yaml declares, table by table, row by row, and no more."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from sandbox.formation.declared import PREFIX, Access, Cells, Declared

from .stack import REPOSITORY, expanded, for_environment, grants, listed, written
from .test_governance import MARTS, plain

DECLARED = yaml.safe_load((REPOSITORY / "governance.yaml").read_text(encoding="utf-8"))
SILVER = ["orders", "orders_history", "quarantine", "file_loads"]
TABLES = [*(("gold", mart) for mart in MARTS), *(("silver", table) for table in SILVER), ("bronze", "orders")]
FORMATION = {name: one for name, one in expanded().items() if one["Type"].startswith(PREFIX)}


def resolved(value: Any) -> Any:
    """A property as CloudFormation would hand it over, in an account of zeros where no administrator is named."""
    if isinstance(value, list):
        return [resolved(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "Fn::If" in value:
        return resolved(value["Fn::If"][2])
    if len(value) == 1 and next(iter(value)) in ("Ref", "Fn::GetAtt", "Fn::Sub"):
        found = for_environment(value).replace("${AWS::AccountId}", "000000000000")
        found = re.sub(r"\$\{(Bronze|Silver|Gold)Database\}", lambda m: f"jozi_dev_{m[1].lower()}", found)
        found = re.sub(r"\$\{(\w+Role)\.Arn\}", r"arn:aws:iam::000000000000:role/\1", found)
        return None if found == "${AWS::NoValue}" else found
    return {key: resolved(item) for key, item in value.items()}


GRANTED = Declared((one["Type"], resolved(one["Properties"])) for one in FORMATION.values())


def granted(role: str, layer: str, table: str | None) -> Access:
    return GRANTED.access(f"role/{role}", f"jozi_dev_{layer}", table)


def public(layer: str, table: str) -> bool:
    return table in DECLARED["sensitivity"][layer].get("public", [])


def wanted(role: str, layer: str, table: str) -> tuple[Cells, ...]:
    """The cells that governance.yaml gives a role."""
    parts = DECLARED["readers"][role].get(layer, {})
    part = parts.get(table, parts.get("*"))
    if isinstance(part, dict):
        return (Cells(part.get("rows"), frozenset(part.get("without", ()))),)
    return (Cells(),) if part == "all" or (part == "public" and public(layer, table)) else ()


@pytest.mark.parametrize("role", sorted(DECLARED["readers"]))
def test_a_reader_is_granted_the_cells_that_are_declared_and_no_others(role: str) -> None:
    for layer, table in TABLES:
        access = granted(role, layer, table)
        assert access.cells == wanted(role, layer, table), f"{role}: {layer}.{table}"
        assert access.permissions <= {"SELECT", "DESCRIBE"}


def test_a_mart_that_nobody_has_looked_at_is_not_public() -> None:
    assert granted("AnalystRole", "gold", "a_new_mart").cells == ()
    assert granted("ManagerRole", "gold", "a_new_mart").whole
    assert all(layer["default"] == "personal" for layer in DECLARED["sensitivity"].values())


def test_every_mart_is_public_or_has_its_own_filter_for_analysts() -> None:
    filtered = {table for table in DECLARED["readers"]["AnalystRole"]["gold"] if table != "*"}
    assert set(DECLARED["sensitivity"]["gold"]["public"]) | filtered == set(MARTS)
    assert not set(DECLARED["sensitivity"]["gold"]["public"]) & filtered


def test_whom_nobody_declared_is_granted_nothing() -> None:
    for layer, table in TABLES:
        assert granted("SomebodyRole", layer, table) == Access()


def test_a_filter_names_the_factors_that_are_persons_and_columns_that_are_there() -> None:
    marts = {name: yaml.safe_load((REPOSITORY / "marts" / f"{name}.yaml").read_text()) for name in MARTS}
    persons = {one["name"] for one in marts["root_causes"]["causes"]["factors"] if one.get("person")}
    filters = DECLARED["readers"]["AnalystRole"]["gold"]

    for dimension in ("dimension_1", "dimension_2"):
        assert set(re.findall(rf"{dimension} <> '(\w+)'", filters["cause_counts"]["rows"])) == persons
    for table, part in filters.items():
        if isinstance(part, dict):
            columns = {column["name"] for column in marts[table]["columns"]}
            named = re.findall(r"\b(\w+) (?:=|<>|IS)", part.get("rows", ""))
            assert set(named) | set(part.get("without", ())) <= columns, table


def test_analysts_see_no_column_that_is_marked_as_personal() -> None:
    for mart in MARTS:
        columns = yaml.safe_load((REPOSITORY / "marts" / f"{mart}.yaml").read_text())["columns"]
        personal = {column["name"] for column in columns if "Personal data." in column["description"]}
        for seen in granted("AnalystRole", "gold", mart).cells:
            assert personal <= seen.without, mart


def test_conditions_keep_to_what_lake_formation_reads() -> None:
    """PartiQL in part: columns against constants, no functions, less than 2,048 characters."""
    for part in DECLARED["readers"]["AnalystRole"]["gold"].values():
        if isinstance(part, dict) and "rows" in part:
            assert len(part["rows"]) < 2048
            left = re.sub(r"\w+ (<>|=) ('\w+'|false|true)|\w+ IS NULL|\bAND\b|\bOR\b|[()\s]", "", part["rows"])
            assert left == ""


def test_what_the_flow_needs_in_the_catalog_it_keeps() -> None:
    """A role that may make or read a layer's tables by IAM may do so in Lake Formation."""
    made = {
        (resolved(one["Properties"])["Resource"]["Database"]["Name"], user_of(one))
        for one in FORMATION.values()
        if "CREATE_TABLE" in one["Properties"].get("Permissions", ())
    }
    for role in (name for name, one in expanded().items() if one["Type"] == "AWS::IAM::Role"):
        for layer in ("bronze", "silver", "gold"):
            database = f"/${{{layer.title()}Database}}"
            actions = {
                action
                for grant in grants(role)
                for action in listed(grant["Action"])
                if any(f"table{database}" in for_environment(one) for one in listed(grant["Resource"]))
            }
            if "glue:CreateTable" in actions:
                assert (f"jozi_dev_{layer}", role) in made
            if role not in DECLARED["readers"]:
                have = granted(role, layer, None).permissions
                assert ("DESCRIBE" in have) == ("glue:GetTable" in actions), f"{role}: {layer}"
                assert ("ALTER" in have) == ("glue:UpdateTable" in actions), f"{role}: {layer}"


def user_of(one: dict[str, Any]) -> str:
    return str(resolved(one["Properties"])["Principal"]["DataLakePrincipalIdentifier"]).rpartition("/")[2]


def test_all_of_it_waits_for_the_parameter_and_for_an_administrator() -> None:
    resources = written()["Resources"]
    for name in FORMATION:
        assert resources[name]["Condition"] == "IsGoverned"
        reached: set[str] = set()
        ahead = list(listed(resources[name].get("DependsOn", [])))
        while ahead:
            reached.add(ahead.pop())
            ahead += sorted(
                {one for at in reached for one in listed(resources[at].get("DependsOn", []))} - reached - set(ahead)
            )
        assert name == "LakeSettings" or "LakeSettings" in reached, name
    assert written()["Parameters"]["Governed"]["Default"] == "false"
    settings = resources["LakeSettings"]["Properties"]
    assert settings["MutationType"] == "APPEND"  # an account's other administrators stay
    for layer in ("Bronze", "Silver", "Gold"):
        database = resources[f"{layer}Database"]["Properties"]["DatabaseInput"]
        assert database["CreateTableDefaultPermissions"] == {"Fn::If": ["IsGoverned", [], {"Ref": "AWS::NoValue"}]}


def test_prod_is_governed() -> None:
    config = (REPOSITORY / "samconfig.toml").read_text()
    assert re.search(r'"Environment=prod",[^\n]*"Governed=true"', config)
    assert config.count("Governed=true") == 1


def test_results_are_read_by_those_who_may_ask_for_them() -> None:
    for role in DECLARED["readers"]:
        assert any("lakeformation:GetDataAccess" in statement["Action"] for statement in plain(role)), role
