"""Any bytes, any names, any values: the desk always answers, the reader always comes to an end, nothing is lost.

The short run is part of `make test`; `make fuzz` (LAKE_FUZZ=seconds) mutates good files for as long as it is told.
LAKE_SEED=n repeats what a failure printed.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import time
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake import jsontext
from lake.answers import INSIDE, Accepted, Answer, Archive, Rejected
from lake.contracts import load_contracts
from lake.detect import HEAD_BYTES, detect
from lake.headers import known_names, match
from lake.manifest import ColumnMapping, FileFacts, ManifestFile
from lake.parsing.records import BAD, END, ERROR, ROW
from lake.parsing.streams import as_utf8
from lake.parsing.tasks import plan, read_task
from tests.odd_files import EXPANDED, LOADED, ODD, Odd

CONTRACTS = load_contracts()
ORDERS = CONTRACTS["orders"]
SECONDS = float(os.environ.get("LAKE_FUZZ") or 0)
SHORT_ROUNDS = 150
GOOD = [odd for odd in ODD if odd.state in (LOADED, EXPANDED) and len(odd.body) < 100_000]
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufdd0"), max_size=12)
DRAWN = settings(max_examples=60, deadline=None)


def answer_on(body: bytes) -> Answer:
    return detect(
        body[:HEAD_BYTES], len(body), "orders/f", CONTRACTS, lambda start, length: body[start : start + length]
    )


def read(folder: Path, body: bytes, facts: FileFacts, member: str | None = None) -> Counter[int]:
    """Reads a file to its end as silver does; how many records of each kind there were."""
    (folder / "file").write_bytes(body)
    key = "file" if member is None else f"file{INSIDE}{member}"
    file = ManifestFile(key, "v", len(body), "2026-01-01T00:00:00Z", facts, f"file://{folder}", member)
    fields = [(item.name, item.kind) for item in ORDERS.fields]
    kinds: Counter[int] = Counter()
    numbers: Counter[int] = Counter()
    for batch in read_task(plan([file], fields, known=known_names(ORDERS)), 0):
        kinds.update(batch.column("kind").to_pylist())
        numbers.update(number for number in batch.column("source_row").to_pylist() if number is not None)
    assert kinds[END] + kinds[ERROR] == 1, "the file has no end, or two"
    assert not numbers or max(numbers.values()) == 1, "two records have one number"
    return kinds


def try_all(folder: Path, body: bytes, answer: Answer, path: str = "") -> None:
    """Whatever was accepted can be read to an end; whatever was refused has words."""
    if isinstance(answer, Rejected):
        assert answer.reason
        assert answer.reason.isprintable()
    elif isinstance(answer, Accepted):
        read(folder, body, answer.facts, path or None)
    else:
        for inside in answer.inside:
            name = f"{path}{INSIDE}{inside.name}" if path else inside.name
            try_all(folder, body, answer.look(inside), name)


def mutate(dice: random.Random, body: bytes) -> bytes:
    """A good file with a few bytes or a stretch of it changed, lost, doubled, or cut off."""
    spoilt = bytearray(body)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(spoilt) + 1)
        match dice.randrange(7):
            case 0:
                spoilt[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                spoilt[at:at] = dice.choice(
                    [b"\x00", b'"', b"\n", b"\r", b",", b"\xff", b"{", b"[", b"\xef\xbb\xbf", b"]]"]
                )
            case 2:
                del spoilt[at : at + dice.randint(1, 40)]
            case 3:
                spoilt[at:at] = spoilt[at : at + dice.randint(1, 200)]
            case 4:
                del spoilt[dice.randrange(len(spoilt) // 2, len(spoilt) + 1) :]
            case 5:
                spoilt[at : at + 4] = dice.randbytes(4)
            case 6:
                other = dice.choice(GOOD).body
                spoilt[at:at] = other[: dice.randint(1, 300)]
        if not spoilt:
            break
    return bytes(spoilt)


def test_good_files_that_are_spoilt_anywhere_get_an_answer_and_come_to_an_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = int(os.environ.get("LAKE_SEED") or random.randrange(1_000_000))
    with capsys.disabled():
        print(f"\nLAKE_SEED={seed}", end=" ")
    dice = random.Random(seed)
    until = time.monotonic() + SECONDS
    tried = 0
    while tried < SHORT_ROUNDS or time.monotonic() < until:
        odd: Odd = dice.choice(GOOD)
        body = mutate(dice, odd.body)
        try:
            try_all(tmp_path, body, answer_on(body))
        except Exception as error:
            kept = tmp_path / "spoilt"
            kept.write_bytes(body)
            raise AssertionError(f"LAKE_SEED={seed}, file {tried} (from {odd.key!r}), kept as {kept}") from error
        tried += 1
    with capsys.disabled():
        print(f"{tried:,} spoilt files", end=" ")


@given(st.lists(TEXTS | st.sampled_from([*known_names(ORDERS), "Pizza No.", " AREA ", "área"]), max_size=30))
@DRAWN
def test_any_header_is_matched_without_a_field_or_column_that_counts_twice(names: list[str]) -> None:
    found = match(names, ORDERS)

    places = [place for place, _, _ in found.columns]
    assert len(set(places)) == len(places)
    claimed = Counter(field for _, _, field in found.columns)
    assert {field for field, _ in found.ambiguous} == {field for field, number in claimed.items() if number > 1}
    assert {*claimed, *found.missing_required, *found.missing_optional} == {field.name for field in ORDERS.fields}
    body = (",".join(f'"{name.replace(chr(34), "")}"' for name in names) + "\n1,2,3\n").encode()
    assert isinstance(answer_on(body), (Accepted, Rejected))


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufdd0\ufeff"), max_size=60),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]),
    st.integers(1, 7),
)
@DRAWN
def test_any_text_comes_through_its_encoding_whole_however_it_is_cut_into_blocks(
    text: str, codec: str, size: int
) -> None:
    class Drops(io.BytesIO):
        def read(self, wanted: int | None = -1, /) -> bytes:
            return super().read(size)

    assert as_utf8(Drops(text.encode(codec)), codec).read().decode() == text


@given(
    st.lists(st.tuples(*[TEXTS.filter(lambda text: "\x00" not in text)] * 3), max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
@DRAWN
def test_any_values_in_quotes_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[str, ...]], delimiter: str, newline: str
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL)
    writer.writerow(["order_id", "area", "size"])
    writer.writerows(values)
    columns = tuple(ColumnMapping(at, name, name) for at, name in enumerate(["order_id", "area", "size"]))
    facts = FileFacts("orders", "csv", columns, delimiter=delimiter)
    folder = tmp_path_factory.mktemp("values")

    kinds = read(folder, out.getvalue().encode(), facts)

    filled = [row for row in values if any(value.strip() for value in row)]
    again = [row for row in filled if tuple(map(str.strip, row)) == ("order_id", "area", "size")]
    assert kinds[ROW] + kinds[BAD] == len(filled) - len(again)


@given(
    st.dictionaries(
        st.text(max_size=20).filter(lambda name: name.encode("utf-8", "ignore").decode() == name),
        st.binary(max_size=60),
        max_size=6,
    )
)
@DRAWN
def test_any_archive_is_opened_or_refused_with_words(files: dict[str, bytes]) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, body in files.items():
            archive.writestr(zipfile.ZipInfo(name), body)

    answer = answer_on(stream.getvalue())

    assert isinstance(answer, (Archive, Rejected))
    if isinstance(answer, Archive):
        assert all(".." not in inside.name.split("/") and not inside.name.startswith("/") for inside in answer.inside)
        assert all(isinstance(answer.look(inside), (Accepted, Rejected, Archive)) for inside in answer.inside)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=6)


@given(st.lists(st.dictionaries(TEXTS, VALUES, max_size=5), max_size=6), st.integers(1, 9), st.sampled_from([None, 1]))
@DRAWN
def test_any_records_come_out_of_json_as_they_were_however_it_is_cut(
    records: list[dict[str, object]], size: int, indent: int | None
) -> None:
    whole = json.dumps({"n": 1, "rows": records}, indent=indent, ensure_ascii=False)
    pieces = iter([whole[at : at + size] for at in range(0, len(whole), size)])

    found = list(jsontext.elements(jsontext.Scanner(lambda: next(pieces, "")), ("rows",)))

    def loads(text: str) -> object:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)

    assert {"n": "1", "rows": [element.value for element in found]} == loads(whole)
    assert [loads(element.text) for element in found] == [element.value for element in found]


@given(st.text(st.sampled_from('{}[]",:1a \n\\'), max_size=60))
@DRAWN
def test_any_text_of_brackets_gets_an_answer(text: str) -> None:
    assert isinstance(answer_on(text.encode()), (Accepted, Rejected))
