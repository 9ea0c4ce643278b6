"""What the page asks: few questions of gold, and single orders by parameters within one day."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from dashboard import questions
from dashboard.questions import CannotAskError, orders_behind
from lake.gold.marts import load_marts

from .fakes import NASTY, cause

GOLD = [questions.FRESHNESS, *questions.STANDING, questions.causes("all"), questions.listed("k", "v")]
MARTS = load_marts()


@pytest.mark.parametrize("question", GOLD, ids=lambda question: question.name)
def test_a_question_of_gold_reads_one_declared_table_and_only_its_columns(question):
    statement = sqlglot.parse_one(question.sql, dialect="athena")

    assert {table.name for table in statement.find_all(exp.Table)} == {question.table}
    assert question.sql.count("?") == len(question.parameters)
    known = {column.name for column in MARTS[question.table].columns} | set(statement.named_selects)
    assert {column.name for column in statement.find_all(exp.Column)} <= known


@pytest.mark.parametrize(
    ("factor", "condition", "values"),
    [
        (("area", "E"), "area = ?", ["'E'"]),
        (("order_hour", "21"), "CAST(order_hour AS varchar) = ?", ["'21'"]),
        (("order_date", "Friday"), "date_format(order_date, '%W') = ?", ["'Friday'"]),
        (("cooking_minutes", "under 6.5"), "cooking_minutes < CAST(? AS double)", ["'6.5'"]),
        (("oven_temp_c", "330 or more"), "oven_temp_c >= CAST(? AS double)", ["'330'"]),
        (
            ("delivery_minutes", "10 to 20"),
            "delivery_minutes >= CAST(? AS double) AND delivery_minutes < CAST(? AS double)",
            ["'10'", "'20'"],
        ),
    ],
)
def test_a_factor_becomes_a_condition_whose_values_are_parameters(factor, condition, values):
    conditions, given = questions.behind(cause(1, "complaint", factor), "30")

    assert conditions == ["is_complaint", condition]
    assert given == values


def test_orders_are_asked_of_one_day_with_a_limit():
    question = orders_behind(
        cause(1, "late_delivery", ("area", "E"), ("day_part", "evening (17 to 19)")), "2018-12-31", "30"
    )

    assert question.parameters == ("'2018-12-31'", "'30'", "'E'", "'evening (17 to 19)'")
    assert question.sql.count("?") == len(question.parameters)
    statement = sqlglot.parse_one(question.sql, dialect="athena")
    assert isinstance(statement, exp.Select)
    assert statement.args["limit"].expression.name == str(questions.MOST_ORDERS + 1)
    known = {column.name for column in MARTS[question.table].columns} | set(statement.named_selects)
    assert {column.name for column in statement.find_all(exp.Column)} <= known


@pytest.mark.parametrize("value", ["x' OR '1'='1", NASTY, "?; DROP TABLE orders", "\u0000"])
def test_no_value_reaches_the_text_of_the_statement(value):
    harmless = orders_behind(cause(1, "complaint: y", ("stylist", "y")), "2018-03-05", "30")

    question = orders_behind(cause(1, f"complaint: {value}", ("stylist", value)), "2018-03-05", "30")

    assert question.sql == harmless.sql
    assert question.parameters[-1] == "'" + value.replace("'", "''") + "'"


@pytest.mark.parametrize(
    ("outcome", "factor"),
    [("weather", ("area", "E")), ("complaint", ("1=1 --", "x")), ("complaint", ("cooking_minutes", "1 OR 1=1"))],
)
def test_what_is_no_factor_or_outcome_is_said_and_not_asked(outcome, factor):
    with pytest.raises(CannotAskError):
        orders_behind(cause(1, outcome, factor), "2018-03-05", "30")


def test_parts_of_the_day_are_those_of_the_mart():
    mart = Path(questions.__file__).parents[1] / "marts" / "cause_counts.sql"

    def plain(text: str) -> str:
        return " ".join(text.split())

    assert plain(questions.DAY_PART) in plain(mart.read_text())
