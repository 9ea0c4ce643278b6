"""Months, conditions on them, and errors in one sentence."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from lake.gold import months

DAYS = st.dates(min_value=date(1900, 1, 1), max_value=date(2200, 12, 31))


@given(DAYS)
def test_a_months_number_leads_back_to_its_first_day(day):
    assert months.first_day(months.number_of(day)) == day.replace(day=1)


def test_january_1970_is_month_zero():
    assert months.first_day(0) == date(1970, 1, 1)
    assert months.first_day(-1) == date(1969, 12, 1)


@given(st.sets(DAYS, max_size=8), DAYS)
def test_spans_hold_exactly_the_days_of_the_months(chosen, day):
    spans = months.spans(chosen)

    inside = any(start <= day < end for start, end in spans)
    assert inside == (months.number_of(day) in {months.number_of(month) for month in chosen})


def test_neighbouring_months_make_one_condition():
    found = months.condition("order_date", [date(2018, 12, 1), date(2018, 3, 1), date(2019, 1, 1)])

    assert found == (
        "(`order_date` >= DATE'2018-03-01' AND `order_date` < DATE'2018-04-01') OR "
        "(`order_date` >= DATE'2018-12-01' AND `order_date` < DATE'2019-02-01')"
    )


@given(st.sets(DAYS, max_size=4), DAYS)
def test_the_years_of_months_hold_every_day_of_those_years(chosen, day):
    whole = {months.number_of(month) for month in months.years_of(chosen)}

    assert (months.number_of(day) in whole) == (day.year in {month.year for month in chosen})


def test_no_month_is_nothing_and_none_is_everything():
    assert (months.condition("d", []), months.condition("d", None)) == ("false", "true")
