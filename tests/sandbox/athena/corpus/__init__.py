"""The corpus of statements: reading it, and comparing an answer with what was expected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError

from tests.sandbox.athena.conftest import Answer, Cloud

FOLDER = Path(__file__).parent
ALONE = sorted(path.stem for path in FOLDER.glob("*.yaml"))
FLOWS = sorted(path.stem for path in (FOLDER / "flows").glob("*.yaml"))
_ANY = "..."


@dataclass(frozen=True)
class Statement:
    """One entry; the keys are those of README.md."""

    sql: str
    types: list[str] | None = None
    names: list[str] | None = None
    rows: list[list[str | None]] | None = None
    some: bool = False  # the rows are among the answer's
    sorted: bool = False  # in any order
    lines: list[str] | None = None
    count: int | None = None
    error: str | None = None
    type: int | None = None
    refused: str | None = None
    parameters: list[str] = field(default_factory=list)
    database: str = "people"

    def differences(self, cloud: Cloud, athena: Any) -> Iterator[str]:
        """What is otherwise than expected."""
        extra = {"ExecutionParameters": self.parameters} if self.parameters else {}
        try:
            answer = cloud.ask(self.sql, self.database, athena, **extra)
        except ClientError as error:
            said = error.response["Error"]["Message"]
            if self.refused is None or self.refused not in said:
                yield f"refused: {said}"
            return
        if self.refused is not None:
            yield f"not refused: {answer.state} {answer.reason}"
        elif self.error is not None:
            yield from self._failure(answer)
        elif answer.state != "SUCCEEDED":
            yield answer.reason
        else:
            yield from self._success(answer)

    def _failure(self, answer: Answer) -> Iterator[str]:
        if answer.state != "FAILED":
            yield f"it ended {answer.state}: {answer.page.get('ResultSet', {}).get('Rows')}"
            return
        if not _fits(f"{self.error}{_ANY}", answer.reason):
            yield answer.reason
        if (answer.error["ErrorCategory"], answer.error["ErrorType"]) != (2, self.type):
            yield f"error {answer.error['ErrorCategory']}/{answer.error['ErrorType']}: {answer.reason}"

    def _success(self, answer: Answer) -> Iterator[str]:
        if self.types is not None and [kind for _, kind in answer.columns] != self.types:
            yield f"types: {[kind for _, kind in answer.columns]}"
        if self.names is not None and [name for name, _ in answer.columns] != self.names:
            yield f"names: {[name for name, _ in answer.columns]}"
        if self.count is not None and answer.page.get("UpdateCount") != self.count:
            yield f"count: {answer.page.get('UpdateCount')}"
        if self.lines is not None and not _fits("\n".join(self.lines), "\n".join(map(str, answer.lines))):
            yield f"lines: {answer.lines}"
        if self.rows is not None:
            found = answer.data
            if self.sorted:
                found = sorted(found, key=str)
            wrong = [row for row in self.rows if row not in found] if self.some else found != self.rows
            if wrong:
                yield f"rows: {found}"


def read(name: str) -> list[Statement]:
    """The statements of one file."""
    return [Statement(**entry) for entry in yaml.safe_load((FOLDER / f"{name}.yaml").read_text())]


def _fits(expected: str, found: str) -> bool:
    """`...` stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, expected.split(_ANY))), found, re.DOTALL) is not None
