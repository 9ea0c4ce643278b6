"""Everything the page asks Athena: statements that are written here, values that travel as parameters.

Few and small: an aggregate of gold for each section, over all months at once, so that choosing a month or an area asks
nothing again. Single orders are asked for by one day (a partition) and with a limit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lake.athena import literal
from lake.causes.telling import STATEMENT

GOLD, SILVER = "gold", "silver"
ALL = "all"
MOST_ORDERS = 50
MOST_FILES = 50
MOST_DAYS = 7  # days that are looked at for orders behind a cause, from the chosen one back


@dataclass(frozen=True)
class Question:
    """One statement. `parameters` are SQL literals for its question marks; `table` is the one it reads."""

    name: str
    table: str
    sql: str
    database: str = GOLD
    parameters: tuple[str, ...] = ()


FRESHNESS = Question(
    "freshness",
    "freshness",
    """
    SELECT max(gold_run_id) AS gold_run_id, CAST(min(published_at) AS varchar) AS published_at,
           CAST(max(data_through) AS varchar) AS data_through, max(silver_snapshot_id) AS silver_snapshot_id
    FROM freshness
    """,
)

# Which state of the orders is the current one: metadata, no row is read.
SILVER_NOW = Question(
    "what silver holds", "orders", """SELECT snapshot_id FROM "orders$refs" WHERE name = 'main'""", SILVER
)

PERFORMANCE = Question(
    "clocks and places",
    "monthly_performance",
    """
    SELECT date_format(month, '%Y-%m') AS month, area, order_hour, orders, complaints,
           late_deliveries, deliveries_timed, late_order_to_door, order_to_door_timed,
           deliveries_timed * avg_delivery_minutes AS delivery_minutes,
           order_to_door_timed * avg_order_to_door_minutes AS order_to_door_minutes
    FROM monthly_performance
    """,
)

STAGES = Question(
    "stages",
    "stage_bottlenecks",
    """
    SELECT date_format(month, '%Y-%m') AS month, stage, is_peak,
           sum(orders) AS orders, sum(orders * avg_minutes) AS minutes
    FROM stage_bottlenecks
    WHERE is_peak IS NOT NULL
    GROUP BY 1, 2, 3
    """,
)

COMPLAINTS = Question(
    "complaints",
    "complaint_summary",
    """
    SELECT date_format(month, '%Y-%m') AS month, reason, complaints, complaints_within_30 AS in_time, orders
    FROM complaint_summary
    """,
)

QUALITY = Question(
    "quality of the files",
    "data_quality",
    """
    SELECT count(*) AS files, sum(rows_in) AS rows_in, sum(quarantined) AS quarantined, sum(flagged) AS flagged,
           count_if(quarantined > 0) AS files_with_quarantine, count_if(NOT adds_up) AS files_that_do_not_add_up
    FROM data_quality
    """,
)

QUARANTINE = Question(
    "rows in quarantine",
    "data_quality",
    f"""
    SELECT source_file, source_version, rows_in, quarantined,
           json_format(CAST(quarantine_reasons AS JSON)) AS reasons, CAST(loaded_at AS varchar) AS loaded_at
    FROM data_quality
    WHERE quarantined > 0
    ORDER BY loaded_at DESC, source_file
    LIMIT {MOST_FILES}
    """,  # noqa: S608  (a constant of this module)
)

# Asked once for each publication of gold, all together.
STANDING = (PERFORMANCE, STAGES, COMPLAINTS, QUALITY, QUARANTINE)


def causes(period: str) -> Question:
    """The ranked causes of a period, 'all' or YYYY-MM: what `lake causes` asks."""
    return Question("causes", "root_causes", STATEMENT, parameters=(literal(period),))


def listed(key: str, version: str) -> Question:
    """Whether gold lists this version of a file."""
    return Question(
        "file in gold",
        "data_quality",
        "SELECT count(*) AS files FROM data_quality WHERE source_file = ? AND source_version = ?",
        parameters=(literal(key), literal(version)),
    )


# ---- the orders behind a cause -------------------------------------------------------------------------------------

NAMED = frozenset({
    "area", "size", "oven", "order_mode", "order_taker", "dough_prep", "stylist", "boxer", "deliverer",
})  # fmt: skip
MEASURED = frozenset({
    "oven_temp_c", "receipt_minutes", "base_prep_minutes", "styling_minutes", "cooking_minutes", "boxing_minutes",
    "delivery_minutes", "order_to_door_minutes",
})  # fmt: skip
# The same parts of the day as marts/cause_counts.sql makes them.
DAY_PART = """CASE
        WHEN order_hour < 6 THEN 'night (0 to 5)'
        WHEN order_hour < 12 THEN 'morning (6 to 11)'
        WHEN order_hour < 15 THEN 'midday (12 to 14)'
        WHEN order_hour < 17 THEN 'afternoon (15 to 16)'
        WHEN order_hour < 20 THEN 'evening (17 to 19)'
        ELSE 'late evening (20 to 23)'
    END"""
REASON_PREFIX = "complaint: "
_REASON = "coalesce(nullif(trim(complaint_reason), ''), 'not stated')"
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_BANDS = (
    (re.compile(f"under {_NUMBER}"), "{column} < CAST(? AS double)"),
    (re.compile(f"{_NUMBER} to {_NUMBER}"), "{column} >= CAST(? AS double) AND {column} < CAST(? AS double)"),
    (re.compile(f"{_NUMBER} or more"), "{column} >= CAST(? AS double)"),
)


class CannotAskError(ValueError):
    """A cause names something that the page cannot turn into a condition; the message says what."""


def orders_behind(cause: Mapping[str, Any], day: str, promise_minutes: str) -> Question:
    """The newest orders of `day` (YYYY-MM-DD) that a row of gold.root_causes is about and that have its outcome.

    Values become parameters, never text of the statement. Raises CannotAskError.
    """
    conditions, values = behind(cause, promise_minutes)
    where = " AND ".join(["order_date = CAST(? AS date)", *conditions])
    sql = f"""
    SELECT order_id, date_format(ordered_at, '%Y-%m-%d %H:%i') AS ordered, area, size,
           CAST(order_to_door_minutes AS double) AS order_to_door_minutes,
           CAST(delivery_minutes AS double) AS delivery_minutes, complaint_reason, source_file, source_row
    FROM order_details
    WHERE {where}
    ORDER BY ordered_at DESC, order_id
    LIMIT {MOST_ORDERS + 1}
    """  # noqa: S608  (`where` is made of this module's own texts)
    return Question("orders behind a cause", "order_details", sql, parameters=(literal(day), *values))


def behind(cause: Mapping[str, Any], promise_minutes: str) -> tuple[list[str], list[str]]:
    """The conditions on gold.order_details that a cause stands for, and the SQL literals for their question marks."""
    conditions, values = _outcome(str(cause["outcome"]), promise_minutes)
    for number in ("1", "2"):
        dimension, value = cause.get(f"dimension_{number}"), cause.get(f"value_{number}")
        if dimension is None:
            continue
        condition, given = _factor(str(dimension), str(value))
        conditions.append(condition)
        values += given
    return conditions, values


def _outcome(outcome: str, promise_minutes: str) -> tuple[list[str], list[str]]:
    if outcome == "late_delivery":
        return ["delivery_minutes > CAST(? AS double)"], [literal(promise_minutes)]
    if outcome == "late_order_to_door":
        return ["order_to_door_minutes > CAST(? AS double)"], [literal(promise_minutes)]
    if outcome == "complaint":
        return ["is_complaint"], []
    if outcome.startswith(REASON_PREFIX):
        return ["is_complaint", f"{_REASON} = ?"], [literal(outcome.removeprefix(REASON_PREFIX))]
    raise CannotAskError(f"the outcome {outcome!r} is not one that the page knows")


def _factor(dimension: str, value: str) -> tuple[str, list[str]]:
    if dimension in NAMED:
        return f"{dimension} = ?", [literal(value)]
    if dimension == "order_hour":
        return "CAST(order_hour AS varchar) = ?", [literal(value)]
    if dimension == "day_part":
        return f"{DAY_PART} = ?", [literal(value)]
    if dimension == "order_date":  # as a factor it stands for its weekday
        return "date_format(order_date, '%W') = ?", [literal(value)]
    if dimension in MEASURED:
        for pattern, condition in _BANDS:
            found = pattern.fullmatch(value)
            if found:
                return condition.format(column=dimension), [literal(edge) for edge in found.groups()]
    raise CannotAskError(f"the page cannot look up orders by {dimension} = {value!r}")
