"""`files`, `explain`, `runs`: what the ledger and the jobs say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import pytest

from cli import following, lookup
from cli.errors import CliError
from lake.batches import Batches, LoadedBatch
from lake.manifest import ColumnMapping, FileFacts, FileOutcome, SilverResult
from lake.sweeper import ASIDE

from .conftest import NOON, Ended, FakeLake, counts

Run = Callable[..., Ended]
FACTS = FileFacts("orders", "csv", (ColumnMapping(0, "Pizza No.", "order_id"),), unmapped=("", "Mood"), delimiter=";")
LOADED = counts(inserted=9, updated=2, quarantined=1, blank=7, flagged=3)


@pytest.fixture
def three(lake: FakeLake) -> FakeLake:
    lake.add("orders/March 1.csv", "PENDING", "LOADING", "LOADED", version="aaa111", counts=LOADED, batch_id="b-1",
             run_id="jr_1", received={"contract": "orders", "digest": "d", "facts": FACTS})  # fmt: skip
    lake.add("orders/March 1.csv", "RECEIVED", "REJECTED", version="bbb222", reason="no header")
    lake.add("zip/\u00e9.zip/inner.csv", "PENDING", version="ccc", received={"parent": "zip/\u00e9.zip"})
    return lake


def test_json_lists_every_version_flat_with_all_counts(run: Run, three: FakeLake) -> None:
    rows = {(row["key"], row["version"]): row for row in run("files", "--json").json}
    assert len(rows) == 3
    row = rows["orders/March 1.csv", "aaa111"]
    assert {name: row[name] for name in ("state", "reason", "contract", "parent", "digest")} == {
        "state": "LOADED", "reason": None, "contract": "orders", "parent": None, "digest": "d",
    }  # fmt: skip
    assert all(not isinstance(value, dict | list) for value in row.values())
    for row in rows.values():
        assert row["rows_in"] == sum(row[fate] for fate in following.FATES)
    assert rows["orders/March 1.csv", "bbb222"]["rows_in"] == 0
    assert rows["zip/\u00e9.zip/inner.csv", "ccc"]["parent"] == "zip/\u00e9.zip"


def test_a_pipe_gets_one_line_a_version(run: Run, three: FakeLake) -> None:
    lines = run("files").out.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("key\tversion\tstate")
    assert any("REJECTED" in line and line.endswith("no header") for line in lines)


def test_files_by_state(run: Run, three: FakeLake) -> None:
    assert [row["state"] for row in run("files", "--state", "rejected", "--json").json] == ["REJECTED"]
    assert run("files", "--state", "LOST").code == 2
    assert run("files", "--state", "HELD").out == "No file is in that state.\n"


def test_an_empty_ledger_says_what_to_do(run: Run, lake: FakeLake) -> None:
    assert "lake drop" in run("files").out
    assert run("files", "--json").json == []


def test_an_entry_that_moves_while_the_index_is_read_is_listed_once(three: FakeLake) -> None:
    entries = three.ledger.entries
    moving = next(iter(entries(["PENDING"])))

    def stale(states: object = None) -> list[object]:
        return [*entries(states), moving] if states is None else list(entries(states))  # type: ignore[arg-type]

    three.ledger.entries = stale  # type: ignore[method-assign, assignment]
    three.ledger.transition(moving, "REJECTED", at=1.0, reason="no")
    names = [entry.name for entry in following.all_entries(three)]
    assert len(names) == len(set(names)) == 3
    assert {entry.state for entry in following.all_entries(three, ["PENDING"])} == set()


def test_explain_tells_the_whole_story(run: Run, three: FakeLake) -> None:
    outcome = FileOutcome("orders/March 1.csv", "aaa111", "LOADED", findings=("boxing_minutes equal styling_minutes",))
    three.put_result("b-1", asdict(SilverResult("b-1", True, files=(outcome,))))
    counted = [("what", "varchar"), ("number", "bigint")]
    three.athena.answers["orders_history"] = (counted, [["stands", "10"], ["replaced", "1"], ["duplicate", "4"]])
    three.glue.add(
        "silver", "FAILED", Arguments={"--batch_id": "b-1"}, ErrorMessage="The process was killed: exit code -9"
    )
    three.glue.add("silver", minutes=1, Arguments={"--batch_id": "b-1"})
    three.glue.add("silver", "FAILED", minutes=2, Arguments={"--batch_id": "another"}, ErrorMessage="not ours")
    columns = [("source_row", "bigint"), ("reasons", "varchar"), ("raw_row", "varchar")]
    three.athena.answers["source_version = 'aaa111'"] = (columns, [["8", '["order_date: no date"]', "x"]])
    text = run("explain", "orders/March 1.csv@aaa").out
    assert "came at 2026-03-05 12:00:00" in text
    assert "version 1 of 2" in text
    assert (
        "orders: csv, columns parted by semicolons, encoded in utf-8; 1 column known; unknown to the contract" in text
    )
    assert "Mood" in text
    assert "12 rows in = 9 inserted + 2 updated + 1 quarantined. It adds up." in text
    assert "7 blank records were left out" in text
    assert "3 rows carry a flag" in text
    assert "batch b-1 by run jr_1" in text
    assert "boxing_minutes equal styling_minutes" in text
    assert "1 order_date: no date (record 8)" in text
    assert text.index("PENDING") < text.index("LOADING") < text.index("LOADED")
    assert "Today 10 rows of silver come from it; 1 gave way to newer files." in text
    assert "run jr_silver_0 ended FAILED after 12.5 s: The process was killed: exit code -9" in text
    assert "not ours" not in text
    assert "Gold" not in text  # nobody noted the batch


def test_explain_follows_the_file_to_the_gold_snapshot_that_shows_it(run: Run, three: FakeLake) -> None:
    at = int(NOON.timestamp())
    batches, batch = Batches(three.ledger.store), LoadedBatch("b-1", "jr_1", at + 40, dropped_at=at)
    batches.loaded(batch)
    before = run("explain", "orders/March 1.csv@aaa").out
    batches.shown(batch, "gold-1", 701, at + 93)

    text = run("explain", "orders/March 1.csv@aaa").out
    told = run("explain", "orders/March 1.csv@aaa", "--json").json["batch"]

    assert "Gold does not show it yet." in before
    assert "Gold shows it since 2026-03-05 12:01:33, 93 s after it was dropped: gold run gold-1, snapshot 701." in text
    assert (told["gold_run_id"], told["gold_snapshot_id"]) == ("gold-1", 701)


def test_explain_a_refused_file_gives_the_reason(run: Run, three: FakeLake) -> None:
    text = run("explain", "orders/March 1.csv@bbb222").out
    assert "REJECTED: no header" in text


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        ("HELD", "Nothing of it counts, and all other files are loaded without it. Mend the file and drop it again"),
        ("REJECTED", "Nothing of it counts. Drop a mended file"),
        ("RETRACTED", "Nothing of it counts any more. To have it count again: lake replay --file"),
    ],
)
def test_explain_says_what_to_do_about_a_file_that_does_not_count(
    run: Run, lake: FakeLake, state: str, advice: str
) -> None:
    lake.add("orders/my file.csv", "RECEIVED", state, version="abcdef0123", reason="because of this")
    text = run("explain", "my file").out
    assert f"{state}: because of this" in text
    assert advice in text
    assert "lake replay --file 'orders/my file.csv@abcdef01'" in text


def test_explain_an_archive_names_what_is_inside(run: Run, lake: FakeLake) -> None:
    lake.add("orders/march.zip", "RECEIVED", "EXPANDED", version="z1")
    lake.add("orders/march.zip!/a.csv", "RECEIVED", "REJECTED", version="z1", reason="no header",
             received={"parent": "orders/march.zip"})  # fmt: skip
    text = run("explain", "orders/march.zip").out
    assert "EXPANDED: an archive; its members are files of their own" in text
    assert text.count("a.csv: REJECTED: no header") == 1


@pytest.mark.parametrize(
    ("action", "waits", "runs"),
    [
        ("retract", "To be taken back; waits for a silver run", "batch b-7 takes it back"),
        ("reload", "To be read again; waits for a silver run", "batch b-7 reads it again"),
    ],
)
def test_explain_a_file_that_something_was_asked_of(
    run: Run, lake: FakeLake, action: str, waits: str, runs: str
) -> None:
    entry = lake.add("orders/a.csv", "RECEIVED", "PENDING", action=action)
    assert waits in run("explain", "orders/a.csv").out
    lake.ledger.transition(entry, "LOADING", at=NOON.timestamp(), set_={"batch_id": "b-7"})
    assert runs in run("explain", "orders/a.csv").out


def test_a_file_that_is_in_bronze_only_is_told_apart_from_one_that_never_came(run: Run, lake: FakeLake) -> None:
    lake.client("s3").put_object(Bucket="bronze", Key="orders/new.csv", Body=b"x")
    for name in ("orders/new.csv", "/home/me/new.csv"):
        ended = run("explain", name)
        assert ended.code == 1
        assert "orders/new.csv lies in bronze since" in ended.err
        assert "`lake sweep` takes it in now" in ended.err
    assert "in the ledger or in bronze: `lake files` lists all of them" in run("explain", "never.csv").err
    lake.add("orders/a.csv", "RECEIVED", version="v1")
    assert "No version of orders/a.csv begins with v2: it has v1." in run("explain", "orders/a.csv@v2").err


def test_explain_does_not_need_athena_for_its_story(run: Run, lake: FakeLake) -> None:
    lake.athena.answers["orders_history"] = "GENERIC_INTERNAL_ERROR: the query engine does not answer"
    lake.add("orders/a.csv", "PENDING", "LOADED", counts=counts(inserted=2), received={"contract": "orders"})
    ended = run("explain", "orders/a.csv")
    assert ended.code == 0
    assert "2 rows in = 2 inserted. It adds up." in ended.out


def test_explain_as_json_has_history_and_facts(run: Run, three: FakeLake) -> None:
    story = run("explain", "orders/March 1.csv@aaa111", "--json").json
    assert [change["state"] for change in story["history"]] == ["PENDING", "LOADING", "LOADED"]
    assert story["facts"]["delimiter"] == ";"
    assert story["inserted"] == 9


def test_a_file_is_found_by_key_version_part_or_local_path(three: FakeLake) -> None:
    assert lookup.find(three, "orders/March 1.csv").key == "orders/March 1.csv"
    assert lookup.find(three, "march").key == "orders/March 1.csv"
    assert lookup.find(three, "/home/me/March 1.csv").key == "orders/March 1.csv"
    assert lookup.find(three, "inner").version == "ccc"
    with pytest.raises(CliError, match="2 files"):
        lookup.find(three, "csv")
    with pytest.raises(CliError, match="lake files"):
        lookup.find(three, "nothing")


def test_a_key_may_hold_an_at_sign(lake: FakeLake) -> None:
    lake.add("me@home.csv", "RECEIVED", version="v9")
    assert lookup.find(lake, "me@home.csv").version == "v9"
    assert lookup.find(lake, "me@home.csv@v9").key == "me@home.csv"


def test_the_newest_version_of_a_key_is_meant(lake: FakeLake) -> None:
    from datetime import timedelta

    from .conftest import NOON

    lake.add("a.csv", "RECEIVED", version="zzz", at=NOON)
    lake.add("a.csv", "RECEIVED", version="aaa", at=NOON + timedelta(minutes=1))
    assert lookup.find(lake, "a.csv").version == "aaa"


def test_a_key_with_control_characters_stays_text(run: Run, lake: FakeLake) -> None:
    lake.add("orders/\x1b]0;owned\x07\n[red]x.csv", "RECEIVED")
    out = run("files").out
    assert "\x1b" not in out
    assert len(out.splitlines()) == 2
    assert "[red]x.csv" in out


def test_runs_of_both_jobs_newest_first(run: Run, lake: FakeLake) -> None:
    lake.glue.add("silver", minutes=0, Arguments={"--batch_id": "b-1"})
    lake.glue.add("gold", minutes=1, Arguments={"--gold_run_id": "g-1"})
    lake.glue.add("silver", "FAILED", minutes=2, ErrorMessage="no room")
    found = run("runs", "--json").json
    assert [(row["layer"], row["state"], row["unit"]) for row in found] == [
        ("silver", "FAILED", None), ("gold", "SUCCEEDED", "g-1"), ("silver", "SUCCEEDED", "b-1"),
    ]  # fmt: skip
    assert found[1]["seconds"] == 12.5
    assert len(run("runs", "--limit", "2").out.splitlines()) == 3


def test_a_run_that_goes_on_has_no_end_yet(run: Run, lake: FakeLake) -> None:
    lake.glue.add("silver", "RUNNING", CompletedOn=None)
    row = run("runs", "--json").json[0]
    assert row["completed"] is None
    assert row["seconds"] > 0


def test_no_run_yet(run: Run, lake: FakeLake) -> None:
    assert "lake drop" in run("runs").out


def test_explain_tells_what_was_healed(lake: FakeLake, run: Callable[..., Ended]) -> None:
    lake.ledger.aside = ASIDE
    lake.add("orders/lost.csv", "RECEIVED", "PENDING")
    lake.ledger.aside = ""
    lake.add("orders/fine.csv", "RECEIVED", "PENDING")

    assert (
        "its event had not come: a sweep found it in the bucket and took it in" in run("explain", "orders/lost.csv").out
    )
    assert "healed" not in run("explain", "orders/fine.csv").out


def test_explain_of_an_archive_tells_what_became_of_each_file_inside(run: Run, lake: FakeLake) -> None:
    lake.add("orders/m.zip", "RECEIVED", "EXPANDED", reason="Opened: 2 files inside.")
    within = {"received": {"parent": "orders/m.zip"}}
    lake.add("orders/m.zip!/a.csv", "PENDING", "LOADED", counts=counts(inserted=2), **within)
    lake.add("orders/m.zip!/b.pdf", "RECEIVED", "REJECTED", reason="b.pdf (in m.zip) is a PDF document.", **within)

    told = run("explain", "orders/m.zip").out

    assert "  a.csv: LOADED: 2 rows in = 2 inserted" in told
    assert "  b.pdf: REJECTED: b.pdf (in m.zip) is a PDF document." in told
