"""Whether columns moved: plain arithmetic over counts and sums, so that it can be tried on thousands of cases.

A difference is told when it is large and when chance alone would hardly make it; either alone would cry wolf, on large
files or on small ones. The measures, all with thresholds of the contract's `watch`:

* empty values: the two-proportion z-test;
* numbers: the standardised difference of means (Cohen 1988: 0.5 is a medium effect) and Welch's test;
* allowed values: the population stability index (Siddiqi 2006: above 0.25 is a shift), with its distribution under "no
  change", (1/n + 1/m) chi-squared with k - 1 degrees of freedom (Yurdakul and Naranjo 2020).

The chance of telling of nothing is shared by all tests on a file (Bonferroni).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

from lake.contracts import Field, Watch
from lake.words import clean, count

Values = Callable[[Field], list[tuple[str, str]]]
NEAR_LENGTH = 5  # shorter names differ by one letter too often
NEAR_SHARE = 0.25  # the rarer spelling has at most this share of the more frequent one's rows
NEAR_ROWS = 20  # which has at least so many
MOST_SPELLINGS = 5


@dataclass
class Column:
    """What was counted of one column. `low` and `high` tell whether there is more than one value, no more."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    low: str | None = None
    high: str | None = None
    values: list[int] = field(default_factory=list)  # rows of each counted value

    @property
    def mean(self) -> float:
        return self.total / self.count

    @property
    def variance(self) -> float:
        if self.count < 2:
            return 0.0
        return max(0.0, (self.squares - self.total * self.total / self.count) / (self.count - 1))


@dataclass
class Profile:
    """What was counted of some rows."""

    rows: int = 0
    columns: dict[str, Column] = field(default_factory=dict)


def profile(row: Mapping[str, Any], fields: Sequence[Field], values: Values) -> Profile:
    """A Profile from a row of counts, named `<field>.<what>`."""
    columns = {}
    for one in fields:
        given = {
            what: row.get(f"{one.name}.{key}")
            for what, key in (("total", "sum"), ("squares", "squares"), ("low", "min"), ("high", "max"))
        }
        columns[one.name] = Column(
            count=row[f"{one.name}.count"],
            total=given["total"] or 0.0,
            squares=given["squares"] or 0.0,
            low=given["low"],
            high=given["high"],
            values=[row[f"{one.name}.{n}"] for n in range(len(values(one)))]
            if one.kind in ("string", "boolean")
            else [],
        )
    return Profile(row["rows"], columns)


def merged(profiles: Iterable[Profile]) -> Profile:
    """The profile of all their rows."""
    whole = Profile()
    for one in profiles:
        whole.rows += one.rows
        for name, column in one.columns.items():
            into = whole.columns.setdefault(name, Column(low=column.low, high=column.high))
            if column.count and not into.count:
                into.low, into.high = column.low, column.high
            elif column.count and (column.low, column.high) != (into.low, into.low):
                into.high = column.high if column.high != into.low else column.low
            into.count += column.count
            into.total += column.total
            into.squares += column.squares
            into.values = [a + b for a, b in zip(into.values or [0] * len(column.values), column.values)]
    return whole


def by_file(profiles: Mapping[tuple, Profile]) -> dict[int, Profile]:
    """Profiles by file and month, as one a file."""
    parts: dict[int, list[Profile]] = {}
    for (at, _), one in profiles.items():
        parts.setdefault(at, []).append(one)
    return {at: merged(ones) for at, ones in parts.items()}


def months_back(month: dt.date, number: int) -> dt.date:
    """The first day of the month so many months before."""
    total = month.year * 12 + month.month - 1 - number
    return dt.date(total // 12, total % 12 + 1, 1)


def window(month: dt.date, number: int) -> list[dt.date]:
    """First days of the months before, the nearest first."""
    return [months_back(month, back) for back in range(1, number + 1)]


def moved(
    fields: Sequence[Field], new: Profile, old: Profile, month: dt.date, watch: Watch, values: Values
) -> list[str]:
    """Sentences about the columns that moved between the months before and this one."""
    if old.rows < watch.minimum_rows:
        return []
    chance = watch.significance / max(1, 2 * len(fields))
    found = []
    for one in fields:
        now, before = new.columns[one.name], old.columns[one.name]
        when = f"{month:%B %Y}"
        if before.count and _emptier(now.count, new.rows, before.count, old.rows, watch, chance):
            found.append(
                f"{one.name} is empty in {_share(1 - now.count / new.rows)} of the {count(new.rows, 'row')} of {when}; "
                f"in the months before it was {_share(1 - before.count / old.rows)}"
            )
        if min(now.count, before.count) < watch.minimum_rows:
            continue
        if one.kind in ("number", "integer"):
            if (effect := _mean_shift(now, before, chance)) >= watch.mean_shift:
                unit = f" {one.unit}" if one.unit else ""
                found.append(
                    f"{one.name} is {now.mean:,.2f}{unit} on average in {when}; in the months before it was "
                    f"{before.mean:,.2f} ({effect:.1f} standard deviations apart)"
                )
        elif now.values and (index := _stability(now, before, chance)) >= watch.stability:
            found.append(f"{one.name} is spread otherwise in {when} than in the months before: "
                         f"{_spread(one, now, before, values)} (population stability index {index:.2f})")  # fmt: skip
    return found


def _emptier(n_now: int, rows_now: int, n_before: int, rows_before: int, watch: Watch, chance: float) -> bool:
    """Whether the share of empty values changed (two-proportion z-test, pooled)."""
    now, before = 1 - n_now / rows_now, 1 - n_before / rows_before
    if abs(now - before) < watch.null_share:
        return False
    pooled = 1 - (n_now + n_before) / (rows_now + rows_before)
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / rows_now + 1 / rows_before))
    return deviation > 0 and abs(now - before) / deviation > _normal(chance)


def _mean_shift(now: Column, before: Column, chance: float) -> float:
    """The difference of means in pooled standard deviations; 0 where chance may have made it."""
    difference = abs(now.mean - before.mean)
    error = math.sqrt(now.variance / now.count + before.variance / before.count)
    if difference <= error * _normal(chance):
        return 0.0
    degrees = now.count + before.count - 2
    pooled = math.sqrt(((now.count - 1) * now.variance + (before.count - 1) * before.variance) / degrees)
    return difference / pooled if pooled else math.inf


def _stability(now: Column, before: Column, chance: float) -> float:
    """The population stability index over the counted values and all others; 0 where chance may have made it."""
    pairs = [(a, b) for a, b in zip(_with_rest(now), _with_rest(before)) if a or b]
    if len(pairs) < 2:
        return 0.0
    # Half a row more everywhere: a value that is new must not make it infinite.
    n, m = (sum(side) + len(pairs) / 2 for side in zip(*pairs))
    shares = [((a + 0.5) / n, (b + 0.5) / m) for a, b in pairs]
    index = sum((a - b) * math.log(a / b) for a, b in shares)
    return index if index > (1 / n + 1 / m) * chi_squared(len(pairs) - 1, chance) else 0.0


def _with_rest(column: Column) -> list[int]:
    return [*column.values, column.count - sum(column.values)]


def _spread(one: Field, now: Column, before: Column, values: Values) -> str:
    words = [word for word, _ in values(one)] + ["others"]
    shares = [
        (a / now.count, b / before.count, word)
        for a, b, word in zip(_with_rest(now), _with_rest(before), words)
    ]  # fmt: skip
    shares.sort(key=lambda share: -abs(share[0] - share[1]))
    return ", ".join(f"{word} {_share(a)} (was {_share(b)})" for a, b, word in shares[:3])


def _normal(chance: float) -> float:
    """How many standard errors a two-sided test needs."""
    return NormalDist().inv_cdf(1 - chance / 2)


def chi_squared(degrees: int, chance: float) -> float:
    """The value that chi-squared passes with this chance (Wilson and Hilferty 1931; at most 3 % above it)."""
    third = 2 / (9 * degrees)
    return degrees * (1 - third + NormalDist().inv_cdf(1 - chance) * math.sqrt(third)) ** 3


def _share(part: float) -> str:
    return f"{part:.0%}" if part in (0, 1) or 0.01 <= part <= 0.99 else f"{part:.1%}"


def spellings(name: str, values: Mapping[str, int]) -> list[str]:
    """Sentences about values that may be another spelling of a much more frequent one."""
    found = []
    for rare, rows in sorted(values.items(), key=lambda item: (-item[1], item[0])):
        near = [
            (many, other)
            for other, many in values.items()
            if many >= NEAR_ROWS and rows <= NEAR_SHARE * many and one_apart(rare, other)
        ]
        if near:
            many, other = max(near)
            found.append(
                f"{name}: '{clean(rare, 40)}' ({count(rows, 'row')}) may be '{clean(other, 40)}' "
                f"({count(many, 'row')}) in another spelling; both are kept as written"
            )
    rest = len(found) - MOST_SPELLINGS
    return found[:MOST_SPELLINGS] + ([f"{name}: {count(rest, 'more value')} of this kind"] if rest > 0 else [])


def one_apart(one: str, other: str) -> bool:
    """Whether two texts are the same but for case and blanks, or (from NEAR_LENGTH letters on) for one letter that is
    missing, more, another, or swapped with its neighbour."""
    a, b = ("".join(text.casefold().split()) for text in (one, other))
    if a == b:
        return one != other
    if min(len(a), len(b)) < NEAR_LENGTH or abs(len(a) - len(b)) > 1 or any(letter.isdigit() for letter in a + b):
        return False
    start = next((at for at, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    x, y = a[start:], b[start:]
    return x[1:] == y or x == y[1:] or x[1:] == y[1:] or (x[:2] == y[1::-1] and len(y) > 1 and x[2:] == y[2:])
