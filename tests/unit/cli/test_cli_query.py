"""`lake query`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from cli import athena

from .conftest import Ended, FakeLake

Run = Callable[..., Ended]
AREAS = [("area", "varchar"), ("orders", "bigint"), ("rate", "double"), ("minutes", "decimal"), ("good", "boolean")]
ROWS: list[list[str | None]] = [
    ["A", "10", "0.5", "12.30", "true"],
    [None, None, None, None, "false"],
    ["E", "7", "1.0E-5", "1.00", None],
    ['x,"y', "0", "NaN", "0.00", "true"],
]


@pytest.fixture
def asked(lake: FakeLake) -> FakeLake:
    lake.athena.answers["FROM delivery"] = (AREAS, ROWS)
    return lake


def test_a_pipe_gets_csv_and_the_rest_goes_to_standard_error(run: Run, asked: FakeLake) -> None:
    ended = run("query", "SELECT * FROM delivery_performance;")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "area,orders,rate,minutes,good",
        "A,10,0.5,12.30,true",
        ",,,,false",
        "E,7,1.0E-5,1.00,",
        '"x,""y",0,NaN,0.00,true',
    ]
    assert ended.err == "4 rows, 2.5 MB scanned, 0.25 s\n"


def test_it_asks_gold_in_the_stacks_workgroup_unless_told_otherwise(run: Run, asked: FakeLake) -> None:
    run("query", "SELECT 1 FROM delivery")
    run("query", "SELECT 1 FROM delivery", "--database", "silver")
    run("query", "SELECT 1 FROM delivery", "--database", "other_db")
    databases = [request["QueryExecutionContext"]["Database"] for request in asked.athena.asked]
    assert databases == ["jozi_dev_gold", "jozi_dev_silver", "other_db"]
    assert {request["WorkGroup"] for request in asked.athena.asked} == {"jozi-dev"}


def test_json_rows_have_values_of_their_types(run: Run, asked: FakeLake) -> None:
    asked.athena.answers["FROM delivery"] = (AREAS, ROWS[:2])
    assert run("query", "SELECT * FROM delivery", "--json").json == [
        {"area": "A", "orders": 10, "rate": 0.5, "minutes": 12.3, "good": True},
        {"area": None, "orders": None, "rate": None, "minutes": None, "good": False},
    ]


def test_json_holds_what_json_has_no_number_for_and_columns_of_one_name(run: Run, lake: FakeLake) -> None:
    columns = [("id", "bigint"), ("id", "double"), ("id_2", "decimal"), ("id", "decimal")]
    lake.athena.answers["FROM a"] = (columns, [["1", "NaN", "0.1", "12345678901234567890.12"]])
    assert run("query", "SELECT * FROM a JOIN b ON true", "--json").json == [
        {"id": 1, "id_3": "NaN", "id_2": 0.1, "id_4": "12345678901234567890.12"}
    ]


def test_a_wrong_statement_gives_athenas_text_and_1(run: Run, asked: FakeLake) -> None:
    asked.athena.answers = {"nope": "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"}
    ended = run("query", "SELECT nope")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved\n"


def test_show_tables_has_no_header_row_to_skip(run: Run, lake: FakeLake) -> None:
    lake.athena.kind, lake.athena.answers["SHOW"] = "UTILITY", ([("tab_name", "string")], [["a"], ["b"]])
    assert run("query", "SHOW TABLES").out.splitlines() == ["tab_name", "a", "b"]


def test_an_empty_statement_is_wrong_use(run: Run, lake: FakeLake) -> None:
    assert run("query", " ; ").code == 2


def test_a_limit_bounds_what_is_fetched(asked: FakeLake) -> None:
    answer = athena.ask(asked, "SELECT * FROM delivery", limit=2)
    assert (len(answer.rows), answer.more) == (2, True)
    assert answer.rows[0] == ("A", 10, 0.5, Decimal("12.30"), True)
    assert not athena.ask(asked, "SELECT * FROM delivery", limit=4).more


def test_ctrl_c_stops_the_statement_in_athena(asked: FakeLake, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(asked.athena, "get_query_execution", interrupted)
    with pytest.raises(KeyboardInterrupt):
        athena.ask(asked, "SELECT * FROM delivery")
    assert asked.athena.stopped == ["0"]
