"""Rows of quarantine go out as a sheet under the headers of their files, and come back as what they were."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import openpyxl
import pytest

from lake.contracts import load_contracts
from lake.detect import Accepted, detect
from lake.manifest import FileFacts, ManifestFile
from lake.parsing.records import BAD, ROW
from lake.parsing.tasks import plan, read_task
from lake.repair_sheet import Waiting, sheet

CONTRACTS = load_contracts()
FIELDS = [(field.name, field.kind) for field in CONTRACTS["orders"].fields]
HEADER = [*CONTRACTS["orders"].layouts[0].header[:22], "", "Weather"]
ROW_7 = ["7", "05/03/2018", "18:30:05", "42.0", *["1.5"] * 6, "250", "Phone", "Large", "A", *["Ann, B."] * 6, "no", ""]


def facts_of(name: str, data: bytes) -> FileFacts:
    answer = detect(data[: 1 << 16], len(data), name, CONTRACTS, lambda start, length: data[start : start + length])
    assert isinstance(answer, Accepted), answer
    return answer.facts


def read(folder: Path, name: str, data: bytes) -> list[dict]:
    """Every record of a file as the parser hands it to silver."""
    (folder / name).write_bytes(data)
    file = ManifestFile(name, "v1", len(data), "2026-01-01T00:00:00Z", facts_of(name, data), f"file://{folder}")
    found = [record for batch in read_task(plan([file], FIELDS), 0) for record in batch.to_pylist()]
    return [record for record in found if record["kind"] in (ROW, BAD)]


def text_file(rows: list[list[str]], delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


def workbook_file(rows: list[list[str]]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for number, row in enumerate(rows, 1):
        for place, text in enumerate(row, 1):
            book.active.cell(number, place, text).data_type = "s"  # what looks like a formula is none
    book.save(out)
    return out.getvalue()


def waiting(records: list[dict], name: str) -> list[Waiting]:
    return [
        Waiting(name, "v1", r["raw_row"], (r["note"] or "order_date is missing",), (name, "v1", r["source_row"]))
        for r in records
    ]


@pytest.mark.parametrize("make", [text_file, lambda rows: text_file(rows, ";", "cp1252"), workbook_file])
def test_a_row_goes_out_and_comes_back_as_it_was(tmp_path, make):
    nasty = ['=HYPERLINK("x")', "-12.5", "'quoted", 'a "b"; c', "+27 x", "Zoë"]
    row = [*ROW_7[:14], *nasty, *ROW_7[20:], "", "=rain"]
    data = make([HEADER, row])
    before = read(tmp_path, "a.csv", data)

    made = sheet(waiting(before, "a.csv"), {("a.csv", "v1"): facts_of("a.csv", data)})
    out = made.to_csv()

    assert out.startswith(b"\xef\xbb\xbflake_reasons,Pizza No.,")
    assert all(not cell.startswith(("=", "+", "@")) for cell in made.rows[0])
    assert "-12.5" in made.rows[0]
    facts = facts_of("repair.csv", out)
    assert facts.repairs
    assert facts.unmapped == ("Weather",)
    after = read(tmp_path, "repair.csv", out)
    again = sheet(  # what fails again goes out again, tied to the same record
        [Waiting("repair.csv", "v1", after[0]["raw_row"], ("again",), ("a.csv", "v1", 1))],
        {("repair.csv", "v1"): facts},
    )
    assert again.header == made.header
    assert again.rows[0][1:] == made.rows[0][1:]
    assert dict(zip(made.header, made.rows[0]))["lake_source_row"] == "1"


def test_a_record_that_cannot_be_split_is_there_as_it_came(tmp_path):
    lines = [",".join(HEADER), ",".join(ROW_7[:14]), '8,"never closed', "9" + "," * 23]
    data = "\n".join(lines).encode()
    records = [record for record in read(tmp_path, "a.csv", data) if record["kind"] == BAD]

    made = sheet(waiting(records, "a.csv"), {("a.csv", "v1"): facts_of("a.csv", data)})

    assert len(made.rows) == len(records) == 2
    short = dict(zip(made.header, made.rows[0]))
    assert (short["Pizza No."], short["Area"], short["lake_row_as_it_came"]) == ("7", "A", ",".join(ROW_7[:14]))
    assert "never closed" in dict(zip(made.header, made.rows[1]))["lake_row_as_it_came"]


def test_files_of_several_layouts_share_the_columns_that_mean_the_same(tmp_path):
    other = list(CONTRACTS["orders"].layouts[1].header)
    values = [f"{name}?" for name in other]
    files = {"a.csv": text_file([HEADER, [*ROW_7, "", ""]]), "b.csv": text_file([other, values])}
    rows = [row for name, data in files.items() for row in waiting(read(tmp_path, name, data), name)]

    made = sheet(rows, {(name, "v1"): facts_of(name, data) for name, data in files.items()})

    area = made.header.index("Area")
    assert [row[area] for row in made.rows] == ["A", "delivery_area?"]
    assert "delivery_area" not in made.header
    assert facts_of("repair.csv", made.to_csv()).repairs


def test_a_row_of_a_file_that_the_ledger_forgot_is_there_as_it_came():
    made = sheet([Waiting("gone.csv", "v1", "1,2", ("bad",), ("gone.csv", "v1", 3))], {})

    assert made.rows == (("bad", "gone.csv", "v1", "3", "1,2"),)
