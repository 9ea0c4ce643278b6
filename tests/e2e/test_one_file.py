"""One file, all the way: what each kind of drop does to silver, quarantine, gold and the ledger."""

from __future__ import annotations

import io

import openpyxl

from .conftest import Lake
from .orders import export, order

SECOND_LAYOUT = (
    "Order_ID,order_date,order_time,order_mode,order_taker,dough_prep_staff,stylist,oven_operator,boxer,"
    "delivery_driver,dough_prep_time,styling_time,oven_time,boxing_time,oven_temperature,delivery_area,"
    "delivery_duration,complaint,complaint_reason"
).split(",")


def second_layout_row(number: str, area: str = "C") -> list[str]:
    return [
        number, "2019-05-06", "19:20:00", "Phone", "Dineo", "Tau", "Tsepo", "Curry", "Rohan",
        "Mary", "3.10", "0.60", "7.00", "0.40", "265.5", area, "33.5", "Yes", "wrong SIZE",
    ]  # fmt: skip


def test_a_file_becomes_rows_of_bronze_silver_and_gold(lake: Lake) -> None:
    day = {"Order Date": "03/01/2019"}
    file = export(
        [
            order("A-1", **day),
            order("A-2", **day, **{"Delivery (mins)": "30.01"}),
            order("A-3", **day, **{"Cust. complaint": "YES", "Reason": "LATE delivery"}),
        ],
        blank_rows=2,
    )

    entry = lake.load("orders/january one.csv", file)

    assert (entry["state"], entry["rows_in"], entry["inserted"], entry["blank"]) == ("LOADED", 3, 3, 2)
    assert lake.athena(
        "select order_id, order_hour, cast(delivery_minutes as varchar), is_complaint, source_row"
        " from jozi_dev_silver.orders where order_id like 'A-%' order by order_id"
    ) == [
        ["A-1", "18", "29.00", "false", "1"],
        ["A-2", "18", "30.01", "false", "2"],
        ["A-3", "18", "29.00", "true", "3"],
    ]
    assert lake.one(
        "select orders, late_deliveries, late_order_to_door, complaints from jozi_dev_gold.delivery_performance"
        " where order_date = date '2019-01-03' and area = 'B'"
    ) == ["3", "1", "3", "1"]
    assert lake.one("select count(*) from jozi_dev_bronze.orders") != ["0"]


def test_one_corrected_row_changes_one_row_and_the_gold_that_depends_on_it(lake: Lake) -> None:
    day = {"Order Date": "05/03/2019"}
    other_day = {"Order Date": "05/04/2019"}
    lake.load("orders/march.csv", export([order(f"M-{n}", **day) for n in range(5)] + [order("M-9", **other_day)]))
    before = lake.athena("select * from jozi_dev_silver.orders where order_id like 'M-%' order by order_id")
    april = lake.athena("select * from jozi_dev_gold.stage_bottlenecks where month = date '2019-04-01' order by 3")

    corrected = [order(f"M-{n}", **day) for n in range(5)] + [order("M-9", **other_day)]
    corrected[2]["Delivery (mins)"] = "55.00"
    entry = lake.load("orders/march.csv", export(corrected))

    assert (entry["updated"], entry["unchanged"], entry["inserted"]) == (1, 5, 0)
    after = lake.athena("select * from jozi_dev_silver.orders where order_id like 'M-%' order by order_id")
    assert [row[0] for row, old in zip(after, before) if row != old] == ["M-2"]
    assert lake.one(
        "select late_deliveries from jozi_dev_gold.delivery_performance where order_date = date '2019-03-05'"
    ) == ["1"]
    assert (
        lake.athena("select * from jozi_dev_gold.stage_bottlenecks where month = date '2019-04-01' order by 3") == april
    )


def test_a_bad_row_goes_to_quarantine_with_every_reason_and_the_good_ones_load(lake: Lake) -> None:
    rows = [order(f"Q-{n}", **{"Order Date": "09/07/2019"}) for n in range(24)]
    rows[7] |= {"Order Date": "31/02/2019", "Delivery (mins)": "soon"}

    entry = lake.load("orders/july.csv", export(rows))

    assert (entry["state"], entry["rows_in"], entry["inserted"], entry["quarantined"]) == ("LOADED", 24, 23, 1)
    row, reasons, raw = lake.one(
        "select source_row, array_join(reasons, ' | '), raw_row from jozi_dev_silver.quarantine"
        f" where source_version = '{entry['version']}'"
    )
    assert row == "8"
    assert "31/02/2019" in str(raw)
    assert "date" in str(reasons).lower()
    assert "soon" in str(reasons)


def test_the_second_layout_loads_by_its_names_alone(lake: Lake) -> None:
    lines = [SECOND_LAYOUT, second_layout_row("S-1"), second_layout_row("S-2", area="E")]

    entry = lake.load("elsewhere/second layout.csv", "\n".join(",".join(line) for line in lines).encode())

    assert (entry["state"], entry["inserted"]) == ("LOADED", 2)
    assert lake.athena(
        "select order_id, cast(order_date as varchar), area, deliverer, cast(cooking_minutes as varchar),"
        " cast(delivery_minutes as varchar), is_complaint, lower(complaint_reason)"
        " from jozi_dev_silver.orders where order_id like 'S-%' order by order_id"
    ) == [
        ["S-1", "2019-05-06", "C", "Mary", "7.00", "33.50", "true", "wrong size"],
        ["S-2", "2019-05-06", "E", "Mary", "7.00", "33.50", "true", "wrong size"],
    ]


def test_a_workbook_of_the_second_layout_loads(lake: Lake) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append([name.upper() for name in SECOND_LAYOUT])
    sheet.append(second_layout_row("X-1"))
    body = io.BytesIO()
    workbook.save(body)

    entry = lake.load("from the shop/orders.xlsx", body.getvalue())

    assert (entry["state"], entry["inserted"]) == ("LOADED", 1)
    assert lake.one("select area, stylist from jozi_dev_silver.orders where order_id = 'X-1'") == ["C", "Tsepo"]


def test_a_file_that_is_no_order_file_is_rejected_in_words(lake: Lake) -> None:
    entry = lake.load("notes/shopping list.csv", b"item,price\nflour,20\ntomatoes,35\n")

    assert entry["state"] == "REJECTED"
    assert entry["rows_in"] == 0
    assert "shopping list.csv" in entry["reason"]
    told = lake.run("explain", "notes/shopping list.csv").stdout
    assert "REJECTED" in told


def test_an_older_version_that_arrives_in_one_batch_with_a_newer_does_not_win(lake: Lake) -> None:
    key = "orders/twice.csv"
    day = {"Order Date": "11/11/2019"}
    first = lake.put(key, export([order("T-1", **day, **{"Area": "A"})]))
    second = lake.put(key, export([order("T-1", **day, **{"Area": "E"})]))

    lake.wait()

    assert lake.one("select area, source_version from jozi_dev_silver.orders where order_id = 'T-1'") == ["E", second]
    assert {lake.file(key, version)["state"] for version in (first, second)} == {"LOADED"}
