"""`lake drop` and `lake sample`: a file in, an answer back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import drop as drop_module
from cli import following
from tests.feeds import customers_csv, with_customers

from .conftest import Ended, FakeLake, counts

Run = Callable[..., Ended]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "m\u00e4rz 1.csv"
    path.write_bytes(b"a,b\n1,2\n")
    return path


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 0.01)


def versions(lake: FakeLake, key: str) -> list[str]:
    listed = lake.client("s3").list_object_versions(Bucket="bronze", Prefix=key).get("Versions", [])
    return [item["VersionId"] for item in listed if item["Key"] == key]


def settling(lake: FakeLake, monkeypatch: pytest.MonkeyPatch, *states: str, **more: Any) -> None:
    """The ledger that the flow would write: one state further at each look."""
    real, looks = lake.ledger.entries_of, []  # type: ignore[var-annotated]

    def entries_of(names: list[tuple[str, str]]) -> Any:
        for key, version in names:
            step = sum(name == (key, version) for name in looks)
            looks.append((key, version))
            entry = lake.ledger.entry(key, version)
            if step == 0 or step > len(states):
                continue
            if entry is None:
                last = more if len(states) == 1 else {}
                lake.add(key, states[0], version=version, received={"contract": "orders", **last})
            else:
                values = dict(more) if step == len(states) else {}
                reason = values.pop("reason", None)
                lake.ledger.transition(entry, states[step - 1], at=2e9 + step, reason=reason, set_=values)
        return real(names)

    monkeypatch.setattr(lake.ledger, "entries_of", entries_of)


def test_a_file_lands_under_orders_as_it_is(run: Run, lake: FakeLake, file: Path) -> None:
    ended = run("drop", str(file))
    key = f"orders/{file.name}"
    assert ended.code == 0
    assert lake.client("s3").get_object(Bucket="bronze", Key=key)["Body"].read() == b"a,b\n1,2\n"
    assert versions(lake, key)[0] in ended.out
    assert "lake wait" in ended.out


def test_with_several_feeds_a_file_lands_in_the_folder_of_its_own(
    run: Run, lake: FakeLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contracts = with_customers(tmp_path)
    monkeypatch.setattr("lake.contracts.load_contracts", lambda: contracts)
    (tmp_path / "any name").write_bytes(customers_csv("C-1;Ann;05/03/2018;12;yes"))
    (tmp_path / "other").write_bytes(b"%PDF-1.7")

    dropped = run("drop", str(tmp_path / "any name"), str(tmp_path / "other"), "--json").json

    assert [one["key"] for one in dropped] == ["customers/any name", "orders/other"]


@pytest.mark.parametrize("key", ["x", "some where/\u00fcber #1?&+%20.csv", "a//b/../c"])
def test_a_key_is_taken_verbatim(run: Run, lake: FakeLake, file: Path, key: str) -> None:
    dropped = run("drop", str(file), "--key", key, "--json").json
    assert dropped == [{"key": key, "version": versions(lake, key)[0]}]


def test_several_files_at_once(run: Run, lake: FakeLake, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "b.csv"
    other.write_bytes(b"x")
    assert [d["key"] for d in run("drop", str(file), str(other), "--json").json] == [
        f"orders/{file.name}",
        "orders/b.csv",
    ]


def test_what_cannot_be_dropped_is_said_before_anything_is(
    run: Run, lake: FakeLake, file: Path, tmp_path: Path
) -> None:
    for words in (["nothing.csv"], [str(tmp_path)], [str(file), str(file), "--key", "k"]):
        ended = run("drop", str(file), *words)
        assert ended.code == 2
        assert ended.err.count("\n") == 1
    assert "Versions" not in lake.client("s3").list_object_versions(Bucket="bronze")


def test_a_large_file_goes_in_parts_and_comes_out_whole(
    lake: FakeLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drop_module, "ONE_PUT", 1000)
    monkeypatch.setattr(drop_module, "PART", 5 * 1024 * 1024)
    big = tmp_path / "big.csv"
    big.write_bytes(bytes(range(256)) * 48_000)
    seen: list[float] = []
    version = drop_module.put(lake.client("s3"), "bronze", "big.csv", big, seen.append)
    assert versions(lake, "big.csv") == [version]
    assert lake.client("s3").get_object(Bucket="bronze", Key="big.csv")["Body"].read() == big.read_bytes()
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_a_broken_upload_leaves_no_parts(lake: FakeLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drop_module, "ONE_PUT", 1)
    big = tmp_path / "big.csv"
    big.write_bytes(b"xx")
    s3 = lake.client("s3")
    monkeypatch.setattr(s3, "complete_multipart_upload", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        drop_module.put(s3, "bronze", "big.csv", big)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="bronze")


def test_wait_follows_the_file_and_ends_with_the_arithmetic(
    run: Run, lake: FakeLake, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settling(lake, monkeypatch, "PENDING", "LOADING", "LOADED", counts=counts(inserted=3, quarantined=1, blank=7))
    ended = run("drop", str(file), "--wait")
    assert ended.code == 0
    states = [line.split(": ", 1)[1] for line in ended.out.splitlines()[1:]]
    assert states[0] == "in bronze; its event is on the way to intake"
    assert states[1] == "accepted as orders; waits for a silver run"
    assert states[-1] == "LOADED: 4 rows in = 3 inserted + 1 quarantined; 7 blank records left out"


def test_wait_ends_with_1_and_the_reason_when_the_file_is_refused(
    run: Run, lake: FakeLake, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settling(lake, monkeypatch, "RECEIVED", "REJECTED", reason="it has no header")
    ended = run("drop", str(file), "--wait")
    assert ended.code == 1
    assert ended.out.splitlines()[-1].endswith("REJECTED: it has no header")


def test_wait_as_json_gives_the_ledgers_row(
    run: Run, lake: FakeLake, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settling(lake, monkeypatch, "PENDING", "LOADED", counts=counts(inserted=2))
    (row,) = run("drop", str(file), "--wait", "--json").json
    assert (row["state"], row["inserted"], row["rows_in"]) == ("LOADED", 2, 2)


def test_wait_gives_up_in_time_and_says_how_to_go_on(run: Run, lake: FakeLake, file: Path) -> None:
    ended = run("drop", str(file), "--wait", "--timeout", "0.05")
    assert ended.code == 1
    assert "lake wait" in ended.out.splitlines()[-1]


def test_an_archive_is_settled_when_its_members_are(
    run: Run, lake: FakeLake, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = f"orders/{file.name}"
    settling(lake, monkeypatch, "EXPANDED")
    upload = drop_module.put

    def put(*given: Any) -> str:
        version = upload(*given)  # what is inside has the archive's version; another version's files are none of it
        for name, which in (("one", version), ("old", "v0")):
            key, loaded = f"{parent}!/{name}.csv", {"counts": counts(inserted=1), "received": {"parent": parent}}
            lake.add(key, "PENDING", "LOADED", version=which, **loaded)
        return version

    monkeypatch.setattr(drop_module, "put", put)
    ended = run("drop", str(file), "--wait")
    assert ended.code == 0
    assert "one.csv: LOADED: 1 row in = 1 inserted" in ended.out
    assert "old.csv" not in ended.out


def test_sample_writes_a_file_and_says_what_is_in_it(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "new folder" / "orders.csv"
    ended = run("sample", "--orders", "300", "--seed", "7", "--out", str(out))
    assert ended.code == 0
    assert "300 orders" in ended.out
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    facts = run("sample", "--orders", "300", "--seed", "7", "--out", str(out), "--clean", "--json").json
    assert (facts["records"], facts["good"], facts["quarantined"]) == (300, 300, [])


def test_sample_says_so_when_it_cannot_write(run: Run, tmp_path: Path) -> None:
    ended = run("sample", "--orders", "10", "--out", str(tmp_path))
    assert ended.code == 1
    assert "--out" in ended.err
