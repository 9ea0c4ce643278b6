"""What the scanners may not look at is written down with its reason; what they run from is locked."""

from __future__ import annotations

import re

import pytest

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
