"""Odd and bad files: what each is, the state in which it ends, its counts, and words that its answer must hold.

One table for three readers: the front desk's answers and the parser's counts (tests/unit), and a whole lake that gets
them all at once (tests/e2e). Order numbers begin with the file's own number, so no file disturbs another's counts.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from .e2e.orders import HEADER, order

LOADED, REJECTED, HELD, EXPANDED = "LOADED", "REJECTED", "HELD", "EXPANDED"
NAMES = [name.strip() for name in HEADER if name]
PLACE = {name: at for at, name in enumerate(NAMES)}
DAY = {"Order Date": "17/10/2019"}
BEYOND_HEAD = 1_200  # rows that take a csv well beyond the 64 KB that the front desk reads


@dataclass(frozen=True)
class Odd:
    """One file. `rows` counts what is not blank, `bad` the rows of it that end in quarantine."""

    key: str
    body: bytes
    state: str
    words: str = ""
    rows: int = 0
    bad: int = 0
    blank: int = 0
    inside: dict[str, tuple[str, int]] = field(default_factory=dict)  # of an archive: name -> state and rows


def numbered(prefix: str, count: int, **changes: str) -> list[dict[str, str]]:
    return [order(f"{prefix}-{n}", **{**DAY, **changes}) for n in range(1, count + 1)]


def text(
    orders: Iterable[dict[str, str]],
    delimiter: str = ",",
    names: Sequence[str] = NAMES,
    headings: Sequence[str] | None = None,
    newline: str = "\r\n",
    **style: Any,
) -> str:
    """Orders as delimited text. `names`: which columns, in which order; `headings`: how they are called."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline, **style)
    writer.writerow(headings or names)
    writer.writerows([record.get(name, "") for name in names] for record in orders)
    return out.getvalue()


def workbook(prepare: Callable[[Any], None]) -> bytes:
    book = openpyxl.Workbook()
    prepare(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def sheet_of(book: Any, orders: Iterable[dict[str, str]], title: str = "Orders", above: int = 0) -> Any:
    sheet = book.create_sheet(title)
    for number in range(above):
        sheet.append([f"Jozi Pizza Co., line {number}"])
    sheet.append(NAMES)
    for record in orders:
        sheet.append([record[name] for name in NAMES])
    return sheet


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return out.getvalue()


def parquet(rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def encrypted(archive: bytes) -> bytes:
    """The archive with its first file marked as protected by a password, in the directory as in the file's own head."""
    at = archive.index(b"PK\x01\x02")
    return archive[:6] + b"\x01" + archive[7 : at + 8] + b"\x01" + archive[at + 9 :]


def claiming(archive: bytes, size: int) -> bytes:
    """The archive with a directory that claims this unpacked size of its first file."""
    at = archive.index(b"PK\x01\x02")
    return archive[: at + 24] + size.to_bytes(4, "little") + archive[at + 28 :]


def patched(workbook: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The workbook with one of its parts changed."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return packed({**parts, part: change(parts[part])})


def sharing(workbook: bytes) -> bytes:
    """The workbook with its texts in a part of their own, far from its beginning, as Excel writes them."""
    texts: list[bytes] = []

    def share(found: re.Match[bytes]) -> bytes:
        texts.append(found.group(2))
        return b'<c r="%s" t="s"><v>%d</v></c>' % (found.group(1), len(texts) - 1)

    cell = rb'<c r="(\w+)" t="inlineStr"><is>(.*?)</is></c>'
    body = patched(workbook, "xl/worksheets/sheet1.xml", lambda xml: re.sub(cell, share, xml))
    relation = (
        b'<Relationship Id="rIdS" Target="sharedStrings.xml" Type="http://schemas.openxmlformats.org/officeDocument/'
        b'2006/relationships/sharedStrings"/></Relationships>'
    )
    body = patched(body, "xl/_rels/workbook.xml.rels", lambda xml: xml.replace(b"</Relationships>", relation))
    kind = (
        b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        b'spreadsheetml.sharedStrings+xml"/></Types>'
    )
    body = patched(body, "[Content_Types].xml", lambda xml: xml.replace(b"</Types>", kind))
    part = b"".join(b"<si>%s</si>" % text for text in texts)
    table = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">' + part + b"</sst>"
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return packed(
        {"docProps/thumbnail.jpeg": random.Random(3).randbytes(100_000), **parts, "xl/sharedStrings.xml": table}
    )


# ---- texts --------------------------------------------------------------------------------------------------------


def _texts() -> Iterable[Odd]:
    def good(name: str, body: str | bytes, rows: int = 3, **more: Any) -> Odd:
        return Odd(name, body if isinstance(body, bytes) else body.encode(), LOADED, rows=rows, **more)

    def three(prefix: str, delimiter: str = ",", **style: Any) -> str:
        return text(numbered(prefix, 3), delimiter, **style)

    yield good("semicolons.csv", three("t1", ";"))
    yield good("tabs.txt", three("t2", "\t"))
    yield good("bars.dat", three("t3", "|"))
    yield good("separator line.csv", "sep=;\r\n" + three("t4", ";"))
    yield good("bom.csv", three("t5").encode("utf-8-sig"))
    yield good("utf-16.csv", three("t6", "\t").encode("utf-16"))
    yield good("utf-16 le without mark.csv", three("t7").encode("utf-16-le"))
    yield good("utf-16 be without mark.csv", three("t8").encode("utf-16-be"))
    yield good("windows.csv", three("t9").encode("cp1252"))
    late = [*numbered("t10", BEYOND_HEAD), order("t10-x", **DAY, Stylist="Zoë")]
    plain = [name.replace("º", "") for name in NAMES]
    yield good("windows behind the head.csv", text(late, headings=plain).encode("cp1252"), BEYOND_HEAD + 1)
    yield good("old mac.csv", three("t11", newline="\r"))
    yield good("unix.csv", three("t12", newline="\n"))
    yield good("titles.csv", 'Jozi Pizza Co.\r\n\r\n"Orders, all shops",,printed today\r\n' + three("t13"))
    yield good("header in row 12.csv", "".join(f"note {n}\n" for n in range(11)) + three("t14"))
    again = three("t15")
    yield good(
        "header again.csv", again + again.splitlines()[0] + "\r\n" + text(numbered("t15b", 1)).split("\r\n")[1], 4
    )
    yield good("only a header.csv", ",".join(NAMES), 0)
    yield good("blank records.csv", three("t16") + "\r\n   \r\n" + "," * 21 + "\r\n", blank=3)
    several = numbered("t17", 3, Reason='said "cold"\nand left, angry')
    yield good("quotes and newlines.csv", text(several))
    yield good("every value quoted.csv", three("t18", quoting=csv.QUOTE_ALL))
    yield good("single quotes.csv", three("t19", quoting=csv.QUOTE_ALL, quotechar="'"))
    yield good("backwards.csv", text(numbered("t20", 3), names=NAMES[::-1]))
    odd_names = [f"  {name.upper()} ".replace("º", "°").replace("(MINS)", "( mins. )") for name in NAMES]
    yield good("odd headings.csv", text(numbered("t21", 3), headings=odd_names))
    accents = [name.replace("Order", "Ördér").replace("Area", "Аrea") for name in NAMES]  # the second A is Cyrillic
    yield good("accents and look-alikes.csv", text(numbered("t22", 3), headings=accents))
    loyal = [{**record, "Loyalty": "gold"} for record in numbered("t23", 3)]
    yield good("a column more.csv", text(loyal, names=[*NAMES, "Loyalty"]))
    yield good("columns less.csv", text(numbered("t24", 3), names=[name for name in NAMES if name != "Oven Temp ºC"]))
    yield good("ragged.csv", three("t25") + "t25-9,17/10/2019\r\n" + "x," * 30 + "\r\n", 5, bad=2)
    yield good("torn.csv", three("t26") + "t26-9,17/10/2019,18:0", 4, bad=1)
    broken = text([*numbered("t27", 3, Boxer="Zoë"), order("t27-9", **DAY, Deliverer="?")], headings=plain)
    yield good("a broken byte.csv", broken.encode().replace(b"?", b"\xff"), 4, bad=1)
    yield good("a huge value.csv", text([*numbered("t28", 2), order("t28-9", **DAY, Reason="x" * 1_000_000)]), bad=1)
    yield good("a table that says it is a workbook.xlsx", three("t29"))
    yield good("a table that says it is an archive.zip", three("t30"))
    yield good("no ending", three("t31"))
    yield good("März ºC, 50% & more #1.csv", three("t32"))
    yield good("packed.csv.gz", gzip.compress(three("t33").encode()))
    yield good("packed twice over.gz", gzip.compress(three("t34").encode()) + gzip.compress(
        text(numbered("t34b", 2)).split("\r\n", 1)[1].encode()), 5)  # fmt: skip
    yield good("a quote in a title.csv", 'The 12" report\n' + three("t35"))
    yield good(
        "mixed line ends.csv", three("t36", newline="\n") + text(numbered("t36b", 1)).split("\r\n")[1] + "\r\n", 4
    )

    def refused(name: str, body: str | bytes, words: str) -> Odd:
        return Odd(name, body if isinstance(body, bytes) else body.encode(), REJECTED, words)

    yield refused("nothing.csv", b"", "is empty (0 bytes)")
    yield refused("blank lines.csv", b"\r\n\n  \r\n\t\n", "nothing but empty lines")
    yield refused("commas.csv", b",,,,\n,,,,\n", "nothing but empty lines")
    yield refused("just a mark.csv", b"\xef\xbb\xbf", "no content")
    yield refused("without the number.csv", text(numbered("x", 3), names=NAMES[1:]), "no column for 'Pizza No.'")
    yield refused("two areas.csv", text(numbered("x", 3), headings=[*NAMES[:-1], "Area"]), "2 columns for area")
    yield refused("no header.csv", text(numbered("x", 3)).split("\r\n", 1)[1], "has no header")
    yield refused("too wide.csv", ",".join(f"c{n}" for n in range(5_000)) + "\n", "more than 2,000 columns")
    yield refused("letter.txt", "Dear manager,\nhere are the orders of March.\nRegards\n", "is not a table")
    yield refused("one word.csv", b"orders", "is not a table")
    yield refused(
        "another shop.csv",
        "pizza_id,order_id,pizza_name_id,quantity,order_date,order_time,unit_price,total_price,pizza_size\n"
        "1,1,hawaiian_m,1,1/1/2015,11:38:36,13.25,13.25,M\n",
        "closest is orders",
    )
    yield refused("driver's log.csv", "Driver,Car,Km out,Km in,Fuel\nKone,CA 123,10,55,R 200\n", "closest is orders")
    yield refused("sums.csv", "Month;Orders;Late\nMarch;3000;210\nApril;2800;190\n", "not a kind of file that the lake")
    yield refused("page.csv", b"<!DOCTYPE html><html><body>Please log in</body></html>", "web page (HTML)")
    yield refused("page in utf-16.csv", "<html><body>x</body></html>".encode("utf-16"), "web page (HTML)")
    yield refused("orders.xml", b"<?xml version='1.0'?><orders><order id='1'/></orders>", "XML document")
    yield refused("noise.csv", random.Random(7).randbytes(5_000), "is not text")
    yield refused("zeros.csv", bytes(10_000), "is not text")


# ---- json ---------------------------------------------------------------------------------------------------------


def _jsons() -> Iterable[Odd]:
    def records(prefix: str, count: int = 3) -> list[dict[str, Any]]:
        return [{name: value for name, value in record.items() if value} for record in numbered(prefix, count)]

    def lines(prefix: str, count: int = 3) -> str:
        return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records(prefix, count))

    yield Odd("orders.jsonl", lines("j1").encode(), LOADED, rows=3)
    yield Odd("orders.json", json.dumps(records("j2")).encode(), LOADED, rows=3)
    yield Odd("pretty.json", json.dumps(records("j3"), indent=2).encode(), LOADED, rows=3)
    yield Odd("wrapped.json", json.dumps({"shop": "Jozi", "data": {"orders": records("j4")}, "n": 3}).encode(), LOADED,
              rows=3)  # fmt: skip
    yield Odd(
        "one after the other.json", "".join(json.dumps(r, indent=1) for r in records("j5")).encode(), LOADED, rows=3
    )
    typed = [
        {**record, "Delivery (mins)": 29, "Oven Temp ºC": 270.5, "Cust. complaint": False, "Reason": None}
        for record in records("j6")
    ]
    yield Odd("typed.json", json.dumps(typed).encode(), LOADED, rows=3)
    nested = [*records("j7"), {**records("j7b", 1)[0], "Area": {"name": "B"}}]
    yield Odd("nested.json", json.dumps(nested).encode(), LOADED, rows=4, bad=1)
    more = [{**record, "basket": {"name": "x"}, "tags": [1]} for record in records("j8")]
    yield Odd("more than needed.jsonl", "\n".join(map(json.dumps, more)).encode(), LOADED, rows=3)
    late = [*records("j9", 400), {**records("j9b", 1)[0], "Reason": "Late delivery", "Cust. complaint": "yes"}]
    yield Odd("a key that comes late.jsonl", "\n".join(map(json.dumps, late)).encode(), LOADED, rows=401)
    yield Odd("a broken line.jsonl", (lines("j10") + '{"Pizza No.": "j10-9",\n[1]\n\n').encode(), LOADED, rows=5, bad=2,
              blank=1)  # fmt: skip
    yield Odd("json in utf-16.json", json.dumps(records("j11")).encode("utf-16"), LOADED, rows=3)
    yield Odd("json with a mark.jsonl", lines("j12").encode("utf-8-sig"), LOADED, rows=3)
    yield Odd("packed.jsonl.gz", gzip.compress(lines("j13").encode()), LOADED, rows=3)
    twice = '{"Pizza No.": "j14-9", "Pizza No.": "j14-8"}\n'
    yield Odd("a key twice.jsonl", (lines("j14") + twice).encode(), LOADED, rows=4, bad=1)

    def refused(name: str, body: bytes, words: str) -> Odd:
        return Odd(name, body, REJECTED, words)

    yield refused("a number.json", b"[1, 2, 3]", "holds no records")
    yield refused("nothing inside.json", b"[]", "holds no records")
    yield refused("columns.json", json.dumps({"order_id": [1, 2], "area": ["A", "B"]}).encode(), "not a kind of file")
    yield refused("broken.json", b'{"order_id": "1", "area" "A"}', "begins as JSON does, but")
    yield refused("cut short.json", json.dumps(records("x")).encode()[:-30], "cut short")
    yield refused("a menu.json", json.dumps([{"pizza": "Hawaiian", "price": 99}]).encode(), "none of its columns")
    unnumbered = [{name: value for name, value in record.items() if name != "Pizza No."} for record in records("x")]
    yield refused("without number.json", json.dumps(unnumbered).encode(), "no column for 'Pizza No.'")
    whole = json.dumps(records("x", BEYOND_HEAD)).encode()
    yield Odd("cut short far behind.json", whole[:-40], HELD, "cut short")
    yield Odd("no json any more.json", whole[:200_000] + b"}}" + whole[200_000:], HELD, "is not JSON")


# ---- workbooks and parquet ----------------------------------------------------------------------------------------


def _workbooks() -> Iterable[Odd]:
    def plain(book: Any) -> None:
        book.remove(book.active)
        sheet_of(book, numbered("w1", 3))

    simple = workbook(plain)
    yield Odd("texts inside the cells.xlsx", simple, LOADED, rows=3)

    def surrounded(book: Any) -> None:
        book.active.append(["Total", 3])
        sheet = sheet_of(book, numbered("w2", 3), "März", above=4)
        sheet.merge_cells("A1:D1")
        sheet.append([])
        sheet.append(["Total", None, None, "=SUM(D6:D8)"])

    yield Odd("titles and totals.xlsx", workbook(surrounded), LOADED, rows=4, bad=1, blank=1)

    def dated(book: Any) -> None:
        book.remove(book.active)
        book.epoch = CALENDAR_MAC_1904
        sheet = book.create_sheet("Orders")
        sheet.append(NAMES)
        for number in (1, 2):
            values = {"Order Date": date(2019, 10, 17), "Order Time": time(18, 5), "Delivery (mins)": 29.0}
            typed: dict[str, Any] = {**order(f"w3-{number}"), **values, "Cust. complaint": False}
            sheet.append([typed[name] for name in NAMES])
        moment = {**order("w3-3"), "Order Date": datetime(2019, 10, 17), "Order Time": timedelta(hours=18, minutes=5)}
        sheet.append([moment[name] for name in NAMES])

    yield Odd("dates of 1904.xlsx", workbook(dated), LOADED, rows=3)

    def hidden(book: Any) -> None:
        book.remove(book.active)
        sheet_of(book, numbered("w4old", 2), "old").sheet_state = "hidden"
        sheet_of(book, numbered("w4", 3), "new")

    yield Odd("a hidden sheet.xlsx", workbook(hidden), LOADED, rows=3)

    def below(book: Any) -> None:
        book.remove(book.active)
        sheet = book.create_sheet("S")
        for column, name in enumerate(NAMES, start=3):
            sheet.cell(7, column, name)
        for row, record in enumerate(numbered("w5", 3), start=8):
            for column, name in enumerate(NAMES, start=3):
                sheet.cell(row, column, record[name])

    yield Odd("far from the corner.xlsx", workbook(below), LOADED, rows=3)

    def calculating(xml: bytes) -> bytes:
        start = xml.index(b'<c r="A2" t="inlineStr">')
        end = xml.index(b"</c>", start)
        return xml[:start] + b'<c r="A2" t="str"><f>"w6-"&amp;1</f><v>w6-1</v>' + xml[end:]

    renumbered = patched(simple, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"w1-", b"w6-"))
    yield Odd("formulas.xlsx", patched(renumbered, "xl/worksheets/sheet1.xml", calculating), LOADED, rows=3)
    shared = patched(simple, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"w1-", b"w9-"))
    yield Odd("shared texts.xlsx", sharing(shared), LOADED, rows=3)

    def macros(book: Any) -> None:
        book.remove(book.active)
        sheet_of(book, numbered("w7", 3))

    yield Odd("macros.xlsm", workbook(macros), LOADED, rows=3)

    def zipped(book: Any) -> None:
        book.remove(book.active)
        sheet_of(book, numbered("w8", 3))

    yield Odd("packed.xlsx.gz", gzip.compress(workbook(zipped)), LOADED, rows=3)

    def sums(book: Any) -> None:
        book.active.append(["Month", "Orders", "Late"])
        book.active.append(["March", 3_000, 210])

    yield Odd("sums.xlsx", workbook(sums), REJECTED, "not a kind of file that the lake knows")
    yield Odd("nothing in it.xlsx", workbook(lambda book: None), REJECTED, "no content")
    yield Odd("cut.xlsx", simple[:-200], REJECTED, "cut short or damaged")
    broken = patched(simple, "xl/worksheets/sheet1.xml", lambda xml: xml[:300])
    yield Odd("damaged.xlsx", broken, REJECTED, "damaged")
    secret = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3_000)
    yield Odd("old or locked.xls", secret, REJECTED, "old Office file (.xls) or one with a password")
    yield Odd("binary.xlsb", packed({"xl/workbook.bin": b"x"}), REJECTED, "binary workbook (.xlsb)")
    ods = {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<x/>"}
    yield Odd("libre.ods", packed(ods), REJECTED, "OpenDocument")
    yield Odd("letter.docx", packed({"word/document.xml": b"<w/>"}), REJECTED, "text document (Word)")
    bomb = patched(simple, "xl/worksheets/sheet1.xml", lambda xml: xml + b" " * (80 << 20))
    yield Odd("bomb.xlsx", bomb, REJECTED, "unpacks to more")

    yield Odd("orders.parquet", parquet(numbered("p1", 3)), LOADED, rows=3)
    typed = [
        {**record, "Order Date": date(2019, 10, 17), "Delivery (mins)": 29.5, "Order Time": time(18, 5), "Reason": None,
         "Cust. complaint": False, "Oven Temp ºC": 270, "customer": {"name": "x"}}
        for record in numbered("p2", 3)
    ]  # fmt: skip
    yield Odd("typed.parquet", parquet(typed), LOADED, rows=3)
    yield Odd("packed.parquet.gz", gzip.compress(parquet(numbered("p3", 3))), LOADED, rows=3)
    yield Odd("cut.parquet", parquet(numbered("x", 3))[:-9], REJECTED, "its footer is missing")
    yield Odd("trips.parquet", parquet([{"pickup": 1, "fare": 2.0}]), REJECTED, "none of its columns")


# ---- archives -----------------------------------------------------------------------------------------------------


def _archives() -> Iterable[Odd]:
    one = text(numbered("z1", 2)).encode()
    mixed = {
        "week 1/": b"",
        "week 1/orders.csv": one,
        "week 2.jsonl": "\n".join(json.dumps(record) for record in numbered("z2", 3)).encode(),
        "inner.zip": packed({"deep.csv": text(numbered("z3", 1)).encode(), "deeper.zip": packed({"a.csv": one})}),
        "read me.txt": b"Orders of October. Regards, the shop.",
        "empty.csv": b"",
        "__MACOSX/._orders.csv": b"\x00\x05\x16\x07",
        ".DS_Store": b"\x00\x00\x00\x01Bud1",
    }
    inside = {
        "week 1/orders.csv": (LOADED, 2),
        "week 2.jsonl": (LOADED, 3),
        "inner.zip": (EXPANDED, 0),
        "inner.zip!/deep.csv": (LOADED, 1),
        "inner.zip!/deeper.zip": (REJECTED, 0),
        "read me.txt": (REJECTED, 0),
        "empty.csv": (REJECTED, 0),
    }
    yield Odd("october.zip", packed(mixed), EXPANDED, "Opened: 5 files inside", inside=inside)
    yield Odd("stored.zip", packed({"a.csv": text(numbered("z4", 2)).encode()}, zipfile.ZIP_STORED), EXPANDED, "1 file",
              inside={"a.csv": (LOADED, 2)})  # fmt: skip
    spoilt = bytearray(packed({"a.csv": text(numbered("z5", BEYOND_HEAD)).encode()}, zipfile.ZIP_STORED))
    spoilt[100_000] ^= 1
    yield Odd("spoilt inside.zip", bytes(spoilt), EXPANDED, "1 file", inside={"a.csv": (HELD, 0)})

    def refused(name: str, body: bytes, words: str) -> Odd:
        return Odd(name, body, REJECTED, words)

    yield refused("climbs.zip", packed({"../../etc/orders.csv": one}), "leads out of the archive")
    yield refused("absolute.zip", packed({"/orders.csv": one}), "leads out of the archive")
    yield refused("drive.zip", packed({"C:/orders.csv": one}), "leads out of the archive")
    yield refused(
        "backslashes.zip", packed({"a_b.csv": one}).replace(b"a_b.csv", b"a\\b.csv"), "leads out of the archive"
    )
    yield refused("locked.zip", encrypted(packed({"a.csv": one})), "protected by a password")
    yield refused("twice.zip", packed({"a.csv": one, "b.csv": one}).replace(b"b.csv", b"a.csv"), "twice")
    yield refused("cut.zip", packed({"a.csv": one})[:-30], "cut short or damaged")
    yield refused("empty.zip", packed({}), "an empty zip archive")
    yield refused("folders.zip", packed({"a/": b"", "b/": b""}), "holds no file")
    yield refused("many.zip", packed({f"{n}.csv": b"x" for n in range(1_001)}), "more than the 1,000")
    yield refused("bomb.zip", packed({"a.csv": bytes(12 << 20)}), "unpacks to more than 200 times")
    yield refused("liar.zip", claiming(packed({"a.csv": one}), 0xFFFFFF00), "unpacks to more than 200 times")
    yield refused("packed.zip.gz", gzip.compress(packed({"a.csv": one})), "packed once more with gzip")


# ---- the rest -----------------------------------------------------------------------------------------------------


def _others() -> Iterable[Odd]:
    def refused(name: str, body: bytes, words: str) -> Odd:
        return Odd(name, body, REJECTED, words)

    yield refused("report.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF document")
    yield refused("photo.csv", b"\x89PNG\r\n\x1a\n" + bytes(50), "a picture (PNG)")
    yield refused("setup.exe", b"MZ\x90\x00\x03" + bytes(100), "a Windows program")
    yield refused("tool", b"\x7fELF\x02\x01\x01" + bytes(50), "a Linux program")
    yield refused("run.csv", b"#!/bin/sh\nrm -rf /\n", "a script")
    yield refused("data.7z", b"7z\xbc\xaf\x27\x1c" + bytes(20), "7-Zip")
    yield refused("data.rar", b"Rar!\x1a\x07\x00" + bytes(20), "RAR")
    tape = io.BytesIO()
    with tarfile.open(fileobj=tape, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("orders.csv"), io.BytesIO())
    yield refused("data.tar", tape.getvalue(), "a tar archive")
    yield refused("data.tar.gz", gzip.compress(tape.getvalue()), "a gzip file that holds a tar archive")
    yield refused("orders.numbers", packed({"Index/Document.iwa": b"x"}), "an Apple document (Numbers")
    yield refused("data.avro", b"Obj\x01" + bytes(20), "Avro")
    yield refused("shop.db", b"SQLite format 3\x00" + bytes(100), "SQLite")
    yield refused("cut.csv.gz", gzip.compress(text(numbered("x", 300)).encode())[:-500], "cut short")
    yield refused("nothing.csv.gz", gzip.compress(b""), "nothing in it")
    yield refused("damaged.gz", b"\x1f\x8b\x08\x00" + bytes(range(200)), "damaged gzip")
    yield refused("twice.csv.gz", gzip.compress(gzip.compress(b"x")), "gzip file inside a gzip file")
    dice = random.Random(5)
    noisy = [order(f"x-{n}", **DAY, Stylist=f"{dice.getrandbits(64):x}") for n in range(20_000)]
    yield Odd("cut far behind.csv.gz", gzip.compress(text(noisy).encode())[:-100], HELD, "cut short")
    open_quote = text(numbered("x", BEYOND_HEAD)) + 'x-0,"' + "never closed\n" * 500_000
    yield Odd("a quote never closed.csv", open_quote.encode(), LOADED, rows=BEYOND_HEAD + 1, bad=1)
    bad = [order(f"x-{n}", **({"Order Date": "yesterday"} if n % 2 else DAY)) for n in range(40)]
    yield Odd("half of it bad.csv", text(bad).encode(), HELD, "20 of its 40 rows are bad")


ODD: tuple[Odd, ...] = (*_texts(), *_jsons(), *_workbooks(), *_archives(), *_others())
