"""Order files as the company's export makes them, mess and all, with causes planted that tests know.

The layout, the habits (byte order mark, spaces around header names, nameless columns, comma-only records at the end,
records out of order, four spellings of yes and no) and the ranges are those of the real export; every value is made up.
Same arguments, same bytes. Plain standard library and streamed, so that a benchmark can ask for millions of orders.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import BinaryIO

from lake.sample.causes import CAUSES, PlantedCause
from lake.sample.orders import (
    AREAS,
    FLAG_KINDS,
    NAMELESS_COLUMNS,
    PROMISE_MINUTES,
    QUARANTINE_KINDS,
    Row,
    Spec,
    in_file_order,
)

__all__ = [
    "AREAS",
    "BLANK_RECORDS",
    "CAUSES",
    "FLAG_KINDS",
    "HEADER",
    "PROMISE_MINUTES",
    "QUARANTINE_KINDS",
    "Facts",
    "Planted",
    "PlantedCause",
    "Sample",
    "Spec",
    "generate",
    "split",
    "write",
]

HEADER = (
    "Pizza No.,Order Date,Order Time,Ord - Del time,Order Receipt (mins), Base prep (mins), Styling (mins),"
    " Cooking Time (mins),Boxing (mins),Delivery (mins),Oven Temp \u00baC,Order Mode,Size,Area,Order Taker,Dough Prep,"
    "Stylist,Oven,Boxer,Deliverer,Cust. complaint,Reason"
)  # \u00ba is the masculine ordinal, not a degree sign: the till writes it so
BLANK_RECORDS = 7


@dataclass(frozen=True)
class Planted:
    """One record spoilt on purpose: its number (1 = first data record), its order number, and what is wrong."""

    record: int
    order_id: str
    kind: str


@dataclass
class Facts:
    """What a file holds, counted while it was written: an answer key that shares no code with the lake.

    The figures (`late_deliveries` and on) are over the good records: those that are not to be quarantined.
    """

    records: int = 0  # data records, spoilt ones included: what the lake calls rows_in
    blank: int = 0
    quarantined: list[Planted] = field(default_factory=list)
    flagged: list[Planted] = field(default_factory=list)
    late_deliveries: int = 0  # delivery minutes over the promise
    late_order_to_door: int = 0  # order-to-door minutes over the promise
    complaints: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    orders_by_month: Counter[str] = field(default_factory=Counter)  # "YYYY-MM"
    first_day: date | None = None
    last_day: date | None = None
    causes: tuple[PlantedCause, ...] = CAUSES

    @property
    def good(self) -> int:
        """Records that silver must hold."""
        return self.records - len(self.quarantined)


@dataclass(frozen=True)
class Sample:
    """A whole file in memory and its answer key."""

    content: bytes
    facts: Facts


def generate(orders: int, seed: int = 1, **options: object) -> Sample:
    """One file in memory. `options` are the other fields of `Spec`."""
    buffer = io.BytesIO()
    facts = write(buffer, Spec(orders, seed, **options))  # type: ignore[arg-type]
    return Sample(buffer.getvalue(), facts)


def write(target: BinaryIO | Path, spec: Spec) -> Facts:
    """Streams one file to an open binary file or a path (its folder must exist). Returns its answer key."""
    if isinstance(target, Path):
        with target.open("wb") as file:
            return write(file, spec)
    facts = Facts(causes=CAUSES if spec.causes else ())
    part = _Part(target, spec.customers, facts)
    for row in in_file_order(spec):
        part.add(row)
    part.finish()
    return facts


def split(spec: Spec, files: int | None = None) -> dict[str, Sample]:
    """The same orders in several files, by name: `files` of about equal size, or one a calendar month when None."""
    parts: dict[str, tuple[io.BytesIO, _Part]] = {}
    for number, row in enumerate(in_file_order(spec)):
        name = f"orders-{row.day:%Y-%m}.csv" if files is None else f"orders-{number * files // spec.orders + 1:05d}.csv"
        if name not in parts:
            buffer = io.BytesIO()
            parts[name] = buffer, _Part(buffer, spec.customers, Facts(causes=CAUSES if spec.causes else ()))
        parts[name][1].add(row)
    for _, part in parts.values():
        part.finish()
    return {name: Sample(buffer.getvalue(), part.facts) for name, (buffer, part) in sorted(parts.items())}


class _Part:
    """One file being written: text out, figures in."""

    def __init__(self, target: BinaryIO, customers: bool, facts: Facts) -> None:
        self._target, self.facts, self._customers = target, facts, customers
        header = HEADER + (",Customer" if customers else "") + "," * NAMELESS_COLUMNS
        self._lines = ["\ufeff" + header]

    def add(self, row: Row) -> None:
        facts = self.facts
        facts.records += 1
        self._lines.append(row.text)
        if len(self._lines) >= 5000:
            self._flush()
        if row.kind is not None:
            spoilt = Planted(facts.records, row.order_id, row.kind)
            if row.kind in QUARANTINE_KINDS:
                facts.quarantined.append(spoilt)
                return
            facts.flagged.append(spoilt)
        facts.late_deliveries += row.late_delivery
        facts.late_order_to_door += row.late_order_to_door
        if row.reason is not None:
            facts.complaints += 1
            facts.reasons[row.reason] += 1
        facts.orders_by_month[f"{row.day:%Y-%m}"] += 1
        facts.first_day = min(facts.first_day or row.day, row.day)
        facts.last_day = max(facts.last_day or row.day, row.day)

    def finish(self) -> None:
        """The comma-only records that the till's export leaves at the end."""
        commas = "," * (HEADER.count(",") + NAMELESS_COLUMNS + self._customers)
        self._lines += [commas] * BLANK_RECORDS
        self.facts.blank += BLANK_RECORDS
        self._flush()

    def _flush(self) -> None:
        self._target.write(("\n".join(self._lines) + "\n").encode("utf-8"))
        self._lines.clear()
