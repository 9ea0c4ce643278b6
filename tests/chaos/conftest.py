"""Chaos: what may happen between any two calls, and the lake ends as if it had not.

The short version (`make test`) tries a seeded sample of everything; the long one (`make chaos`, LAKE_CHAOS=long) tries
every point and more rounds. LAKE_SEED=n repeats what a failure printed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lake import intake
from lake.detect import detect
from tests.e2e.conftest import Lake, every_row_is_accounted_for, started
from tests.unit.dynamo_fake import FakeDynamo
from tests.unit.flow_fakes import World

__all__ = ["every_row_is_accounted_for"]  # a fixture of these tests as well

LONG = os.environ.get("LAKE_CHAOS") == "long"


@pytest.fixture(scope="package")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake of their own, because these tests break it."""
    with started(tmp_path_factory.mktemp("chaos-home")) as running:
        yield running


@pytest.fixture
def world() -> World:
    """A world with an empty ledger."""
    return World(FakeDynamo())


@pytest.fixture
def seed(say: Callable[[str], None]) -> int:
    """The seed of a test, told before anything can go wrong."""
    chosen = int(os.environ.get("LAKE_SEED") or random.randrange(1_000_000))
    say(f"LAKE_SEED={chosen}")
    return chosen


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints a line past pytest's capture."""

    def line(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", end=" ")

    return line


@pytest.fixture(autouse=True)
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The desk's real answer for a file (25 ms of work) is asked for once: the same few come again and again."""
    answers: dict[Any, Any] = {}

    def answer(head: bytes, size: int, key: str, contracts: Any, **how: Any) -> Any:
        name = (head, size, key, len(contracts))
        if name not in answers:
            answers[name] = detect(head, size, key, contracts, **how)
        return answers[name]

    monkeypatch.setattr(intake, "detect", answer)
