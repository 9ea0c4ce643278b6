"""Which months are due of a mart that looks back over earlier days and splits orders by time. Plain dates, no Spark.

Such a mart (delivery_features) changes in more months than silver did: in the month after each, whose windows reach
back into it, and where the split between training and test days has moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from lake.gold.months import first_day, number_of

TRAINING = (4, 5)  # the share of all orders that is for training: four of five


def last_train_day(orders: Mapping[date, int]) -> date | None:
    """The first day up to which four fifths of all orders were placed, given how many a day; None without orders."""
    part, whole = TRAINING
    total, upto = sum(orders.values()), 0
    for day in sorted(orders):
        upto += orders[day]
        if total and upto * whole >= total * part:
            return day
    return None


def due(changed: Iterable[date] | None, before: date | None, now: date | None) -> tuple[date, ...] | None:
    """The months to write again: those that changed, each one's next, and all from one last training day to the other.

    Windows must not be longer than the shortest month. None, as for `changed`: every month.
    """
    if changed is None:
        return None
    numbers = {number for month in changed for number in (number_of(month), number_of(month) + 1)}
    if before != now and before is not None and now is not None:
        numbers |= set(range(number_of(min(before, now)), number_of(max(before, now)) + 1))
    return tuple(first_day(number) for number in sorted(numbers))


def with_the_month_before(months: Iterable[date] | None) -> tuple[date, ...] | None:
    """The months that have to be read to write these."""
    if months is None:
        return None
    numbers = {number for month in months for number in (number_of(month) - 1, number_of(month))}
    return tuple(first_day(number) for number in sorted(numbers))
