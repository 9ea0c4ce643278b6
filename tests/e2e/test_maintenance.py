"""Table care on a whole lake, once: under its own role, while a file arrives, and Athena answers as before."""

from __future__ import annotations

from .conftest import Lake
from .orders import export, order

ORDERS = "select order_id, area, source_file from jozi_dev_silver.orders order by order_id"
HISTORY = "select order_id, fate from jozi_dev_silver.orders_history order by 1, 2"
GOLD = "select order_date, order_hour, area, orders from jozi_dev_gold.delivery_performance order by 1, 2, 3"
FILES = 5  # so many in one month are packed


def test_tables_are_packed_and_every_answer_stays(lake: Lake) -> None:
    for number in range(FILES):
        row = order(f"M-{number}", **{"Order Date": "04/11/2019"})
        lake.load(f"orders/care {number}.csv", export([row]))
    before = [lake.athena(sql) for sql in (ORDERS, HISTORY, GOLD)]

    done = {table["table"]: table for table in lake.json("maintain", "--snapshot-days", "0")["tables"]}

    lake.wait()
    assert [lake.athena(sql) for sql in (ORDERS, HISTORY, GOLD)] == before
    assert done["silver.orders"]["files_after"] < done["silver.orders"]["files_before"]
    assert done["silver.orders"]["snapshots_expired"] > 0
    assert {"silver.orders_history", "gold.delivery_performance", "gold.freshness"} <= set(done)
    assert lake.load("orders/after care.csv", export([order("M-after")]))["state"] == "LOADED"
    [newest, *_] = lake.client("glue").get_job_runs(JobName=lake.outputs["MaintainJobName"])["JobRuns"]
    assert newest["JobRunState"] == "SUCCEEDED"


def test_no_night_comes_to_a_laptop(lake: Lake) -> None:
    events = lake.client("events")
    assert events.describe_rule(Name="jozi-dev-maintain")["State"] == "DISABLED"
    assert events.describe_rule(Name="jozi-dev-sweep")["State"] == "ENABLED"
