"""One value at a time: what people and systems write into a cell, and what silver makes of it.

All records of the table below are one file of one run; what is expected of each stands beside it.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lake.contracts import Field, load_contracts
from lake.silver import numbers
from tests.spark.silver_support import HEADER, ROW, SilverLake

pytestmark = pytest.mark.spark

D = Decimal
UNSEEN, DIFFER = "held characters that nobody sees; they were left out", " tell different moments"


def at(text):
    return dt.datetime.fromisoformat(text)


# (what is changed in a good record, what silver holds of it) or (..., the reasons for its place in quarantine)
READ = [
    # ---- numbers and units
    ({"delivery": "12 min"}, {"delivery_minutes": D("12.00")}),
    ({"delivery": "12.5 mins"}, {"delivery_minutes": D("12.50")}),
    ({"delivery": "12,5 Minutes"}, {"delivery_minutes": D("12.50")}),
    ({"delivery": "7m"}, {"delivery_minutes": D("7.00")}),
    ({"delivery": " 7.25\u00a0min. "}, {"delivery_minutes": D("7.25")}),
    ({"delivery": "１２．５"}, {"delivery_minutes": D("12.50")}),
    ({"delivery": "1 234,5"}, {"delivery_minutes": D("1234.50")}),
    ({"delivery": "1\u202f234,5"}, {"delivery_minutes": D("1234.50")}),
    ({"delivery": "1,234.5"}, {"delivery_minutes": D("1234.50")}),
    ({"delivery": "0,250"}, {"delivery_minutes": D("0.25")}),
    ({"delivery": "31.456"}, {"delivery_minutes": D("31.46")}),
    ({"delivery": "+31"}, {"delivery_minutes": D("31.00")}),
    ({"delivery": "0031.50"}, {"delivery_minutes": D("31.50")}),
    ({"delivery": ".5"}, {"delivery_minutes": D("0.50")}),
    ({"delivery": "-0"}, {"delivery_minutes": D("0.00")}),
    ({"delivery": "\u2212"}, {"delivery_minutes": None}),
    ({"delivery": "–"}, {"delivery_minutes": None}),
    ({"delivery": "#N/A"}, {"delivery_minutes": None}),
    ({"delivery": "None"}, {"delivery_minutes": None}),
    ({"delivery": "\u200b12\ufeff"}, {"delivery_minutes": D("12.00")}),
    ({"temperature": "289 °C"}, {"oven_temp_c": D("289.00")}),
    ({"temperature": "289ºC"}, {"oven_temp_c": D("289.00")}),
    ({"temperature": "289 ℃"}, {"oven_temp_c": D("289.00")}),
    ({"temperature": "289,5 c"}, {"oven_temp_c": D("289.50")}),
    ({"temperature": "289°"}, {"oven_temp_c": D("289.00")}),
    # ---- dates and times
    ({"day": "5.3.2018"}, {"order_date": dt.date(2018, 3, 5)}),
    ({"day": "05-03-2018"}, {"order_date": dt.date(2018, 3, 5)}),
    ({"day": "5 Mar 2018"}, {"order_date": dt.date(2018, 3, 5)}),
    ({"day": "5 march 2018"}, {"order_date": dt.date(2018, 3, 5)}),
    ({"day": "2018/03/05"}, {"order_date": dt.date(2018, 3, 5)}),
    ({"day": "43164"}, {"ordered_at": at("2018-03-05 18:30:05")}),
    ({"day": "43164.75", "time": ""}, {"ordered_at": at("2018-03-05 18:00:00")}),
    ({"day": "０５/０３/２０１８"}, {"order_date": dt.date(2018, 3, 5)}),
    ({"day": "2018-03-05 00:00:00"}, {"ordered_at": at("2018-03-05 18:30:05")}),
    ({"day": "05/03/2018 18:30", "time": ""}, {"ordered_at": at("2018-03-05 18:30:00"), "order_hour": 18}),
    ({"day": "05/03/2018 6:30 pm", "time": "-"}, {"ordered_at": at("2018-03-05 18:30:00")}),
    ({"day": "2018-03-05T18:30:05", "time": "18:30:05"}, {"ordered_at": at("2018-03-05 18:30:05")}),
    ({"day": "2018-03-05T18:30:00+00:00", "time": ""}, {"ordered_at": at("2018-03-05 20:30:00"), "order_hour": 20}),
    ({"day": "2018-03-05T22:30:00Z", "time": "22:30"}, {"ordered_at": at("2018-03-06 00:30:00"),
                                                     "order_date": dt.date(2018, 3, 6), "order_hour": 0}),
    ({"day": "2018-03-05 18:30:05.123456+0200", "time": ""}, {"ordered_at": at("2018-03-05 18:30:05")}),
    ({"day": "2018-03-05T18:30:00-02", "time": ""}, {"ordered_at": at("2018-03-05 22:30:00")}),
    ({"time": "18:30:00+00:00"}, {"ordered_at": at("2018-03-05 20:30:00")}),
    ({"time": "23:30Z"}, {"ordered_at": at("2018-03-06 01:30:00"), "order_date": dt.date(2018, 3, 6)}),
    ({"time": "2018-03-05T18:30:00+02:00"}, {"ordered_at": at("2018-03-05 18:30:00")}),
    ({"time": "1899-12-30 18:30:00"}, {"ordered_at": at("2018-03-05 18:30:00")}),
    ({"day": "", "time": "2018-03-05 18:30"}, {"ordered_at": at("2018-03-05 18:30:00")}),
    ({"time": "8:30:00"}, {"order_hour": 8}),
    ({"time": "8:30 PM"}, {"ordered_at": at("2018-03-05 20:30:00")}),
    ({"time": "8:30pm"}, {"ordered_at": at("2018-03-05 20:30:00")}),
    ({"time": "08:30:15 p.m."}, {"ordered_at": at("2018-03-05 20:30:15")}),
    ({"time": "12:05 am"}, {"ordered_at": at("2018-03-05 00:05:00")}),
    ({"time": "8 pm"}, {"ordered_at": at("2018-03-05 20:00:00")}),
    ({"time": "18h30"}, {"ordered_at": at("2018-03-05 18:30:00")}),
    ({"time": "18:30:05.250"}, {"ordered_at": at("2018-03-05 18:30:05")}),
    ({"time": "0.770833333"}, {"ordered_at": at("2018-03-05 18:30:00")}),
    ({"time": "24:00"}, {"ordered_at": at("2018-03-06 00:00:00"), "order_date": dt.date(2018, 3, 6), "order_hour": 0}),
    ({"day": "31/12/2018", "time": "24:00:00"}, {"ordered_at": at("2019-01-01 00:00:00")}),
    ({"day": "2018-03-05 00:00:00", "time": "24:00"}, {"ordered_at": at("2018-03-06 00:00:00")}),
    # ---- texts
    ({"driver": "Na"}, {"deliverer": "Na", "flags": []}),
    ({"driver": "None"}, {"deliverer": "None"}),
    ({"driver": "Null"}, {"deliverer": "Null"}),
    ({"driver": "N/A"}, {"deliverer": None}),
    ({"driver": "Zo\u00eb\u00a0Dlamini"}, {"deliverer": "Zo\u00eb Dlamini", "flags": []}),
    ({"driver": "Ko\x00ne\x07"}, {"deliverer": "Kone", "flags": [UNSEEN]}),
    ({"driver": "=HYPERLINK(\"\"x\"\")", "quote": "driver"}, {"deliverer": '=HYPERLINK("x")'}),
    ({"driver": "@SUM(1+1)"}, {"deliverer": "@SUM(1+1)"}),
    ({"driver": "Мария"}, {"deliverer": "Мария", "flags": []}),
    ({"area": "Ｅ"}, {"area": "E", "flags": ["area 'Ｅ' has look-alike letters, read as E"]}),
    ({"mode": "Рhone"}, {"order_mode": "Phone", "flags": ["order_mode 'Рhone' has look-alike letters, read as Phone"]}),
    ({"area": "e\u00a0"}, {"area": "E", "flags": []}),
    ({"area": "Ж"}, {"area": "Ж", "flags": ["area 'Ж' is not one of A, B, C, D, E"]}),
    ({"complaint": "Y", "reason": "TOO\u00a0\u00a0doughy"}, {"is_complaint": True, "complaint_reason": "Too doughy"}),
    ({"complaint": "ｙｅｓ", "reason": "Late delivery"}, {"is_complaint": True}),
]  # fmt: skip
REFUSED = [
    ({"delivery": "1,234"}, ["delivery_minutes '1,234' may mean 1.234 or 1234: write it without separators"]),
    ({"delivery": "1.234,5"}, ["delivery_minutes '1.234,5' is not a number"]),
    ({"delivery": "45 s"}, ["delivery_minutes '45 s' has the unit s, expected minutes"]),
    ({"delivery": "45 sec"}, ["delivery_minutes '45 sec' has the unit sec, expected minutes"]),
    ({"delivery": "1h 5m"}, ["delivery_minutes '1h 5m' has the unit h 5m, expected minutes"]),
    ({"delivery": "0:45"}, ["delivery_minutes '0:45' has the unit :45, expected minutes"]),
    ({"temperature": "480 °F"}, ["oven_temp_c '480 °F' has the unit °F, expected °C"]),
    ({"temperature": "560K"}, ["oven_temp_c '560K' has the unit K, expected °C"]),
    ({"delivery": "1e1"}, ["delivery_minutes '1e1' is written with an exponent: write the number out"]),
    ({"delivery": "NaN"}, ["delivery_minutes 'NaN' is not a number"]),
    ({"delivery": "Infinity"}, ["delivery_minutes 'Infinity' is not a number"]),
    ({"delivery": "R 12"}, ["delivery_minutes 'R 12' is not a number"]),
    ({"delivery": "thirty"}, ["delivery_minutes 'thirty' is not a number"]),
    ({"delivery": "12 34"}, ["delivery_minutes '12 34' is not a number"]),
    ({"delivery": "−5"}, ["delivery_minutes '-5' is below 0"]),
    ({"delivery": "-0.001"}, ["delivery_minutes '-0.001' is below 0"]),
    ({"delivery": "1441"}, ["delivery_minutes '1441' is above 1440"]),
    ({"delivery": "123456789.5"}, ["delivery_minutes '123456789.5' is too large: at most 9999999.99 fits"]),
    ({"delivery": "9" * 3000}, [f"delivery_minutes '{'9' * 60}' is not a number"]),
    ({"day": "05/03/2018 19:30"}, ["order_date '05/03/2018 19:30' and order_time '18:30:05'" + DIFFER]),
    ({"time": "2018-03-09 18:30"}, ["order_date '05/03/2018' and order_time '2018-03-09 18:30'" + DIFFER]),
    ({"day": "05/03/18"}, ["order_date '05/03/18' is not a date (d/M/yyyy or yyyy-MM-dd)"]),
    ({"day": "03/13/2018"}, ["order_date '03/13/2018' is not a date (d/M/yyyy or yyyy-MM-dd)"]),
    ({"day": "1"}, ["order_date '1' is not a date (d/M/yyyy or yyyy-MM-dd)"]),
    ({"day": "05/03/2018", "time": ""}, ["order_time is missing"]),
    ({"day": "2018-03-05 00:00:00", "time": ""}, ["order_time is missing"]),
    ({"time": "24:01"}, ["order_time '24:01' is not a time (H:mm:ss or H:mm)"]),
    ({"time": "25:10"}, ["order_time '25:10' is not a time (H:mm:ss or H:mm)"]),
    ({"time": "13:30 PM"}, ["order_time '13:30 PM' is not a time (H:mm:ss or H:mm)"]),
    ({"time": "half past six"}, ["order_time 'half past six' is not a time (H:mm:ss or H:mm)"]),
    ({"day": "soon", "time": "18:30Z"}, ["order_time '18:30Z' is not a time (H:mm:ss or H:mm)",
                                        "order_date 'soon' is not a date (d/M/yyyy or yyyy-MM-dd)"]),
    ({"driver": "x" * 301}, [f"deliverer '{'x' * 60}' is longer than 300 characters"]),
    ({"complaint": "perhaps"}, ["is_complaint 'perhaps' is not one of yes, y, true, 1, no, n, false, 0"]),
]  # fmt: skip


def record(number, changes):
    values = {**ROW, **{name: value for name, value in changes.items() if name != "quote"}}
    return ",".join([str(number), *(f'"{v}"' if "," in v or '"' in v else v for v in values.values())])


PIECES = st.one_of(
    st.from_regex(r"[+-]?[0-9]{1,4}([.,][0-9]{1,4})?", fullmatch=True),
    st.from_regex(r"[0-9]{1,3}([ ,][0-9]{3}){1,2}([.,][0-9]{1,2})?", fullmatch=True),
    st.from_regex(r"[0-9]{1,2}([.,][0-9])? ?(min|mins|MINUTES|m|s|h|%|x)", fullmatch=True),
    st.text("0123456789.,- eE+minhs°", min_size=1, max_size=9),
)


def meanings(text):
    """What a text may mean as minutes, by plain Python: the declared unit off, then every way of writing it."""
    text = text.strip(" ")
    for unit in sorted(("minutes", "minute", "mins", "mins.", "min", "min.", "m"), key=len, reverse=True):
        if text.lower().endswith(unit) and text[: -len(unit)].strip(" ")[-1:] in tuple("0123456789.,"):
            text = text[: -len(unit)].rstrip(" ")
            break
    sign, digits = (text[:1], text[1:]) if text[:1] in ("+", "-") else ("", text)
    found = set()
    for decimal in ".,":
        for thousands in ("", ",", " "):
            whole, _, fraction = digits.partition(decimal)
            if thousands == decimal or (fraction and not fraction.isdigit()):
                continue
            groups = whole.split(thousands) if thousands else [whole]
            grouped = len(groups) > 1 and len(groups[0]) in (1, 2, 3) and groups[0][0] != "0"
            if thousands and not (grouped and all(len(group) == 3 for group in groups[1:])):
                continue
            number = "".join(groups)
            if (number.isdigit() or (not number and fraction)) and number.isascii() and fraction.isascii():
                found.add(Decimal(f"{sign}{number or '0'}.{fraction or '0'}"))
    return found


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(texts=st.lists(PIECES, min_size=400, max_size=400, unique=True))
def test_numbers_are_read_as_plain_python_reads_them_by_the_contract(spark, texts):
    field = load_contracts()["orders"].field("delivery_minutes")
    texts = [text.strip() for text in texts if text.strip()]
    frame = spark.createDataFrame([(text,) for text in texts], "x string")

    read = {row.x: row.n for row in frame.selectExpr("x", f"{numbers.number(field, 'x')} AS n").collect()}

    for text in texts:
        found = meanings(text)
        one = next(iter(found)) if len(found) == 1 else None
        rounded = one.quantize(Decimal("0.01"), ROUND_HALF_UP) if one is not None else None
        assert read[text] == (None if rounded is not None and abs(rounded) >= 10**7 else rounded), (text, found)


AMOUNT = Field("price", "number", "decimal(9,2)", thousands=(",", " "), currency_signs=("R", "ZAR", "$"))
GERMAN = Field("price", "number", "decimal(9,2)", decimals=(",",), thousands=(".",), unit="km", unit_spellings=("km",))
PIECES_SOLD = Field("sold", "integer", "bigint", thousands=(",",))


@pytest.mark.parametrize(
    ("field", "cases"),
    [
        (AMOUNT, {"R1,000.50": "1000.50", "-R 12": "-12.00", "12.5 ZAR": "12.50", "$ 7": "7.00",
                  "€7": "is not a number", "1,00": "is not a number", "12,345": "12345.00", "zar1 000": "1000.00"}),
        (GERMAN, {"1.234,5": "1234.50", "1.234": "1234.00", "1,5 km": "1.50", "1.5": "is not a number",
                  "3 mi": "has the unit mi, expected km"}),
        (PIECES_SOLD, {"1,234": "1234", "12.0": "12", "12.5": "is not a whole number", "9" * 25: "is too large"}),
    ],
    ids=["money", "comma", "whole"],
)  # fmt: skip
def test_every_contract_has_its_own_way_of_writing_numbers(spark, field, cases):
    frame = spark.createDataFrame([(text,) for text in cases], "x string")
    said = f"coalesce(CAST({numbers.number(field, 'x')} AS string), {numbers.trouble(field, 'x')})"

    read = {row.x: row.said for row in frame.selectExpr("x", f"{said} AS said").collect()}

    assert read == cases


@pytest.fixture(scope="module")
def loaded(spark, tmp_path_factory):
    lake = SilverLake(spark, tmp_path_factory.mktemp("values"))
    lake.contracts["orders"] = lake.contracts["orders"].__class__(
        **{**vars(lake.contracts["orders"]), "quarantine_threshold": 1.0}
    )
    records = [record(f"A{n}", changes) for n, (changes, _) in enumerate([*READ, *REFUSED])]
    outcome = lake.run(lake.file("values.csv", "\n".join([HEADER, *records]) + "\n")).files[0]
    assert (outcome.state, outcome.rows_in) == ("LOADED", len(records))
    rows = {row.order_id: row.asDict() for row in lake.table().collect()}
    bad = {row.source_row: (row.reasons, row.raw_row) for row in lake.table("quarantine").collect()}
    return rows, bad, records


@pytest.mark.parametrize(("place", "changes", "expected"), [(n, *case) for n, case in enumerate(READ)])
def test_a_value_is_read_as_its_contract_declares(loaded, place, changes, expected):
    rows, bad, _ = loaded

    row = rows.get(f"A{place}")
    assert row is not None, bad[place + 1]
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(("place", "changes", "reasons"), [(n, *case) for n, case in enumerate(REFUSED, len(READ))])
def test_a_value_that_is_not_declared_is_set_aside_in_words_as_it_came(loaded, place, changes, reasons):
    rows, bad, records = loaded

    assert f"A{place}" not in rows
    assert bad[place + 1] == (reasons, records[place])
