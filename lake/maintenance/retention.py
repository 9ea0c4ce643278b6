"""What tells of a person leaves silver when it is older than it may be kept: which statements, over plain data.

Orders stay, with everything that is about nobody. Gold follows by itself: it computes those months anew, and nobody is
named in them any more.

| where                       | older by               | what becomes of it                                       |
| --------------------------- | ---------------------- | -------------------------------------------------------- |
| a feed's table, its history | its partition's date   | null: personal columns, and QUOTING                      |
| quarantine, its history     | when they came         | the rows go: they are records as they came               |
| `file_loads`                | when they came         | null: `findings`, which may quote spellings of a name    |
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from lake.contracts import Contract
from lake.publishing import quoted
from lake.silver.tables import Names

QUOTING = ("flags", "unmapped")  # columns of a feed's tables that may quote what stood in a personal one


@dataclass(frozen=True)
class Forgetting:
    """Rows of a table (a whole identifier) that still tell of persons (`where`), and the statement that ends it."""

    table: str
    where: str
    statement: str


def forgettings(names: Names, contracts: Iterable[Contract], days: int, today: date) -> list[Forgetting]:
    """What has to be forgotten so that nothing is older than `days`; nothing where they are 0, which means for ever."""
    if days <= 0:
        return []
    last = today - timedelta(days=days)
    came = f"`object_time` < TIMESTAMP_NTZ'{last} 00:00:00'"
    found = []
    for contract in contracts:
        personal = [column.name for column in contract.columns if column.pii]
        if personal:
            older = came
            if contract.partition.startswith(("days(", "months(", "years(")):
                day = f"`{contract.partition_column}`"
                older = f"({day} < DATE'{last}' OR ({day} IS NULL AND {came}))"
            for table in (names.rows(contract), names.history(contract)):
                found.append(_emptied(table, older, [*personal, *QUOTING]))
    for table in (names.quarantine, names.quarantine_history):
        found.append(Forgetting(table, came, f"DELETE FROM {quoted(table)} WHERE {came}"))  # noqa: S608 - ours
    return [*found, _emptied(names.file_loads, came, ["findings"])]


def _emptied(table: str, older: str, columns: Iterable[str]) -> Forgetting:
    some = " OR ".join(f"`{name}` IS NOT NULL" for name in columns)
    null = ", ".join(f"`{name}` = NULL" for name in columns)
    where = f"{older} AND ({some})"
    return Forgetting(table, where, f"UPDATE {quoted(table)} SET {null} WHERE {where}")  # noqa: S608 - ours
