"""What becomes of one row: its types, its spellings, its flags, or its place in quarantine with every reason."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal

import openpyxl
import pytest

from lake.pseudonyms import pseudonym
from tests.spark.silver_support import HEADER, SECRET, SilverLake, order

pytestmark = pytest.mark.spark


@pytest.fixture
def lake(spark, tmp_path):
    return SilverLake(spark, tmp_path)


def test_a_row_of_the_shops_export_is_typed_and_keeps_its_lineage(lake):
    lake.run(lake.orders("a.csv", order(1), order(" 007 ", complaint="Yes", reason="late Delivery"), at=3), batch="b-1")

    first, second = lake.row("1"), lake.row("007")
    assert first.ordered_at == dt.datetime(2018, 3, 5, 18, 30, 5)
    assert (first.order_date, first.order_hour) == (dt.date(2018, 3, 5), 18)
    assert (first.delivery_minutes, first.oven_temp_c) == (Decimal("30.00"), Decimal("250.50"))
    assert (first.is_complaint, first.complaint_reason, first.customer_id) == (False, None, None)
    assert (first.deliverer, first.flags) == ("Na", [])
    assert (first.source_file, first.source_version, first.source_row, first.batch_id) == ("a.csv", "v3", 1, "b-1")
    assert first.object_time == dt.datetime(2026, 11, 1, 5, 0)
    now = dt.datetime.now(dt.timezone(dt.timedelta(hours=2))).replace(tzinfo=None)
    assert abs(first.loaded_at - now) < dt.timedelta(minutes=10)
    assert (second.is_complaint, second.complaint_reason, second.source_row) == (True, "Late delivery", 2)


def test_spellings_are_folded_as_the_contract_says_and_only_so(lake):
    lake.run(
        lake.orders(
            "a.csv",
            order(1, mode="phone", size=" LARGE ", area="e", complaint="YES", reason="  wrong   TOPPING "),
            order(2, boxer="Bongni", complaint="N", mode="EMAIL"),
            order(3, complaint="", reason=""),
            order(4, area="Е", complaint="y", reason="Too Doughy"),
        )
    )

    assert lake.rows("order_mode", "size", "area", "is_complaint", "complaint_reason", "boxer") == [
        ("Email", "Large", "A", False, None, "Bongni"),
        ("Phone", "Large", "A", None, None, "Eve"),
        ("Phone", "Large", "E", True, "Too doughy", "Eve"),
        ("Phone", "Large", "E", True, "Wrong topping", "Eve"),
    ]
    assert lake.row(4).flags == ["area 'Е' has look-alike letters, read as E"]
    assert lake.row(1).flags == lake.row(2).flags == lake.row(3).flags == []


def test_unknown_categories_and_doubtful_values_keep_their_row_and_are_flagged(lake):
    result = lake.run(
        lake.orders(
            "a.csv",
            order(1, area="Q"),
            order(2, complaint="yes", reason="cold  PIZZA"),
            order(3, complaint="yes"),
            order(4, reason="Wrong size"),
            order(5, total="50.0"),
            order(6, delivery="200", total="212.0"),
            order(7, day="05/03/2031"),
            order(8, total="42.1"),
        )
    )

    flags = {row.order_id: row.flags for row in lake.table().collect()}
    assert lake.row(2).complaint_reason == "Cold pizza"
    assert flags == {
        "1": ["area 'Q' is not one of A, B, C, D, E"],
        "2": ["complaint_reason 'cold  PIZZA' is not one of Late delivery, Too doughy, Wrong topping, Wrong size"],
        "3": ["a complaint without a reason"],
        "4": ["a complaint reason without a complaint"],
        "5": ["order_to_door_minutes differs from the sum of its stages by more than 0.15 minutes"],
        "6": ["delivery_minutes '200' is outside the usual 0 to 180 minutes"],
        "7": ["ordered more than a day after its file was written"],
        "8": [],
    }
    assert result.files[0].flagged == 7


def test_a_bad_row_goes_to_quarantine_as_it_came_with_every_reason(lake):
    bad = order("", day="31/02/2018", time="noon", delivery="-3", total="abc", complaint="maybe", mode='"a,b"')
    result = lake.run(
        lake.orders(
            "a.csv",
            order(1),
            bad,
            order(3, day=""),
            order(4, cooking="99999999999"),
            order(5, temperature="NaN", boxing="1,5"),
            order(6),
            order("x" * 101),
            order(8, day="01/01/1899"),
            order(9, total="-", receipt="n/a"),
            order(10)[:40],
        )
    )

    quarantine = {row.source_row: row for row in lake.table("quarantine").collect()}
    assert result.files[0].quarantined == len(quarantine) == 7
    assert [row[0] for row in lake.rows("order_id")] == ["1", "6", "9"]
    assert quarantine[2].raw_row == bad
    assert (quarantine[2].contract, quarantine[2].source_file) == ("orders", "a.csv")
    assert quarantine[2].reasons == [
        "order_id is missing",
        "order_time 'noon' is not a time (H:mm:ss or H:mm)",
        "order_date '31/02/2018' is not a date (d/M/yyyy or yyyy-MM-dd)",
        "delivery_minutes '-3' is below 0",
        "order_to_door_minutes 'abc' is not a number",
        "is_complaint 'maybe' is not one of yes, y, true, 1, no, n, false, 0",
    ]
    assert quarantine[3].reasons == ["order_date is missing"]
    assert quarantine[4].reasons == ["cooking_minutes '99999999999' is too large: at most 9999999.99 fits"]
    assert quarantine[5].reasons == ["has 23 columns, expected 22"]
    assert quarantine[7].reasons[0].endswith("is longer than 100 characters")
    assert quarantine[8].reasons == ["order_date '01/01/1899' is below 2000-01-01"]
    assert quarantine[10].reasons[0].startswith("has ")


def test_dates_are_day_first_and_iso_is_not_mistaken(lake):
    lake.run(
        lake.orders(
            "a.csv",
            order(1, day="05/03/2018", time="0:05"),
            order(2, day="2018-03-05", time="8:30:00"),
            order(3, day="5/3/2018"),
            order(4, day="13/12/2018"),
            order(5, day="12/13/2018"),
        )
    )

    assert lake.rows("order_id", "order_date", "order_hour") == [
        ("1", dt.date(2018, 3, 5), 0),
        ("2", dt.date(2018, 3, 5), 8),
        ("3", dt.date(2018, 3, 5), 18),
        ("4", dt.date(2018, 12, 13), 18),
    ]


SECOND_ROW = {
    "order_id": "A-1", "order_date": "2018-05-01", "order_time": "19:05", "order_mode": "App", "order_taker": "Ann",
    "dough_prep_staff": "Ben", "stylist": "Cy", "oven_operator": "Dee", "boxer": "Eve", "delivery_driver": "Na",
    "dough_prep_time": 3.3, "styling_time": 0.5, "oven_time": 7.25, "boxing_time": 0.5, "oven_temperature": 250,
    "delivery_area": "B", "delivery_duration": 31.456, "complaint": "Yes", "complaint_reason": "wrong size",
}  # fmt: skip


def test_the_second_layout_loads_by_aliases_as_csv_and_as_a_workbook(lake):
    book = openpyxl.Workbook()
    book.active.append([name.upper() for name in SECOND_ROW])
    book.active.append(["A-2", dt.datetime(2018, 5, 1), dt.time(19, 5), *list(SECOND_ROW.values())[3:]])
    content = io.BytesIO()
    book.save(content)
    csv = ",".join(SECOND_ROW) + "\n" + ",".join(map(str, SECOND_ROW.values())) + "\n"

    result = lake.run(lake.file("new.csv", csv), lake.file("new.xlsx", content.getvalue()))

    assert [(outcome.state, outcome.inserted) for outcome in result.files] == [("LOADED", 1), ("LOADED", 1)]
    first, second = (row.asDict() for row in sorted(lake.table().collect(), key=lambda row: row.order_id))
    lineage = ("order_id", "source_file")
    assert {**first, **dict.fromkeys(lineage)} == {**second, **dict.fromkeys(lineage)}
    assert first["delivery_minutes"] == Decimal("31.46")
    assert (first["dough_prep"], first["oven"], first["deliverer"], first["area"]) == ("Ben", "Dee", "Na", "B")
    assert (first["cooking_minutes"], first["base_prep_minutes"]) == (Decimal("7.25"), Decimal("3.30"))
    assert (first["size"], first["receipt_minutes"], first["order_to_door_minutes"]) == (None, None, None)
    assert (first["is_complaint"], first["complaint_reason"], first["flags"]) == (True, "Wrong size", [])


def test_an_unknown_column_is_told_and_a_customer_is_taken(lake):
    text = f"{HEADER},Customer,Weather,\n{order(1)},c-9,rain,\n{order(2)},, ,odd\n{order(3)},,,\n"

    result = lake.run(lake.file("a.csv", text))

    assert result.files[0].findings == ("columns that the contract does not know: Weather",)
    assert lake.row(1).customer_id == pseudonym(SECRET, "c-9")
    assert lake.rows("findings", of="file_loads") == [(["columns that the contract does not know: Weather"],)]
    assert lake.rows("order_id", "unmapped") == [("1", {"Weather": "rain"}), ("2", {"column 25": "odd"}), ("3", None)]


def test_a_lake_made_before_extra_columns_were_kept_goes_on(lake, spark):
    lake.run(lake.orders("a.csv", order(1), order(2), at=1))
    for table in ("orders", "orders_history"):
        spark.sql(f"ALTER TABLE glue_catalog.{lake.database}.{table} DROP COLUMN unmapped")

    result = lake.run(lake.file("b.csv", f"{HEADER},Weather\n{order(1, area='B')},rain\n{order(2)},sun\n", at=2))
    lake.run(lake.file("c.csv", f"{HEADER},Weather\n{order(1, area='C')},hail\n", at=3))

    assert (result.files[0].updated, result.files[0].unchanged) == (1, 1)
    assert lake.rows("order_id", "area", "unmapped") == [("1", "C", {"Weather": "hail"}), ("2", "A", None)]
    past = lake.rows("order_id", "fate", "unmapped", of="orders_history")
    assert past == [
        ("1", "replaced", None),
        ("1", "replaced", {"Weather": "rain"}),
        ("2", "unchanged", {"Weather": "sun"}),
    ]
