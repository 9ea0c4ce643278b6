"""`lake cost`: the bill of what ran, and of a month."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cli import cost

from .conftest import Ended, FakeLake

Run = Callable[..., Ended]


def test_without_a_run_it_assumes_and_says_so(run: Run, lake: FakeLake) -> None:
    ended = run("cost")

    assert ended.code == 0
    assert "No pair of runs is on record yet" in ended.out
    assert "lake drop FILE --wait" in ended.out
    assert "glue_dpu_hour" in ended.out
    assert "measured" not in [
        line.split("\t")[-1] for line in ended.out.splitlines() if line.startswith("glue_dpu_hour")
    ]


def test_the_runs_that_were_and_two_months(run: Run, lake: FakeLake) -> None:
    lake.glue.add("silver", seconds=20)
    lake.glue.add("gold", seconds=100)
    lake.add("orders/a.csv", "RECEIVED", "LOADED")

    told = run("cost", "--files-a-day", "5", "--files-a-day", "500", "--json").json

    price = cost.prices().prices["glue_dpu_hour"]
    assert told["runs"]["files"] == 1
    assert told["runs"]["usd"] == pytest.approx((60 + 100) * 2 / 3600 * price)
    assert [month["files_a_day"] for month in told["months"]] == [5, 500]
    assert told["months"][1]["usd_a_file"] < told["months"][0]["usd_a_file"]
    for month in told["months"]:
        assert month["usd"] == pytest.approx(sum(line["usd"] for line in month["lines"]))


def test_more_rows_than_the_jobs_get_done_is_wrong_use(run: Run, lake: FakeLake) -> None:
    lake.glue.add("silver", seconds=20)
    lake.glue.add("gold", seconds=100)

    ended = run("cost", "--files-a-day", "1000000", "--rows-a-file", "100000")

    assert ended.code == 2
    assert "--workers" in ended.err
