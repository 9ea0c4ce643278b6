"""Lake Formation is switched on over a lake with data: each role, with keys of STS, reads its part of each table.

It stays on: the tests that come after this file run in a governed lake.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lake.sample import generate

from .conftest import Lake, answered
from .orders import export, order
from .test_permissions import GOVERNANCE, as_reader, group_of

LAYERS = ("bronze", "silver", "gold")


@pytest.fixture(scope="module")
def governed(lake: Lake) -> Lake:
    """The session's lake with causes about persons in it, under the grants of the template."""
    lake.load("orders/for governance.csv", generate(4_000, seed=11, first_id=77_000_000, days=28).content)
    lake.environment["LAKE_PARAMETERS"] = "Governed=true"
    lake.run("up")
    return lake


def tables(lake: Lake) -> Iterator[tuple[str, str]]:
    """(layer, table) of everything in the catalog."""
    for layer in LAYERS:
        for table in lake.client("glue").get_tables(DatabaseName=f"jozi_dev_{layer}")["TableList"]:
            yield layer, table["Name"]


def granted(role: str, layer: str, table: str) -> Any:
    """The part of a table that governance.yaml gives to a role: None, "all", or a mapping."""
    parts = GOVERNANCE["readers"][role].get(layer, {})
    if table in parts:
        return parts[table]
    if parts.get("*") == "public":
        return "all" if table in GOVERNANCE["sensitivity"][layer]["public"] else None
    return parts.get("*")


def test_there_is_something_to_hide(governed: Lake) -> None:
    assert int(governed.one("select count_if(about_person) from jozi_dev_gold.root_causes")[0] or 0) > 0
    assert int(governed.one("select count(deliverer) from jozi_dev_gold.order_details")[0] or 0) > 0
    assert int(governed.one("select count_if(dimension_1 = 'oven') from jozi_dev_gold.cause_counts")[0] or 0) > 0


@pytest.mark.parametrize("role", sorted(GOVERNANCE["readers"]))
def test_a_role_reads_just_the_part_that_is_declared(governed: Lake, role: str) -> None:
    athena, group, read = as_reader(governed, role), group_of(role), set()

    for layer, table in tables(governed):
        part, name = granted(role, layer, table), f"jozi_dev_{layer}.{table}"
        count = f"select count(*) from {name}"
        hidden = part.get("without", []) if isinstance(part, dict) else []
        if part is None:
            assert "not authorized" in str(answered(athena, count, group)), (role, name)
            continue
        only = f" where {part['rows']}" if isinstance(part, dict) and "rows" in part else ""
        assert answered(athena, count, group) == governed.athena(count + only), (role, name)
        for column in hidden:
            why = answered(athena, f"select max({column}) from {name}", group)
            assert "not authorized" in str(why), (role, column)
        read.add(table)

    assert {table for parts in GOVERNANCE["readers"][role].values() for table in parts} - {"*"} <= read


def test_files_flow_in_a_governed_lake_as_before(governed: Lake) -> None:
    file = governed.load("orders/governed.csv", export([order("governed", **{"Order Date": "05/11/2019"})]))

    assert file["state"] == "LOADED"
    assert governed.one(
        "select orders from jozi_dev_gold.delivery_performance where order_date = date '2019-11-05'"
    ) == ["1"]
