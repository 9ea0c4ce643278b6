"""Months as gold knows them: first days, and conditions that cut a table exactly at its monthly partitions.

Iceberg's months() partition counts months since January 1970. Plain dates, no Spark.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date


def first_day(number: int) -> date:
    """The first day of the month with that partition number (0 is January 1970)."""
    return date(1970 + number // 12, number % 12 + 1, 1)


def number_of(day: date) -> int:
    """The partition number of the month that the day is in."""
    return (day.year - 1970) * 12 + day.month - 1


def spans(months: Iterable[date]) -> list[tuple[date, date]]:
    """Months as few half-open ranges [first day, first day after), so that a condition stays short over many years."""
    ranges: list[tuple[int, int]] = []
    for number in sorted({number_of(month) for month in months}):
        if ranges and ranges[-1][1] == number:
            ranges[-1] = (ranges[-1][0], number + 1)
        else:
            ranges.append((number, number + 1))
    return [(first_day(start), first_day(end)) for start, end in ranges]


def years_of(months: Iterable[date]) -> list[date]:
    """Every month of the calendar years that the months are in."""
    return [date(year, month, 1) for year in sorted({month.year for month in months}) for month in range(1, 13)]


def condition(column: str, months: Iterable[date] | None) -> str:
    """SQL that holds for rows whose date `column` is in one of the months; None means every row, no month means none.

    Comparisons of the bare column, so that Iceberg sees that whole partitions are meant and replaces files by metadata.
    """
    if months is None:
        return "true"
    parts = [f"(`{column}` >= DATE'{start}' AND `{column}` < DATE'{end}')" for start, end in spans(months)]
    return " OR ".join(parts) if parts else "false"


def period_condition(column: str, months: Iterable[date] | None) -> str:
    """SQL that holds for the periods that the months change: their own ('YYYY-MM') and 'all'. None means every row."""
    if months is None:
        return "true"
    periods = ["all", *sorted(f"{month:%Y-%m}" for month in months)]
    return f"`{column}` IN ({', '.join(repr(period) for period in periods)})"
