"""`lake forget`: what a look would rewrite, and that the id itself is kept nowhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.errors import keep_traceback
from cli.main import app
from lake.contracts import load_contracts
from lake.detect import Accepted, detect
from lake.pseudonyms import pseudonym, secret_of
from tests.unit.test_erasure_bronze import orders

from .conftest import FakeLake

pytestmark = pytest.mark.usefixtures("lake")


@pytest.fixture
def held(lake: FakeLake, monkeypatch: pytest.MonkeyPatch) -> FakeLake:
    """A lake with a file that names the customer C-47, one that does not, and one that nobody can read."""
    key = lake.client("kms").create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    monkeypatch.setattr(FakeLake, "resource", lambda self, logical_id: key)
    monkeypatch.setattr(FakeLake, "as_role", lambda self, logical_id: self)
    for name, body in (("orders/a.csv", orders("C-47", "C-1")), ("orders/b.csv", orders("C-478"))):
        add(lake, name, body)
    return lake


def add(lake: FakeLake, key: str, body: bytes) -> str:
    version = lake.client("s3").put_object(Bucket="bronze", Key=key, Body=body)["VersionId"]
    answer = detect(body, len(body), key, load_contracts())
    if isinstance(answer, Accepted):
        lake.add(key, "PENDING", "LOADED", version=version, facts=answer.facts_text)
    else:
        lake.add(key, "REJECTED", version=version)
    return str(version)


def versions(lake: FakeLake) -> list[str]:
    found = lake.client("s3").list_object_versions(Bucket="bronze")["Versions"]
    return sorted(one["VersionId"] for one in found)


def test_a_dry_run_names_the_files_that_would_be_rewritten_and_changes_nothing(held: FakeLake) -> None:
    before = versions(held)

    ended = CliRunner().invoke(app, ["forget", "-", "--dry-run", "--json"], input="C-47\n")

    told = json.loads(ended.stdout)
    secret = secret_of(held.resource("PseudonymKey"), held.client("kms"))
    assert ended.exit_code == 0
    assert (told["files"], told["cells"], told["complete"]) == (["orders/a.csv"], 1, False)
    assert told["customer"] == pseudonym(secret, "C-47")
    assert "C-47" not in ended.output
    assert versions(held) == before


def test_what_cannot_be_rewritten_is_named_and_is_no_success(held: FakeLake) -> None:
    add(held, "orders/scan.pdf", b"%PDF-1.7 C-47 was angry")

    ended = CliRunner().invoke(app, ["forget", "C-47", "--dry-run"])

    assert ended.exit_code == 1
    assert "By hand: orders/scan.pdf: the lake cannot read it" in ended.stderr


def test_an_empty_id_is_wrong_use(held: FakeLake) -> None:
    assert CliRunner().invoke(app, ["forget", "-"], input=" \n").exit_code == 2


def test_a_log_of_a_failure_does_not_keep_the_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["lake", "forget", "C-47"])

    log = keep_traceback(ValueError("it broke"), tmp_path)

    assert "C-47" not in log.read_text()
    assert "['forget']" in log.read_text()
