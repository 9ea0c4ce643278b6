"""Files of every form and every kind of trouble, dropped at once: each gets its answer, and the arithmetic holds."""

from __future__ import annotations

import io
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq

from .conftest import Lake
from .orders import export, order

DAY = {"Order Date": "2019-08-09"}


def _json(*numbers: str) -> list[dict[str, str]]:
    return [{name: value for name, value in order(number, **DAY).items() if value} for number in numbers]


def _zip(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name.replace("__", "."), body)
    return stream.getvalue()


def _parquet(*numbers: str) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([order(number, **DAY) for number in numbers]), stream)
    return stream.getvalue()


def test_an_archive_of_every_form_becomes_rows_with_the_file_inside_as_their_source(lake: Lake) -> None:
    lines = "\n".join(json.dumps(record) for record in _json("Z-1", "Z-2"))
    inner = _zip(deep__csv=export([order("Z-7", **DAY)]))
    body = _zip(
        a__jsonl=lines.encode(),
        b__json=json.dumps({"shop": "Jozi", "orders": _json("Z-3", "Z-4")}).encode(),
        c__parquet=_parquet("Z-5"),
        d__csv=export([order("Z-6", **DAY)]),
        e__zip=inner,
        f__pdf=b"%PDF-1.7",
    )

    archive = lake.load("orders/august.zip", body)

    files = {
        row["key"].removeprefix("orders/august.zip"): row
        for row in lake.files()
        if row["version"] == archive["version"]
    }
    assert {key: (row["state"], row["rows_in"]) for key, row in files.items()} == {
        "": ("EXPANDED", 0),
        "!/a.jsonl": ("LOADED", 2),
        "!/b.json": ("LOADED", 2),
        "!/c.parquet": ("LOADED", 1),
        "!/d.csv": ("LOADED", 1),
        "!/e.zip": ("EXPANDED", 0),
        "!/e.zip!/deep.csv": ("LOADED", 1),
        "!/f.pdf": ("REJECTED", 0),
    }
    assert lake.athena(
        "select order_id, cast(order_date as varchar), cast(delivery_minutes as varchar), source_file, source_row"
        " from jozi_dev_silver.orders where order_id like 'Z-%' order by order_id"
    ) == [
        [f"Z-{number}", "2019-08-09", "29.00", f"orders/august.zip!/{inside}", row]
        for number, inside, row in (
            (1, "a.jsonl", "1"), (2, "a.jsonl", "2"), (3, "b.json", "1"), (4, "b.json", "2"),
            (5, "c.parquet", "1"), (6, "d.csv", "1"), (7, "e.zip!/deep.csv", "1"),
        )
    ]  # fmt: skip

    lake.run("retract", "orders/august.zip!/d.csv")
    lake.run("retract", "orders/august.zip")

    assert lake.one("select count(*) from jozi_dev_silver.orders where order_id like 'Z-%'") == ["0"]
    assert {row["state"] for row in lake.files() if row["key"].startswith("orders/august.zip")} == {"RETRACTED"}
