"""A silver layer of a test's own, fed with small files from a folder through the real front desk."""

from __future__ import annotations

import uuid
from pathlib import Path

from pyspark.sql import SparkSession

from lake.contracts import load_contracts
from lake.detect import Accepted, detect
from lake.manifest import Manifest, ManifestFile, SilverResult
from lake.silver.run import SilverRun

HEADER = (
    "Pizza No.,Order Date,Order Time,Ord - Del time,Order Receipt (mins), Base prep (mins), Styling (mins),"
    " Cooking Time (mins),Boxing (mins),Delivery (mins),Oven Temp ºC,Order Mode,Size,Area,Order Taker,Dough Prep,"
    "Stylist,Oven,Boxer,Deliverer,Cust. complaint,Reason"
)
ROW = {
    "day": "05/03/2018", "time": "18:30:05", "total": "42.0", "receipt": "0.70", "base": "3.30", "styling": "0.50",
    "cooking": "7.00", "boxing": "0.50", "delivery": "30.0", "temperature": "250.5", "mode": "Phone", "size": "Large",
    "area": "A", "taker": "Ann", "dough": "Ben", "stylist": "Cy", "oven": "Dee", "boxer": "Eve", "driver": "Na",
    "complaint": "no", "reason": "",
}  # fmt: skip
MANY = 10_000_000
SECRET = b"the tests' own key of pseudonyms"


def order(number: object, **changes: str) -> str:
    """One record of the shop's export: a good row with what the test changes."""
    return ",".join([str(number), *{**ROW, **changes}.values()])


class SilverLake:
    """Drops files and runs batches. Times are hours of one day: `at=3` is 03:00 UTC."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark = spark
        self.folder = folder
        self.contracts = dict(load_contracts())
        self.database = f"silver_{uuid.uuid4().hex[:8]}"
        self.results: dict[str, SilverResult] = {}
        self.may_publish = lambda: True
        spark.sql(f"CREATE NAMESPACE glue_catalog.{self.database}")

    def file(self, name: str, content: str | bytes, at: int = 1, version: str | None = None) -> ManifestFile:
        """A file version as the front desk describes it, or the assertion that it would not be taken."""
        data = content.encode() if isinstance(content, str) else content
        version = version or f"v{at}"
        folder = self.folder / version
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)

        def read(start: int, length: int) -> bytes:
            return data[start : start + length]

        answer = detect(data[: 1 << 16], len(data), name, self.contracts, read)
        assert isinstance(answer, Accepted), answer
        return ManifestFile(name, version, len(data), f"2026-11-01T{at:02d}:00:00Z", answer.facts, f"file://{folder}")

    def orders(self, name: str, *rows: str, at: int = 1, version: str | None = None) -> ManifestFile:
        return self.file(name, "\n".join([HEADER, *rows]) + "\n", at, version)

    def run(self, *files: ManifestFile, batch: str | None = None, rebuild: int = 0) -> SilverResult:
        manifest = Manifest(batch or f"silver-{uuid.uuid4().hex[:8]}", 1, "2026-11-01T12:00:00Z", files, rebuild)
        run = SilverRun(
            self.spark,
            manifest,
            self.contracts,
            self.database,
            result_of=self.results.get,
            store_result=lambda result: self.results.update({result.batch_id: result}),
            may_publish=lambda: self.may_publish(),
            secret=lambda: SECRET,
        )
        return run.run()

    def table(self, name: str = "orders"):
        return self.spark.table(f"glue_catalog.{self.database}.{name}")

    def rows(self, *columns: str, of: str = "orders") -> list[tuple]:
        """Rows as plain tuples, sorted as text so that nulls do no harm."""
        return sorted((tuple(row) for row in self.table(of).select(*columns).collect()), key=str)

    def row(self, number: object):
        return self.table().where(f"order_id = '{number}'").collect()[0]

    def snapshot(self, table: str = "orders"):
        rows = self.spark.sql(
            f"SELECT snapshot_id FROM glue_catalog.{self.database}.{table}.refs WHERE name = 'main'"
        ).collect()
        return rows[0].snapshot_id if rows else None
