"""Files without one customer: only their cells are emptied, in every form, and what cannot be is said."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.contracts import load_contracts
from lake.detect import Accepted, Archive, detect
from lake.entries import EXPANDED, LOADED, REJECTED, FileEntry
from lake.erasure.bodies import Bodies, Erased
from lake.erasure.silver import holds
from lake.erasure.texts import without_cells, without_values
from lake.erasure.wanted import Wanted
from lake.manifest import INSIDE

GONE = Wanted("C-47")
CONTRACTS = load_contracts()
ORDER = {
    "order_id": "1", "order_date": "2019-03-01", "order_time": "18:30", "order_mode": "App", "delivery_area": "B",
    "dough_prep_time": "3.3", "styling_time": "0.5", "oven_time": "7", "delivery_duration": "29", "Customer": "C-47",
}  # fmt: skip
OTHER = ORDER | {"order_id": "2", "Customer": "C-478"}


def entry(key: str, body: bytes, **changes: Any) -> FileEntry:
    """As the front desk would have it."""
    answer = detect(body[: 1 << 16], len(body), key, CONTRACTS, lambda start, length: body[start : start + length])
    facts = answer.facts if isinstance(answer, Accepted) else None
    state = LOADED if facts else EXPANDED if isinstance(answer, Archive) else REJECTED
    values = {"key": key, "version": "v", "state": state, "size": len(body), "etag": "", "object_time": "",
              "arrived_at": "", "facts": facts}  # fmt: skip
    return FileEntry(**values | changes)


def erased(key: str, body: bytes, inside: dict[str, FileEntry] | None = None) -> Erased:
    return Bodies(GONE, CONTRACTS).erased(body, entry(key, body), inside or {})


def as_csv(*records: dict[str, str], delimiter: str = ",") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def cells(text: str, **changes: Any) -> tuple[str, int]:
    how = {"delimiter": ",", "quote": '"', "header_rows": 1, "hidden": {1}, "loose": {2}}
    return without_cells(text, GONE, **how | changes)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a,C-47,\r\n", "a,,\r\n"),
        ('a,"C-47",x\n', "a,,x\n"),
        ("a, C-47\u00a0,x\n", "a,,x\n"),
        ("a,'=C-47,x\n", "a,'=C-47,x\n"),  # another id
        ("C-47,C-478,xC-47\n", "C-47,C-478,xC-47\n"),  # a key that looks alike, longer ids
        ('a,b,"called C-47, angry"\n', 'a,b,"called , angry"\n'),
        ('a,b,"two\nlines"\nb,C-47,\n', 'a,b,"two\nlines"\nb,,\n'),
        ("a,b\nC-47,,,\n", "a,b\n,,,\n"),  # a record of another width: nobody knows what stands where
        ("\n\na,C-47,", "\n\na,,"),
    ],
)
def test_of_a_delimited_text_only_the_cells_change(before: str, after: str) -> None:
    text, changed = cells("id,customer,note\n" + before)

    assert text == "id,customer,note\n" + after
    assert changed == (before != after)


def test_a_cell_inside_a_quote_that_never_closes_is_found() -> None:
    assert "C-47" not in cells('id,customer,note\na,"b,c\nb,C-47,\n')[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"order_id": "C-47", "Customer": "C-47"}', '{"order_id": "C-47", "Customer": ""}'),
        ('[{"customer_id": "C-478", "a": 29.00}]', '[{"customer_id": "C-478", "a": 29.00}]'),
        ('{"x": {"who": ["y", "C-47"]}, "n": 1.50}', '{"x": {"who": ["y", ""]}, "n": 1.50}'),
        ('{"note": "C-47 called", "\\u0063ustomer": "C\\u002d47"}', '{"note": " called", "\\u0063ustomer": ""}'),
    ],
)
def test_of_json_only_the_values_change(before: str, after: str) -> None:
    text, changed = without_values(before, GONE, {"customer", "customerid"}, {"customer", "customerid", "orderid"})

    assert text == after
    assert bool(changed) == (before != after)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_csv_comes_back_in_its_encoding_and_packing(encoding: str, packed: bool) -> None:
    text = as_csv(ORDER | {"order_mode": "Café"}, OTHER, delimiter=";")
    body = gzip.compress(text.encode(encoding)) if packed else text.encode(encoding)

    done = erased("orders/a.csv.gz" if packed else "orders/a.csv", body)

    assert (done.cells, done.cannot) == (1, ())
    plain = gzip.decompress(done.body) if packed else done.body
    assert plain.decode(encoding) == text.replace("C-47\r", "\r")


def test_parquet_keeps_its_columns_and_all_other_values() -> None:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([ORDER, OTHER]), stream, compression="gzip")

    done = erased("orders/a.parquet", stream.getvalue())

    table = pq.read_table(io.BytesIO(done.body))
    assert table.to_pylist() == [ORDER | {"Customer": None}, OTHER]
    assert done.cells == 1
    assert not holds(done.body, GONE)


def workbook(*more: Any) -> bytes:
    book = openpyxl.Workbook()
    book.active.append(list(ORDER))
    book.active.append(list(ORDER.values()))
    book.active.append([*list(OTHER.values()), *more])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_a_workbook_loses_the_cell() -> None:
    done = erased("orders/a.xlsx", workbook())

    rows = list(openpyxl.load_workbook(io.BytesIO(done.body)).active.iter_rows(values_only=True))
    assert [row[-1] for row in rows] == ["Customer", None, "C-478"]
    assert not holds(done.body, GONE)


def test_a_workbook_with_formulas_is_left_and_named() -> None:
    body = workbook("=1+1")

    done = erased("orders/a.xlsx", body)

    assert done.body == body
    assert "orders/a.xlsx: it holds formulas" in done.cannot[0]


def test_an_archive_is_packed_again_around_the_files_inside() -> None:
    inner = {"a.csv": as_csv(ORDER, OTHER).encode(), "b.json": json.dumps([OTHER]).encode(), "c.bin": b"\x00C-47\x00"}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in inner.items():
            archive.writestr(name, body)
    key = "orders/week.zip"
    inside = {f"{key}{INSIDE}{name}": entry(f"{key}{INSIDE}{name}", body, parent=key) for name, body in inner.items()}

    done = erased(key, stream.getvalue(), inside)

    with zipfile.ZipFile(io.BytesIO(done.body)) as archive:
        assert archive.namelist() == list(inner)
        assert archive.read("a.csv").decode() == as_csv(ORDER, OTHER).replace("C-47\r", "\r")
        assert archive.read("b.json") == inner["b.json"]
    assert done.cells == 1
    assert [word for word in done.cannot if "week.zip!/c.bin" in word]


@pytest.mark.parametrize("body", [b"%PDF-1.7 C-47", gzip.compress(b"%PDF C-47"), "x C-47 y".encode("utf-16-le")])
def test_what_the_lake_cannot_read_is_named_when_it_holds_the_id(body: bytes) -> None:
    done = erased("orders/scan.pdf", body)

    assert done.body == body
    assert "orders/scan.pdf: the lake cannot read it" in done.cannot[0]
    assert erased("orders/scan.pdf", b"%PDF-1.7 C-478").cannot == ()


def test_a_file_that_repairs_rows_names_their_new_version() -> None:
    head = {"lake_source_file": "orders/a.csv", "lake_source_version": "v-old", "lake_source_row": "1"}
    body = as_csv(OTHER | head).encode()

    done = Bodies(GONE, CONTRACTS, {"v-old": "v-new"}).erased(body, entry("orders/mended.csv", body), {})

    assert done.body == body.replace(b"v-old", b"v-new")


def test_who_is_wanted_is_never_shown() -> None:
    assert "C-47" not in repr(GONE)
