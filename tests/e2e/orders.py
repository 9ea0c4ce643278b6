"""Small order files in the company's own layout, written by hand so that a test can say what stands in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

HEADER = (
    "Pizza No.,Order Date,Order Time,Ord - Del time,Order Receipt (mins), Base prep (mins), Styling (mins),"
    " Cooking Time (mins),Boxing (mins),Delivery (mins),Oven Temp ºC,Order Mode,Size,Area,Order Taker,Dough Prep,"
    "Stylist,Oven,Boxer,Deliverer,Cust. complaint,Reason,,,,,,,"
).split(",")
POSITION = {name.strip(): index for index, name in enumerate(HEADER) if name}

TYPICAL = {
    "Order Date": "14/02/2019",
    "Order Time": "18:05:00",
    "Ord - Del time": "41.00",
    "Order Receipt (mins)": "0.80",
    "Base prep (mins)": "3.30",
    "Styling (mins)": "0.50",
    "Cooking Time (mins)": "6.90",
    "Boxing (mins)": "0.50",
    "Delivery (mins)": "29.00",
    "Oven Temp ºC": "270.0",
    "Order Mode": "App",
    "Size": "Large",
    "Area": "B",
    "Order Taker": "Dineo",
    "Dough Prep": "Tau",
    "Stylist": "Tsepo",
    "Oven": "Curry",
    "Boxer": "Rohan",
    "Deliverer": "Kone",
    "Cust. complaint": "no",
    "Reason": "",
}


def order(number: int | str, **changes: str) -> dict[str, str]:
    """A typical order with a number; `changes` are given as a mapping of header names: `order(1, **{"Area": "E"})`."""
    return {**TYPICAL, "Pizza No.": str(number), **changes}


def export(orders: Iterable[Mapping[str, str]], blank_rows: int = 0) -> bytes:
    """The orders as the company exports them: a byte order mark, its header, nameless columns, comma-only rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADER)
    for record in orders:
        row = [""] * len(HEADER)
        for name, value in record.items():
            row[POSITION[name]] = value
        writer.writerow(row)
    for _ in range(blank_rows):
        writer.writerow([""] * len(HEADER))
    return text.getvalue().encode("utf-8-sig")
