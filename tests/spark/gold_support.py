"""A silver layer made by hand for the gold tests, and what plain Python makes of its rows."""

from __future__ import annotations

import random
import statistics
import uuid
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal

from lake import publishing
from lake.gold.refresh import GoldRun, refresh
from lake.publishing import ColumnSpec

STAGES = ("receipt", "base_prep", "styling", "cooking", "boxing", "delivery")


def columns(text: str) -> list[ColumnSpec]:
    """Columns from "name type; name type"."""
    return [ColumnSpec(*pair.split()) for pair in text.split(";")]


ORDERS = columns(
    "order_id string; ordered_at timestamp_ntz; order_date date; order_hour int; order_mode string; size string; "
    "area string; order_taker string; dough_prep string; stylist string; oven string; boxer string; deliverer string; "
    "complaint_reason string; customer_id string; receipt_minutes decimal(9,2); base_prep_minutes decimal(9,2); "
    "styling_minutes decimal(9,2); cooking_minutes decimal(9,2); boxing_minutes decimal(9,2); "
    "delivery_minutes decimal(9,2); order_to_door_minutes decimal(9,2); oven_temp_c decimal(9,2); "
    "is_complaint boolean; flags array<string>; source_file string; source_version string; source_row bigint; "
    "batch_id string; loaded_at timestamp_ntz; object_time timestamp_ntz"
)
QUARANTINE = columns(
    "source_file string; source_version string; source_row bigint; raw_row string; reasons array<string>; "
    "contract string; batch_id string; loaded_at timestamp_ntz"
)
COUNTS = ("rows_in", "inserted", "updated", "unchanged", "superseded", "duplicate", "quarantined", "blank", "flagged")
FILE_LOADS = [
    *(ColumnSpec(name, "string") for name in ("source_file", "source_version", "contract", "batch_id")),
    *(ColumnSpec(name, "bigint") for name in COUNTS),
    *columns("loaded_at timestamp_ntz; object_time timestamp_ntz; state string; reason string; findings array<string>"),
]
LOADED_AT = datetime(2018, 7, 1, 12, 0)


class Lake:
    """Two databases of a test's own: silver to write by hand, gold to refresh."""

    def __init__(self, spark):
        name = uuid.uuid4().hex[:8]
        self.spark, self.silver = spark, f"glue_catalog.silver_{name}"
        self.gold_databases: list[str] = []
        spark.sql(f"CREATE NAMESPACE {self.silver}")
        self.gold = self.new_gold("gold")
        publishing.create_table(spark, f"{self.silver}.orders", ORDERS, "months(order_date)")
        publishing.create_table(spark, f"{self.silver}.quarantine", QUARANTINE)
        publishing.create_table(spark, f"{self.silver}.file_loads", FILE_LOADS)

    def new_gold(self, prefix: str) -> str:
        database = f"glue_catalog.{prefix}_{uuid.uuid4().hex[:8]}"
        self.spark.sql(f"CREATE NAMESPACE {database}")
        return database

    def run(self, run_id="run-1", gold=None, promise="30", holds_lease=lambda: True):
        given = GoldRun(run_id, self.silver, gold or self.gold, Decimal(promise), holds_lease)
        return refresh(self.spark, given)

    def rows(self, mart, gold=None):
        """The mart's rows as sorted tuples of plain values."""
        found = self.spark.table(f"{gold or self.gold}.{mart}").collect()
        return sorted((tuple(row) for row in found), key=repr)

    def dicts(self, mart):
        return [row.asDict() for row in self.spark.table(f"{self.gold}.{mart}").collect()]

    def frame(self, columns, records):
        schema = ", ".join(f"{c.name} {c.type}" for c in columns)
        return self.spark.createDataFrame([tuple(r.get(c.name) for c in columns) for r in records], schema)

    def upsert(self, records):
        self.frame(ORDERS, records).createOrReplaceTempView("changes_by_hand")
        self.spark.sql(
            f"MERGE INTO {self.silver}.orders t USING changes_by_hand s ON t.order_id = s.order_id "
            "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
        )

    def delete(self, ids):
        self.spark.sql(f"DELETE FROM {self.silver}.orders WHERE order_id IN ({', '.join(repr(i) for i in ids)})")

    def append(self, table, columns, records):
        self.frame(columns, records).writeTo(f"{self.silver}.{table}").append()


def load(source_file, **values):
    """A row of file_loads: a file without any row, unless `values` say more."""
    row = dict.fromkeys(COUNTS, 0) | {"source_file": source_file, "source_version": "v1", "contract": "orders"}
    return row | {"batch_id": "b1", "loaded_at": LOADED_AT, "state": "LOADED"} | values


def order(order_id, at, **values):
    """An order with every station timed; `values` overrides."""
    row = {
        "order_id": str(order_id),
        "ordered_at": at,
        "order_date": at.date(),
        "order_hour": at.hour,
        "area": "A",
        "is_complaint": False,
        "source_file": "orders/a.csv",
        **{f"{stage}_minutes": Decimal("2.00") for stage in STAGES[:-1]},
        "delivery_minutes": Decimal("20.00"),
        "order_to_door_minutes": Decimal("30.00"),
    }
    return row | values


def random_order(rng: random.Random, order_id):
    """An order of spring 2018 in which anything that may be unknown sometimes is."""

    def minutes(mean):
        return None if rng.random() < 0.1 else Decimal(round(max(0.0, rng.gauss(mean, mean / 3)) * 100)) / 100

    at = datetime(2018, 1, 1) + timedelta(days=rng.randrange(150), hours=rng.choice((11, 12, 18, 19, 19, 20)))
    complained = rng.choice((True, False, False, None))
    reason = rng.choice(("Wrong size", "Late delivery", None)) if complained else None
    return order(
        order_id,
        at,
        area=rng.choice(("A", "B", None)),
        is_complaint=complained,
        complaint_reason=reason,
        customer_id=rng.choice((None, "c1", "c2", "c3")) if at.month != 2 else None,
        order_to_door_minutes=minutes(32),
        **{f"{stage}_minutes": minutes(25 if stage == "delivery" else 3) for stage in STAGES},
    )


def month_of(day: date) -> date:
    return day.replace(day=1)


def percentile(values, share):
    """Linear interpolation between the closest ranks, the definition that percentile_cont has in SQL."""
    ranked = sorted(values)
    position = share * (len(ranked) - 1)
    low = int(position)
    high = min(low + 1, len(ranked) - 1)
    return float(ranked[low]) + (float(ranked[high]) - float(ranked[low])) * (position - low)


def mean(values):
    return statistics.fmean(float(v) for v in values) if values else None


def expected_monthly(orders, promise=30):
    """monthly_performance by (month, order_hour, area), from the rows alone."""
    cells = expected_delivery([{**row, "order_date": month_of(row["order_date"])} for row in orders], promise)
    return {
        key: {name: value for name, value in cell.items() if not name.startswith("p")} for key, cell in cells.items()
    }


def expected_delivery(orders, promise=30):
    """delivery_performance by (order_date, order_hour, area), from the rows alone."""
    cells: dict[tuple, list[dict]] = {}
    for row in orders:
        cells.setdefault((row["order_date"], row["order_hour"], row["area"]), []).append(row)
    result = {}
    for key, rows in cells.items():
        drives = [r["delivery_minutes"] for r in rows if r["delivery_minutes"] is not None]
        doors = [r["order_to_door_minutes"] for r in rows if r["order_to_door_minutes"] is not None]
        result[key] = {
            "orders": len(rows),
            "late_deliveries": sum(m > promise for m in drives),
            "late_order_to_door": sum(m > promise for m in doors),
            "avg_delivery_minutes": mean(drives),
            "avg_order_to_door_minutes": mean(doors),
            "p50_delivery_minutes": percentile(drives, 0.5) if drives else None,
            "p95_delivery_minutes": percentile(drives, 0.95) if drives else None,
            "complaints": sum(r["is_complaint"] is True for r in rows),
            "deliveries_timed": len(drives),
            "order_to_door_timed": len(doors),
        }
    return result


def expected_stages(orders):
    """stage_bottlenecks by (month, order_hour, stage), from the rows alone."""
    hours = Counter((month_of(r["order_date"]), r["order_hour"]) for r in orders)
    per_month: dict[date, list[int]] = {}
    for (month, _), count in hours.items():
        per_month.setdefault(month, []).append(count)
    peak = {(m, h): n > sum(per_month[m]) / len(per_month[m]) for (m, h), n in hours.items()}
    result = {}
    for stage in STAGES:
        known = [r for r in orders if r[f"{stage}_minutes"] is not None]
        for month, hour in {(month_of(r["order_date"]), r["order_hour"]) for r in known}:
            of_month = [r for r in known if month_of(r["order_date"]) == month]
            here = [r for r in of_month if r["order_hour"] == hour]
            values = [r[f"{stage}_minutes"] for r in here]
            both = [r for r in here if r["order_to_door_minutes"] is not None]
            whole = sum(r["order_to_door_minutes"] for r in both)
            calm = mean([r[f"{stage}_minutes"] for r in of_month if not peak[month, r["order_hour"]]])
            result[month, hour, stage] = {
                "orders": len(values),
                "avg_minutes": mean(values),
                "p95_minutes": percentile(values, 0.95),
                "share_of_order_to_door": float(sum(r[f"{stage}_minutes"] for r in both)) / float(whole)
                if whole
                else None,
                "off_peak_avg_minutes": calm,
                "peak_ratio": mean(values) / calm if calm else None,
                "is_peak": peak[month, hour],
            }
    return result


def expected_complaints(orders, promise=30):
    """complaint_summary by (month, reason), from the rows alone."""
    placed = Counter(month_of(r["order_date"]) for r in orders)
    complained = [r for r in orders if r["is_complaint"]]
    complaints = Counter(month_of(r["order_date"]) for r in complained)
    result = {}
    for month, reason in {(month_of(r["order_date"]), r["complaint_reason"] or "not stated") for r in complained}:
        rows = [
            r
            for r in complained
            if (month_of(r["order_date"]), r["complaint_reason"] or "not stated") == (month, reason)
        ]
        result[month, reason] = {
            "complaints": len(rows),
            "share": len(rows) / complaints[month],
            "orders": placed[month],
            "complaint_rate": len(rows) / placed[month],
            "complaints_within_30": _in_time(rows, "delivery_minutes", promise),
            "complaints_order_to_door_within_30": _in_time(rows, "order_to_door_minutes", promise),
        }
    return result


def expected_retention(orders):
    """customer_retention by (month,), from the rows alone."""
    first: dict[str, date] = {}
    for row in orders:
        if row["customer_id"]:
            first[row["customer_id"]] = min(row["order_date"], first.get(row["customer_id"], row["order_date"]))
    result = {}
    for month in {month_of(r["order_date"]) for r in orders}:
        here = [r for r in orders if month_of(r["order_date"]) == month and r["customer_id"]]
        customers = {r["customer_id"] for r in here}
        back = {r["customer_id"] for r in here if r["order_date"] > first[r["customer_id"]]}
        again = {}
        for customer in customers:
            start = min(r["order_date"] for r in here if r["customer_id"] == customer)
            later = [r["order_date"] for r in orders if r["customer_id"] == customer and r["order_date"] > start]
            again[customer] = (min(later) - start).days if later else 10**6
        month_end = (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        known_for = (max(r["order_date"] for r in orders) - month_end).days
        result[(month,)] = {
            "customers": len(customers) or None,
            "returning_customers": len(back) if customers else None,
            "repeat_rate": len(back) / len(customers) if customers else None,
            "status": "available" if customers else "not available: no customer id in the source",
            **{
                f"repeat_rate_{days}_days": sum(gap <= days for gap in again.values()) / len(customers)
                if customers and known_for >= days
                else None
                for days in (30, 60, 90)
            },
        }
    return result


def _in_time(rows, clock, promise):
    return sum(r[clock] is not None and r[clock] <= promise for r in rows)
