"""A real lake in trouble: events lost, doubled and shuffled, rules off, jobs killed, a table gone. Nothing is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.chaos.conftest import LONG
from tests.e2e.conftest import Lake
from tests.e2e.orders import export, order
from tests.sandbox.conftest import until
from tests.unit.flow_fakes import object_event

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3600 if LONG else 1800)]
FILES = 200 if LONG else 40
KILLS = 6 if LONG else 1
GOLD = "select sum(orders) from jozi_dev_gold.delivery_performance where order_date = date '%s'"


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
    """Kills processes of job runs, or the Spark servers behind them, until it has killed enough or all is over."""
    while len(killed) < KILLS and not over.wait(dice.uniform(0.5, 3.0)):
        scripts = [pid for pid in map(_pid, (lake.home / "glue").rglob("process.json")) if psutil.pid_exists(pid)]
        if scripts:
            servers = [pid for pid in map(_pid, (lake.home / "warm").rglob("process.json")) if psutil.pid_exists(pid)]
            pid = dice.choice(scripts + servers)
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)


def _pid(file: Path) -> int:
    try:
        return int(json.loads(file.read_text())["pid"])
    except ValueError:  # it is being written this moment
        return -1


def kill_everything(lake: Lake) -> int:
    """Kills every process of the sandbox; gives how many there were."""
    mine = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("LAKE_HOME") == str(lake.home):
                mine.append(process)
        except psutil.Error:  # not ours, or gone this moment
            continue
    for process in mine:
        process.kill()
    psutil.wait_procs(mine, timeout=30)
    return len(mine)


def small_file(name: str, day: str = "06/08/2019") -> bytes:
    return export([order(f"{name}-{row}", **{"Order Date": day}) for row in range(3)])


def runs_of(lake: Lake, layer: str) -> list[dict[str, Any]]:
    return [run for run in lake.json("runs", "--limit", "500") if run["layer"] == layer]


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
            s3.put_object(Bucket=bucket, Key=key, Body=small_file(f"C-{number}"))
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
    say(f"{len(killed)} processes of jobs and their engines killed; {swept.strip()}")

    files = {row["key"]: row for row in lake.files()}
    assert {files[key]["state"] for key in keys} == {"LOADED"}
    assert sum(files[key]["inserted"] for key in keys) == FILES * 3
    mine = "from jozi_dev_silver.orders where order_id like 'C-%'"
    assert lake.one(f"select count(*), count(distinct order_id) {mine}") == [str(FILES * 3)] * 2
    assert lake.one(GOLD % "2019-08-06") == [str(FILES * 3)]


@pytest.mark.parametrize("off", [("aws.glue",), ("aws.s3",), ("aws.s3", "aws.glue")], ids=" and ".join)
def test_while_rules_are_off_one_sweep_heals_everything(lake: Lake, off: tuple[str, ...]) -> None:
    day = f"1{len(off)}/0{len(off[0])}/2019"
    key = f"orders/untold {' '.join(off)}.csv"
    with ExitStack() as rules:
        for source in off:
            rules.enter_context(disabled(lake, source))
        version = lake.put(key, small_file(f"U {' '.join(off)}", day))
        if "aws.s3" not in off:
            lake.known(key, version)  # a sweep that is quicker than the event would take the file in itself
        swept = lake.run("sweep").stdout
        lake.wait()

    assert lake.file(key, version)["state"] == "LOADED"
    date = f"2019-{day[3:5]}-{day[:2]}"
    assert lake.one(GOLD % date) == ["3"]
    assert "sweep" in lake.run("explain", key).stdout
    assert ("lay in bronze without an entry" in swept) == ("aws.s3" in off)
    assert ("nobody had heard of it" in swept) == ("aws.glue" in off)


def test_when_everything_was_killed_the_lake_goes_on_where_it_was(lake: Lake, say: Callable[[str], None]) -> None:
    keys = [f"orders/crash {number}.csv" for number in range(8)]
    for key in keys[:4]:
        lake.put(key, small_file(key, "07/08/2019"))
    until(lambda: any(run["state"] == "RUNNING" for run in runs_of(lake, "silver")))
    for key in keys[4:]:
        lake.put(key, small_file(key, "07/08/2019"))
    killed = kill_everything(lake)

    lake.run("up")
    lake.run("wait", "--timeout", "900", check=False)  # 1: the run that was cut short is told, and tried again
    lake.wait()
    say(f"{killed} processes killed at once")

    files = {row["key"]: row for row in lake.files()}
    assert {files[key]["state"] for key in keys} == {"LOADED"}
    assert not [run for run in lake.json("runs", "--limit", "500") if run["completed"] is None]
    rows = "select count(*), count(distinct order_id) from jozi_dev_silver.orders where order_id like 'orders/crash%'"
    assert lake.one(rows) == ["24", "24"]
    assert lake.one(GOLD % "2019-08-07") == ["24"]


def test_a_lost_table_and_a_dead_letter_are_brought_back(lake: Lake) -> None:
    key = "orders/letter.csv"
    version = lake.load(key, small_file("L"))["version"]
    rows = "select count(*) from jozi_dev_silver.orders"
    before = lake.one(rows)

    lake.client("glue").delete_table(DatabaseName="jozi_dev_silver", Name="orders")
    letter = json.dumps(object_event(key, version, lake.outputs["BronzeBucketName"]))
    lake.client("sqs").send_message(QueueUrl=lake.outputs["ArrivalsDlqUrl"], MessageBody=letter)
    swept = lake.run("sweep").stdout

    assert "jozi_dev_silver.orders was missing from the catalog: it is back" in swept
    assert "1 dead letter handled" in swept
    assert lake.one(rows) == before
    lake.wait()
    assert lake.run("sweep").stdout.strip() == "Nothing had to be healed."


@pytest.mark.skipif(not LONG, reason="a thousand files take minutes: `make chaos`")
def test_a_burst_of_a_thousand_files_and_a_rebuild_of_them_all(lake: Lake, say: Callable[[str], None]) -> None:
    before = len(runs_of(lake, "silver"))
    s3, bucket = lake.client("s3"), lake.outputs["BronzeBucketName"]
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        for number in range(1_000):
            body = small_file(f"B{number}", "08/08/2019")
            pool.submit(s3.put_object, Bucket=bucket, Key=f"orders/burst {number}.csv", Body=body)
    lake.run("wait", "--timeout", "1700", timeout=1800)
    new = runs_of(lake, "silver")[: len(runs_of(lake, "silver")) - before]
    say(f"1,000 files in {len(new)} silver runs, {time.monotonic() - began:.0f} s; " + str([r["seconds"] for r in new]))

    assert len(new) <= 2
    assert {run["state"] for run in new} == {"SUCCEEDED"}
    assert lake.one(GOLD % "2019-08-08") == ["3000"]

    states = "select order_id, area, source_file, source_version, source_row from jozi_dev_silver.orders order by 1"
    silver, began = lake.athena(states), time.monotonic()
    lake.run("replay", "--all", timeout=1800)
    say(f"rebuilt from {len(lake.json('files')):,} file versions in {time.monotonic() - began:.0f} s")
    assert lake.athena(states) == silver
    assert lake.one(GOLD % "2019-08-08") == ["3000"]
