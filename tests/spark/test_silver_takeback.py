"""What a person can take back or have read again: silver ends as if it had never been otherwise."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from lake.manifest import RELOAD, RETRACT, ManifestFile
from lake.silver import audit
from tests.spark.silver_support import SilverLake, order

pytestmark = pytest.mark.spark
STATE = ("order_id", "area", "source_file", "source_version", "source_row")


@pytest.fixture
def lake(spark, tmp_path):
    return SilverLake(spark, tmp_path)


def counts(outcome):
    return {name: value for name, value in outcome.counts.items() if value}


def oracle(files: dict[ManifestFile, dict[int, str]]) -> list[tuple]:
    """The rule in plain Python: the newest claim says what, the oldest of its unbroken line says who."""
    claims: dict[int, list[tuple]] = {}
    for file, rows in files.items():
        for place, (number, area) in enumerate(rows.items(), 1):
            claims.setdefault(number, []).append((file.object_time, file.version, place, file.key, area))
    found = []
    for number, said in claims.items():
        said.sort()
        first = last = said[-1]
        for claim in reversed(said):
            if claim[4] != last[4]:
                break
            first = claim
        found.append((str(number), last[4], first[3], first[1], first[2]))
    return sorted(found, key=str)


def test_six_versions_in_any_order_and_the_newest_taken_back_one_by_one(lake):
    seed = random.randrange(10_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    rows = {at: {n: chance.choice("ABCDE") for n in chance.sample(range(1, 31), 20)} for at in range(1, 7)}
    files = {at: lake.orders("orders.csv", *(order(n, area=a) for n, a in rows[at].items()), at=at) for at in rows}
    arrival = list(files)
    chance.shuffle(arrival)
    for part in (arrival[:2], arrival[2:3], arrival[3:]):
        lake.run(*(files[at] for at in part))
    left = {files[at]: rows[at] for at in files}
    assert lake.rows(*STATE) == oracle(left)

    for at in (6, 3):
        result = lake.run(replace(files[at], action=RETRACT))
        del left[files[at]]

        assert [(o.state, o.rows_in, o.adds_up) for o in result.files] == [("RETRACTED", 0, True)]
        assert lake.rows(*STATE) == oracle(left)
    before, snapshot = lake.rows(*STATE), lake.snapshot()

    again = lake.run(files[6], replace(files[3], action=RETRACT))

    assert [o.state for o in again.files] == ["RETRACTED", "RETRACTED"]
    assert (again.changed, lake.snapshot()) == (False, snapshot)

    rebuilt = lake.run(*left, rebuild=1)

    assert rebuilt.changed
    assert lake.rows(*STATE) == before

    lake.run(replace(files[6], action=RELOAD))

    assert lake.rows(*STATE) == oracle({**left, files[6]: rows[6]})


def test_a_version_that_is_taken_back_leaves_no_row_in_quarantine(lake):
    bad = lake.orders("bad.csv", order(1), order(2, delivery="soon"), at=1)
    lake.run(bad, lake.orders("other.csv", order(3), order(4, delivery="never"), at=2))

    result = lake.run(replace(bad, action=RETRACT))

    assert result.months == ("2018-03-01",)
    assert lake.rows("order_id") == [("3",)]
    assert lake.rows("source_file", of="quarantine") == [("other.csv",)]
    assert lake.rows("source_file", "state", of="file_loads") == [
        ("bad.csv", "LOADED"),
        ("bad.csv", "RETRACTED"),
        ("other.csv", "LOADED"),
    ]


def test_a_file_read_again_changes_nothing_and_keeps_its_counts(lake):
    first = lake.orders("a.csv", *(order(n) for n in range(1, 6)), order(9, delivery="soon"), at=1)
    lake.run(first)
    lake.run(lake.orders("b.csv", order(1, area="B"), order(2), at=2))
    before, quarantine = lake.rows(*STATE), lake.rows("source_row", "reasons", of="quarantine")

    result = lake.run(replace(first, action=RELOAD))

    assert counts(result.files[0]) == {"rows_in": 6, "inserted": 5, "quarantined": 1}
    assert lake.rows(*STATE) == before
    assert lake.rows("source_row", "reasons", of="quarantine") == quarantine


def test_a_file_read_again_is_judged_by_the_contract_of_today(lake):
    file = lake.orders("a.csv", *(order(n) for n in range(1, 6)), order(9, area="A", delivery="soon"), at=1)
    lake.run(file)
    assert lake.rows("source_row", of="quarantine") == [(6,)]
    repaired = lake.orders("a.csv", *(order(n) for n in range(1, 6)), order(9, area="A"), at=1)

    result = lake.run(replace(repaired, action=RELOAD))

    assert counts(result.files[0]) == {"rows_in": 6, "inserted": 6}
    assert lake.rows("source_row", of="quarantine") == []
    assert ("9", "A", "a.csv", "v1", 6) in lake.rows(*STATE)


def test_a_rebuild_that_would_lose_a_file_changes_nothing(lake):
    good = lake.orders("good.csv", order(1), order(2))
    spoilt = lake.orders("spoilt.csv", *(order(n) for n in range(10, 40)), at=2)
    lake.run(good, spoilt)
    before, snapshot = lake.rows(*STATE), lake.snapshot()
    worse = lake.orders("spoilt.csv", *(order(n, day="soon") for n in range(10, 40)), at=2)

    with pytest.raises(audit.AuditFailed, match=r"1 files that counted until now would not count .*spoilt\.csv"):
        lake.run(good, worse, rebuild=1)

    assert (lake.rows(*STATE), lake.snapshot()) == (before, snapshot)

    with pytest.raises(audit.AuditFailed, match=r"the rebuild would forget spoilt\.csv, whose rows silver holds"):
        lake.run(good, rebuild=2)

    assert (lake.rows(*STATE), lake.snapshot()) == (before, snapshot)


def test_a_rebuild_brings_back_tables_that_were_lost(lake, spark):
    file = lake.orders("a.csv", order(1), order(2, delivery="soon"))
    lake.run(file)
    before = lake.rows(*STATE)
    for table in ("orders", "orders_history", "quarantine", "file_loads"):
        spark.sql(f"DROP TABLE glue_catalog.{lake.database}.{table}")

    result = lake.run(file, rebuild=1)

    assert counts(result.files[0]) == {"rows_in": 2, "inserted": 1, "quarantined": 1}
    assert lake.rows(*STATE) == before
