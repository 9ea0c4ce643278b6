"""Results used again, and the texts that clients give as parameters."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ministack.services import athena

from sandbox.athena import reuse
from sandbox.athena.errors import EngineError
from sandbox.athena.parameters import classified, placeholders

SQL = "SELECT count(*) FROM t"
WANTED = {"Enabled": True, "MaxAgeInMinutes": 10}


def execution(sql: str = SQL, minutes_ago: float = 1, folder: str = "s3://b/here/", **other: Any) -> dict[str, Any]:
    """A finished execution as the store keeps it."""
    ended = time.time() - 60 * minutes_ago
    return {
        "Query": sql,
        "SubstatementType": "SELECT",
        "WorkGroup": "primary",
        "QueryExecutionContext": {"Database": "gold"},
        "ResultConfiguration": {"OutputLocation": f"{folder}{minutes_ago}.csv"},
        "Status": {"State": "SUCCEEDED", "CompletionDateTime": ended},
    } | other


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    store: dict[str, dict[str, Any]] = {}
    monkeypatch.setattr(athena, "_executions", store)
    return store


def test_the_newest_result_that_is_young_enough_is_taken(known: dict[str, dict[str, Any]]) -> None:
    known |= {"old": execution(minutes_ago=11), "older": execution(minutes_ago=5), "newest": execution(minutes_ago=2)}

    assert reuse.previous(execution(minutes_ago=0), WANTED, SQL) is known["newest"]
    assert reuse.previous(execution(minutes_ago=0), {"Enabled": False}, SQL) is None
    assert reuse.previous(execution(minutes_ago=0), WANTED | {"MaxAgeInMinutes": 1}, SQL) is None


@pytest.mark.parametrize(
    "other",
    [
        {"WorkGroup": "other"},
        {"QueryExecutionContext": {"Database": "silver"}},
        {"ExecutionParameters": ["1"]},
        {"ResultConfiguration": {"OutputLocation": "s3://b/elsewhere/1.csv"}},
        {"Status": {"State": "FAILED", "CompletionDateTime": time.time()}},
        {"_reused": True},
    ],
)
def test_another_question_s_result_is_not_taken(known: dict[str, dict[str, Any]], other: dict[str, Any]) -> None:
    known["one"] = execution(**other)

    assert reuse.previous(execution(minutes_ago=0), WANTED, SQL) is None


@pytest.mark.parametrize(
    ("sql", "taken"),
    [
        ("SELECT rand() AS x", False),
        ("SELECT current_date AS x", False),
        ("SELECT x FROM t LIMIT 3", False),
        ("SELECT x FROM t ORDER BY x LIMIT 3", True),
        ("SELECT 'now()' AS x", True),
    ],
)
def test_what_answers_differently_every_time_runs(known: dict[str, dict[str, Any]], sql: str, taken: bool) -> None:
    known["one"] = execution(sql)

    assert (reuse.previous(execution(sql, 0), WANTED, sql) is not None) is taken


class Engine:
    """Knows what of a few texts is an expression."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def rows(self, sql: str, user: str) -> list[list[Any]]:
        value = sql.split("\n")[1]
        self.asked.append(value)
        wrong = {"abc def": "SYNTAX_ERROR", "Midrand": "COLUMN_NOT_FOUND", "nope(1)": "FUNCTION_NOT_FOUND"}
        if value in wrong:
            raise EngineError(wrong[value], "USER_ERROR", "no")
        return [[True]]


def test_a_parameter_is_an_expression_or_a_text() -> None:
    engine: Any = Engine()
    given = ["1", "-2.5", "'it''s'", "DATE '2020-01-01'", "1 + 1", "abc def", "Midrand", "nope(1)", "1, 2 -- x"]

    assert classified(engine, "me", given) == [
        "1", "-2.5", "'it''s'", "DATE '2020-01-01'", "(\n1 + 1\n)", "'abc def'", "'Midrand'", "(\nnope(1)\n)",
        "(\n1, 2 -- x\n)",
    ]  # fmt: skip
    assert engine.asked == ["1 + 1", "abc def", "Midrand", "nope(1)", "1, 2 -- x"]


def test_question_marks_in_texts_and_comments_wait_for_nothing() -> None:
    assert placeholders("SELECT ?, '?', \"?\" -- ?\n + ? /* ? */") == 2
