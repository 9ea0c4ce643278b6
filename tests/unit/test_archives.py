"""Archives: an entry for each file inside, whatever is inside, and nothing unpacked of what means harm."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

import pytest

from lake.detect import HEAD_BYTES, Accepted, Archive, Inside, Rejected, detect
from lake.entries import EXPANDED, LOADED, LOADING, PENDING, REJECTED, RETRACTED, FileEntry
from lake.intake import Intake
from lake.requests import CannotError, read_again, take_back

from .flow_fakes import World, object_event, orders_csv
from .test_detect import CONTRACTS, look


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return stream.getvalue()


def drop(world: World, key: str, body: bytes) -> list[FileEntry]:
    intake = Intake(world.flow())
    entries = intake.accept(object_event(key, world.objects.put(key, body)))
    intake.finish(entries)
    return entries


def test_each_file_inside_has_an_entry_and_an_answer_of_its_own(world: World) -> None:
    body = packed({"a/": b"", "a/good.csv": orders_csv(1, 2), "notes.txt": b"Dear all", "__MACOSX/a/._good.csv": b"x"})

    archive, *members = drop(world, "orders/march.zip", body)

    assert (archive.key, archive.state, archive.parent) == ("orders/march.zip", EXPANDED, None)
    assert archive.reason == (
        "Opened: 2 files inside, each with an entry of its own. 1 of them cannot be taken."
        " Left out: 'a/' and '__MACOSX/a/._good.csv'."
    )
    found = {member.key: member for member in members}
    good, bad = found["orders/march.zip!/a/good.csv"], found["orders/march.zip!/notes.txt"]
    assert (good.state, good.parent, good.version, good.contract) == (
        PENDING, "orders/march.zip", archive.version, "orders",
    )  # fmt: skip
    assert bad.state == REJECTED
    assert str(bad.reason).startswith("notes.txt (in march.zip) is not a table")
    assert world.objects.tags[archive.name]["lake-status"] == EXPANDED
    [(_, message)] = world.alerts.sent
    assert "orders/march.zip!/notes.txt" in message
    [run] = world.jobs.runs
    [file] = world.manifest(run).files
    assert (file.key, file.member, file.object_key) == (good.key, "a/good.csv", "orders/march.zip")


def test_an_event_that_comes_again_opens_nothing_twice(world: World) -> None:
    version = world.objects.put("orders/m.zip", packed({"a.csv": orders_csv(1), "b.pdf": b"%PDF"}))

    for _ in range(3):
        intake = Intake(world.flow())
        intake.finish(intake.accept(object_event("orders/m.zip", version)))

    assert len(list(world.ledger.entries())) == 3
    assert len(world.jobs.runs) == len(world.alerts.sent) == 1


def test_an_archive_inside_an_archive_is_opened_and_no_deeper(world: World) -> None:
    third = packed({"c.csv": orders_csv(3)})
    second = packed({"b.csv": orders_csv(2), "third.zip": third})

    drop(world, "orders/first.zip", packed({"a.csv": orders_csv(1), "second.zip": second}))

    found = {entry.key: entry for entry in world.ledger.entries()}
    assert {key: (entry.state, entry.parent) for key, entry in found.items()} == {
        "orders/first.zip": (EXPANDED, None),
        "orders/first.zip!/a.csv": (LOADING, "orders/first.zip"),
        "orders/first.zip!/second.zip": (EXPANDED, "orders/first.zip"),
        "orders/first.zip!/second.zip!/b.csv": (LOADING, "orders/first.zip!/second.zip"),
        "orders/first.zip!/second.zip!/third.zip": (REJECTED, "orders/first.zip!/second.zip"),
    }
    assert "an archive in an archive in an archive" in str(found["orders/first.zip!/second.zip!/third.zip"].reason)
    assert found["orders/first.zip!/second.zip!/b.csv"].member == "second.zip!/b.csv"


def test_an_archive_that_is_taken_back_takes_back_everything_inside(world: World) -> None:
    inside = {"a.csv": orders_csv(1), "b.pdf": b"%PDF", "c.zip": packed({"d.csv": orders_csv(2)})}
    archive, *_ = drop(world, "orders/m.zip", packed(inside))
    with pytest.raises(CannotError, match="being loaded right now"):
        take_back(world.flow(), archive, "")
    world.silver_succeeds()
    world.flow().silver.tend()

    take_back(world.flow(), archive, "wrong month")
    world.flow().move_on()
    world.silver_succeeds()
    world.flow().silver.tend()

    assert {entry.state for entry in world.ledger.entries()} == {RETRACTED}
    assert len(world.jobs.runs) == 2 + len([run for run in world.jobs.runs if run.job == "gold-job"])


def test_one_file_of_an_archive_can_be_taken_back_and_read_again(world: World) -> None:
    drop(world, "orders/m.zip", packed({"a.csv": orders_csv(1), "b.csv": orders_csv(2)}))
    world.silver_succeeds()
    world.flow().silver.tend()
    [member] = world.ledger.versions("orders/m.zip!/a.csv")

    take_back(world.flow(), member, "")
    world.flow().move_on()
    world.silver_succeeds()
    world.flow().silver.tend()
    states = {entry.key: entry.state for entry in world.ledger.entries()}
    assert states == {"orders/m.zip": EXPANDED, "orders/m.zip!/a.csv": RETRACTED, "orders/m.zip!/b.csv": LOADED}

    read_again(world.flow(), world.ledger.versions("orders/m.zip!/a.csv")[0])
    assert world.ledger.versions("orders/m.zip!/a.csv")[0].state in (PENDING, LOADING)


def test_an_archive_that_is_read_again_has_all_inside_read_again(world: World) -> None:
    inside = {"a.csv": orders_csv(1), "b.pdf": b"%PDF", "c.zip": packed({"d.csv": orders_csv(2)})}
    archive, *_ = drop(world, "orders/m.zip", packed(inside))
    world.silver_succeeds()
    world.flow().silver.tend()

    again = read_again(world.flow(), archive)

    assert again.state == EXPANDED
    states = {entry.key: entry.state for entry in world.ledger.entries()}
    assert states["orders/m.zip!/b.pdf"] == REJECTED
    assert {states["orders/m.zip!/a.csv"], states["orders/m.zip!/c.zip!/d.csv"]} <= {PENDING, LOADING}


def test_what_is_packed_in_a_zip_may_be_of_any_kind_that_is_taken(world: World) -> None:
    record = dict(zip(orders_csv().decode().split(","), orders_csv(1).decode().splitlines()[1].split(",")))
    lines = json.dumps(record).encode()

    answer = look(packed({"a.jsonl": lines, "b.csv.gz": gzip.compress(orders_csv(1)), "c.json": b"[" + lines + b"]"}))

    assert isinstance(answer, Archive)
    answers = [answer.look(inside) for inside in answer.inside]
    assert [(a.facts.format, a.facts.compression) for a in answers if isinstance(a, Accepted)] == [
        ("jsonl", None), ("csv", "gzip"), ("json", None),
    ]  # fmt: skip


def lying(body: bytes, sizes: int) -> bytes:
    """The archive with a directory and headers that claim another unpacked size of its first file."""
    start = body.index(b"PK\x01\x02")
    return body[:start] + body[start : start + 24] + sizes.to_bytes(4, "little") + body[start + 28 :]


def encrypted(body: bytes) -> bytes:
    start = body.index(b"PK\x01\x02")
    return body[: start + 8] + b"\x01" + body[start + 9 :]


def renamed(body: bytes, old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new)
    return body.replace(old, new)


def overlapping() -> bytes:
    """Two entries of the directory that share one file's bytes, as bombs do it."""
    body = packed({"aaaa.csv": orders_csv(1)})
    start, end = body.index(b"PK\x01\x02"), body.index(b"PK\x05\x06")
    entry = body[start:end]
    second = entry.replace(b"aaaa", b"bbbb")
    size = (2 * len(entry)).to_bytes(4, "little")
    tail = body[end : end + 8] + b"\x02\x00\x02\x00" + size + body[end + 16 :]
    return body[:start] + entry + second + tail


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (packed({}), "an empty zip archive"),
        (packed({"a/": b"", ".DS_Store": b"x"}), "holds no file but 'a/' and '.DS_Store'"),
        (packed({"../../evil.csv": orders_csv(1)}), "whose name leads out of the archive ('../../evil.csv')"),
        (packed({"/etc/evil.csv": orders_csv(1)}), "leads out of the archive"),
        (packed({"C:evil.csv": orders_csv(1)}), "leads out of the archive"),
        (renamed(packed({"a_b.csv": orders_csv(1)}), b"a_b.csv", b"a\\b.csv"), "leads out of the archive"),
        (packed({f"{n}.csv": b"" for n in range(1_200)}), "holds 1,200 files, more than the 1,000"),
        (packed({"zeros.csv": bytes(8 << 20)}), "unpacks to more than 200 times its size (zeros.csv)"),
        (lying(packed({"a.csv": orders_csv(1)}), 3 << 30), "unpacks to more than 200 times its size (a.csv)"),
        (encrypted(packed({"a.csv": orders_csv(1)})), "protected by a password"),
        (overlapping(), "made to mislead"),
        (packed({"a.csv": orders_csv(*range(50))})[:-40], "cut short or damaged"),
        (packed({"aaa.csv": b"1", "bbb.csv": b"2"}).replace(b"bbb", b"aaa"), "holds 'aaa.csv' twice"),
        (gzip.compress(packed({"a.csv": orders_csv(1)})), "zip archive packed once more with gzip"),
        (packed({"a!/b.csv": orders_csv(1)}), "whose name cannot be kept"),
    ],
)
def test_an_archive_that_means_harm_or_is_broken_is_refused_whole(body: bytes, words: str) -> None:
    answer = look(body, "orders/odd.zip")

    assert isinstance(answer, Rejected), answer
    assert words in answer.reason
    assert answer.reason.startswith("odd.zip")
    assert answer.reason.endswith(".")


def test_an_archive_is_refused_by_its_directory_without_reading_what_is_inside() -> None:
    body = packed({f"{n}.csv": bytes(4 << 20) for n in range(30)}, zipfile.ZIP_STORED)
    start = body.index(b"PK\x01\x02")
    bomb = body[:start] + body[start:].replace(b".csv", b"\\csv", 1)
    fetched: list[int] = []

    def read(start: int, length: int) -> bytes:
        fetched.append(length)
        return bomb[start : start + length]

    assert isinstance(detect(bomb[:HEAD_BYTES], len(bomb), "a.zip", CONTRACTS, read), Rejected)
    assert sum(fetched) < 1 << 20 < len(bomb)


@pytest.mark.parametrize("lie", [0, 10, 1 << 20])
def test_a_directory_that_lies_about_a_size_gains_nothing(lie: int) -> None:
    answer = look(lying(packed({"a.csv": orders_csv(*range(20))}), lie))

    assert isinstance(answer, Archive)
    assert isinstance(answer.look(answer.inside[0]), Rejected)


def test_a_file_inside_that_is_spoilt_or_packed_oddly_is_refused_by_itself() -> None:
    spoilt = bytearray(packed({"a.csv": orders_csv(*range(20)), "b.csv": orders_csv(1)}, zipfile.ZIP_STORED))
    spoilt[60] ^= 255
    answer = look(bytes(spoilt))
    assert isinstance(answer, Archive)
    assert "damaged" in _reason(answer, 0)
    assert isinstance(answer.look(answer.inside[1]), Accepted)

    odd = look(packed({"a.csv": orders_csv(1)}, zipfile.ZIP_LZMA))
    assert isinstance(odd, Archive)
    assert "packed with LZMA" in _reason(odd, 0)


def _reason(archive: Archive, place: int) -> str:
    answer = archive.look(archive.inside[place])
    assert isinstance(answer, Rejected), answer
    return answer.reason


def test_a_read_that_fails_is_no_fault_of_the_archive() -> None:
    body = packed({"a.csv": bytes(range(256)) * 4_000, "b.csv": orders_csv(1)}, zipfile.ZIP_STORED)
    failing = False

    def read(start: int, length: int) -> bytes:
        if failing:
            raise ConnectionError("no answer")
        return body[start : start + length]

    answer = detect(body[:HEAD_BYTES], len(body), "a.zip", CONTRACTS, read)
    assert isinstance(answer, Archive)
    failing = True
    with pytest.raises(ConnectionError):
        answer.look(Inside("a.csv", 0, ""))
