"""Customers are counted without anybody seeing who they are."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re

import pytest
from botocore.exceptions import ClientError

from tests.e2e.conftest import Lake
from tests.e2e.orders import TYPICAL
from tests.e2e.test_permissions import as_reader

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

FIRST = [
    ("customer-1", "03/03/2019", "C-100"),
    ("customer-2", "04/03/2019", "C-200"),
    ("customer-3", "05/03/2019", ""),
    ("customer-4", "06/03/2019", "C-100"),
]
SECOND = [("customer-5", "07/04/2019", "C-200"), ("customer-6", "08/04/2019", "C-300")]


def with_customers(orders: list[tuple[str, str, str]]) -> bytes:
    """(number, date, customer) as a csv with a customer column."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [*TYPICAL, "Pizza No.", "Customer No."])
    writer.writeheader()
    for number, date, customer in orders:
        writer.writerow({**TYPICAL, "Pizza No.": number, "Order Date": date, "Customer No.": customer})
    return text.getvalue().encode()


def retention(orders: list[tuple[str, str, str]]) -> list[list[str]]:
    """month, customers, returning customers: from the rows as they were dropped."""
    known = [(dt.datetime.strptime(date, "%d/%m/%Y").date(), who) for _, date, who in orders if who]
    found = []
    for month in sorted({day.replace(day=1) for day, _ in known}):
        here = {(day, who) for day, who in known if day.replace(day=1) == month}
        back = {who for day, who in here if any(earlier < day for earlier, other in known if other == who)}
        found.append([str(month), str(len({who for _, who in here})), str(len(back))])
    return found


def test_silver_has_pseudonyms_that_outlive_a_restart_and_gold_counts_as_before(lake: Lake) -> None:
    assert lake.load("orders/first customers.csv", with_customers(FIRST))["inserted"] == len(FIRST)

    lake.run("down")
    lake.run("up")
    assert lake.load("orders/second customers.csv", with_customers(SECOND))["inserted"] == len(SECOND)

    mine = "order_id like 'customer-%'"
    rows = dict(lake.athena(f"select order_id, customer_id from jozi_dev_silver.orders where {mine}"))
    given = {number: who for number, _, who in FIRST + SECOND}
    assert {number: bool(who) for number, who in rows.items()} == {number: bool(who) for number, who in given.items()}
    hashes = {given[number]: who for number, who in rows.items() if who}
    assert all(re.fullmatch("[0-9a-f]{32}", who) for who in hashes.values())
    assert all(hashes[given[number]] == who for number, who in rows.items() if who)
    assert len(set(hashes.values())) == 3
    counted = "select cast(month as varchar), customers, returning_customers from jozi_dev_gold.customer_retention"
    assert lake.athena(f"{counted} where customers > 0 order by 1") == retention(FIRST + SECOND)
    who_reads_silver_cannot_make_pseudonyms(lake)


def who_reads_silver_cannot_make_pseudonyms(lake: Lake) -> None:
    arguments = lake.client("glue").get_job(JobName=lake.outputs["SilverJobName"])["Job"]["DefaultArguments"]
    asked = {"KeyId": arguments["--pseudonym_key"], "Message": b"C-100", "MacAlgorithm": "HMAC_SHA_256"}

    with pytest.raises(ClientError, match="AccessDenied"):
        as_reader(lake, "EngineerRole", "kms").generate_mac(**asked)
