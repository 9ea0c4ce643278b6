"""The shell of the jobs' scripts: arguments in, one sentence out where a run fails."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from lake.script import in_one_sentence, run


class Session:
    """As much of Spark as a script touches."""

    def __init__(self) -> None:
        self.stopped = False
        self.builder = self

    def getOrCreate(self) -> Session:  # noqa: N802 - Spark's name
        return self

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    made = Session()
    monkeypatch.setattr("pyspark.sql.SparkSession", made)
    return made


def started(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["job.py", *words])


def test_the_work_gets_the_session_and_what_was_named_and_nothing_else(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(monkeypatch, "--JOB_NAME", "x", "--run", "r-1", "--fence", "7", "--enable-metrics", "true")
    given: list[Any] = []

    run("A job.", {"run": str, "fence": int}, lambda spark, **arguments: given.append((spark, arguments)), "run {run}")

    assert given == [(session, {"run": "r-1", "fence": 7})]
    assert session.stopped


def test_a_failure_ends_in_one_sentence_and_the_session_with_it(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started(monkeypatch, "--run", "r-1")

    def fails(spark: Any, run: str) -> None:
        raise ValueError(f"the table of {run} is\n  not there")

    with pytest.raises(SystemExit, match=r"^run r-1 failed: the table of r-1 is$"):
        run("A job.", {"run": str}, fails, "run {run}")

    assert session.stopped
    assert "Traceback" in capsys.readouterr().err


def test_an_argument_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started(monkeypatch, "--fence", "7")

    with pytest.raises(SystemExit) as ended:
        run("A job.", {"run": str, "fence": int}, lambda spark: None, "run {run}")

    assert ended.value.code == 2
    assert "--run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("there is no table", "there is no table"),
        ("\n\nfirst\nsecond", "first"),
        (
            "An error occurred while calling o53.sql.\n: org.apache.iceberg.exceptions.CommitFailedException: stale",
            "stale",
        ),
        ("", "ValueError"),
    ],
)
def test_an_error_is_told_in_its_first_telling_line(text, sentence):
    assert in_one_sentence(ValueError(text)) == sentence
