"""The factors and outcomes of each order of the raw export, by position, to count causes again without the lake."""

from __future__ import annotations

import csv
import io
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from .oracle import YES

TEXT = {
    "order_mode": 11, "size": 12, "area": 13, "order_taker": 14, "dough_prep": 15, "stylist": 16, "oven": 17,
    "boxer": 18, "deliverer": 19,
}  # fmt: skip
NUMBER = {
    "receipt_minutes": 4, "base_prep_minutes": 5, "styling_minutes": 6, "cooking_minutes": 7, "boxing_minutes": 8,
    "delivery_minutes": 9, "oven_temp_c": 10,
}  # fmt: skip
PARTS = [(12, "morning"), (15, "midday"), (17, "afternoon"), (20, "evening"), (24, "late evening")]


@dataclass(frozen=True)
class RawOrder:
    """One order: its month, its factors as text or number, and the outcomes that it had (reasons in lower case)."""

    month: str
    factors: dict[str, str | Decimal]
    outcomes: frozenset[str]

    def has(self, dimension: str, value: str) -> bool:
        """Whether the factor has the value; a band is written as "under 10", "10 to 20" or "40 or more"."""
        mine = self.factors[dimension]
        if isinstance(mine, str):
            return mine == value
        words = value.split()
        if words[0] == "under":
            return mine < Decimal(words[1])
        return Decimal(words[0]) <= mine and (words[1] == "or" or mine < Decimal(words[2]))


def raw_orders(raw: bytes, promise_minutes: int = 30) -> list[RawOrder]:
    """The orders of the raw export in the company's own layout; blank records are left out."""
    records = csv.reader(io.StringIO(raw.decode("utf-8-sig")))
    next(records)
    found = []
    for record in records:
        if not any(cell.strip() for cell in record):
            continue
        when = datetime.strptime(f"{record[1].strip()} {record[2].strip()}", "%d/%m/%Y %H:%M:%S")
        numbers = {name: Decimal(record[place].strip()) for name, place in NUMBER.items()}
        part = PARTS[bisect_right([hour for hour, _ in PARTS], when.hour)][1]
        texts = {name: record[place].strip() for name, place in TEXT.items()}
        texts["order_mode"] = texts["order_mode"].capitalize()
        texts |= {"order_hour": str(when.hour), "day_part": part, "order_date": f"{when:%A}"}
        outcomes = {
            "late_delivery": numbers["delivery_minutes"] > promise_minutes,
            "late_order_to_door": Decimal(record[3].strip()) > promise_minutes,
            "complaint": record[20].strip().lower() in YES,
        }
        if outcomes["complaint"]:
            outcomes["complaint: " + " ".join(record[21].lower().split())] = True
        found.append(
            RawOrder(f"{when:%Y-%m}", {**texts, **numbers}, frozenset(o for o, hit in outcomes.items() if hit))
        )
    return found
