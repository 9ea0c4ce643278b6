"""What becomes of a batch: which claim wins, what is counted, what is held back, and that it happens once."""

from __future__ import annotations

import datetime as dt
import gzip
import itertools
import random
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
import yaml
from pyspark.sql.functions import col

from lake.contracts import parse_contract
from lake.manifest import FileOutcome
from lake.silver import audit, commit, reading
from lake.silver.commit import LeaseLost
from tests.spark.silver_support import HEADER, SilverLake, order

pytestmark = pytest.mark.spark
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "jozi_pizza" / "pizza_data.csv"


@pytest.fixture
def lake(spark, tmp_path):
    return SilverLake(spark, tmp_path)


def counts(outcome):
    return {name: value for name, value in outcome.counts.items() if value}


def test_the_same_content_again_changes_nothing_and_makes_no_snapshot(lake):
    rows = [order(n) for n in range(1, 30)]
    lake.run(lake.orders("a.csv", *rows, ",,,", at=1), batch="b-1")
    before, snapshot = lake.rows("*"), lake.snapshot()

    result = lake.run(lake.orders("again.csv", *rows, at=2))

    assert counts(result.files[0]) == {"rows_in": 29, "unchanged": 29}
    assert (result.changed, result.months) == (False, ())
    assert (lake.rows("*"), lake.snapshot()) == (before, snapshot)
    assert result.snapshot_ids["orders"] == snapshot


def test_a_corrected_row_changes_that_row_and_tells_both_months(lake):
    lake.run(lake.orders("a.csv", *(order(n) for n in range(1, 30)), at=1))

    result = lake.run(lake.orders("fix.csv", order(7, day="05/04/2018"), order(8), order(99, day="01/05/2018"), at=2))

    assert counts(result.files[0]) == {"rows_in": 3, "inserted": 1, "updated": 1, "unchanged": 1}
    assert (result.changed, result.months) == (True, ("2018-03-01", "2018-04-01", "2018-05-01"))
    assert (lake.row(7).order_date, lake.row(7).source_file) == (dt.date(2018, 4, 5), "fix.csv")
    assert (lake.row(8).source_file, lake.table().count()) == ("a.csv", 30)
    assert lake.rows("order_id", "fate", "source_file", of="orders_history") == [
        ("7", "replaced", "a.csv"),
        ("8", "unchanged", "fix.csv"),
    ]
    assert result.snapshot_ids["orders"] == lake.snapshot()


def test_in_one_file_the_later_record_of_a_key_wins(lake):
    result = lake.run(lake.orders("a.csv", order(1, area="A"), order(2), order(1, area="B"), order(1, area="C")))

    assert counts(result.files[0]) == {"rows_in": 4, "inserted": 2, "duplicate": 2}
    assert (lake.row(1).area, lake.row(1).source_row) == ("C", 4)
    assert lake.rows("area", "fate", of="orders_history") == [("A", "duplicate"), ("B", "duplicate")]


def test_a_batch_meets_the_rows_between_and_at_the_ends_of_its_keys(lake):
    lake.run(lake.orders("a.csv", *(order(n, area="A") for n in (2, 9, 10, 10_000, 99)), at=1))

    result = lake.run(lake.orders("b.csv", *(order(n, area="B") for n in (9, 10, 2, 7)), at=2))

    # As texts: 10 < 10000 < 2 < 7 < 9 < 99.
    assert counts(result.files[0]) == {"rows_in": 4, "inserted": 1, "updated": 3}
    expected = [("10", "B"), ("10000", "A"), ("2", "B"), ("7", "B"), ("9", "B"), ("99", "A")]
    assert lake.rows("order_id", "area") == expected


def test_in_whatever_order_files_arrive_silver_ends_the_same(lake, spark, tmp_path):
    areas = {  # at -> order -> area
        1: {1: "A", 2: "A", 3: "A", 4: "A"},
        2: {1: "B", 2: "A", 3: "B", 5: "D"},
        3: {1: "B", 2: "C", 3: "A", 5: "D"},
    }

    def files(of):
        return {
            at: of.orders(f"f{at}.csv", *(order(n, area=area) for n, area in rows.items()), at=at)
            for at, rows in areas.items()
        }

    def state(of):
        return of.rows("order_id", "area", "source_file", "source_version", "source_row")

    arrivals = [(3, 2, 1), (2, 3, 1)]
    ends = []
    for number, arrival in enumerate(arrivals):
        (tmp_path / str(number)).mkdir()
        one = SilverLake(spark, tmp_path / str(number))
        for at in arrival:
            result = one.run(files(one)[at])
            assert result.files[0].adds_up
        ends.append(state(one))
    together = lake.run(*files(lake).values())

    expected = [
        ("1", "B", "f2.csv", "v2", 1),
        ("2", "C", "f3.csv", "v3", 2),
        ("3", "A", "f3.csv", "v3", 3),
        ("4", "A", "f1.csv", "v1", 4),
        ("5", "D", "f2.csv", "v2", 4),
    ]
    assert ends == [expected] * len(arrivals)
    assert state(lake) == expected
    assert [counts(outcome) for outcome in together.files] == [
        {"rows_in": 4, "inserted": 1, "superseded": 3},
        {"rows_in": 4, "inserted": 2, "superseded": 2},
        {"rows_in": 4, "inserted": 2, "unchanged": 2},
    ]


def test_an_older_file_that_comes_late_is_superseded(lake):
    lake.run(lake.orders("new.csv", order(1, area="B"), at=5))

    result = lake.run(lake.orders("old.csv", order(1, area="A"), order(2), at=2))

    assert counts(result.files[0]) == {"rows_in": 2, "inserted": 1, "superseded": 1}
    assert lake.row(1).area == "B"
    assert lake.rows("order_id", "area", "fate", of="orders_history") == [("1", "A", "superseded")]


def test_damaged_files_are_held_and_the_rest_of_the_batch_loads(lake):
    packed = gzip.compress("\n".join([HEADER, *(order(n) for n in range(3000))]).encode())
    torn = lake.file("torn.csv.gz", packed)
    (lake.folder / "v1" / "torn.csv.gz").write_bytes(packed[:-100])
    mostly_bad = lake.orders("bad.csv", *(order(n, day="soon" if n % 2 else "01/03/2018") for n in range(5000, 5030)))
    good = lake.orders("good.csv", order(1), order("", day="x"))

    result = lake.run(torn, mostly_bad, good)

    by_key = {outcome.key: outcome for outcome in result.files}
    assert {key: (outcome.state, counts(outcome)) for key, outcome in by_key.items()} == {
        "torn.csv.gz": ("HELD", {}),
        "bad.csv": ("HELD", {}),
        "good.csv": ("LOADED", {"rows_in": 2, "inserted": 1, "quarantined": 1}),
    }
    assert "cut short" in by_key["torn.csv.gz"].reason
    assert by_key["bad.csv"].reason == (
        "15 of its 30 rows are bad (50%), more than the 20% that its contract allows: "
        "order_date is not a date (d/M/yyyy or yyyy-MM-dd) (15 rows)"
    )
    assert lake.rows("order_id") == [("1",)]
    assert lake.rows("source_file", of="quarantine") == [("good.csv",)]
    assert lake.rows("source_file", "state", "rows_in", of="file_loads") == [
        ("bad.csv", "HELD", 0),
        ("good.csv", "LOADED", 2),
        ("torn.csv.gz", "HELD", 0),
    ]


def test_a_batch_that_is_started_again_answers_the_same_and_does_nothing(lake):
    file = lake.orders("a.csv", order(1), order(2))
    first = lake.run(file, batch="b-1")
    before = [lake.snapshot(table) for table in ("orders", "file_loads")]

    again = lake.run(file, batch="b-1")

    assert again == first
    assert [lake.snapshot(table) for table in ("orders", "file_loads")] == before


def test_a_file_version_is_loaded_once_whatever_batch_asks_for_it(lake):
    file = lake.orders("a.csv", order(1), order(2))
    first = lake.run(file)

    other = lake.run(file, lake.orders("b.csv", order(3)))

    assert other.files[0] == first.files[0]
    assert lake.table("file_loads").count() == 2
    assert lake.table().count() == 3


@pytest.mark.parametrize("dies_at", [1, 2, 4])
def test_a_run_that_dies_while_it_publishes_is_finished_by_the_next_one(lake, monkeypatch, dies_at):
    lake.run(lake.orders("a.csv", order(1), order(2)))
    batch = lake.orders("b.csv", order(1, area="B"), order("", day="x"), order(3), at=2)
    really, calls = commit.publish, itertools.count(1)

    def dying(*arguments):
        if next(calls) == dies_at:
            raise KeyboardInterrupt
        return really(*arguments)

    monkeypatch.setattr(commit, "publish", dying)
    with pytest.raises(KeyboardInterrupt):
        lake.run(batch, batch="b-2")
    monkeypatch.setattr(commit, "publish", really)

    result = lake.run(batch, batch="b-3")

    assert counts(result.files[0]) == {"rows_in": 3, "inserted": 1, "updated": 1, "quarantined": 1}
    assert (result.changed, result.months) == (True, ("2018-03-01",))
    assert lake.rows("order_id", "area") == [("1", "B"), ("2", "A"), ("3", "A")]
    assert lake.table("quarantine").count() == 1
    assert lake.table("file_loads").count() == 2
    assert lake.rows("order_id", "fate", of="orders_history") == [("1", "replaced")]


def test_a_run_that_lost_its_lease_publishes_nothing(lake):
    lake.may_publish = lambda: False

    with pytest.raises(LeaseLost, match="another silver run took over"):
        lake.run(lake.orders("a.csv", order(1)))

    assert [lake.snapshot(table) for table in ("orders", "file_loads", "quarantine")] == [None, None, None]


def test_the_audit_stops_what_does_not_add_up():
    with pytest.raises(audit.AuditFailed, match=r"rows of a\.csv do not add up: 3 came in, but 2 inserted"):
        audit.arithmetic([FileOutcome("a.csv", "v1", "LOADED", rows_in=3, inserted=2)])


def test_the_audit_finds_a_key_that_stands_twice(lake, spark):
    lake.run(lake.orders("a.csv", order(1), order(2)))
    name = f"glue_catalog.{lake.database}.orders"
    lake.table().where("order_id = '1'").writeTo(name).append()
    keys = lake.table().select("order_id").distinct()

    with pytest.raises(audit.AuditFailed, match="key 1 of orders"):
        audit.keys_of_branch(spark, lake.contracts["orders"], name, keys, col("order_id").between("1", "2"))


def test_random_batches_end_as_plain_python_says(lake):
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    times = rng.sample(range(1, 24), 8)
    claims: dict[str, list[tuple]] = {}  # key -> (time, record, area), the last record of a key in each file
    came = quarantined = 0

    for batch in (times[:3], times[3:6], times[6:]):
        files, expected = [], []
        for at in batch:
            records, last, bad, blank = [], {}, 0, 0
            for number in range(1, rng.randrange(12, 30)):
                kind, key, area = rng.choice("ggggggbr-"), str(rng.randrange(1, 15)), rng.choice("AAB")
                records.append(
                    {"-": ",,,", "b": order("", day="x"), "r": order(key)[:30]}.get(kind, order(key, area=area))
                )
                bad, blank = bad + (kind in "br"), blank + (kind == "-")
                if kind == "g":
                    last[key] = (at, number, area)
            files.append(lake.orders(f"f{at}.csv", *records, at=at))
            rows = len(records) - blank
            expected.append((rows, rows - bad - len(last), bad, blank))
            for key, claim in last.items():
                claims.setdefault(key, []).append(claim)
            came, quarantined = came + rows, quarantined + bad
        lake.contracts["orders"] = replace(lake.contracts["orders"], quarantine_threshold=1.0)
        outcomes = lake.run(*files).files
        assert [(o.rows_in, o.duplicate, o.quarantined, o.blank) for o in outcomes] == expected
        assert all(outcome.adds_up for outcome in outcomes)

    standing = []
    for key, said in claims.items():
        line = itertools.groupby(sorted(said, reverse=True), key=lambda claim: claim[2])
        at, number, area = list(next(line)[1])[-1]
        standing.append((key, area, f"f{at}.csv", number))
    assert lake.rows("order_id", "area", "source_file", "source_row") == sorted(standing, key=str)
    totals = lake.table("file_loads").selectExpr("sum(rows_in)", "sum(quarantined)", "sum(inserted)").collect()[0]
    assert tuple(totals) == (came, quarantined, len(claims))
    assert lake.table("quarantine").count() == quarantined


def test_an_audit_that_fails_leaves_readers_what_they_had(lake, monkeypatch):
    lake.run(lake.orders("a.csv", order(1), order(2)))
    tables = ("orders", "orders_history", "file_loads", "quarantine")
    before = [lake.snapshot(table) for table in tables]
    monkeypatch.setattr(reading, "reasons", lambda contract: [])  # a release that lets everything through

    with pytest.raises(audit.AuditFailed) as failed:
        lake.run(lake.orders("b.csv", order(3, delivery="-3"), order(1, area="B"), order(4, day="01/01/1999"), at=2))

    assert str(failed.value) == (
        "orders would hold rows that belong in quarantine: "
        "order_date is below 2000-01-01 (1 row); delivery_minutes is below 0 (1 row)"
    )
    assert [lake.snapshot(table) for table in tables] == before
    assert lake.rows("order_id", "area") == [("1", "A"), ("2", "A")]
    monkeypatch.undo()
    assert counts(lake.run(lake.orders("b.csv", order(3, delivery="-3"), order(1, area="B"), at=3)).files[0]) == {
        "rows_in": 2, "updated": 1, "quarantined": 1,
    }  # fmt: skip


SECOND_FEED = {
    "apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "version": "1", "status": "active",
    "customProperties": [{"property": "timeZone", "value": "Africa/Johannesburg"}],
    "schema": [{"name": "drivers", "description": "Drivers.", "properties": [
        {"name": "driver", "logicalType": "string", "physicalType": "string", "primaryKey": True,
         "customProperties": [{"property": "aliases", "value": ["Driver name"]}]},
        {"name": "kilometres", "logicalType": "integer", "physicalType": "bigint",
         "logicalTypeOptions": {"minimum": 0}},
        {"name": "started", "logicalType": "timestamp", "physicalType": "timestamp_ntz",
         "customProperties": [{"property": "formats", "value": ["d.M.yyyy H:mm"]}]},
    ]}],
}  # fmt: skip


def test_another_feed_needs_a_contract_and_no_code(lake):
    lake.contracts["drivers"] = parse_contract(yaml.safe_dump(SECOND_FEED))
    drivers = lake.file("d.csv", "Driver name;kilometres;started\nNa;12;1.4.2020 8:05\nTo;-1;x\nUm;;\n")

    result = lake.run(drivers, lake.orders("a.csv", order(1)))

    assert [counts(outcome) for outcome in result.files] == [
        {"rows_in": 3, "inserted": 2, "quarantined": 1},
        {"rows_in": 1, "inserted": 1},
    ]
    assert lake.rows("driver", "kilometres", "started", of="drivers") == [
        ("Na", 12, dt.datetime(2020, 4, 1, 8, 5)),
        ("Um", None, None),
    ]
    assert lake.rows("contract", "reasons", of="quarantine") == [
        ("drivers", ["kilometres '-1' is below 0", "started 'x' is not a timestamp (d.M.yyyy H:mm)"])
    ]


@pytest.mark.skipif(not REAL.exists(), reason="the real export is not beside the checkout")
def test_the_real_export_gives_the_figures_that_duckdb_finds_in_the_raw_file(lake):
    raw = duckdb.sql(
        f"SELECT * FROM read_csv('{REAL}', header = false, skip = 1, all_varchar = true) WHERE column00 IS NOT NULL"
    )
    stages = {
        "receipt": "column04", "base_prep": "column05", "styling": "column06", "cooking": "column07",
        "boxing": "column08", "delivery": "column09", "order_to_door": "column03",
    }  # fmt: skip
    means = ", ".join(f"avg({column}::DOUBLE)" for column in stages.values())
    expected = raw.query(
        "raw",
        "SELECT count(*), count(*) FILTER (column09::DOUBLE > 30), count(*) FILTER (column03::DOUBLE > 30), "
        f"count(*) FILTER (lower(column20) = 'yes'), {means} FROM raw",
    ).fetchall()[0]
    reasons = dict(
        raw.query("raw", "SELECT lower(column21), count(*) FROM raw WHERE column21 IS NOT NULL GROUP BY 1").fetchall()
    )

    result = lake.run(lake.file(REAL.name, REAL.read_bytes()))

    found = lake.table().selectExpr(
        "count(*)", "count_if(delivery_minutes > 30)", "count_if(order_to_door_minutes > 30)", "count_if(is_complaint)",
        *(f"avg(double({stage}_minutes))" for stage in stages),
    ).collect()[0]  # fmt: skip
    assert counts(result.files[0]) == {"rows_in": 12_773, "inserted": 12_773, "blank": 7, "flagged": 1}
    assert result.files[0].findings == (
        "boxing_minutes says the same as styling_minutes in 12,771 of 12,773 rows: one of the two is probably a copy",
        "boxer: 'Bongni' (814 rows) may be 'Bongani' (3,740 rows) in another spelling; both are kept as written",
    )
    assert tuple(found) == pytest.approx(expected)
    grouped = lake.table().where("complaint_reason IS NOT NULL").groupBy("complaint_reason").count().collect()
    assert {row.complaint_reason.lower(): row["count"] for row in grouped} == reasons
