"""The catalog as a page: every table of silver and gold with its columns, from contracts and marts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lake.contracts import Contract
from lake.gold.marts import Mart
from lake.publishing import ColumnSpec
from lake.silver.tables import SHARED, SHARED_COLUMNS, SHARED_OWNER, history_columns, history_of, row_columns

INTRODUCTION = """# The tables
Made by `make docs` from `contracts/` and `marts/`. The catalog (Glue, so Athena and every client) shows the same words
beside tables and columns. Bronze has one table a contract's folder; its columns are texts, named as in the contract's
first layout.
"""


@dataclass(frozen=True)
class Table:
    """One table of the lake. `name` has its layer in front: "silver.orders"."""

    name: str
    description: str
    owner: str
    columns: tuple[ColumnSpec, ...]


def tables(contracts: Mapping[str, Contract], marts: Mapping[str, Mart]) -> list[Table]:
    """Every table of silver, feed by feed and then what they share, and of gold by name."""
    found = []
    for contract in contracts.values():
        found += [
            Table(f"silver.{contract.table}", contract.description, contract.owner, row_columns(contract)),
            Table(f"silver.{contract.table}_history", history_of(contract), contract.owner, history_columns(contract)),
        ]
    found += [
        Table(f"silver.{name}", description, SHARED_OWNER, SHARED_COLUMNS[name]) for name, description in SHARED.items()
    ]
    for mart in sorted(marts.values(), key=lambda mart: mart.name):
        columns = tuple(ColumnSpec(column.name, column.type, column.comment) for column in mart.columns)
        found.append(Table(f"gold.{mart.name}", mart.grain, mart.owner, columns))
    return found


def page(every: Iterable[Table]) -> str:
    """The tables as Markdown."""
    return "\n".join([INTRODUCTION, *(_section(table) for table in every)])


def _section(table: Table) -> str:
    rows = [f"| `{column.name}` | {column.type} | {_cell(column.comment)} |" for column in table.columns]
    head = f"## {table.name}\n{table.description}\nOwner: {table.owner}.\n"
    return "\n".join([head, "| column | type | what it says |", "|---|---|---|", *rows, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
