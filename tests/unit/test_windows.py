"""Which months are due of a mart with windows, against the rule that says it without any month."""

from __future__ import annotations

import datetime as dt
import random
from datetime import date

import pytest

from lake.gold.windows import due, last_train_day, with_the_month_before

JANUARY, FEBRUARY, MARCH, APRIL, MAY = (date(2018, month, 1) for month in range(1, 6))


def test_a_month_that_changed_is_due_and_the_one_after_it() -> None:
    assert due([FEBRUARY], None, None) == (FEBRUARY, MARCH)
    assert due([date(2018, 12, 1)], None, None) == (date(2018, 12, 1), date(2019, 1, 1))


def test_where_the_split_moves_all_months_on_its_way_are_due() -> None:
    assert due([JANUARY], date(2018, 3, 30), date(2018, 5, 2)) == (JANUARY, FEBRUARY, MARCH, APRIL, MAY)
    assert due([], date(2018, 4, 2), date(2018, 3, 30)) == (MARCH, APRIL)


def test_where_every_month_changed_every_month_is_due() -> None:
    assert due(None, MARCH, APRIL) is None
    assert with_the_month_before(None) is None


def test_the_month_before_is_read_too() -> None:
    assert with_the_month_before([JANUARY, MARCH]) == (date(2017, 12, 1), JANUARY, FEBRUARY, MARCH)


def test_four_fifths_of_the_orders_are_up_to_the_last_day_for_training() -> None:
    assert last_train_day({date(2018, 1, day): 1 for day in range(1, 11)}) == date(2018, 1, 8)
    assert last_train_day({JANUARY: 7, FEBRUARY: 1, MARCH: 2}) == FEBRUARY
    assert last_train_day({JANUARY: 3}) == JANUARY
    assert last_train_day({}) is None
    assert last_train_day({JANUARY: 0}) is None


@pytest.mark.parametrize("seed", range(20))
def test_no_row_of_another_month_can_change(seed: int) -> None:
    """A row hangs on the orders of its day and of the 28 days before, and on which side of the split its day is."""
    rng = random.Random(seed)
    days = [date(2018, 1, 1) + dt.timedelta(days=n) for n in range(200)]
    before = {day: rng.randrange(4) for day in days}
    changed = rng.choice(days).replace(day=1)
    after = {day: rng.randrange(4) if day.replace(day=1) == changed else orders for day, orders in before.items()}

    splits = last_train_day(before), last_train_day(after)
    months = due([changed], *splits)

    def hangs_on(day: date, orders: dict[date, int], split: date | None) -> tuple[list[int], bool]:
        return [orders.get(day - dt.timedelta(days=n), 0) for n in range(29)], split is not None and day <= split

    differs = {day for day in days if hangs_on(day, before, splits[0]) != hangs_on(day, after, splits[1])}
    assert {day.replace(day=1) for day in differs} <= set(months or ())
