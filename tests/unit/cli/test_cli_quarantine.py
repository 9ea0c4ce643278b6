"""`lake quarantine`: what waits there, and the csv to repair it in."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.quarantine import kind_of

from .conftest import FakeLake, counts

Run = Callable[..., Any]


def test_quarantine_counts_by_reason(run: Run, lake: FakeLake) -> None:
    columns = [(name, "varchar") for name in ("reason", "rows", "files", "example", "newest_file")]
    columns[1:3] = [("rows", "bigint"), ("files", "bigint")]
    lake.athena.answers["UNNEST(reasons)"] = (
        columns,
        [["order_date ... is not a date", "5", "1", "order_date 31/02 is not a date", "orders/a.csv"]],
    )
    ended = run("quarantine")
    assert ended.out.splitlines() == [
        "reason\trows\tfiles\tfor example\tnewest file\twhat to do",
        "order_date ... is not a date\t5\t1\torder_date 31/02 is not a date\torders/a.csv"
        "\twrite it in one of the forms named",
    ]
    assert run("quarantine", "--json").json[0]["rows"] == 5
    assert lake.athena.asked[0]["QueryExecutionContext"]["Database"] == "jozi_dev_silver"


def test_an_empty_quarantine_is_good_news(run: Run, lake: FakeLake) -> None:
    assert run("quarantine").out == "Nothing is in quarantine.\n"
    assert run("quarantine", "--json").json == []


def test_the_rows_of_a_file_come_with_every_reason_and_its_name_cannot_break_the_statement(
    run: Run, lake: FakeLake
) -> None:
    key = "orders/it's \u00e9.csv"
    lake.add(key, "RECEIVED", "PENDING", "LOADED", counts=counts(inserted=1, quarantined=1))
    columns = [("source_row", "bigint"), ("reasons", "varchar"), ("raw_row", "varchar")]
    lake.athena.answers["orders/it''s \u00e9.csv'"] = (columns, [["8", '["no date","no id"]', "\x1b[31m,x"]])
    ended = run("quarantine", "--file", key)
    assert ended.out.splitlines()[1] == "8\tno date; no id\t\ufffd[31m,x"
    assert run("quarantine", "--file", key, "--json").json == [
        {"source_row": 8, "reasons": ["no date", "no id"], "raw_row": "\x1b[31m,x"}
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("area 'x' is not one of A, B", "area 'it's\n' is not one of A, B"),
        ("has 3 columns, expected 29", "has 31 columns, expected 29"),
        ("it runs over 2 lines: a quote", "it runs over 12 lines: a quote"),
    ],
)
def test_reasons_that_differ_in_a_value_are_of_one_kind(one: str, other: str) -> None:
    assert kind_of(one) == kind_of(other) != one


FACTS = {
    "contract": "orders", "format": "csv", "unmapped": ["Weather"], "unmapped_at": [1],
    "columns": [
        {"index": 0, "source": "No.", "field": "order_id"}, {"index": 2, "source": "Day", "field": "order_date"},
    ],
}  # fmt: skip
WAITING = [(name, "varchar") for name in (
    "source_file", "source_version", "raw_row", "contract", "reasons", "origin_file", "origin_version",
)] + [("source_row", "bigint"), ("origin_row", "bigint")]  # fmt: skip


def waits(lake: FakeLake, *rows: tuple[str, str, str]) -> None:
    """(key, contract, the row as it came): each row waits as record 4 of its file."""
    for key in {key for key, _, _ in rows}:
        lake.add(key, "RECEIVED", "PENDING", "LOADED", counts=counts(quarantined=1), received={"contract": "orders"},
                 facts=json.dumps(FACTS))  # fmt: skip
    lake.athena.answers["origin_row"] = (
        WAITING, [[key, "v1", raw, contract, '["day is missing"]', key, "v1", "4", "4"] for key, contract, raw in rows],
    )  # fmt: skip


def test_an_export_has_the_columns_of_the_file_and_says_where_each_row_belongs(
    run: Run, lake: FakeLake, tmp_path: Path
) -> None:
    waits(lake, ("orders/a.csv", "orders", "=1+1,rain,05/03/2018"))
    out = tmp_path / "mend" / "me.csv"

    ended = run("quarantine", "export", "--file", "orders/a.csv", "--out", str(out))

    assert ended.code == 0
    assert f"Then: `lake drop {out} --wait`" in ended.out
    assert list(csv.DictReader(io.StringIO(out.read_bytes().decode("utf-8-sig")))) == [{
        "lake_reasons": "day is missing", "No.": "'=1+1", "Weather": "rain", "Day": "05/03/2018",
        "lake_source_file": "orders/a.csv", "lake_source_version": "v1", "lake_source_row": "4",
        "lake_row_as_it_came": "",
    }]  # fmt: skip
    assert "origin_file = 'orders/a.csv'" in lake.athena.asked[-1]["QueryString"]


def test_an_export_never_writes_over_rows_that_are_being_mended_and_keeps_feeds_apart(
    run: Run, lake: FakeLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    waits(lake, ("orders/a.csv", "orders", "1,,x"), ("b.csv", "customers", "2,,y"))

    assert run("quarantine", "export", "--out", "all.csv").code == 2
    for _ in range(2):
        assert run("quarantine", "export").code == 0

    names = ["repair-customers-2.csv", "repair-customers.csv", "repair-orders-2.csv", "repair-orders.csv"]
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == names


def test_nothing_to_repair_writes_nothing(run: Run, lake: FakeLake, tmp_path: Path) -> None:
    out = tmp_path / "none.csv"

    assert "nothing to repair" in run("quarantine", "export", "--out", str(out)).out
    assert run("quarantine", "export", "--json").json == []
    assert not out.exists()
    assert run("quarantine", "--file", "x", "export").code == 2
