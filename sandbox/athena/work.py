"""What a statement becomes: a plan made when it is submitted, and the work that a plan does when its turn comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.athena.run import Run

DDL, DML, UTILITY = "DDL", "DML", "UTILITY"


@dataclass
class Outcome:
    """What a finished statement leaves behind besides a csv that it wrote itself.

    columns: the result's columns as GetQueryResults tells them. lines: the rows of a text result.
    update_count: rows that were written, changed or deleted. files: s3 addresses of data that was written, for the
    manifest; None when the statement writes none.
    """

    columns: list[dict[str, Any]] = field(default_factory=list)
    lines: Iterable[str] = ()
    update_count: int | None = None
    files: list[str] | None = None


@dataclass(frozen=True)
class Plan:
    """How one statement will be answered.

    output: `csv` for rows, `txt` for lines, `data` where the statement itself writes data and leaves a manifest.
    syntax: the text whose syntax the engine judges before the statement is accepted; None where we read it ourselves.
    """

    statement_type: str
    substatement_type: str
    output: str
    work: Callable[[Run], Outcome]
    syntax: str | None = None
