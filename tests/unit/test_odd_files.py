"""The table of odd files: what the front desk says of each, and how many records silver would read out of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lake.answers import INSIDE, Accepted, Answer, Archive, Rejected
from lake.contracts import load_contracts
from lake.detect import HEAD_BYTES, detect
from lake.headers import known_names
from lake.manifest import ManifestFile
from lake.parsing.records import BAD, END, ERROR, ROW
from lake.parsing.tasks import plan, read_task
from lake.words import file_name
from tests.odd_files import EXPANDED, HELD, LOADED, ODD, REJECTED, Odd

CONTRACTS = load_contracts()
EXPECTED = {LOADED: Accepted, HELD: Accepted, REJECTED: Rejected, EXPANDED: Archive}


def answer_on(odd: Odd) -> Answer:
    body = odd.body
    key = f"orders/{odd.key}"
    return detect(body[:HEAD_BYTES], len(body), key, CONTRACTS, lambda start, length: body[start : start + length])


def counts(folder: Path, odd: Odd, answer: Accepted, member: str | None = None) -> Counter[str]:
    """What silver's reader gives for a file: records, blank ones, and whether it came to the end."""
    key = "file" if member is None else f"file{INSIDE}{member}"
    (folder / "file").write_bytes(odd.body)
    file = ManifestFile(key, "v", len(odd.body), "2026-01-01T00:00:00Z", answer.facts, f"file://{folder}", member)
    contract = CONTRACTS[answer.facts.contract]
    fields = [(item.name, item.kind) for item in contract.fields]
    found: Counter[str] = Counter()
    for batch in read_task(plan([file], fields, known=known_names(contract)), 0):
        kinds = Counter(batch.column("kind").to_pylist())
        found += Counter(rows=kinds[ROW] + kinds[BAD], ends=kinds[END], damage=kinds[ERROR])
        found += Counter(blank=sum(filter(None, batch.column("blank").to_pylist())))
    return found


def test_the_table_is_long_enough_and_names_each_file_once() -> None:
    assert len(ODD) >= 60
    assert len({odd.key for odd in ODD}) == len(ODD)
    assert all(odd.words for odd in ODD if odd.state in (REJECTED, HELD))


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.key)
def test_an_odd_file_gets_the_answer_and_the_counts_that_the_table_says(odd: Odd, tmp_path: Path) -> None:
    answer = answer_on(odd)

    assert isinstance(answer, EXPECTED[odd.state]), answer
    if isinstance(answer, Rejected):
        assert odd.words in answer.reason
        assert answer.reason.startswith(file_name(odd.key))
        assert answer.reason.endswith(".")
        assert answer.reason.isprintable()
    elif isinstance(answer, Accepted):
        found = counts(tmp_path, odd, answer)
        if odd.state == LOADED:
            assert found == Counter(rows=odd.rows, blank=odd.blank, ends=1)
        else:
            assert found["ends"] + found["damage"] == 1
    else:
        assert {inside.name for inside in answer.inside} == {name for name in odd.inside if INSIDE not in name}


@pytest.mark.parametrize(
    ("odd", "name"), [(odd, name) for odd in ODD for name in odd.inside], ids=lambda value: getattr(value, "key", value)
)
def test_what_is_inside_an_odd_archive_has_an_answer_and_counts_of_its_own(odd: Odd, name: str, tmp_path: Path) -> None:
    answer = answer_on(odd)
    for part in name.split(INSIDE):
        assert isinstance(answer, Archive)
        answer = answer.look(next(inside for inside in answer.inside if inside.name == part))

    state, rows = odd.inside[name]
    assert isinstance(answer, EXPECTED[state]), answer
    if isinstance(answer, Rejected):
        assert answer.reason.startswith(f"{file_name(name.split(INSIDE)[-1])} (in ")
    if isinstance(answer, Accepted):
        found = counts(tmp_path, odd, answer, name)
        assert found["damage"] if state == HELD else found == Counter(rows=rows, ends=1)
