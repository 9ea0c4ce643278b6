"""Files become numbered records of text, whatever they were packed in and however they are spoilt."""

from __future__ import annotations

import datetime as dt
import gzip
import io

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lake.manifest import ColumnMapping, FileFacts, ManifestFile
from lake.parsing import csvfile
from lake.parsing.records import BAD, END, ERROR, ROW, UNUSUAL
from lake.parsing.streams import as_utf8
from lake.parsing.tasks import parts_of, plan, read_task
from lake.silver import text as values

FIELDS = (("id", "string"), ("day", "date"), ("at", "time"), ("note", "string"), ("absent", "string"))
COLUMNS = (ColumnMapping(0, "ID", "id"), ColumnMapping(2, "Day", "day"), ColumnMapping(3, "Note", "note"))
HEADER = "ID,,Day,Note\n"


def facts(**changes):
    return FileFacts(**{"contract": "things", "format": "csv", "columns": COLUMNS, **changes})


def parse(folder, data, **changes):
    """The records of one file as dicts, through the same door that workers use."""
    (folder / "file").write_bytes(data if isinstance(data, bytes) else data.encode())
    file = ManifestFile("file", "v1", len(data), "2026-01-01T00:00:00Z", facts(**changes), f"file://{folder}")
    batches = list(read_task(plan([file], FIELDS), 0))
    return [record for batch in batches for record in batch.to_pylist()]


def rows(records):
    return [(r["source_row"], r["raw_id"], r["raw_day"], r["raw_note"]) for r in records if r["kind"] == ROW]


def test_values_are_trimmed_and_a_record_keeps_its_text_and_its_place(tmp_path):
    records = parse(tmp_path, HEADER + '1,x, 05/03/2018\u00a0,"a,""b""\nc"\n2,,,\n')

    assert rows(records) == [(1, "1", "05/03/2018", 'a,"b"\nc'), (2, "2", "", "")]
    assert records[0]["raw_row"] == '1,x, 05/03/2018\u00a0,"a,""b""\nc"'
    assert records[0]["raw_absent"] is None
    assert (records[-1]["kind"], records[-1]["blank"]) == (END, 0)


def test_values_of_columns_that_no_field_takes_are_kept_by_name_and_empty_ones_are_not(tmp_path):
    records = parse(tmp_path, "ID,Wind,Day,Note,Wind,\n1, NW ,d,n,strong,x\n2,,d,n,,\n3,,d,n,weak,\n")

    assert [dict(r["unmapped"]) if r["unmapped"] else None for r in records if r["kind"] == ROW] == [
        {"Wind": "NW", "Wind (column 5)": "strong", "column 6": "x"},
        None,
        {"Wind (column 5)": "weak"},
    ]


def test_blank_records_and_repeated_headers_count_a_number_and_are_left_out(tmp_path):
    records = parse(tmp_path, HEADER + "1,,d,n\n\n,,,\n  ,,\t,\n" + HEADER + "2,,d,n\n,,,")

    assert rows(records) == [(1, "1", "d", "n"), (6, "2", "d", "n")]
    assert records[-1]["blank"] == 4


def test_a_ragged_record_keeps_its_number_and_text_and_the_ones_behind_keep_theirs(tmp_path):
    records = parse(tmp_path, HEADER + "1,,d,n\n2,,d\n3,,d,n,extra\n4,,d,n\n")

    assert rows(records) == [(1, "1", "d", "n"), (4, "4", "d", "n")]
    assert [(r["source_row"], r["raw_row"], r["note"]) for r in records if r["kind"] == BAD] == [
        (2, "2,,d", "has 3 columns, expected 4"),
        (3, "3,,d,n,extra", "has 5 columns, expected 4"),
    ]


def test_a_value_too_many_is_never_forgiven_for_it_may_shift_the_others(tmp_path):
    records = parse(tmp_path, "ID,x,Day,Note,\n1,,d,n,\n2,1,5,d,,\n3,,d,n\n")

    assert rows(records) == [(1, "1", "d", "n")]
    assert [(r["source_row"], r["raw_row"]) for r in records if r["kind"] == BAD] == [(2, "2,1,5,d,,"), (3, "3,,d,n")]


def test_record_numbers_are_exact_over_many_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(csvfile, "BLOCK", 1 << 12)
    lines = [f"{n},,d" if n % 7 == 0 else f'{n},,d,"line\nbreak"' for n in range(1, 5001)]

    records = parse(tmp_path, HEADER + "\n".join(lines))

    numbered = {r["source_row"]: r["raw_id"] for r in records if r["kind"] == ROW}
    ragged = {r["source_row"]: r["raw_row"] for r in records if r["kind"] == BAD}
    assert numbered == {n: str(n) for n in range(1, 5001) if n % 7}
    assert ragged == {n: f"{n},,d" for n in range(7, 5001, 7)}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
    ],
)
def test_encodings_and_newlines(tmp_path, encoding, declared, newline):
    text = (HEADER + "1,,d,Zoë\n").replace("\n", newline)

    records = parse(tmp_path, text.encode(encoding), encoding=declared)

    assert rows(records) == [(1, "1", "d", "Zoë")]


def test_titles_above_the_header_are_skipped_by_records_not_lines(tmp_path):
    records = parse(tmp_path, 'a 12" title\n\n"two\nlines",x\n' + HEADER + "1,,d,n\n", header_rows=4)

    assert rows(records) == [(1, "1", "d", "n")]


def test_other_delimiters_quotes_and_no_quotes(tmp_path):
    semicolons = parse(tmp_path, "ID;;Day;Note\n1;;d;'a;b'\n", delimiter=";", quote="'")
    tabs = parse(tmp_path, 'ID\t\tDay\tNote\n1\t\td\t12" wide\n', delimiter="\t", quote="")

    assert rows(semicolons) == [(1, "1", "d", "a;b")]
    assert rows(tabs) == [(1, "1", "d", '12" wide')]


def test_gzip_of_several_members_reads_as_one_text(tmp_path):
    data = gzip.compress((HEADER + "1,,d,n\n").encode()) + gzip.compress(b"2,,d,n\n")

    assert rows(parse(tmp_path, data, compression="gzip")) == [(1, "1", "d", "n"), (2, "2", "d", "n")]


def spoilt_gzip():
    data = gzip.compress((HEADER + "".join(f"{n},,d,note {n * n}\n" for n in range(50_000))).encode())
    middle = len(data) // 2
    return data, data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


@pytest.mark.parametrize(
    ("data", "changes", "words"),
    [
        (spoilt_gzip()[0][:-20], {"compression": "gzip"}, "cut short"),
        (spoilt_gzip()[1], {"compression": "gzip"}, "corrupt"),
        (HEADER.encode() + b"1,,d,n\n" * 20_000 + b'1,,"' + b"x\n" * 200_000, {}, "a quote is never closed"),
        (b"PK\x03\x04 not really", {"format": "xlsx"}, "workbook is damaged"),
        (HEADER.encode(), {"format": "parquet"}, "parquet file is damaged"),
        (b"ID\n1\n", {}, "the header has 1 columns"),
    ],
)
def test_a_damaged_body_ends_in_one_error_that_says_what_to_do(tmp_path, monkeypatch, data, changes, words):
    monkeypatch.setattr(csvfile, "BLOCK", 1 << 16)

    records = parse(tmp_path, data, **changes)

    assert [r["kind"] for r in records].count(ERROR) == 1
    assert END not in [r["kind"] for r in records]
    assert words in records[-1]["note"]


@pytest.mark.parametrize("end", ['3,,d,"note', '3,,d,"note\n', '3,,d,"', '3,,d,"note\n4,,d,n\n5,,d,n\n'])
def test_a_file_that_ends_inside_quotes_loses_no_text_and_loads_no_torn_record(tmp_path, end):
    records = parse(tmp_path, HEADER + '1,,d,"n"\n2,,d,""\n' + end)

    torn = [(r["source_row"], r["note"]) for r in records if r["kind"] == BAD]
    assert rows(records) == [(1, "1", "d", "n"), (2, "2", "d", "")]
    assert torn[0][0] == 3
    assert "cut short" in torn[0][1]
    assert all(part in records[-2]["raw_row"] for part in end.replace('"', "").split("\n")[0].split(","))


@pytest.mark.parametrize("end", ['2,,d,"note"', "2,,d,note", '2,,d,""', '2,,d,12"', "2,,d,", '2,,d,"note"\n'])
def test_a_file_that_ends_well_without_a_newline_keeps_its_last_record(tmp_path, end):
    records = parse(tmp_path, HEADER + '1,,d,"n"\n' + end)

    assert [row[0] for row in rows(records)] == [1, 2]


def test_a_quote_that_is_never_closed_does_not_hide_the_records_behind_it(tmp_path):
    records = parse(tmp_path, HEADER + '1,,d,n\n2,,d,"open\n3,,d,n\n4,,d,"n"\n5,,d,n\n')

    bad = [(r["source_row"], r["raw_row"]) for r in records if r["kind"] == BAD]
    assert rows(records)[0] == (1, "1", "d", "n")
    assert rows(records)[-1][1] == "5"
    assert len(bad) == 1
    assert "3,,d,n" in bad[0][1]


def test_a_file_that_is_gone_is_told_as_the_files_fault(tmp_path):
    file = ManifestFile("nothing.csv", "v1", 1, "2026-01-01T00:00:00Z", facts(), f"file://{tmp_path}")

    records = [record for batch in read_task(plan([file], FIELDS), 0) for record in batch.to_pylist()]

    assert [(r["kind"], r["note"]) for r in records] == [(ERROR, "the file is no longer there")]


def test_a_file_with_a_header_only_ends_without_rows(tmp_path):
    for text in (HEADER, HEADER.strip()):
        records = parse(tmp_path, text)

        assert [r["kind"] for r in records] == [END]


def test_a_workbook_gives_the_texts_that_a_csv_would(tmp_path):
    book = openpyxl.Workbook()
    book.create_sheet("Other")
    sheet = book.create_sheet("Orders")
    sheet.append(["A title"])
    sheet.append([])
    sheet.append(["ID", None, "Day", "At", "Note"])
    sheet.append([17, 1.5, dt.datetime(2018, 3, 5), dt.time(8, 30), "x"])
    sheet.append([18.0, None, dt.date(2018, 3, 6), dt.datetime(1899, 12, 30, 9, 5, 7), True])
    sheet.append([None, None, " "])
    sheet.append(["19", None, "7/3/2018"])
    content = io.BytesIO()
    book.save(content)
    columns = (
        ColumnMapping(0, "ID", "id"),
        ColumnMapping(2, "Day", "day"),
        ColumnMapping(3, "At", "at"),
        ColumnMapping(4, "Note", "note"),
    )

    records = parse(tmp_path, content.getvalue(), format="xlsx", sheet="Orders", header_rows=3, columns=columns)

    found = [(r["source_row"], r["raw_id"], r["raw_day"], r["raw_at"], r["raw_note"]) for r in records[:-1]]
    assert found == [
        (1, "17", "2018-03-05", "08:30:00", "x"),
        (2, "18", "2018-03-06", "09:05:07", "true"),
        (4, "19", "7/3/2018", "", ""),
    ]
    assert (records[-1]["kind"], records[-1]["blank"]) == (END, 1)


def test_ten_thousand_small_files_share_a_few_tasks_and_a_large_one_has_its_own():
    small = [ManifestFile(f"f{n}", "v", 2_000, "2026-01-01T00:00:00Z", facts(), "b") for n in range(10_000)]
    large = ManifestFile("large", "v", 1 << 30, "2026-01-01T00:00:00Z", facts(), "b")

    spread = plan([*small, large], FIELDS)

    assert len(spread.tasks) < 100
    assert sorted(work.file for task in spread.tasks for work in task) == list(range(10_001))
    assert [len(task) for task in spread.tasks if any(work.key == "large" for work in task)] == [1]
    assert len(spread.facts) == 1


@pytest.mark.parametrize(
    ("sizes", "compression", "parts"),
    [
        ([2_000] * 10_000, None, 0),
        ([100 << 20] * 20, None, 0),  # parts themselves
        ([100 << 20], None, 2),  # alone: the other core has nothing else to do
        ([2 << 30], None, 32),
        ([200 << 20, *[100 << 20] * 20], None, 35),
        ([40 << 20], "gzip", 5),  # the text behind it is larger
    ],
)
def test_records_of_large_files_are_dealt_out_in_parts_that_fit(sizes, compression, parts):
    files = [
        ManifestFile(f"f{n}", "v", size, "2026-01-01T00:00:00Z", facts(compression=compression), "b")
        for n, size in enumerate(sizes)
    ]

    assert parts_of(files) == parts


def test_a_text_that_turns_out_to_be_windows_1252_behind_its_head_is_read_as_that(tmp_path):
    records = parse(tmp_path, HEADER.encode() + b"1,,d,n\n" * 200_000 + b"2,,d,caf\xe9\n3,,d,\x81\n")

    assert rows(records)[-1] == (200_001, "2", "d", "café")
    assert [(r["source_row"], r["raw_row"]) for r in records if r["kind"] == BAD] == [(200_002, "3,,d,\ufffd")]
    assert "Windows-1252" in records[-1]["note"]


def test_bytes_that_mean_nothing_spoil_their_own_record_only(tmp_path):
    good = "1,,d,Zoë\n".encode()

    records = parse(tmp_path, HEADER.encode() + good * 3 + b"2,,d,\xff\xfe\n" + good + b"3,,\xe2")

    assert [number for number, *_ in rows(records)] == [1, 2, 3, 5]
    assert [(r["source_row"], r["raw_row"], r["note"]) for r in records if r["kind"] == BAD] == [
        (4, "2,,d,\ufffd\ufffd", "holds bytes that are no character in the encoding of the file"),
        (6, "3,,\ufffd", "has 3 columns, expected 4"),
    ]
    cut = parse(tmp_path, (HEADER + "1,,d,n\n2,,d,m").encode("utf-16-le") + b"\x00", encoding="utf-16-le")
    assert (rows(cut), [r["source_row"] for r in cut if r["kind"] == BAD]) == ([(1, "1", "d", "n")], [2])


def test_a_byte_order_mark_that_comes_byte_by_byte_is_still_none_of_the_text():
    class Drop(io.BytesIO):
        def read(self, size=-1, /):
            return super().read(1)

    assert as_utf8(Drop("\ufeffäb".encode()), "utf-8").read() == "äb".encode()


def test_every_character_that_is_read_as_another_or_left_out_makes_its_record_odd():
    exchanged = [*values.LOOK_ALIKES, *values.SPACES, *values.WIDE, *values.DASHES, *values.DIGITS, *values.INVISIBLE]

    assert pc.all(pc.match_substring_regex(pa.array(exchanged), UNUSUAL)).as_py()
    assert not pc.any(
        pc.match_substring_regex(pa.array(["A plain row,12.5\t\r\n", "Zoë, 250 °C, R 3"]), UNUSUAL)
    ).as_py()
