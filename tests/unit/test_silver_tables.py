"""Silver's tables are made, and brought up to date, without bounds of what names a customer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lake.contracts import load_contracts
from lake.migrations.apply import Wanted, ensure
from lake.publishing import ColumnSpec
from lake.silver.commit import ensure_tables
from lake.silver.tables import Names

BOUNDS = "write.metadata.metrics.column."


class Session:
    """As much of a Spark session as a table's birth and its upkeep need. `tables`: their properties, by name."""

    def __init__(self, **tables: dict[str, str]) -> None:
        self._tables = tables
        self.ran: list[str] = []
        self.catalog = SimpleNamespace(tableExists=lambda name: name in tables)

    def sql(self, text: str) -> Any:
        if text.startswith("SHOW TBLPROPERTIES"):
            properties = self._tables[text.split("`")[1]]
            return SimpleNamespace(collect=lambda: [SimpleNamespace(key=k, value=v) for k, v in properties.items()])
        self.ran.append(text)
        return None

    def table(self, name: str) -> Any:
        kind = SimpleNamespace(simpleString=lambda: "string")
        field = SimpleNamespace(name="customer_id", dataType=kind, metadata={})
        return SimpleNamespace(schema=SimpleNamespace(fields=[field]))


def wanted(**properties: str) -> Wanted:
    return Wanted("silver.t", "t", [ColumnSpec("customer_id", "string")], "Rows.", "Data", properties=properties)


def ours() -> None:
    """The lease is held."""


def test_no_manifest_of_a_new_table_keeps_bounds_of_customers_or_of_records_as_they_came() -> None:
    session = Session()
    contracts = list(load_contracts().values())

    ensure_tables(session, Names("silver"), contracts, contracts)

    made = {sql.split("(", 1)[0].split("`")[-2]: sql for sql in session.ran if sql.startswith("CREATE TABLE")}
    assert {name for name, sql in made.items() if f"'{BOUNDS}customer_id'='none'" in sql} == {
        "orders",
        "orders_history",
    }
    assert {name for name, sql in made.items() if f"'{BOUNDS}raw_row'='none'" in sql} == {
        "quarantine", "quarantine_history"
    }  # fmt: skip


@pytest.mark.parametrize("before", [{}, {"p": "1"}])
def test_a_table_that_is_there_gets_the_properties_that_it_lacks(before: dict[str, str]) -> None:
    session = Session(t={"lake.owner": "Data", **before})

    ensure(session, wanted(p="2"), ours, ())

    assert session.ran == ["ALTER TABLE `t` SET TBLPROPERTIES ('p'='2')"]


def test_a_table_that_has_its_properties_is_not_altered() -> None:
    session = Session(t={"lake.owner": "Data", "p": "2", "q": "of somebody else"})

    ensure(session, wanted(p="2"), ours, ())

    assert session.ran == []
