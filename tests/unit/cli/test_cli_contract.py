"""`lake contract`: how a file fits, and a first contract for one that does not. Neither needs a lake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cli import contract as module
from lake.contracts import load_contracts
from lake.trial import Finding, Trial
from tests.feeds import customers_csv
from tests.unit.stack import REPOSITORY

from .conftest import Ended

Run = Callable[..., Ended]
LAYOUT = load_contracts()["orders"].layouts[1].header


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "march"
    path.write_text(";".join(["Weather", *LAYOUT[:-1]]) + "\n" + ";" * len(LAYOUT) + "\n")
    return path


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    path = tmp_path / "club members.csv"
    path.write_bytes(customers_csv("C-1;Zoë;05/03/2018;12;yes", "C-2;;31/03/2018;10;no"))
    return path


def test_the_columns_that_are_found_missing_and_unknown_are_named(run: Run, orders: Path) -> None:
    ended = run("contract", "check", str(orders), "--header-only")

    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].startswith("orders: fits, 18 of ")
    assert "  order_id                 order_id" in lines
    assert any(line.startswith("  not in the file, and so empty: ") and "complaint_reason" in line for line in lines)
    assert "  not known to the contract: Weather" in lines
    found = run("contract", "check", str(orders), "--header-only", "--json").json
    assert (found["contract"], found["fits"][0]["unmapped"], found["values"]) == ("orders", ["Weather"], None)
    assert found["fits"][0]["columns"]["deliverer"] == "delivery_driver"


def test_what_would_become_of_the_rows_is_told_with_examples_and_advice(
    run: Run, orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = Finding("order_date ... is not a date (d/M/yyyy)", 3, "order_date 'soon\x1b' is not a date (d/M/yyyy)", 7)
    tried = Trial(10, 7, 3, 0, 1, None, (bad,), ())
    monkeypatch.setattr(module, "_try", lambda *_: tried)

    ended = run("contract", "check", str(orders))

    assert ended.code == 0
    assert "10 rows: 7 good (0 of them flagged), 3 for quarantine; 1 blank record." in ended.out
    assert "write it in one of the forms named (record 7: order_date 'soon\ufffd' is not a date" in ended.out
    assert ended.out.endswith("It would load.\n")
    assert run("contract", "check", str(orders), "--json").json["values"]["reasons"][0]["record"] == 7
    monkeypatch.setattr(module, "_try", lambda *_: Trial(10, 7, 3, 0, 1, "most rows are bad", (bad,), ()))
    assert run("contract", "check", str(orders)).code == 1


def test_a_file_that_fits_nothing_is_told_what_it_lacks_and_what_to_do(run: Run, customers: Path) -> None:
    ended = run("contract", "check", str(customers))

    assert ended.code == 1
    assert "orders: does not fit." in ended.out
    assert "It would be refused: club members.csv" in ended.out
    assert "lake contract new" in ended.out
    assert run("contract", "check", str(customers), "--json").json["fits"][0]["fits"] is False


def test_a_proposed_contract_fits_the_file_it_was_made_from(run: Run, customers: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "club.yaml"

    ended = run("contract", "new", str(customers), "--out", str(out))

    assert ended.code == 0, ended.err
    assert "contract club_members, 5 columns" in ended.out
    checked = run("contract", "check", str(customers), "--contract", str(out), "--header-only", "--json").json
    assert checked["contract"] == "club_members"
    assert checked["fits"][0]["missing"] == checked["fits"][0]["unmapped"] == []
    again = run("contract", "new", str(customers), "--out", str(out))
    assert (again.code, "is there already" in again.err) == (1, True)
    assert run("contract", "new", str(customers)).out == out.read_text(encoding="utf-8")
    proposed = run("contract", "new", str(customers), "--name", "people", "--json").json
    assert (proposed["contract"], proposed["key"]) == ("people", ["customer_no"])


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("check", "no such file"), 2, "There is no file"),
        (("check", "FILE", "--contract", "nothing"), 2, "There is no contract nothing"),
        (("check", "FILE", "--contract", "FILE"), 1, "This contract cannot be used"),
        (("new", "FILE", "--name", "orders"), 2, "There is a contract orders already"),
        (("new", "FILE", "--name", "No Name"), 2, "is no usable name"),
        (("new", "FILE", "--date-order", "ymd"), 2, "--date-order is dmy"),
        (("new", "EMPTY"), 1, "no text"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(
    run: Run, customers: Path, tmp_path: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    (tmp_path / "empty").touch()
    places = {"FILE": str(customers), "EMPTY": str(tmp_path / "empty")}

    ended = run("contract", *(places.get(word, word) for word in words))

    assert (ended.code, says in ended.err) == (code, True), ended.err


def test_a_contract_that_is_to_take_the_place_of_one_in_use_is_told_what_that_takes(
    run: Run, orders: Path, tmp_path: Path
) -> None:
    text = (REPOSITORY / "contracts" / "orders.yaml").read_text(encoding="utf-8")
    proposed = tmp_path / "orders.yaml"
    proposed.write_text(
        text.replace("version: 1.0.0", "version: 2.0.0").replace("months(order_date)", "years(order_date)")
    )

    ended = run("contract", "check", str(orders), "--header-only", "--contract", str(proposed))
    proposed.write_text(proposed.read_text().replace("version: 2.0.0", "version: 1.0.0"))
    refused = run("contract", "check", str(orders), "--header-only", "--contract", str(proposed), "--json")

    assert ended.code == 0
    assert ended.out.startswith("migration: the partition months(order_date) becomes years(order_date): write a migr")
    assert refused.code == 1
    assert [change["level"] for change in refused.json["changes"]] == ["refused", "migration"]
