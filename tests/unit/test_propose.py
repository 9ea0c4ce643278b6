"""A proposed contract says what a file says, asks what it does not say, and takes the file that it was made from."""

from __future__ import annotations

import csv
import gzip
import io
import json
import socket
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import yaml
from datacontract.data_contract import DataContract
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.contracts import parse_contract
from lake.detect import Accepted, detect
from lake.propose.columns import guess
from lake.propose.contract import Proposal, propose
from lake.propose.table import NoTableError, Table, read_table
from tests.e2e.conftest import REAL_EXPORT

HEADER = ["Ticket No.", "Opened", "Agent e-mail", "Channel", "Score", "Refund (R)", "Closed?", "Notes", "File"]
ROWS = [
    [
        f"T-{n:03}", f"{n % 28 + 1:02}/03/2018", f"a{n}@shop.example", ("phone", "app")[n % 2], str(n % 5),
        f"{n}.50" if n % 7 else "n/a", ("yes", "No")[n % 2], "na" if n == 3 else f"note, {n}", "x",
    ]
    for n in range(60)
]  # fmt: skip


def csv_text(rows: list[list[str]], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue()


def workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Tickets of March"])
    for row in [HEADER, *ROWS]:
        book.active.append(row)
    book.save(path)


WRITERS = {
    "csv": lambda path: path.write_text(csv_text([HEADER, *ROWS])),
    "semicolons": lambda path: path.write_bytes(csv_text([HEADER, *ROWS], ";").encode("utf-16")),
    "gzip": lambda path: path.write_bytes(gzip.compress(csv_text([HEADER, *ROWS], "\t").encode())),
    "xlsx": workbook,
    "json lines": lambda path: path.write_text("\n".join(json.dumps(dict(zip(HEADER, row))) for row in ROWS)),
    "json": lambda path: path.write_text(json.dumps({"tickets": [dict(zip(HEADER, row)) for row in ROWS]})),
    "parquet": lambda path: parquet.write_table(
        pa.table({name: [row[at] for row in ROWS] for at, name in enumerate(HEADER)}), path
    ),
}


def takes(proposal: Proposal, path: Path) -> bool:
    contract = parse_contract(proposal.text)
    data = path.read_bytes()
    answer = detect(data[: 1 << 16], len(data), path.name, {contract.name: contract}, lambda a, n: data[a : a + n])
    return isinstance(answer, Accepted)


@pytest.mark.parametrize("form", WRITERS)
def test_whatever_form_a_file_has_the_proposal_says_what_is_in_it(tmp_path: Path, form: str) -> None:
    path = tmp_path / "tickets"
    WRITERS[form](path)

    proposal = propose(read_table(path), "tickets")

    contract = parse_contract(proposal.text)
    assert contract.key == ("ticket_no",)
    assert {field.name: (field.kind, field.type) for field in contract.fields} == {
        "ticket_no": ("string", "string"), "opened": ("date", "date"), "agent_e_mail": ("string", "string"),
        "channel": ("string", "string"), "score": ("integer", "int"), "refund_r": ("number", "decimal(7,2)"),
        "closed": ("boolean", "boolean"), "notes": ("string", "string"), "file_value": ("string", "string"),
    }  # fmt: skip
    assert contract.field("opened").formats == ("d/M/yyyy",)
    assert contract.field("refund_r").null_spellings == ("", "n/a")
    assert contract.field("notes").null_spellings == ("",)  # a driver named Na survives
    assert set(contract.field("channel").allowed) == {"phone", "app"}
    assert [field.name for field in contract.fields if field.pii] == ["agent_e_mail"]
    assert [question for question in proposal.questions if "'na'" in question]
    assert all(
        f"# {question.partition(': ')[2]}" in proposal.text for question in proposal.questions if "na" in question
    )


def test_the_proposal_is_valid_by_the_standards_own_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object) -> None:
        raise AssertionError("the schema has to come from the package")

    path, out = tmp_path / "tickets.csv", tmp_path / "tickets.yaml"
    WRITERS["csv"](path)
    proposal = propose(read_table(path), "tickets")
    out.write_text(proposal.text)
    monkeypatch.setattr(socket.socket, "connect", no_network)

    run = DataContract(data_contract_file=str(out)).lint()

    assert [check.reason for check in run.checks if check.result != "passed"] == []
    assert takes(proposal, path)


@pytest.mark.parametrize(
    ("texts", "formats"),
    [
        (["05/03/2018", "31/12/2018"], ("d/M/yyyy",)),
        (["05/03/2018", "12/31/2018"], ("M/d/yyyy",)),
        (["2018-03-05", "05.03.2018", "31.01.2018"], ("yyyy-MM-dd", "d.M.yyyy")),
        (["2018-03-05 18:30", "2018-03-05 18:30:05"], ("yyyy-MM-dd H:mm:ss", "yyyy-MM-dd H:mm")),
        (["2018-03-05T08:30:00"], ("yyyy-MM-dd'T'H:mm:ss",)),
        (["8:30", "23:59:59"], ("H:mm:ss", "H:mm")),
        (["31/02/2018"], ()),
        (["05/03/2018", "06/04/2018"], ()),
        (["31/03/2018", "03/31/2018"], ()),
        (["05/03/18"], ()),
    ],
)
def test_a_date_is_one_only_when_the_values_say_so(texts: list[str], formats: tuple[str, ...]) -> None:
    assert guess("When", texts).formats == formats


def test_a_day_that_could_be_a_month_stays_text_and_is_asked_about() -> None:
    found = guess("When", ["05/03/2018", "06/04/2018"])

    assert (found.kind, len(found.questions)) == ("string", 1)
    assert "day and month cannot be told apart" in found.questions[0]
    assert guess("When", ["05/03/2018", "06/04/2018"], "dmy").formats == ("d/M/yyyy",)
    assert guess("When", ["05/03/2018", "06/04/2018"], "mdy").formats == ("M/d/yyyy",)


@pytest.mark.parametrize(
    ("texts", "kind"),
    [(["007", "12"], "string"), (["-3", "12"], "integer"), (["1.5", "-", "2"], "number"), (["1,5", "2"], "string"),
     (["yes", "NO"], "boolean"), (["0", "1"], "integer"), (["yes", "maybe"], "string"), (["", ""], "string"),
     (["1" * 18], "integer"), (["1e5"], "string")],
)  # fmt: skip
def test_values_say_what_they_are(texts: list[str], kind: str) -> None:
    assert guess("Value", texts).kind == kind


@pytest.mark.parametrize(
    ("rows", "key", "asked"),
    [
        ([["1", "same"], ["2", "same"]], ("no",), False),
        ([["1", "a"], ["1", "b"], ["2", "a"]], ("no", "line"), True),
        ([["1", "a"], ["1", "a"]], ("no",), True),
    ],
)
def test_a_key_is_what_tells_rows_apart(rows: list[list[str]], key: tuple[str, ...], asked: bool) -> None:
    proposal = propose(Table("csv", ("No.", "Line"), rows, True), "things")

    assert parse_contract(proposal.text).key == proposal.key == key
    assert any(question.startswith("key:") for question in proposal.questions) is asked


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no text"), (b"\x00\x01\x02" * 50, "no text"), (b"\n\n", "no content"), (b"a,b\n", "no rows"),
        (b"1,2\n3,4\n", "names of columns"), (b"A,a\n1,2\n", "two columns are called"), (b"{]", "begins like json"),
        (b"PK\x03\x04broken", "cannot be read"), (b"\x1f\x8b\x08broken", "cannot be read"), (b"[1]", "no json records"),
    ],
)  # fmt: skip
def test_a_file_that_gives_no_contract_is_told_why(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "file").write_bytes(data)

    with pytest.raises(NoTableError, match=words):
        propose(read_table(tmp_path / "file"), "things")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(min_size=1, max_size=12).filter(lambda text: text.strip()), min_size=1, max_size=6),
    st.lists(st.lists(st.text(max_size=10), min_size=6, max_size=6), min_size=1, max_size=5),
)
def test_whatever_the_texts_are_the_proposal_can_be_read_back(headers: list[str], rows: list[list[str]]) -> None:
    table = Table("csv", tuple(headers), [row[: len(headers)] for row in rows], True)
    try:
        proposal = propose(table, "things")
    except NoTableError:
        return

    contract = parse_contract(proposal.text)

    assert [field.name for field in contract.fields] == [column.name for column in proposal.columns]
    assert yaml.safe_load(proposal.text)["kind"] == "DataContract"


@pytest.mark.skipif(not REAL_EXPORT.exists(), reason="the company's export is not on this machine")
def test_the_real_export_is_understood() -> None:
    proposal = propose(read_table(REAL_EXPORT), "export")

    contract = parse_contract(proposal.text)
    assert contract.key == ("pizza_no",)
    assert contract.field("order_date").formats == ("d/M/yyyy",)
    assert contract.field("cust_complaint").kind == "boolean"
    assert takes(proposal, REAL_EXPORT)
