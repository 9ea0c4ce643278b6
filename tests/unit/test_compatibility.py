"""From one version of a contract to the next: what it takes, in words that tell what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import yaml

from lake.compatibility import FREE, MIGRATION, REFUSED, REPLAY, compatibility
from lake.contracts import Contract, parse_contract

from .stack import REPOSITORY

TEXT = (REPOSITORY / "contracts" / "orders.yaml").read_text(encoding="utf-8")
OLD = parse_contract(TEXT)
Edit = Callable[[dict[str, Any]], Any]


def edited(edit: Edit, version: str = "1.1.0") -> Contract:
    """The orders' contract with something changed, and a version of its own."""
    document = yaml.safe_load(TEXT)
    document["version"] = version
    edit(document["schema"][0])
    return parse_contract(json.dumps(document))  # JSON is YAML, whatever class a mapping is of


def column(table: dict[str, Any], name: str) -> dict[str, Any]:
    return next(item for item in table["properties"] if item["name"] == name)


def custom(element: dict[str, Any], name: str) -> dict[str, Any]:
    return next(item for item in element["customProperties"] if item["property"] == name)


def add(**values: Any) -> Edit:
    item = {"name": "tip", "logicalType": "number", "physicalType": "decimal(9,2)"} | values
    return lambda table: table["properties"].append(item)


def rename(old: str, new: str) -> Edit:
    def edit(table: dict[str, Any]) -> None:
        item = column(table, old)
        item["name"] = new
        item.setdefault("customProperties", []).append({"property": "aliases", "value": [old]})

    return edit


@pytest.mark.parametrize(
    ("edit", "level", "what", "do"),
    [
        (add(), FREE, "tip is new", "older rows have null"),
        (add(required=True), REFUSED, "tip is new and required", "make it optional"),
        (add(transformLogic="order_hour + 1"), REPLAY, "tip is new and derived", "lake replay --all"),
        (
            lambda t: custom(column(t, "area"), "aliases")["value"].append("Suburb"),
            REPLAY,
            "area is also found as Suburb",
            "lake replay --all",
        ),
        (
            lambda t: custom(column(t, "area"), "aliases")["value"].clear(),
            REFUSED,
            "area is no longer found as",
            "keep it",
        ),
        (lambda t: column(t, "area").update(required=True), REFUSED, "area becomes required", "keep it optional"),
        (
            lambda t: column(t, "oven_temp_c").update(physicalType="decimal(12,2)"),
            MIGRATION,
            "oven_temp_c is decimal(12,2) instead of decimal(9,2)",
            "WidenType('oven_temp_c', 'decimal(12,2)') for silver.orders and silver.orders_history",
        ),
        (
            lambda t: column(t, "oven_temp_c").update(physicalType="double"),
            MIGRATION,
            "oven_temp_c is double instead",
            "DropColumn('oven_temp_c', 'decimal(9,2)') for silver.orders and silver.orders_history, and after the "
            "release `lake replay --all`",
        ),
        (lambda t: column(t, "order_id").update(physicalType="bigint"), REFUSED, "order_id is bigint", "new contract"),
        (
            lambda t: custom(t, "partitionedBy").update(value="years(order_date)"),
            MIGRATION,
            "the partition months(order_date) becomes years(order_date)",
            "ReplacePartition('months(order_date)', 'years(order_date)')",
        ),
        (lambda t: t.update(physicalName="sales"), REFUSED, "the table orders becomes sales", "beside the old one"),
        (
            lambda t: t["properties"].remove(column(t, "stylist")),
            REFUSED,
            "stylist is gone",
            "leave it in the contract",
        ),
        (
            lambda t: custom(column(t, "order_time"), "formats")["value"].append("HHmm"),
            REPLAY,
            "order_time is read otherwise (formats)",
            "lake replay --all",
        ),
        (lambda t: t["quality"].pop(), REPLAY, "rules differ", "lake replay --all"),
    ],
)  # fmt: skip
def test_a_change_says_what_it_takes(edit: Edit, level: str, what: str, do: str) -> None:
    changes = compatibility(OLD, edited(edit))

    found = next(change for change in changes if what in change.what)
    assert found.level == level == changes[0].level
    assert do in found.do


def test_a_column_that_finds_its_former_name_as_an_alias_is_a_rename() -> None:
    changes = compatibility(OLD, edited(rename("stylist", "topping_by")))

    assert (MIGRATION, "stylist becomes topping_by") in [(change.level, change.what) for change in changes]
    assert "RenameColumn('stylist', 'topping_by')" in changes[0].do


def test_words_alone_take_nothing() -> None:
    assert compatibility(OLD, edited(lambda t: column(t, "area").update(description="Where to."))) == []


def test_a_contract_that_changed_needs_a_new_version() -> None:
    changes = compatibility(OLD, edited(add(), version=OLD.version))

    assert changes[0] == replace(changes[0], level=REFUSED, what=f"the version is still {OLD.version}")


def test_the_gravest_change_comes_first() -> None:
    def edit(table: dict[str, Any]) -> None:
        add()(table)
        table["properties"].remove(column(table, "stylist"))

    assert [change.level for change in compatibility(OLD, edited(edit))] == [REFUSED, FREE]
