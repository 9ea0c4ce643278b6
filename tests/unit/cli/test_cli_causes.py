"""`lake causes`: the ranked answer, what it hides, and what it says it cannot know."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .cause_rows import cause, cause_rows
from .conftest import Ended, FakeLake

Run = Callable[..., Ended]
RATES = [("outcome", "varchar"), ("hits", "bigint"), ("orders", "bigint")]
CUSTOMERS = [("months", "bigint"), ("known", "bigint")]


@pytest.fixture
def found(lake: FakeLake) -> FakeLake:
    """Causes of two outcomes, one about a person; all orders late to the door; no customer known."""
    explained = ["oven = Curry", "oven_temp_c = 270 to 280", "size = Large", "oven = Curry and boxer = Gift"]
    lake.athena.answers = {
        "FROM root_causes": cause_rows(
            cause("complaint", 1, ("size", "Large"), ("stylist", "Tom and Jo; x"), person=True, explains=explained),
            cause("complaint: Wrong size", 1, ("order_mode", "Email"), lift=9.0),
            cause("late_delivery", 1, ("area", "E"), ("order_hour", "21"), hits=213, orders=300),
        ),
        "FROM cause_counts": (
            RATES,
            [["complaint", "90", "1000"], ["complaint: Wrong size", "40", None], ["late_delivery", "100", "1000"],
             ["late_order_to_door", "995", "1000"]],
        ),
        "FROM customer_retention": (CUSTOMERS, [["4", "0"]]),
    }  # fmt: skip
    return lake


def test_every_outcome_has_its_question_its_rate_and_its_causes(run: Run, found: FakeLake) -> None:
    text = run("causes").out

    assert "Why are deliveries late on the road? (100 of 1,000 orders, 10.0%)" in text
    assert "1\tarea = E and order_hour = 21\tx 3.0\t142\t213 of 300 orders" in text
    assert "Why do people complain: Wrong size? (40 of 1,000 orders, 4.0%)" in text
    assert "Why do orders reach the door late? (995 of 1,000 orders, 99.5%)\n  Nothing stands out" in text


def test_people_are_told_by_their_station_unless_asked_for(run: Run, found: FakeLake) -> None:
    hidden, named = run("causes"), run("causes", "--people")

    assert "Tom" not in hidden.out
    assert "Gift" not in hidden.out
    assert "size = Large and stylist = (a person)" in hidden.out
    assert "At the topping station, 30 of 100 orders of size Large on one person's shift brought" in hidden.out
    assert "oven_temp_c 270 to 280, size Large only go along with it" in hidden.out
    assert "--people names them" in hidden.out
    assert "stylist = Tom and Jo; x" in named.out


def test_it_says_what_the_data_cannot_answer(run: Run, found: FakeLake) -> None:
    text = run("causes").out.split("What the data cannot answer\n")[1]

    assert "late_order_to_door: 995 of 1,000 orders, so there is next to nothing to compare." in text
    assert "Whether customers stay away after a bad order: no order names its customer." in text
    assert "no proof" in text


def test_one_outcome_of_one_month_as_json(run: Run, found: FakeLake) -> None:
    answer = run("causes", "--outcome", "complaint", "--period", "2018-05", "--json").json

    (row,) = answer["causes"]
    assert (row["dimension_2"], row["value_2"], row["factor"]) == (
        "stylist", "(a person)", "size = Large and stylist = (a person)",
    )  # fmt: skip
    assert (row["hits"], row["lift"], row["about_person"]) == (30, 3.0, True)
    assert row["explains"] == ["oven_temp_c = 270 to 280", "size = Large"]
    assert answer["cannot_say"][-1].startswith("What is not in the data")
    assert found.athena.asked[0]["ExecutionParameters"] == ["'2018-05'"]


def test_a_period_is_a_value_and_no_piece_of_sql(run: Run, found: FakeLake) -> None:
    run("causes", "--period", "x' OR '1'='1")

    assert found.athena.asked[0]["ExecutionParameters"] == ["'x'' OR ''1''=''1'"]


def test_an_unknown_outcome_is_wrong_use_and_names_the_known_ones(run: Run, found: FakeLake) -> None:
    ended = run("causes", "--outcome", "sadness")

    assert ended.code == 2
    assert ended.err.startswith("There is no outcome sadness in all: take one of late_delivery, late_order_to_door,")


def test_a_month_without_orders_is_said(run: Run, found: FakeLake) -> None:
    found.athena.answers["FROM root_causes"] = cause_rows()
    found.athena.answers["FROM cause_counts"] = (RATES, [])

    ended = run("causes", "--period", "1999-01")

    assert (ended.code, ended.err) == (1, "Gold has no orders in 1999-01. Give a month as YYYY-MM, or all.\n")
