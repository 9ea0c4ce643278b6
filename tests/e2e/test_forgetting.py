"""One customer is forgotten: afterwards no byte of either bucket names them, and everybody else is as before."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from .conftest import Lake, finished, started
from .orders import TYPICAL

GONE, STAYS = "C-4711", "C-4712"
RESULTS = ("athena", "athena-personal")
SILVER = (
    "select order_id, cast(order_date as varchar), area, deliverer, cast(delivery_minutes as varchar)"
    " from jozi_dev_silver.orders order by order_id"
)
GOLD = (
    "select * from jozi_dev_gold.delivery_performance order by 1, 2, 3",
    "select * from jozi_dev_gold.stage_bottlenecks order by 1, 2, 3",
)
OTHERS = "select order_id, customer_id from jozi_dev_silver.orders where order_id like '%-o' order by order_id"


def rows(*orders: tuple[str, str, dict[str, str]]) -> list[dict[str, str]]:
    return [{**TYPICAL, "Pizza No.": number, "Customer No.": who, **changes} for number, who, changes in orders]


def as_csv(records: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, [*TYPICAL, "Pizza No.", "Customer No."])
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


def as_zip(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name.replace("__", "."), body)
    return stream.getvalue()


def dropped(lake: Lake) -> None:
    """A superseded version, a correction after it, a row for quarantine, an array, an archive with gzip in it."""
    records = rows(("4-g", GONE, {}), ("4-o", STAYS, {}))
    inner = gzip.compress(as_csv(rows(("5-g", GONE, {}), ("5-o", STAYS, {}))))
    lake.put("orders/list.csv", as_csv(rows(("1-g", GONE, {"Area": "A"}), ("1-o", STAYS, {}))))
    lake.put("orders/more.json", json.dumps(records, indent=1).encode())
    lake.put("orders/week.zip", as_zip(a__csv__gz=inner, b__csv=as_csv(rows(("6-o", STAYS, {})))))
    lake.wait()
    lake.put("orders/fix.csv", as_csv(rows(("1-g", "", {"Area": "C"}), ("2-o", STAYS, {}))))
    lake.put("orders/list.csv", as_csv(rows(("1-o", STAYS, {"Area": "D"}), ("3-g", GONE, {"Order Date": "??"}))))
    lake.wait()


def results_that_hold_the_id(lake: Lake) -> None:
    """One in each folder of results: everybody's, and that of who reads about persons."""
    for group in (lake.outputs["AthenaWorkGroup"], "jozi-dev-personal"):
        asked = finished(lake.client("athena"), "select raw_row from jozi_dev_silver.quarantine", group)
        assert asked["State"] == "SUCCEEDED", asked.get("StateChangeReason")


def texts(body: bytes) -> Iterator[str]:
    """All that some bytes say, unpacked as deep as they are packed."""
    yield body.decode("latin-1")
    if body.startswith(b"PAR1"):
        yield str(pq.read_table(io.BytesIO(body)).to_pylist())
    if body.startswith(b"\x1f\x8b"):
        yield from texts(gzip.decompress(body))
    if body.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for name in archive.namelist():
                yield from texts(archive.read(name))


def everywhere(lake: Lake) -> Iterator[tuple[str, str]]:
    """(place, text) of every version of every object, every item of the ledger, and every log of the sandbox."""
    s3 = lake.client("s3")
    for bucket in (lake.outputs["BronzeBucketName"], lake.outputs["LakeBucketName"]):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for one in page.get("Versions", ()):
                if "/assets/" not in f"/{one['Key']}":
                    body = s3.get_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])["Body"].read()
                    yield from ((f"{one['Key']} {one['VersionId']}", text) for text in texts(body))
    for page in lake.client("dynamodb").get_paginator("scan").paginate(TableName=lake.outputs["LedgerTableName"]):
        yield from (("ledger", str(item)) for item in page["Items"] if not item["pk"]["S"].startswith("ERASURE#"))
    for log in [*(lake.home / "logs").rglob("*"), lake.home / "iam.jsonl"]:
        if log.is_file():
            yield str(log), log.read_text(encoding="utf-8", errors="replace")


def places(lake: Lake, *words: str) -> set[str]:
    return {place for place, text in everywhere(lake) if any(word in text for word in words)}


def proofs(lake: Lake) -> list[dict[str, Any]]:
    pages = lake.client("dynamodb").get_paginator("scan").paginate(TableName=lake.outputs["LedgerTableName"])
    return [item for page in pages for item in page["Items"] if item["pk"]["S"].startswith("ERASURE#")]


def test_a_customer_is_forgotten_everywhere_and_everybody_else_is_as_before(tmp_path: Path) -> None:
    with started(tmp_path / "lake") as lake:
        dropped(lake)
        silver, gold, others = lake.athena(SILVER), [lake.athena(sql) for sql in GOLD], lake.athena(OTHERS)
        hashed = str(lake.one("select customer_id from jozi_dev_silver.orders where order_id = '4-g'")[0])
        results_that_hold_the_id(lake)
        assert {place.partition("/")[0] for place in places(lake, GONE)} >= {"orders", "warehouse", *RESULTS}
        plan = lake.run("forget", GONE, "--dry-run").stdout
        assert all(key in plan for key in ("orders/list.csv", "orders/more.json", "orders/week.zip"))
        assert "orders/fix.csv" not in plan

        lake.run("forget", GONE)

        assert places(lake, GONE, hashed) == set()
        assert lake.athena(SILVER) == silver
        assert [lake.athena(sql) for sql in GOLD] == gold
        assert lake.athena(OTHERS) == others
        assert lake.one("select area, customer_id from jozi_dev_silver.orders where order_id = '1-g'") == ["C", None]
        assert lake.one("select count(*) from jozi_dev_silver.quarantine") == ["1"]
        (proof,) = proofs(lake)
        assert proof["pk"]["S"] == f"ERASURE#{hashed}"
        assert proof["complete"]["BOOL"] is True
        newest = lake.client("s3").get_object(Bucket=lake.outputs["BronzeBucketName"], Key="orders/list.csv")
        assert b"3-g" in newest["Body"].read()
        assert lake.json("forget", GONE, "--dry-run")["cells"] == 0
