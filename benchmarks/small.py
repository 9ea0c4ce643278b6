"""What people wait for: the start, one small file, a burst of them, the demo."""

from __future__ import annotations

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

from benchmarks.figures import Figure, within
from benchmarks.stack import LAKE, BenchmarkError, Stack, lake_of_its_own
from benchmarks.usage import Usage, figures, since
from lake.sample import Spec, generate, split

REPEATED = 5
TOUCHED_MONTH = date(2025, 8, 31)
SMALL, LONG = 10_000, 2_000_000


def starts() -> list[Figure]:
    """`lake up` with nothing, and again with what the first start left."""
    first, again = [], []
    for _ in range(3):
        with lake_of_its_own() as stack:
            first.append(stack.up())
            stack.run("down")
            again.append(stack.up())
            if not stack.outputs.get("GoldDatabase"):
                raise BenchmarkError("the second start has no stack")
    return [
        within("`lake up` first, on a prepared machine", 25, "s", first),
        within("`lake up` again, with state", 12, "s", again),
    ]


def demo() -> list[Figure]:
    """`lake demo` from nothing, with its own clock: from start to answers."""
    seconds, steps = [], []
    for _ in range(3):
        with lake_of_its_own() as stack:
            done = subprocess.run(
                [str(LAKE), "demo", "--json"], env=stack.environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise BenchmarkError(f"lake demo ended {done.returncode}\n{done.stderr}")
            told = json.loads(done.stdout)
            if told["file"]["state"] != "LOADED":
                raise BenchmarkError(f"the demo's file is {told['file']['state']}")
            seconds.append(told["seconds"])
            steps.append(told["steps"])
    return [within("`make demo` on a prepared machine, start to answers", 60, "s", seconds, steps=steps)]


def one_file(history: int = SMALL) -> tuple[list[float], Usage]:
    """Seconds from the put of a file with 50 new orders to the moment when Athena shows them in gold, warm.

    And what all REPEATED files used.
    """
    with lake_of_its_own() as stack:
        stack.up()
        held = _history(stack, history)
        seconds, starts = [], []
        for number in range(REPEATED + 1):
            starts.append(datetime.now(UTC))
            new = generate(50, seed=1000 + number, last_day=TOUCHED_MONTH, days=5, spoilt_share=0)
            began = time.monotonic()
            stack.put(f"orders/new {number}.csv", new.content)
            held += new.facts.good
            seconds.append(stack.until_gold_holds(held) - began)
            stack.wait()
        return seconds[1:], since(stack, starts[1])  # the first of its size also loads classes


def small_files() -> list[Figure]:
    short, used = one_file(SMALL)
    long, _ = one_file(LONG)
    ratio = [one / other for one, other in zip(sorted(long), sorted(short))]
    return [
        within("one new 50-row file, put to gold visible in Athena, warm", 10, "s", short),
        within("the same with a history of 2,000,000 orders against 10,000", 1.2, "x", ratio, seconds=long),
        *figures("a file at a time", used, REPEATED),
    ]


def burst() -> list[Figure]:
    """1,000 files of 10 orders, put at once."""
    files = split(Spec(10_000, 7, last_day=TOUCHED_MONTH, days=28, spoilt_share=0), files=1_000)
    with lake_of_its_own() as stack:
        stack.up()
        held = _history(stack, 1_000)
        start, began = datetime.now(UTC), time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            for put in [pool.submit(stack.put, f"orders/{name}", file.content) for name, file in files.items()]:
                put.result()
        seconds = stack.until_gold_holds(held + sum(file.facts.good for file in files.values())) - began
        stack.wait()
        runs, used = len(stack.runs("silver", start)), since(stack, start)
    return [
        within("1,000 files of 10 orders, dropped at once", 30, "s", [seconds]),
        within("... in so many silver runs", 2, "runs", [runs]),
        *figures("1,000 files at once", used, len(files)),
    ]


def _history(stack: Stack, orders: int) -> int:
    """Fill the lake: up to 10,000 orders in the month that will be touched, the others in the months before it."""
    recent = generate(min(orders, SMALL), seed=1, last_day=TOUCHED_MONTH, days=28)
    stack.put("orders/recent.csv", recent.content)
    held = recent.facts.good
    for number in range(0, orders - SMALL, 200_000):
        size = min(200_000, orders - SMALL - number)
        # Months before the touched one; a range of ids of its own for each file.
        old = generate(
            size, seed=2 + number // 200_000, last_day=date(2025, 7, 31), days=700, spoilt_share=0, causes=False
        )
        stack.put(f"orders/old {number}.csv", old.content)
        held += old.facts.good
    stack.wait()
    if (found := stack.orders_in_gold()) != held:
        raise BenchmarkError(f"gold holds {found:,} orders after the history, {held:,} are right")
    return held
