"""The marts that ship, and what their loader says about marts that cannot be used."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from zipfile import Path as ZipPath
from zipfile import ZipFile

import pytest
import sqlglot

from lake.gold import marts as declared
from lake.gold import questions
from lake.gold.marts import MartError, load_marts

MARTS = load_marts()
RUN_PARAMETERS = {
    "last_train_day",
    "promise_minutes",
    "least_orders",
    "most_values",
    "published_at",
    "gold_run_id",
    "silver_snapshot_id",
    "data_through",
    "marts",
}
# What people and programs outside the repository rely on: these columns, in this order, with these types.
FIXED = {
    "delivery_performance": "order_date date, order_hour int, area string, orders bigint, late_deliveries bigint, "
    "late_order_to_door bigint, avg_delivery_minutes double, avg_order_to_door_minutes double, "
    "p50_delivery_minutes double, p95_delivery_minutes double, complaints bigint",
    "stage_bottlenecks": "month date, order_hour int, stage string, orders bigint, avg_minutes double, "
    "p95_minutes double, share_of_order_to_door double, off_peak_avg_minutes double, peak_ratio double",
    "complaint_summary": "month date, reason string, complaints bigint, share double, orders bigint, "
    "complaint_rate double, complaints_within_30 bigint",
    "customer_retention": "month date, customers bigint, returning_customers bigint, repeat_rate double, status string",
    "data_quality": "source_file string, source_version string",
    "delivery_features": "order_id string",
    "root_causes": "period string, outcome string, dimension_1 string, value_1 string, dimension_2 string, "
    "value_2 string, orders bigint, hits bigint, rate double, baseline_rate double, lift double, excess_hits double, "
    "q_value double, rank int, about_person boolean, evidence string",
    "freshness": "mart string, published_at timestamp_ntz, gold_run_id string, silver_snapshot_id bigint, "
    "data_through date",
}
YAML = """
grain: One row per x.
owner: Analytics
refresh: whole
key: [x]
columns: [{name: x, type: int, description: It is x.}]
checks: [{name: x is positive, row: x > 0}]
question: {ask: "What?", sql: SELECT x FROM m}
"""


@pytest.mark.parametrize("name", FIXED)
def test_columns_that_others_rely_on_are_there(name):
    fixed = FIXED[name].split(", ")

    assert [f"{column.name} {column.type}" for column in MARTS[name].columns[: len(fixed)]] == fixed


@pytest.mark.parametrize("mart", MARTS.values(), ids=lambda mart: mart.name)
def test_a_mart_explains_itself(mart):
    assert mart.grain.endswith(".")
    assert mart.grain.count(". ") == 0
    assert all(column.description for column in mart.columns)
    assert all(
        column.unit
        for column in mart.columns
        if column.type in ("bigint", "double", "date") and column.name != "silver_snapshot_id"
    )
    assert mart.question.ask.endswith("?")
    assert mart.checks


@pytest.mark.parametrize("mart", MARTS.values(), ids=lambda mart: mart.name)
def test_the_sql_gives_the_declared_columns_in_order(mart):
    statement = sqlglot.parse_one(mart.statement(dict.fromkeys(RUN_PARAMETERS, 1)), dialect="spark")

    assert isinstance(statement, sqlglot.exp.Query)
    if not mart.step:  # else the rows are made in Python from what the SQL gives
        assert statement.named_selects == [column.name for column in mart.columns]
    assert set(mart.parameters) <= RUN_PARAMETERS


@pytest.mark.parametrize("mart", MARTS.values(), ids=lambda mart: mart.name)
def test_the_question_is_asked_of_that_mart_in_athenas_words(mart):
    statement = sqlglot.parse_one(mart.question.sql, dialect="athena")

    tables = {table.name for table in statement.find_all(sqlglot.exp.Table)}
    assert isinstance(statement, sqlglot.exp.Query)
    known = {column.name for column in mart.columns} | set(statement.named_selects)
    assert tables == {mart.name}
    assert {column.name for column in statement.find_all(sqlglot.exp.Column)} <= known


def test_freshness_comes_last_so_that_it_vouches_for_all_others():
    assert list(MARTS)[-1] == "freshness"
    assert [mart.name for mart in MARTS.values() if mart.refresh == declared.LAST] == ["freshness"]


def test_marts_are_read_from_a_zip_too(tmp_path):
    with ZipFile(tmp_path / "lake.zip", "w") as archive:
        archive.writestr("marts/m.yaml", YAML)
        archive.writestr("marts/m.sql", "SELECT 1 AS x")

    (mart,) = load_marts(ZipPath(tmp_path / "lake.zip", "marts/")).values()

    assert (mart.name, mart.sql, mart.checks[0].whole) == ("m", "SELECT 1 AS x", False)


def test_parameters_become_literals():
    mart = _mart("SELECT :a, :b, ':c', x::int, :a FROM t")

    assert mart.parameters == ("a", "b", "c")
    assert mart.statement({"a": Decimal("19.50"), "b": None, "c": "it's"}).startswith("SELECT 19.50, NULL, '")
    assert mart.statement({"a": 5, "b": "it's", "c": 1}).startswith("SELECT 5, 'it\\'s'")


def test_a_parameter_without_a_value_is_an_error():
    with pytest.raises(KeyError, match="a"):
        _mart("SELECT :a").statement({})


def test_the_digest_follows_definitions_and_parameters():
    same = declared.digest(load_marts(), {"promise_minutes": Decimal(30)})
    other_sql = {"m": _mart("SELECT 1 AS x")}

    assert declared.digest(MARTS, {"promise_minutes": Decimal(30)}) == same
    assert declared.digest(MARTS, {"promise_minutes": Decimal(31)}) != same
    assert declared.digest(other_sql, {}) != declared.digest({"m": _mart("SELECT 2 AS x")}, {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("refresh: whole", "refresh: daily"), "refresh is 'daily'"),
        (("refresh: whole", "refresh: changed months"), "without a partition by day, month or year"),
        (("key: [x]", "key: [y]"), "y is no column"),
        (("row: x > 0", "when: x > 0"), "when"),
        (("row: x > 0", "row: x > 0, whole: count(*) > 0"), "either row or whole"),
        (("grain: One row per x.", "grains: One row per x."), "grain"),
        (("owner: Analytics\n", ""), "owner"),
        (("refresh: whole", "refresh: whole\nauthor: me"), "unknown entry author"),
        (("key: [x]", "key: [x"), "not readable"),
    ],
)
def test_a_mart_that_says_something_unknown_is_refused_by_name(tmp_path, change, message):
    (tmp_path / "m.yaml").write_text(YAML.replace(*change))
    (tmp_path / "m.sql").write_text("SELECT 1 AS x")

    with pytest.raises(MartError, match=message):
        load_marts(tmp_path)


def test_half_a_mart_is_refused(tmp_path):
    (tmp_path / "m.sql").write_text("SELECT 1 AS x")

    with pytest.raises(MartError, match=r"mart m has no m\.yaml"):
        load_marts(tmp_path)


def _mart(sql):
    return declared._mart("m", YAML, sql)


def test_the_page_of_questions_is_the_one_that_the_marts_make():
    page = Path(__file__).resolve().parents[2] / "docs" / "questions.md"

    assert page.read_text() == questions.page(MARTS), "run: python -m lake.gold.questions > docs/questions.md"
