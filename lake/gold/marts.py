"""The marts as they are declared in `marts/`: what each one's rows stand for, its columns, its checks, its SQL.

A mart's yaml holds: `grain` (one sentence), `owner` (the team that answers for it), `refresh`, `partition` (an Iceberg
partition expression), `key` (columns that name a row), `columns`, `checks` and `question` (one it answers, with Athena
SQL); for root causes also `step` and `causes`. Standard library and PyYAML only: the CLI and functions read marts too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import yaml

from lake.publishing import literal

CHANGED_MONTHS = "changed months"  # the SQL reads the view `orders`: the months of silver that changed
WHOLE = "whole"  # the SQL reads `all_orders`, `file_loads`, `quarantine`, and its result replaces the table
# The SQL reads `period_counts`, made of the mart that has just been written; its result replaces the periods (YYYY-MM)
# of the months that changed, and the period 'all'.
CHANGED_PERIODS = "changed periods"
# The SQL reads `due_orders`, the months that are due (lake.gold.windows), which its result replaces, and
# `recent_orders`, those and the month before each.
CHANGED_WINDOWS = "changed windows"
LAST = "last"  # written and published after all others: freshness
REFRESHES = (CHANGED_MONTHS, WHOLE, CHANGED_PERIODS, CHANGED_WINDOWS, LAST)  # in the order in which they are written
# What is done with the rows of the SQL before they are the mart's: see lake.gold.causes.
COUNT_CAUSES, FIND_CAUSES = "count causes", "find causes"
STEPS = ("", COUNT_CAUSES, FIND_CAUSES)

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")


class MartError(ValueError):
    """A mart's files cannot be used; the message names the mart and what is wrong."""


@dataclass(frozen=True)
class Column:
    """One column of a mart; `type` is a Spark SQL type, `required` means never null."""

    name: str
    type: str
    description: str
    unit: str | None = None
    required: bool = False

    @property
    def comment(self) -> str:
        """What the catalog shows beside the column."""
        return f"{self.description} [{self.unit}]" if self.unit else self.description


@dataclass(frozen=True)
class Check:
    """What must hold before a mart is published, as Spark SQL.

    `row`: for each recomputed row, where an unknown answer passes (as in SQL's CHECK). `whole`: once, an aggregate over
    the recomputed rows; it may ask the views that the mart was computed from.
    """

    name: str
    sql: str
    whole: bool = False


@dataclass(frozen=True)
class Question:
    """A question the mart answers, with the statement for Athena (database: gold)."""

    ask: str
    sql: str


@dataclass(frozen=True)
class Mart:
    """One gold table."""

    name: str
    grain: str
    owner: str
    refresh: str  # one of REFRESHES
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    checks: tuple[Check, ...]
    question: Question
    sql: str
    partition: str = ""
    step: str = ""  # one of STEPS
    causes: Mapping[str, Any] | None = None  # for lake.causes.declared

    @property
    def month_column(self) -> str | None:
        """The date column whose days, months or years the table is partitioned by: order_date for days(order_date)."""
        found = re.fullmatch(r"(?:days\(|months\(|years\()?(\w+)\)?", self.partition)
        return found[1] if found else None

    @property
    def keeps_years(self) -> bool:
        """Whether a file holds a year: a month has so few rows that a file of its own would be footer for the most."""
        return self.partition.startswith("years(")

    def partitions_of(self, months: int) -> int:
        """In how many partitions, at most, the rows of so many months are."""
        return months * (31 if self.partition.startswith("days(") else 1)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters (:name) that the SQL takes."""
        return tuple(dict.fromkeys(re.findall(_PARAMETER, self.sql)))

    def statement(self, values: Mapping[str, str | int | Decimal | None]) -> str:
        """The SQL with its parameters' values as literals; a parameter without a value raises KeyError.

        Spark's own binding (`spark.sql(args=...)`) misses parameters inside a WITH that reads another one (4.1.1).
        """
        return re.sub(_PARAMETER, lambda found: _sql_literal(values[found[1]]), self.sql)


def load_marts(folder: Traversable | None = None) -> dict[str, Mart]:
    """Every mart by name, the one that is published last at the end. `folder` defaults to the package `marts`.

    Raises MartError when a pair of files is incomplete or says something this module does not know.
    """
    place = folder if folder is not None else resources.files("marts")
    texts = {entry.name: entry.read_text(encoding="utf-8") for entry in place.iterdir() if _is_mart_file(entry.name)}
    names = sorted({name.rpartition(".")[0] for name in texts})
    for name in names:
        for file in (f"{name}.sql", f"{name}.yaml"):
            if file not in texts:
                raise MartError(f"mart {name} has no {file}")
    marts = [_mart(name, texts[f"{name}.yaml"], texts[f"{name}.sql"]) for name in names]
    return {mart.name: mart for mart in sorted(marts, key=lambda mart: REFRESHES.index(mart.refresh))}


def digest(marts: Mapping[str, Mart], parameters: Mapping[str, object], recomputations: Sequence[int] = ()) -> str:
    """A short text that differs when any mart's definition or parameter differs, so that all months are due again.

    So does a migration that asks for it: `recomputations` are the numbers of those.
    """
    definition = repr([(m.name, m.sql, m.partition, m.columns, m.step) for m in marts.values()])
    definition += json.dumps([m.causes for m in marts.values()], sort_keys=True) + repr(sorted(parameters.items()))
    definition += repr(sorted(recomputations))
    return hashlib.sha256(definition.encode()).hexdigest()[:16]


def _sql_literal(value: str | int | Decimal | None) -> str:
    if value is None:
        return "NULL"
    return literal(value) if isinstance(value, str) else f"{value:f}" if isinstance(value, Decimal) else str(value)


def _is_mart_file(name: str) -> bool:
    return name.endswith((".sql", ".yaml"))


def _mart(name: str, text: str, sql: str) -> Mart:
    try:
        values: dict[str, Any] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise MartError(f"{name}.yaml is not readable as YAML: {error}") from error
    try:
        mart = Mart(
            name=name,
            grain=values.pop("grain"),
            owner=values.pop("owner"),
            refresh=values.pop("refresh"),
            key=tuple(values.pop("key")),
            columns=tuple(Column(**column) for column in values.pop("columns")),
            checks=tuple(_check(**check) for check in values.pop("checks")),
            question=Question(**values.pop("question")),
            sql=sql,
            partition=values.pop("partition", ""),
            step=values.pop("step", ""),
            causes=values.pop("causes", None),
        )
    except (KeyError, TypeError) as error:
        raise MartError(f"{name}.yaml: {error}") from error
    problems = [f"unknown entry {key}" for key in values]
    names = [column.name for column in mart.columns]
    if mart.refresh not in REFRESHES:
        problems.append(f"refresh is {mart.refresh!r}, not one of {', '.join(REFRESHES)}")
    if mart.step not in STEPS:
        problems.append(f"step is {mart.step!r}, not one of {', '.join(STEPS[1:])}")
    if mart.refresh in (CHANGED_MONTHS, CHANGED_WINDOWS) and mart.month_column is None:
        problems.append("its changed months cannot be replaced without a partition by day, month or year")
    problems += [f"{c} is no column" for c in (*mart.key, mart.month_column) if c is not None and c not in names]
    problems += [f"column {c} is there twice" for c in sorted({c for c in names if names.count(c) > 1})]
    if problems:
        raise MartError(f"{name}.yaml: {'; '.join(problems)}")
    return mart


def _check(name: str, row: str | None = None, whole: str | None = None) -> Check:
    if (row is None) == (whole is None):
        raise TypeError(f"check {name!r} needs either row or whole")
    return Check(name, str(row or whole), whole=whole is not None)
