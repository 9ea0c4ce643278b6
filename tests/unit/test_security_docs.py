"""docs/security.md names tests that exist; docs/popia.md names what the contract marks as personal."""

from __future__ import annotations

import re

import yaml

from .stack import REPOSITORY

SECURITY = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")
POPIA = (REPOSITORY / "docs" / "popia.md").read_text(encoding="utf-8")


def rows() -> list[list[str]]:
    table = [line for line in SECURITY.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_every_threat_names_tests_that_exist() -> None:
    written = "\n".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "tests").rglob("test_*.py"))
    defined = set(re.findall(r"^def (test_\w+)", written, re.MULTILINE))

    assert len(rows()) > 10
    for threat, defence, proof in rows():
        named = re.findall(r"`(test_\w+)`", proof)
        assert named, threat
        assert set(named) <= defined, f"{threat}: {set(named) - defined}"
        assert defence


def test_what_the_page_on_personal_data_names_is_marked_in_the_contract() -> None:
    contract = yaml.safe_load((REPOSITORY / "contracts" / "orders.yaml").read_text(encoding="utf-8"))
    fields = [column for table in contract["schema"] for column in table["properties"]]
    personal = {one["name"] for one in fields if one.get("classification") == "personal"}

    named = {name.strip().replace(" ", "_") for name in re.search(r"Names of staff \(([^)]+)\)", POPIA)[1].split(",")}  # type: ignore[index]

    assert personal == named | {"customer_id"}
