"""Thousands of files in one batch: one run, few tasks, and every file accounted for (`make chaos`: ten thousand)."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from lake.parsing import tasks
from tests.spark.silver_support import HEADER, SilverLake, order

pytestmark = pytest.mark.spark
LONG = os.environ.get("LAKE_CHAOS") == "long"
FILES = 10_000 if LONG else 2_000


def test_many_small_files_go_in_one_run_of_few_tasks_and_each_adds_up(spark, tmp_path):
    lake = SilverLake(spark, tmp_path)
    # Every tenth brings a row that cannot be read; what the front desk says of the first file holds for all.
    first = lake.orders("0.csv", order(0))
    files = [first]
    for number in range(1, FILES):
        content = f"{HEADER}\n{order(number) if number % 10 else order(number, day='never')}\n"
        (tmp_path / "v1" / f"{number}.csv").write_text(content)
        files.append(replace(first, key=f"{number}.csv", size=len(content)))
    bad = (FILES - 1) // 10

    result = lake.run(*files)

    assert len(result.files) == FILES
    assert all(outcome.adds_up and outcome.state == "LOADED" for outcome in result.files)
    assert sum(outcome.quarantined for outcome in result.files) == bad
    assert len(lake.rows("order_id")) == FILES - bad
    assert len(tasks.plan(files, []).tasks) <= FILES // 250


def test_dealing_out_a_large_files_records_changes_no_row_and_no_count(spark, tmp_path, monkeypatch):
    rows = [
        order(n % 290, time=f"{n % 24:02d}:30:05", day="never" if n % 41 == 0 else "05/03/2018") for n in range(300)
    ]
    usual = spark.conf.get("spark.sql.shuffle.partitions")
    found = []
    for name, part in (("whole", tasks.PART), ("dealt", 4_000)):  # the file is some 25 KB
        monkeypatch.setattr(tasks, "PART", part)
        folder = tmp_path / name
        folder.mkdir()
        lake = SilverLake(spark, folder)
        result = lake.run(lake.orders("large.csv", *rows), batch="silver-1")
        kept = lake.rows("source_row", "raw_row", "reasons", of="quarantine")
        found.append((result.files, lake.rows("order_id", "order_hour", "source_row"), kept))

    assert spark.conf.get("spark.sql.shuffle.partitions") == usual
    assert found[0][0][0].duplicate > 0
    assert found[0] == found[1]
