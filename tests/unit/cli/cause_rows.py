"""Rows of root_causes as Athena gives them to the CLI."""

from __future__ import annotations

import json
from typing import Any

COLUMNS = {
    "outcome": "varchar", "rank": "integer", "dimension_1": "varchar", "value_1": "varchar", "dimension_2": "varchar",
    "value_2": "varchar", "orders": "bigint", "hits": "bigint", "rate": "double", "baseline_rate": "double",
    "lift": "double", "excess_hits": "double", "q_value": "double", "about_person": "boolean", "evidence": "varchar",
    "explains": "varchar",
}  # fmt: skip


def cause(
    outcome: str,
    rank: int,
    first: tuple[str, str],
    second: tuple[str | None, str | None] = (None, None),
    *,
    hits: int = 30,
    orders: int = 100,
    lift: float = 3.0,
    person: bool = False,
    explains: list[str] | None = None,
) -> list[str | None]:
    """A row whose figures agree with one another; its evidence names everything there is to name."""
    rate = hits / orders
    figures: list[Any] = [orders, hits, rate, rate / lift, lift, hits - orders * rate / lift, 1e-9]
    evidence = f"{hits} of {orders} orders with {first[1]} {second[1] or ''}."
    return [
        outcome, str(rank), *first, *second, *(str(figure) for figure in figures), str(person).lower(), evidence,
        json.dumps(explains or []),
    ]  # fmt: skip


def cause_rows(*rows: list[str | None]) -> tuple[list[tuple[str, str]], list[list[str | None]]]:
    return list(COLUMNS.items()), list(rows)
