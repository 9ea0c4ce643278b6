"""What the scanners may not look at is written down with its reason; what they run from is locked."""

from __future__ import annotations

import re
from typing import Any

import pytest

from requirements import advisories

from .stack import REPOSITORY, TEMPLATE, of_type


def skips() -> list[tuple[str, str]]:
    return re.findall(r"checkov:skip=(\w+):?(.*)", TEMPLATE.read_text(encoding="utf-8"))


def test_every_check_that_the_template_skips_has_a_reason() -> None:
    assert skips()
    for check, reason in skips():
        assert len(reason.strip()) > 20, check


def test_checks_are_skipped_for_one_resource_at_a_time() -> None:
    assert not list(REPOSITORY.glob(".checkov.y*ml"))
    assert "skip-check" not in (REPOSITORY / "Makefile").read_text()


def test_functions_that_skip_the_dead_letter_check_have_another_way_out() -> None:
    destinations = {one["FunctionName"]["Ref"] for one in of_type("AWS::Lambda::EventInvokeConfig").values()}
    polled = {one["FunctionName"]["Ref"] for one in of_type("AWS::Lambda::EventSourceMapping").values()}
    assert set(of_type("AWS::Lambda::Function")) == destinations | polled


@pytest.mark.parametrize("lock", ["requirements/dev.lock", "requirements/audit.lock", "layer/requirements.txt"])
def test_everything_that_is_installed_is_pinned_by_hash_and_names_no_index(lock: str) -> None:
    text = (REPOSITORY / lock).read_text()
    pins = re.findall(r"^[A-Za-z0-9._-]+(?:\[[^\]]*\])?==[^ ;\\]+.*\\\n +--hash=sha256:", text, re.MULTILINE)
    named = re.findall(r"^[A-Za-z0-9._-]+.*==", text, re.MULTILINE)
    assert pins
    assert len(pins) == len(named)
    assert "://" not in text
    assert "index-url" not in text


CLEAN = {"name": "a", "version": "1", "vulns": []}
SKIPPED = {"name": "b", "skip_reason": "not found"}
BROKEN = {"name": "c", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}


@pytest.mark.parametrize(
    ("packages", "state", "fails_online", "fails_offline"),
    [
        ([CLEAN], advisories.CLEAN, False, False),
        ([CLEAN, BROKEN], advisories.VULNERABLE, True, True),
        ([SKIPPED, BROKEN], advisories.VULNERABLE, True, True),
        ([CLEAN, SKIPPED], advisories.UNKNOWN, True, False),
        ([SKIPPED, SKIPPED], advisories.OFFLINE, True, False),
    ],
)
def test_packages_that_could_not_be_looked_up_are_never_called_clean(
    packages: list[dict[str, Any]], state: str, fails_online: bool, fails_offline: bool
) -> None:
    verdict = advisories.judge("a.lock", {"dependencies": packages}, "")

    assert verdict.state == state
    assert (verdict.failed(when_online=False), verdict.failed(when_online=True)) == (fails_online, fails_offline)


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("Traceback\nrequests.exceptions.ConnectionError: Failed to resolve", advisories.OFFLINE),
        ("ERROR: a.lock: hashes are missing", advisories.UNKNOWN),
        ("", advisories.UNKNOWN),
    ],
)
def test_a_scan_that_ended_without_a_report_is_offline_only_where_the_network_says_so(said: str, state: str) -> None:
    assert advisories.judge("a.lock", None, said).state == state


def test_every_vulnerability_is_named_with_the_version_that_mends_it() -> None:
    verdict = advisories.judge("a.lock", {"dependencies": [BROKEN]}, "")

    assert verdict.lines == ("a.lock: c 2: CVE-1, fixed in 3",)


def test_the_scanners_run_in_every_check_and_strictly_before_a_deployment() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    check = makefile.partition("\ncheck: ")[2].partition("\n\n")[0]
    strict = makefile.partition("\naudit: ")[2].partition("\n\n")[0]

    assert "scan" in check.splitlines()[-2]
    assert "make check" in (REPOSITORY / ".ci" / "run").read_text()
    assert "--when-online" not in strict
    assert "make audit" in (REPOSITORY / ".github" / "workflows" / "deploy.yaml").read_text()
