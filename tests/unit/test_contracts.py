"""The contracts that ship, and what a contract must not be."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import yaml
from datacontract.data_contract import DataContract

from lake.contracts import ContractError, load_contracts, parse_contract
from lake.headers import match

FOLDER = Path(__file__).resolve().parents[2] / "contracts"
ORDERS = (FOLDER / "orders.yaml").read_text(encoding="utf-8")


@pytest.fixture
def orders():
    return load_contracts()["orders"]


def changed(edit):
    """The text of the orders contract after `edit(document)`."""
    document = yaml.safe_load(ORDERS)
    edit(document)
    return json.dumps(document)  # JSON is YAML, and no other test's library can change how it is written


def set_custom(document, name, value, place=None):
    """Puts another value in a custom property of the table, or of the property at that place."""
    table = document["schema"][0]
    customs = (table if place is None else table["properties"][place])["customProperties"]
    next(item for item in customs if item["property"] == name)["value"] = value


def add_custom(document, name, value):
    """Gives the first property (a code, read in its plain form) another custom property."""
    document["schema"][0]["properties"][0]["customProperties"].append({"property": name, "value": value})


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.name)
def test_every_contract_is_valid_odcs_by_the_standards_own_tool_without_a_network(path, monkeypatch):
    def no_network(*_):
        raise AssertionError("the schema has to come from the package")

    monkeypatch.setattr(socket.socket, "connect", no_network)

    run = DataContract(data_contract_file=str(path)).lint()

    assert [check.reason for check in run.checks if check.result != "passed"] == []
    assert run.result == "passed"


def test_each_known_layout_is_matched_in_full_and_unambiguously_in_any_case(orders):
    for layout in orders.layouts:
        for header in (
            layout.header,
            [name.upper() for name in layout.header],
            [name.lower() for name in layout.header],
        ):
            found = match(header, orders)

            named = [name for name in header if name.strip()]
            assert found.complete
            assert found.unmapped == ()
            assert found.matched == len(named) >= orders.minimum_columns


def test_the_silver_columns_have_the_agreed_names_types_and_order(orders):
    text = "string"
    minutes = "decimal(9,2)"
    assert [(column.name, column.type) for column in orders.columns] == [
        ("order_id", text), ("ordered_at", "timestamp_ntz"), ("order_date", "date"), ("order_hour", "int"),
        *((name, text) for name in (
            "order_mode", "size", "area", "order_taker", "dough_prep", "stylist", "oven", "boxer", "deliverer",
            "complaint_reason", "customer_id")),
        *((f"{name}_minutes", minutes) for name in (
            "receipt", "base_prep", "styling", "cooking", "boxing", "delivery", "order_to_door")),
        ("oven_temp_c", minutes), ("is_complaint", "boolean"),
    ]  # fmt: skip
    assert (orders.key, orders.partition, orders.partition_column) == (
        ("order_id",),
        "months(order_date)",
        "order_date",
    )


def test_dates_are_day_first_and_people_are_marked(orders):
    assert orders.field("order_date").formats[0] == "d/M/yyyy"
    assert {field.name for field in orders.fields if field.pii} >= {"deliverer", "order_taker", "customer_id"}
    assert [field.name for field in orders.fields if field.pseudonymised] == ["customer_id"]
    assert {field.name for field in orders.required} == {"order_id", "order_date", "order_time"}


def test_what_stands_at_the_table_holds_for_all_columns_and_a_column_may_say_otherwise(orders):
    minutes = orders.field("delivery_minutes")
    assert (minutes.decimals, minutes.thousands) == ((".", ","), (",", " "))
    assert {"min", "mins", "minutes"} <= set(minutes.unit_spellings)
    assert "na" in minutes.null_spellings
    assert "na" not in orders.field("deliverer").null_spellings
    assert (orders.field("deliverer").max_length, orders.field("order_id").max_length) == (300, 100)
    assert orders.field("order_time").end_of_day == "next day"


def test_rules_have_a_severity_and_words(orders):
    assert {rule.name: rule.severity for rule in orders.rules}["total_is_sum_of_stages"] == "flag"
    assert all(rule.message and rule.sql for rule in orders.rules)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d: d.update(kind="Other"), "not a data contract"),
        (lambda d: d.update(apiVersion="v3.0.2"), "expected v3.1.0"),
        (lambda d: d["schema"].append(d["schema"][0]), "expected one table"),
        (lambda d: [p.pop("primaryKey", None) for p in d["schema"][0]["properties"]], "primaryKey"),
        (lambda d: d["schema"][0]["properties"][0].update(name="Order Id"), "not a usable name"),
        (lambda d: d["schema"][0]["properties"][0].update(logicalType="money"), "has logicalType money"),
        (lambda d: d["schema"][0]["properties"][3].update(name="source_file"), "a name that silver uses itself"),
        (lambda d: d["schema"][0].update(physicalName="quarantine"), "is one that silver makes itself"),
        (lambda d: d["schema"][0]["properties"].append(d["schema"][0]["properties"][0]), "there twice"),
        (lambda d: d["schema"][0]["quality"][0].update(severity="loud"), "expected error or warning"),
        (lambda d: d["schema"][0]["properties"][3].update(customProperties=[]), "declares no formats"),
        (lambda d: set_custom(d, "numbers", {"decimal": [";"]}), "decimal sign ';', expected "),
        (lambda d: set_custom(d, "numbers", {"thousands": ["x"]}), "thousands sign 'x'"),
        (lambda d: set_custom(d, "watch", {"minimumRow": 3}), "watch: .*minimum_row"),
        (lambda d: set_custom(d, "clockOf", "area", place=1), "clock of area, which is no date field"),
        (lambda d: add_custom(d, "pseudonymise", "base64"), "pseudonymise 'base64', expected none, keyed-hash"),
        (lambda d: add_custom(d, "pseudonymise", "keyed-hash"), "only a string without folding"),
        (lambda d: set_custom(d, "endOfDay", "same day", place=1), "endOfDay 'same day', expected refuse, next day"),
    ],
)
def test_a_contract_that_cannot_work_is_refused_with_the_place_and_the_fault(edit, words):
    with pytest.raises(ContractError, match=words) as refused:
        parse_contract(changed(edit), "mine.yaml")

    assert str(refused.value).startswith("mine.yaml: ")


def test_two_contracts_cannot_claim_one_folder(tmp_path):
    (tmp_path / "a.yaml").write_text(ORDERS)
    (tmp_path / "b.yaml").write_text(changed(lambda d: d["schema"][0].update(name="others")))

    with pytest.raises(ContractError, match="belongs to another contract"):
        load_contracts(tmp_path)
