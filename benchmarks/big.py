"""Ten million orders in twenty files: against DuckDB doing the same work, and what it needs in memory."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb

from benchmarks.figures import Figure, within
from benchmarks.stack import BenchmarkError, lake_of_its_own
from dashboard import questions
from lake.sample import Spec, write

FILES = 20
BYTES_A_ROW = 132  # of the generator's, about
# The same reading, casting, dedupe and monthly aggregate, to Parquet, by the best single-node engine there is.
DUCKDB = """
CREATE TABLE raw AS SELECT * FROM read_csv('{files}', header = true, all_varchar = true, filename = true);
CREATE TABLE orders AS
SELECT * FROM (
    SELECT trim("Pizza No.") AS order_id,
        try_strptime(trim("Order Date"), '%d/%m/%Y')::DATE AS order_date,
        try_cast(split_part("Order Time", ':', 1) AS INTEGER) AS order_hour,
        try_cast("Ord - Del time" AS DECIMAL(9, 2)) AS order_to_door_minutes,
        try_cast("Delivery (mins)" AS DECIMAL(9, 2)) AS delivery_minutes,
        try_cast("Order Receipt (mins)" AS DECIMAL(9, 2)) AS receipt_minutes,
        try_cast("Base prep (mins)" AS DECIMAL(9, 2)) AS base_prep_minutes,
        try_cast("Styling (mins)" AS DECIMAL(9, 2)) AS styling_minutes,
        try_cast("Cooking Time (mins)" AS DECIMAL(9, 2)) AS cooking_minutes,
        try_cast("Boxing (mins)" AS DECIMAL(9, 2)) AS boxing_minutes,
        "Order Mode", "Size", trim("Area") AS area, "Order Taker", "Dough Prep", "Stylist", "Oven", "Boxer",
        "Deliverer", lower(trim("Cust. complaint")) = 'yes' AS is_complaint, "Reason", filename,
        row_number() OVER (PARTITION BY trim("Pizza No.") ORDER BY filename DESC) AS place
    FROM raw WHERE trim(coalesce("Pizza No.", '')) <> ''
) WHERE place = 1;
COPY (SELECT * FROM orders) TO '{out}/orders.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (
    SELECT order_date, order_hour, area, count(*) AS orders,
        count(*) FILTER (delivery_minutes > 30) AS late_deliveries,
        count(*) FILTER (order_to_door_minutes > 30) AS late_order_to_door,
        avg(delivery_minutes), avg(order_to_door_minutes), quantile_cont(delivery_minutes, 0.5),
        quantile_cont(delivery_minutes, 0.95), count(*) FILTER (is_complaint) AS complaints
    FROM orders GROUP BY ALL
) TO '{out}/performance.parquet' (FORMAT parquet);
"""


def by_duckdb(folder: Path) -> tuple[float, int, int]:
    """The same work by DuckDB over the folder's csv files: seconds, orders, late deliveries."""
    began = time.monotonic()
    with duckdb.connect() as engine:
        engine.execute(DUCKDB.format(files=folder / "*.csv", out=folder))
        seconds = time.monotonic() - began
        performance = engine.read_parquet(str(folder / "performance.parquet"))
        orders, late = performance.aggregate("sum(orders), sum(late_deliveries)").fetchall()[0]
    return seconds, int(orders), int(late)


def big(orders: int) -> Iterator[Figure]:
    """`orders` in FILES files, front door to fresh gold."""
    size = f"{orders:,} orders in {FILES} files"
    with tempfile.TemporaryDirectory(prefix="lake-bench-") as folder, lake_of_its_own() as stack:
        files, good, late = make_files(Path(folder), orders)
        their_seconds, *theirs = by_duckdb(Path(folder))
        if theirs != [good, late]:
            raise BenchmarkError(f"DuckDB counts {theirs}, {good} orders and {late} late ones were written")
        stack.up()
        began = time.monotonic()
        with stack.memory() as peak:
            for file in files:
                stack.put(f"orders/{file.name}", file)
            seconds = stack.until_gold_holds(good, seconds=3600) - began
        ours = stack.ask("SELECT sum(late_deliveries) FROM delivery_performance").rows[0][0]
        if ours != late:
            raise BenchmarkError(f"late deliveries: {ours} in gold, {late} were written")
        stack.wait()
        runs = {layer: stack.seconds_of(layer) for layer in ("silver", "gold")}
        yield within(
            f"{size}, front door to fresh gold, against DuckDB", 3, "x", [seconds / their_seconds],
            seconds=round(seconds, 1), duckdb_seconds=round(their_seconds, 1), runs=runs,
        )  # fmt: skip
        parts = {kind: round(held / 1e9, 2) for kind, held in peak.parts.most_common()}
        yield within("peak memory of that, all processes", 6, "GB", [peak.total / 1e9], parts=parts)
        csv = stack.ask("SELECT count(*) FROM orders", "Bronze").scanned
        answers = [
            stack.ask(one.sql) for one in (questions.FRESHNESS, *questions.STANDING) if one.database == questions.GOLD
        ]
        most = max(answer.scanned for answer in answers)
        yield within("the page's costliest question, of the csv's bytes", 0.01, "x", [most / csv])
        yield within("the page's slowest question", 1, "s", [max(a.milliseconds for a in answers) / 1000])


def large(megabytes: int) -> Iterator[Figure]:
    """One csv of that size: how soon it is answered for, and what Spark's Python workers hold while they read it."""
    size = f"a csv of {megabytes:,} MB"
    with tempfile.TemporaryDirectory(prefix="lake-bench-") as folder, lake_of_its_own() as stack:
        parts, good, _ = make_files(Path(folder), FILES * max(1_000, (megabytes << 20) // (FILES * BYTES_A_ROW)))
        whole = Path(folder) / "large.csv"
        with whole.open("wb") as out:
            for number, part in enumerate(parts):
                with part.open("rb") as rows:
                    header = rows.readline()
                    if not number:
                        out.write(header)
                    shutil.copyfileobj(rows, out)
                part.unlink()
        stack.up()
        with stack.memory() as peak:
            stack.put("orders/large.csv", whole)
            began = time.monotonic()
            answer = stack.answered("orders/large.csv") - began
            told = {"gigabytes": whole.stat().st_size / 1e9, "orders": good}
            yield within(f"{size}: the front desk's answer after the put", 2, "s", [answer], **told)
            stack.until_silver_is_done(seconds=3600)
            yield within("... the largest Python worker of Spark in silver", 500, "MB", [peak.python_worker / 1e6])
            seconds = stack.until_gold_holds(good, seconds=3600) - began
            runs = {layer: stack.seconds_of(layer) for layer in ("silver", "gold")}
            worker = [peak.python_worker / 1e6]
            yield within("... and of silver and gold", 500, "MB", worker, seconds=round(seconds, 1), runs=runs)
            yield within("... peak memory of all processes", 6, "GB", [peak.total / 1e9])


def make_files(folder: Path, orders: int) -> tuple[list[Path], int, int]:
    """The files, the orders in them that are good, and those of them that are late by the deliverer's clock.

    One file is generated; the others are it with other order numbers, so that twenty cost little more than one.
    """
    first = folder / "orders 00.csv"
    facts = write(first, Spec(orders // FILES, seed=1, first_id=10_000_000, spoilt_share=0))
    files = [first]
    with first.open("rb") as lines:
        header, *rows = lines.readlines()
    for number in range(1, FILES):
        other = folder / f"orders {number:02d}.csv"
        start = str(10 + number).encode()
        with other.open("wb") as out:
            out.write(header)
            out.writelines(start + row[2:] if row[:2] == b"10" else row for row in rows)
        files.append(other)
    return files, facts.good * FILES, facts.late_deliveries * FILES
