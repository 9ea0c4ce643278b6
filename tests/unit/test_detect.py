"""The front desk's eyes: every kind of content, the answer it gets, and the words."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Sequence

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.contracts import load_contracts
from lake.detect import Accepted, Rejected, detect
from lake.intake import HEAD_BYTES
from lake.manifest import FileFacts

CONTRACTS = load_contracts()
HEADER = list(CONTRACTS["orders"].layouts[1].header)
EXPORT = list(CONTRACTS["orders"].layouts[0].header)
ROW = "1,2026-03-05,12:00:01,Phone,Ann,Ben,Cid,Dan,Eve,Fay,1,2,3,4,200,A,20,no,".split(",")


def table(
    delimiter: str = ",", header: list[str] = HEADER, above: str = "", rows: int = 3, newline: str = "\r\n"
) -> str:
    return above + newline.join(delimiter.join(line) for line in [header, *[ROW] * rows]) + newline


def workbook(**sheets: Sequence[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def archive(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, body in files.items():
            packed.writestr(name, body)
    return stream.getvalue()


def look(body: bytes, key: str = "orders/file") -> Accepted | Rejected:
    return detect(body[:HEAD_BYTES], len(body), key, CONTRACTS, lambda start, length: body[start : start + length])


def facts(body: bytes) -> FileFacts:
    answer = look(body)
    assert isinstance(answer, Accepted), answer
    return answer.facts


def reason(body: bytes, key: str = "orders/file") -> str:
    answer = look(body, key)
    assert isinstance(answer, Rejected), answer
    return answer.reason


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_with_which_a_contract_fits(delimiter: str) -> None:
    found = facts(table(delimiter).encode())

    assert (found.delimiter, found.header_rows, len(found.columns)) == (delimiter, 1, 19)


@pytest.mark.parametrize(
    ("encoding", "codec"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("cp1252", "cp1252"),
    ],
)
def test_the_encoding_is_found_from_marks_and_bytes(encoding: str, codec: str) -> None:
    assert facts(table(above="Café;ø\r\n").encode(encoding)).encoding == codec


def test_the_export_as_the_shop_writes_it_is_taken_with_its_nameless_columns() -> None:
    found = facts(("\ufeff" + ",".join(EXPORT) + "\r\n1" + "," * 28 + "\r\n").encode())

    assert found.encoding == "utf-8-sig"
    assert len(found.columns) == 22
    assert found.unmapped == ()


def test_a_head_that_ends_inside_a_character_or_record_is_no_trouble() -> None:
    body = table(rows=2_000, above="").replace("Ann", "Ånn").encode()
    assert len(body) > HEAD_BYTES

    for cut in range(3):
        answer = detect(body[: HEAD_BYTES - cut], len(body), "a", CONTRACTS)
        assert isinstance(answer, Accepted)
        assert answer.facts.encoding == "utf-8"


def test_title_lines_above_the_header_are_counted() -> None:
    assert facts(table(above='Jozi Pizza\r\n\r\n"printed, today"\r\n').encode()).header_rows == 4
    assert facts(table(";", above="sep=;\r\n").encode()).header_rows == 2


def test_old_line_ends_and_single_quotes_are_understood() -> None:
    assert len(facts(table(newline="\r").encode()).columns) == 19
    assert facts(table(header=[f"'{name}'" for name in HEADER]).encode()).quote == "'"


def test_columns_in_any_order_and_unknown_ones_are_taken() -> None:
    found = facts(table(header=[*HEADER[::-1], "Loyalty card", ""]).encode())

    assert [column.field for column in found.columns][-1] == "order_id"
    assert found.unmapped == ("Loyalty card",)


def test_a_file_with_a_header_and_no_rows_is_taken() -> None:
    assert facts(table(rows=0).encode()).contract == "orders"


def test_a_gzipped_table_is_read_through() -> None:
    found = facts(gzip.compress(table(";", rows=50_000).encode()))

    assert (found.compression, found.format, found.delimiter) == ("gzip", "csv", ";")


def test_the_sheet_and_the_header_row_of_a_workbook_are_found() -> None:
    body = workbook(Summary=[["Total", 3]], März=[["Jozi Pizza"], [], [None, *HEADER], *[[None, *ROW]] * 5])

    found = facts(body)

    assert (found.format, found.sheet, found.header_rows) == ("xlsx", "März", 3)
    assert found.columns[0].index == 1


def test_a_large_workbook_is_decided_from_a_part_of_it() -> None:
    body = workbook(S=[HEADER, *[[f"{number}", *ROW[1:]] for number in range(20_000)]])
    ranges: list[int] = []

    def read(start: int, length: int) -> bytes:
        ranges.append(length)
        return body[start : start + length]

    assert isinstance(detect(body[:HEAD_BYTES], len(body), "a", CONTRACTS, read), Accepted)
    assert sum(ranges) <= len(body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "is empty (0 bytes)"),
        (b"\n\n  \n", "has no content"),
        (b",,,\n,,,\n", "has no content"),
        (b"<!DOCTYPE html><html><body>Log in", "a web page (HTML)"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><a/>', "an XML document"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
        (b"\xff\xd8\xff\xe0", "a picture (JPEG)"),
        (b"MZ\x90\x00\x03", "a Windows program"),
        (b"\x7fELF\x02", "a Linux program"),
        (b"#!/bin/sh\n", "a script"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (.xls) or one with a password"),
        (b"PAR1\x15", "its footer is missing"),
        (b'[{"order_id": 1}]', "not a kind of file that the lake knows"),
        (b'{"order_id": 1}\n', "not a kind of file that the lake knows"),
        (b"PK\x05\x06" + bytes(18), "an empty zip archive"),
        (bytes(range(256)) * 20, "is not text"),
        (b"\x1f\x8b\x09nonsense", "damaged gzip file"),
        (gzip.compress(table().encode())[:60], "gzip file that was cut short"),
        (gzip.compress(b""), "gzip file with nothing in it"),
        (gzip.compress(b"%PDF-1.7"), "gzip file that holds a PDF document"),
        (b"PK\x03\x04" + bytes(100), "is cut short or damaged"),
        (workbook(S=[HEADER, ROW])[:2_000], "is cut short or damaged"),
        (archive(**{"word/document.xml": b"<a/>"}), "a text document (Word)"),
        (workbook(S=[["Total", "3"], ["x", "y"]]), "(sheet 'S') is not a kind of file that the lake knows"),
        (workbook(S=[]), "has no content"),
        (b"name,address,phone\nA,B,C\n", "none of its columns ('name', 'address' and 'phone') is in a contract"),
        (b"Dear manager,\nplease find it\n", "is not a table"),
        (b"x" * 70_000, "is not a table"),
        (table(header=["x", *HEADER[1:]]).encode(), "looks like orders, but has no column for 'Pizza No.'"),
        (table(header=["Pizza No.", *HEADER]).encode(), "has 2 columns for order_id of orders"),
        (b"order_id,order_date,order_time,stylist\n1,2,3,4\n", "has only 'order_id', 'order_date', 'order_time'"),
        ((",".join(ROW) + "\n").encode() * 5, "has no header: its first line already holds values"),
        (",".join(f"c{number}" for number in range(5_000)).encode(), "has more than 2,000 columns"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_words_that_help(body: bytes, words: str) -> None:
    text = reason(body, "orders/Tuesday.csv")

    assert words in text
    assert text.startswith("Tuesday.csv")
    assert len(text) <= 600
    assert text.endswith((".", "…"))


def test_a_refusal_names_the_contract_that_comes_closest() -> None:
    answer = look(table(header=["x", *HEADER[1:]]).encode())

    assert isinstance(answer, Rejected)
    assert answer.contract == "orders"


def test_a_reason_never_carries_control_characters_or_values() -> None:
    text = reason((",".join(["secret", "12", "13", "14"]) + "\n").encode(), "orders/\x1b[31mevil\n\u202ename.csv")

    assert text.isprintable()
    assert "secret" not in text


def test_a_workbook_that_unpacks_without_end_is_refused_in_bounded_time() -> None:
    parts = {
        "xl/workbook.xml": b'<workbook xmlns:r="r"><sheets><sheet name="S" r:id="1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": b'<R><Relationship Id="1" Target="worksheets/s.xml"/></R>',
        "xl/worksheets/s.xml": b"<worksheet>" + b" " * (80 << 20) + b"</worksheet>",
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, body in parts.items():
            packed.writestr(name, body)

    assert "unpacks to more" in reason(stream.getvalue())


def test_a_workbook_with_a_document_type_is_refused() -> None:
    parts = {
        "xl/workbook.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><workbook/>',
        "xl/_rels/workbook.xml.rels": b"<R/>",
    }
    assert "document type" in reason(archive(**parts))


def test_a_failing_read_is_not_taken_for_a_fault_of_the_file() -> None:
    def fail(start: int, length: int) -> bytes:
        raise ConnectionError("no answer")

    body = workbook(S=[HEADER, ROW])
    with pytest.raises(ConnectionError):
        detect(body[:HEAD_BYTES], len(body), "a", CONTRACTS, fail)


@given(st.binary(max_size=400), st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b", b"\xff\xfe", table().encode()[:60]]))
@settings(max_examples=300, deadline=None)
def test_any_bytes_get_an_answer(body: bytes, start: bytes) -> None:
    answer = look(start + body)

    assert isinstance(answer, Accepted) or answer.reason
