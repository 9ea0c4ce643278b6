"""Many days at once: a writer keeps one file open, not one a day."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from lake.gold import writing
from tests.spark.gold_support import Lake, order

pytestmark = pytest.mark.spark


def test_a_day_is_one_file_however_many_tasks_had_rows_of_it(spark, monkeypatch):
    monkeypatch.setattr(writing, "OPEN_FILES", 20)
    lake = Lake(spark)
    days = [datetime(2018, 3, 1, 19) + timedelta(days=n) for n in range(40)]
    lake.upsert([order(n, day) for n, day in enumerate(days)])
    lake.upsert([order(100 + n, day) for n, day in enumerate(days)])  # other files of silver, other tasks

    lake.run()

    files = spark.table(f"{lake.gold}.order_details.files").select("record_count").collect()
    assert [row.record_count for row in files] == [2] * 40
