"""A real lake in trouble: events lost, doubled and shuffled, rules off, jobs killed, a table gone. Nothing is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.chaos.conftest import LONG
from tests.e2e.conftest import Lake, started
from tests.e2e.orders import export, order
from tests.unit.flow_fakes import object_event

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]
FILES = 200 if LONG else 40
KILLS = 4 if LONG else 1


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake of its own, because this breaks it."""
    with started(tmp_path_factory.mktemp("chaos-home")) as running:
        yield running


@contextmanager
def disabled(lake: Lake, source: str) -> Iterator[None]:
    """The rules for events of this source are off."""
    events = lake.client("events")
    names = [rule["Name"] for rule in events.list_rules()["Rules"] if f'"{source}"' in rule.get("EventPattern", "")]
    assert names
    for name in names:
        events.disable_rule(Name=name)
    try:
        yield
    finally:
        for name in names:
            events.enable_rule(Name=name)


def kill_jobs(lake: Lake, dice: random.Random, killed: list[int], over: threading.Event) -> None:
    """Kills processes of job runs at random moments, until it has killed enough or all is over."""
    while len(killed) < KILLS and not over.wait(dice.uniform(0.5, 3.0)):
        for file in (lake.home / "glue").rglob("process.json"):
            pid = _pid(file)
            if pid in killed or not psutil.pid_exists(pid):
                continue
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
            break


def _pid(file: Path) -> int:
    try:
        return int(json.loads(file.read_text())["pid"])
    except ValueError:  # it is being written this moment
        return 0


def test_nothing_is_lost_and_nothing_doubled(lake: Lake, seed: int, say: Callable[[str], None]) -> None:
    dice = random.Random(seed)
    keys = [f"orders/chaos {number:03d}.csv" for number in range(FILES)]
    killed: list[int] = []
    over = threading.Event()
    killer = threading.Thread(target=kill_jobs, args=(lake, random.Random(seed + 1), killed, over))

    # events of S3 lost, tripled and shuffled, and jobs killed while files flow
    with disabled(lake, "aws.s3"):
        s3, sqs = lake.client("s3"), lake.client("sqs")
        bucket = lake.outputs["BronzeBucketName"]
        for number, key in enumerate(keys):
            body = export([order(f"C-{number}-{row}", **{"Order Date": "06/08/2019"}) for row in range(3)])
            s3.put_object(Bucket=bucket, Key=key, Body=body)
        told = dice.sample(keys, FILES * 9 // 10) * 3
        dice.shuffle(told)
        killer.start()
        for start in range(0, len(told), 10):
            bodies = [json.dumps(object_event(key, bucket=bucket)) for key in told[start : start + 10]]
            entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies)]
            sqs.send_message_batch(QueueUrl=lake.outputs["ArrivalsQueueUrl"], Entries=entries)
        swept = lake.run("sweep").stdout
    lake.run("wait", "--timeout", "900", check=False)  # 1 where a run was killed: that is told, and tried again
    over.set()
    killer.join()
    lake.wait()
    say(f"{len(killed)} job processes killed; {swept.strip()}")

    files = {row["key"]: row for row in lake.files()}
    assert {files[key]["state"] for key in keys} == {"LOADED"}
    assert sum(files[key]["inserted"] for key in keys) == FILES * 3
    mine = "from jozi_dev_silver.orders where order_id like 'C-%'"
    assert lake.one(f"select count(*), count(distinct order_id) {mine}") == [str(FILES * 3)] * 2
    gold = "select sum(orders) from jozi_dev_gold.delivery_performance where order_date = date '2019-08-06'"
    assert lake.one(gold) == [str(FILES * 3)]

    # Glue's events lost: one sweep settles silver and brings gold
    with disabled(lake, "aws.glue"):
        version = lake.put("orders/untold.csv", export([order("U-1", **{"Order Date": "06/08/2019"})]))
        swept = lake.run("sweep").stdout
        lake.wait()
    assert "nobody had heard of it" in swept
    assert lake.file("orders/untold.csv", version)["state"] == "LOADED"
    assert lake.one(gold) == [str(FILES * 3 + 1)]
    assert "sweep" in lake.run("explain", "orders/untold.csv").stdout

    # a table that the catalog lost, and a dead letter
    lake.client("glue").delete_table(DatabaseName="jozi_dev_silver", Name="orders")
    letter = json.dumps(object_event("orders/untold.csv", version, bucket))
    sqs.send_message(QueueUrl=lake.outputs["ArrivalsDlqUrl"], MessageBody=letter)
    swept = lake.run("sweep").stdout
    assert "jozi_dev_silver.orders was missing from the catalog: it is back" in swept
    assert "1 dead letter handled" in swept
    assert lake.one(f"select count(*) {mine}") == [str(FILES * 3)]
    lake.wait()
    assert lake.run("sweep").stdout.strip() == "Nothing had to be healed."
