"""Files of every form and every kind of trouble, dropped at once: each gets its answer, and the arithmetic holds."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.odd_files import LOADED, ODD, Odd

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


def test_odd_files_of_every_kind_dropped_at_once_end_as_the_table_says(lake: Lake) -> None:
    s3, bucket = lake.client("s3"), lake.outputs["BronzeBucketName"]
    versions = {odd.key: s3.put_object(Bucket=bucket, Key=f"odd/{odd.key}", Body=odd.body)["VersionId"] for odd in ODD}

    waited = lake.run("wait", "--timeout", "600", check=False)

    assert waited.returncode == 1, waited.stdout  # files of this drop are HELD: that is told, and no success
    assert "All is settled" in waited.stdout
    rows = {(row["key"], row["version"]): row for row in lake.files()}
    wrong = [said for odd in ODD for said in _differences(odd, rows, versions[odd.key])]
    assert not wrong, "\n".join(wrong)
    for odd in ODD:
        tagged = s3.get_object_tagging(Bucket=bucket, Key=f"odd/{odd.key}", VersionId=versions[odd.key])["TagSet"]
        told = {tag["Key"]: tag["Value"] for tag in tagged}
        assert told["lake-status"] == (odd.state if odd.state != LOADED else "ACCEPTED"), odd.key
        assert told["lake-reason"]


def _differences(odd: Odd, rows: dict[tuple[str, str], dict[str, Any]], version: str) -> Iterator[str]:
    """What the ledger says of a file, and of what is inside it, that the table does not."""
    row = rows[f"odd/{odd.key}", version]
    found = (row["state"], row["rows_in"], row["quarantined"], row["blank"])
    expected = (odd.state, *((odd.rows, odd.bad, odd.blank) if odd.state == LOADED else (0, 0, 0)))
    if found != expected:
        yield f"{odd.key}: {found}, expected {expected}: {row['reason']}"
    if odd.words not in str(row["reason"]) or not row["reason"]:
        yield f"{odd.key}: {row['reason']}, expected {odd.words}"
    for name, (state, inner_rows) in odd.inside.items():
        inner = rows[f"odd/{odd.key}!/{name}", version]
        if (inner["state"], inner["rows_in"]) != (state, inner_rows) or not str(inner["parent"]).startswith("odd/"):
            yield f"{odd.key}!/{name}: {inner}"
