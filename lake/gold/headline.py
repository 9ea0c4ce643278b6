"""The few figures that a run tells people about, read from the marts it has just written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from lake.parallel import together

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession

COUNTS = (
    "orders",
    "complaints",
    "late_deliveries",
    "deliveries_timed",
    "late_order_to_door",
    "order_to_door_timed",
)
CORNERS = """
    SELECT area, order_hour, sum(orders) AS orders, sum(complaints) AS complaints,
        sum(late_deliveries) AS late_deliveries, sum(deliveries_timed) AS deliveries_timed,
        sum(late_order_to_door) AS late_order_to_door, sum(order_to_door_timed) AS order_to_door_timed,
        min(order_date) AS first_day, max(order_date) AS last_day, collect_set(trunc(order_date, 'MONTH')) AS months
    FROM {delivery_performance}
    GROUP BY area, order_hour
"""
NOTICEABLE = 1.1
# Minutes lost at peak: what a stage took in peak hours above its off-peak mean.
STAGES = """
    SELECT stage,
        sum(orders * avg_minutes) / sum(orders) AS avg_minutes,
        sum(if(busy, orders * avg_minutes, NULL)) / sum(if(busy, orders, NULL)) AS peak_avg_minutes,
        sum(if(busy, orders * off_peak_avg_minutes, NULL)) / sum(if(busy, orders, NULL)) AS off_peak_avg_minutes,
        sum(if(busy, orders * (avg_minutes - off_peak_avg_minutes), NULL)) AS minutes_lost_at_peak
    FROM (SELECT *, is_peak AND off_peak_avg_minutes IS NOT NULL AS busy FROM {stage_bottlenecks})
    GROUP BY stage
"""
COMPLAINTS = "SELECT reason, sum(complaints) AS complaints FROM {complaint_summary} GROUP BY reason"


def months_and_headline(
    spark: SparkSession, tables: Mapping[str, str], promise_minutes: float
) -> tuple[list[date], dict[str, Any]]:
    """All months that have orders, and the figures over all of them. `tables`: where each mart can be read, by name.

    Rates are fractions; what cannot be known (no orders, nothing timed, no stage slower at peak) is None, never zero.
    """
    corners, stages, reasons = together(partial(_ask, spark, sql, tables) for sql in (CORNERS, STAGES, COMPLAINTS))
    total = {name: sum(corner[name] for corner in corners) for name in COUNTS}
    months = sorted({month for corner in corners for month in corner.months})
    headline = {
        "promise_minutes": promise_minutes,
        **{name: total[name] for name in ("orders", "late_deliveries", "late_order_to_door", "complaints")},
        "late_delivery_rate": _rate(total["late_deliveries"], total["deliveries_timed"]),
        "late_order_to_door_rate": _rate(total["late_order_to_door"], total["order_to_door_timed"]),
        "complaint_rate": _rate(total["complaints"], total["orders"]),
        "top_complaint": _top_complaint(reasons),
        "worst_area_hour": _worst_corner(corners, _rate(total["late_order_to_door"], total["order_to_door_timed"])),
        "worst_stage": _worst_stage(stages),
        "longest_stage": _longest_stage(stages),
        "months": len(months),
        "data_from": min(corner.first_day for corner in corners).isoformat() if corners else None,
        "data_through": max(corner.last_day for corner in corners).isoformat() if corners else None,
    }
    return months, headline


def _worst_corner(corners: list[Row], rate: float | None) -> dict[str, Any] | None:
    """The area and hour with most late orders above what the overall rate would give it.

    A rate alone would name a corner with three orders, a count alone the busiest one.
    """

    def excess(corner: Row) -> float:
        return corner.late_order_to_door - corner.order_to_door_timed * (rate or 0.0)

    worst = max(corners, key=lambda corner: (excess(corner), repr((corner.area, corner.order_hour))), default=None)
    if worst is None or excess(worst) <= 0:
        return None
    return {
        "area": worst.area,
        "order_hour": worst.order_hour,
        "orders": worst.orders,
        "late_order_to_door": worst.late_order_to_door,
        "late_rate": _rate(worst.late_order_to_door, worst.order_to_door_timed),
    }


def _worst_stage(stages: list[Row]) -> dict[str, Any] | None:
    """The stage that costs most minutes over all peak orders by being slower then; None when no stage slows at peak.

    Means of two groups of hours always differ by something: a stage slows from NOTICEABLE times its off-peak mean on.
    """
    slower = [
        stage
        for stage in stages
        if (stage.minutes_lost_at_peak or 0) > 0 and stage.peak_avg_minutes >= NOTICEABLE * stage.off_peak_avg_minutes
    ]
    worst = max(slower, key=lambda stage: (stage.minutes_lost_at_peak, stage.stage), default=None)
    if worst is None:
        return None
    off_peak = worst.off_peak_avg_minutes
    return {
        "stage": worst.stage,
        "peak_avg_minutes": worst.peak_avg_minutes,
        "off_peak_avg_minutes": off_peak,
        "peak_ratio": worst.peak_avg_minutes / off_peak if off_peak else None,
    }


def _longest_stage(stages: list[Row]) -> dict[str, Any] | None:
    longest = max(stages, key=lambda stage: (stage.avg_minutes, stage.stage), default=None)
    return {"stage": longest.stage, "avg_minutes": longest.avg_minutes} if longest else None


def _top_complaint(reasons: list[Row]) -> dict[str, Any] | None:
    top = max(reasons, key=lambda row: (row.complaints, row.reason), default=None)
    return {"reason": top.reason, "complaints": top.complaints} if top else None


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _ask(spark: SparkSession, sql: str, tables: Mapping[str, str]) -> list[Row]:
    """A handful of rows: as many as there are areas and hours, stages, or reasons."""
    return spark.sql(sql.format_map(tables)).collect()
