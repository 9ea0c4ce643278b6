"""Customer ids as keyed hashes: silver holds no plain one, equal ids still meet, and plans tell no key."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
from dataclasses import replace

import pytest

from lake.manifest import Manifest
from lake.pseudonyms import pads, pseudonym
from lake.silver.reading import read_batch
from tests.feeds import customers_csv, with_customers
from tests.spark.silver_support import HEADER, SECRET, SilverLake, order

pytestmark = pytest.mark.spark


@pytest.fixture
def lake(spark, tmp_path):
    return SilverLake(spark, tmp_path)


def hidden(value):
    return pseudonym(SECRET, value)


def with_ids(*rows):
    """rows: (order number, customer's cell)."""
    return "\n".join([f"{HEADER},Customer", *(f"{order(number)},{cell}" for number, cell in rows)]) + "\n"


def test_equal_ids_have_equal_hashes_in_all_files_and_nothing_stays_nothing(lake):
    first = lake.file("a.csv", with_ids((1, "C-1"), (2, " C-1\u00a0"), (3, "Zoë 漢"), (4, ""), (5, "n/a")), at=1)
    second = lake.file("b.csv", with_ids((6, "C-1"), (7, "c-1")), at=2)

    lake.run(first)
    lake.run(second)

    assert lake.rows("order_id", "customer_id") == [
        ("1", hidden("C-1")), ("2", hidden("C-1")), ("3", hidden("Zoë 漢")), ("4", None), ("5", None),
        ("6", hidden("C-1")), ("7", hidden("c-1")),
    ]  # fmt: skip
    assert len({row[0] for row in lake.rows("customer_id")}) == 4


def test_no_table_but_quarantine_holds_the_plain_id(lake):
    rows = [(1, "C-77"), (1, "C-78"), (2, "C-79")]
    lake.run(lake.file("a.csv", with_ids(*rows, ("", "C-80")), at=1))
    lake.run(lake.file("b.csv", with_ids(*rows), at=2))

    for table in ("orders", "orders_history", "file_loads"):
        text = str(lake.table(table).collect())
        assert "C-7" not in text, table
        assert "C-80" not in text, table
    assert hidden("C-79") in str(lake.table("orders_history").collect())
    assert [row.raw_row for row in lake.table("quarantine").collect()] == [f"{order('')},C-80"]


def test_a_row_that_was_repaired_is_hashed_once(lake):
    lake.run(lake.file("a.csv", with_ids((1, "=C-9"), (2, "C-9")).replace("30.0,250", "soon,250", 1), at=1))
    assert lake.rows("order_id", "customer_id") == [("2", hidden("C-9"))]
    mended = f"{HEADER},Customer,lake_source_file,lake_source_version,lake_source_row\n{order(1)},'=C-9,a.csv,v1,1\n"

    lake.run(lake.file("mended.csv", mended, at=2))

    assert lake.rows("order_id", "customer_id") == [("1", hidden("=C-9")), ("2", hidden("C-9"))]
    assert lake.table("quarantine").count() == 0


def test_a_customer_has_one_hash_in_every_feed_that_hides_it(lake, tmp_path):
    (tmp_path / "contracts").mkdir()
    lake.contracts = with_customers(tmp_path / "contracts")
    club = lake.contracts["customers"]
    secretive = tuple(replace(one, pseudonymise="keyed-hash" if one.key else "none") for one in club.fields)
    lake.contracts["customers"] = replace(club, fields=secretive)

    lake.run(
        lake.file("a.csv", customers_csv("C-1;Zoë;05/03/2018;12;yes")),
        lake.file("b.csv", with_ids((1, "C-1"))),
    )

    assert lake.rows("customer_id", of="customers") == lake.rows("customer_id") == [(hidden("C-1"),)]


def test_a_plan_does_not_tell_the_key(lake, spark):
    file = lake.file("a.csv", with_ids((1, "C-1")))
    manifest = Manifest("b", 1, "2026-11-01T12:00:00Z", (file,))
    batch = read_batch(
        spark, lake.contracts["orders"], [file], manifest, dt.datetime.now(dt.UTC), secret=lambda: SECRET
    )

    with contextlib.redirect_stdout(io.StringIO()) as out:
        batch.explain("extended")

    plan = out.getvalue()
    assert "inner_pad" in plan
    for secret in (SECRET, *pads(SECRET)):
        for shown in (secret.decode("latin-1"), secret.hex(), secret[:8].hex(" "), str(list(secret))[1:40]):
            assert shown.lower() not in plan.lower()
