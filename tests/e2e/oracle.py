"""What the answers must be, computed from the raw file by plain Python that shares no code with the lake.

It knows the export's layout by position, not by contract: that is the point of an oracle. Rows it cannot read are
counted apart, so that a test sees when it is given a file with planted damage.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation

STAGES = {"receipt": 4, "base_prep": 5, "styling": 6, "cooking": 7, "boxing": 8, "delivery": 9}
YES = {"y", "yes", "true", "1"}


@dataclass
class Answers:
    """Figures of one raw export: counts of orders, exact means in minutes by stage."""

    rows: int = 0
    blank: int = 0
    unreadable: int = 0
    late_delivery: int = 0
    late_order_to_door: int = 0
    complaints: int = 0
    complaints_by_reason: Counter[str] = field(default_factory=Counter)  # reason in lower case
    orders_by_month: Counter[str] = field(default_factory=Counter)  # 'YYYY-MM'
    orders_by_hour: Counter[int] = field(default_factory=Counter)
    orders_by_area: Counter[str] = field(default_factory=Counter)
    stage_means: dict[str, Decimal] = field(default_factory=dict)


def answers(raw: bytes, promise_minutes: int = 30) -> Answers:
    """Read the raw export in the company's own layout and compute what gold has to say of it."""
    records = csv.reader(io.StringIO(raw.decode("utf-8-sig")))
    next(records)
    found = Answers()
    sums: dict[str, list[Decimal]] = {stage: [] for stage in STAGES}
    for record in records:
        if not any(cell.strip() for cell in record):
            found.blank += 1
            continue
        try:
            when = datetime.strptime(f"{record[1].strip()} {record[2].strip()}", "%d/%m/%Y %H:%M:%S")
            minutes = {stage: Decimal(record[index].strip()) for stage, index in STAGES.items()}
            to_door = Decimal(record[3].strip())
        except (ValueError, InvalidOperation, IndexError):
            found.unreadable += 1
            continue
        found.rows += 1
        found.orders_by_month[f"{when:%Y-%m}"] += 1
        found.orders_by_hour[when.hour] += 1
        found.orders_by_area[record[13].strip()] += 1
        found.late_delivery += minutes["delivery"] > promise_minutes
        found.late_order_to_door += to_door > promise_minutes
        for stage, value in minutes.items():
            sums[stage].append(value)
        if record[20].strip().lower() in YES:
            found.complaints += 1
            found.complaints_by_reason[" ".join(record[21].lower().split())] += 1
    found.stage_means = {stage: sum(values, Decimal(0)) / len(values) for stage, values in sums.items() if values}
    return found
