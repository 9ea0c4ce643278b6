"""Quarantine as a workplace, by the commands: out as a csv, mended, dropped, settled, taken back, waiting again."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from .conftest import Lake
from .orders import export, order

KEY = "orders/to repair.csv"


def test_rows_go_out_to_be_repaired_come_back_and_wait_again_when_that_is_taken_back(
    lake: Lake, tmp_path: Path
) -> None:
    day = {"Order Date": "10/10/2019"}
    rows = [order(f"W-{n}", **day) for n in range(20)]
    rows[3] |= {"Order Date": "31/02/2019", "Stylist": '=HYPERLINK("x")'}
    rows[5] |= {"Delivery (mins)": "soon", "Stylist": "-5+1"}
    rows[7] |= {"Delivery (mins)": "later"}
    first = lake.load(KEY, export(rows))
    assert (first["state"], first["inserted"], first["quarantined"]) == ("LOADED", 17, 3)
    groups = {group["reason"]: group for group in lake.json("quarantine")}
    kind = "delivery_minutes ... is not a number"
    assert groups[kind]["rows"] >= 2
    assert groups[kind]["what_to_do"]
    out = tmp_path / "to mend.csv"

    written = lake.json("quarantine", "export", "--file", KEY, "--out", str(out))

    assert [(one["contract"], one["rows"]) for one in written] == [("orders", 3)]
    header, *waiting = csv.reader(io.StringIO(out.read_bytes().decode("utf-8-sig")))
    at = {name: place for place, name in enumerate(header)}
    assert waiting[0][at["Stylist"]].startswith("'=")
    waiting[0][at["Order Date"]] = "11/10/2019"
    waiting[1][at["Delivery (mins)"]] = "33.5"
    waiting[2][at["Delivery (mins)"]] = "as late as before"
    mended = tmp_path / "anything.txt"
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([row[::-1] for row in (header, *waiting)])
    mended.write_bytes(text.getvalue().encode("utf-16"))
    back = lake.json("drop", str(mended), "--wait")[0]
    lake.wait()

    entry = lake.file(back["key"], back["version"])
    assert (entry["state"], entry["rows_in"], entry["inserted"], entry["quarantined"]) == ("LOADED", 3, 2, 1)
    assert lake.json("quarantine", "--file", KEY) == []
    [still] = lake.json("quarantine", "--file", back["key"])
    assert "as late as before" in still["raw_row"]
    silver = "select order_id, stylist, cast(order_date as varchar), repairs.source_row from jozi_dev_silver.orders"
    assert lake.athena(f"{silver} where source_file = '{back['key']}' order by 1") == [
        ["W-3", '=HYPERLINK("x")', "2019-10-11", "4"],
        ["W-5", "-5+1", "2019-10-10", "6"],
    ]
    assert "Repaired by a later file: 3" in lake.run("explain", KEY).stdout
    assert "it repairs 2 rows that waited in quarantine" in lake.run("explain", back["key"]).stdout
    quality = "select status, cast(waiting as varchar) from jozi_dev_gold.data_quality where source_version = '{}'"
    assert lake.one(quality.format(first["version"])) == ["loaded, none left in quarantine", "0"]

    lake.run("retract", back["key"])

    assert [row["source_row"] for row in lake.json("quarantine", "--file", KEY)] == [4, 6, 8]
    assert lake.athena("select order_id from jozi_dev_silver.orders where order_id in ('W-3', 'W-5')") == []
    assert lake.one(quality.format(first["version"])) == ["loaded, with rows in quarantine", "3"]
