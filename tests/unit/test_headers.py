"""Header names: one name however it is written, and which columns of a file a contract takes."""

from __future__ import annotations

import pytest

from lake.contracts import Contract, Field, load_contracts
from lake.headers import match, normalise

ORDERS = load_contracts()["orders"]


def small(*fields: Field) -> Contract:
    return Contract("calls", "1", "calls", "calls/", "", fields, (), ("call_id",), "UTC")


CALLS = small(
    Field("call_id", "string", "string", required=True, key=True, aliases=("Call No.",)),
    Field("minutes", "number", "decimal(9,2)", aliases=("Duration (mins)",)),
)


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("Order Date", "order_date"),
        (" Cooking Time (mins)", "COOKING-TIME_MINS"),
        ("Oven Temp ºC", "Oven Temp °C"),
        ("Oven Temp ℃", "oven temp c"),
        ("Commandé", "commande"),
        ("Оrdеr Dаtе", "Order Date"),  # Cyrillic letters that look like Latin ones
        ("\ufeffPizza No.", "pizza no"),
        ("Order\u00a0Date", "order date"),
        ("ｏｒｄｅｒ", "order"),
    ],
)
def test_spellings_of_one_name_are_the_same(written: str, same: str) -> None:
    assert normalise(written) == normalise(same)


@pytest.mark.parametrize("written", ["", "   ", "---", "°", "\t"])
def test_a_name_without_letters_is_no_name(written: str) -> None:
    assert normalise(written) == ""


def test_different_names_stay_different() -> None:
    assert len({normalise(name) for name in ("oven", "oven_time", "oven temp", "order time")}) == 4


@pytest.mark.parametrize("layout", ORDERS.layouts, ids=lambda layout: layout.name)
def test_every_known_layout_matches_its_contract(layout: object) -> None:
    found = match(layout.header, ORDERS)  # type: ignore[attr-defined]

    assert found.complete
    assert found.matched >= ORDERS.minimum_columns
    assert found.unmapped == ()


def test_columns_are_found_wherever_they_stand_and_the_rest_is_told() -> None:
    found = match(["", "shop", "DURATION (MINS)", "call no"], CALLS)

    assert found.columns == ((2, "DURATION (MINS)", "minutes"), (3, "call no", "call_id"))
    assert found.unmapped == ("shop",)
    assert found.missing_required == found.missing_optional == ()


def test_missing_columns_are_told_apart_by_whether_rows_need_them() -> None:
    assert match(["minutes"], CALLS).missing_required == ("call_id",)
    assert match(["call_id"], CALLS).missing_optional == ("minutes",)


def test_two_columns_for_one_field_are_ambiguous() -> None:
    found = match(["Call No.", "call_id", "minutes"], CALLS)

    assert found.ambiguous == (("call_id", ("Call No.", "call_id")),)
    assert not found.complete


def test_a_csv_for_repair_names_the_records_that_it_repairs() -> None:
    header = ORDERS.layouts[1].header
    ours = ["LAKE source row", "lake_source_file", "Lake Source Version", "lake_reasons"]

    found = match(["lake_source_file", *header], ORDERS)
    assert (found.origin, found.unmapped, found.unmapped_at) == ((), ("lake_source_file",), (0,))  # not enough of it

    found = match([*ours, *header, "Weather"], ORDERS)
    assert [field for _, _, field in found.origin] == [
        "lake_source_row",
        "lake_source_file",
        "lake_source_version",
        "lake_reasons",
    ]
    assert (found.unmapped, found.unmapped_at) == (("Weather",), (4 + len(header),))
    assert found.matched == match(header, ORDERS).matched
