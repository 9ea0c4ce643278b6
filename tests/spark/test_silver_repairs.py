"""Quarantine as a workplace: a repaired file settles what waited, taking it back lets it wait again, in any order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lake.manifest import RELOAD, RETRACT
from tests.spark.silver_support import HEADER, SilverLake, order

pytestmark = pytest.mark.spark
WAITS = ("source_file", "source_row")
STANDS = ("order_id", "area", "source_file", "source_row")


@pytest.fixture
def lake(spark, tmp_path):
    return SilverLake(spark, tmp_path)


def counts(outcome):
    return {name: value for name, value in outcome.counts.items() if value}


def repaired(lake, name, *rows, at):
    """A file that comes back, its columns in another order. rows: (file, version, row, order)."""
    lines = [
        ";".join(["LAKE source row", "lake_reasons", "Lake_Source_File", "lake_source_version", *HEADER.split(",")])
    ]
    lines += [";".join([str(row), "see above", file, version, *text.split(",")]) for file, version, row, text in rows]
    return lake.file(name, "\n".join(lines) + "\n", at)


def test_a_repaired_file_settles_rows_and_taking_it_back_lets_them_wait_again(lake):
    first = lake.orders("a.csv", order(1), order(2, delivery="soon"), order(3, day="?"), order(4, time="x"), at=1)
    lake.run(first, lake.orders("late.csv", order(2, area="B"), at=3))
    repair = repaired(
        lake,
        "fixed.csv",
        ("a.csv", "v1", "2.0", order(2, area="C", stylist="'=Cy")),  # 2.0: as a spreadsheet may write it
        ("a.csv", "v1", 3, order(3, area="C", stylist="'-5+1")),
        ("a.csv", "v1", 4, order(4, time="still wrong")),
        ("", "", "", order(5)),
        ("no such file", "v1", 1, order(6)),
        at=5,
    )

    result = lake.run(repair)

    assert counts(result.files[0]) == {"rows_in": 5, "inserted": 3, "superseded": 1, "quarantined": 1}
    assert result.files[0].findings == ("it repairs 2 rows that waited in quarantine",)
    assert lake.rows(*WAITS, of="quarantine") == [("fixed.csv", 3)]  # one entry for record 4, not two
    assert [lake.row(n).stylist for n in (3, 2)] == ["-5+1", "Cy"]
    assert (lake.row(2).area, lake.row(2).source_file) == ("B", "late.csv")  # what was said since a.csv stays newer
    assert lake.row(3).repairs.asDict(recursive=True)["source_row"] == 3
    assert lake.row(5).repairs is lake.row(6).repairs is None

    back = lake.run(replace(repair, action=RETRACT))

    assert back.files[0].state == "RETRACTED"
    assert lake.rows(*WAITS, of="quarantine") == [("a.csv", 2), ("a.csv", 3), ("a.csv", 4)]
    assert lake.rows("order_id") == [("1",), ("2",)]
    assert lake.table("quarantine_history").count() == 0

    second = repaired(lake, "again.csv", ("a.csv", "v1", 4, order(4, area="D")), ("a.csv", "v1", 3, order(3)), at=6)
    lake.run(second, replace(repair, action=RELOAD))

    assert lake.rows(*WAITS, of="quarantine") == []
    assert [lake.row(n).area for n in (2, 3, 4)] == ["B", "A", "D"]
    stood = lake.rows(*STANDS)

    result = lake.run(repair, second, lake.orders("late.csv", order(2, area="B"), at=3), first, rebuild=1)

    assert all(outcome.adds_up for outcome in result.files)
    assert lake.rows(*WAITS, of="quarantine") == []
    assert lake.rows(*STANDS) == stood


def test_after_a_change_of_contract_a_file_read_again_loses_what_now_passes(lake):
    orders = lake.contracts["orders"]
    strict = replace(orders.field("delivery_minutes"), maximum=60)
    changed = tuple(strict if field.name == strict.name else field for field in orders.fields)
    lake.contracts["orders"] = replace(orders, fields=changed)
    file = lake.orders("a.csv", order(1), order(2, delivery="75"), order(3, delivery="soon"))
    before = lake.run(file)
    lake.contracts["orders"] = orders

    result = lake.run(replace(file, action=RELOAD))

    assert counts(before.files[0]) == {"rows_in": 3, "inserted": 1, "quarantined": 2}
    assert {n: v for n, v in counts(result.files[0]).items() if n != "flagged"} == {
        "rows_in": 3,
        "inserted": 2,
        "quarantined": 1,
    }
    assert lake.rows(*WAITS, of="quarantine") == [("a.csv", 3)]
    assert lake.rows("order_id") == [("1",), ("2",)]
