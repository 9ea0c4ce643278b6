"""Telling causes from shadows: what stands out only because it goes along with something else.

A candidate X is put down to another candidate Y when X adds nothing once Y's factor is held fixed (a stratified test),
and Y either adds something once X's is held fixed, or is the earlier fact where the data cannot tell the two apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from lake.causes.counts import Counts, Floats
from lake.causes.declared import TIERS, Declared
from lake.causes.significance import joint, stratified_z

GOES_ALONG = 3.0  # standard deviations above chance in how often two values come together
CLEARER = 1.5  # standard deviations by which one of two has to be the clearer one, where neither adds to the other


@dataclass(frozen=True)
class Candidate:
    """A value (`second` None) or two values together that stand out; numbers of values in Counts."""

    first: int
    second: int | None
    z: float  # how clear it is

    @property
    def values(self) -> tuple[int, ...]:
        return (self.first,) if self.second is None else (self.first, self.second)


class Judge:
    """Answers, for one period and outcome, what one candidate adds to another."""

    def __init__(self, counts: Counts, declared: Declared, candidates: Sequence[Candidate]) -> None:
        self.counts, self.candidates = counts, candidates
        self.factors = declared.factors
        self.limit = float(stats.norm.isf(declared.limits.shadow_level))
        number = {factor.name: i for i, factor in enumerate(declared.factors)}
        self.part_of = {i: number[f.part_of] for i, f in enumerate(declared.factors) if f.part_of}
        self.pairs = {c.values for c in candidates if c.second is not None}
        self._known: dict[tuple[int, int | None, int], float] = {}

    def explainers(self, x: Candidate) -> list[Candidate]:
        """The candidates that x can be put down to."""
        if x.second is None:
            return self._pairs_that_say_it_all(x) + [y for y in self._singles(x.first) if self._explains(y, x, x.first)]
        found = []
        for lost, kept in ((x.first, x.second), (x.second, x.first)):
            for y in self.candidates:
                other = self._replacement(y, lost, kept)
                if other is not None and self._explains(y, x, lost, other, kept):
                    found.append(y)
        return found

    def _pairs_that_say_it_all(self, x: Candidate) -> list[Candidate]:
        """Pairs with x outside of which x is no worse than others: then the pair is the cause, not x."""
        found = []
        mine = [y for y in self.candidates if y.second is not None and x.first in y.values]
        for dimension in {self._dimension(self._other(y, x.first)) for y in mine}:
            cells = [self._other(y, x.first) for y in mine if self._dimension(self._other(y, x.first)) == dimension]
            if self._z_alone(x.first, dimension, without=cells) < self.limit:
                found += [y for y in mine if self._other(y, x.first) in cells]
        return found

    def _singles(self, value: int) -> list[Candidate]:
        return [
            y
            for y in self.candidates
            if y.second is None and self._dimension(y.first) != self._dimension(value) and self._along(y.first, value)
        ]

    def _replacement(self, y: Candidate, lost: int, kept: int) -> int | None:
        """The value that stands in y for `lost`: y is it alone, or it together with `kept`."""
        if y.second is None:
            other = y.first
        elif kept in y.values:
            other = self._other(y, kept)
        else:
            return None
        if self._dimension(other) in (self._dimension(lost), self._dimension(kept)):
            return None
        return other if self._along(other, lost) else None

    def _explains(
        self, y: Candidate, x: Candidate, lost: int, other: int | None = None, kept: int | None = None
    ) -> bool:
        """Whether `other` (of y) says all that `lost` (of x) says, among the orders that have `kept` if given."""
        other = y.first if other is None else other
        mine, theirs = self._dimension(lost), self._dimension(other)
        if self._tier(other) == TIERS.index("duration") and self._tier(lost) < self._tier(other):
            return False  # how long the work took is how an earlier fact shows, not what lies behind it
        if self._adds(lost, theirs, kept) >= self.limit:
            return False
        if mine == self.part_of.get(theirs):
            return False  # hours are not put down to the part of the day that they make up
        if theirs == self.part_of.get(mine):
            return True
        z_other, z_lost = self._adds(other, mine, kept), self._adds(lost, theirs, kept)
        if z_other >= self.limit or z_other - z_lost > CLEARER:
            return True
        if z_lost - z_other > CLEARER:
            return False
        return (self._tier(other), -y.z) < (self._tier(lost), -x.z)

    def _adds(self, value: int, dimension: int, kept: int | None) -> float:
        """How clearly `value` still stands out where the factor `dimension` is held fixed, in standard deviations."""
        key = (value, kept, dimension)
        if key not in self._known:
            self._known[key] = (
                self._z_alone(value, dimension) if kept is None else self._z_within(value, dimension, kept)
            )
        return self._known[key]

    def _strata(self, value: int, dimension: int, kept: int | None = None) -> tuple[np.ndarray, bool]:
        """The values of `dimension` to hold fixed, and whether all of them.

        An hour determines its part of the day: holding every hour fixed would leave nothing to compare. There, only
        the hours that stand out themselves are held fixed.
        """
        every = self.counts.of(dimension)
        if self.part_of.get(self._dimension(value)) != dimension:
            return every, True
        out = {y.first for y in self.candidates if y.second is None}
        out |= {self._other(y, kept) for y in self.candidates if kept is not None and kept in y.values and y.second}
        return np.array([v for v in every if v in out], dtype=np.int64), False

    def _z_alone(self, value: int, dimension: int, without: Sequence[int] = ()) -> float:
        c = self.counts
        strata, _ = self._strata(value, dimension)
        strata_rest = np.append(strata, -1)
        n, h = (_with_rest(m[value, strata], m[value, value]) for m in (c.orders, c.hits))
        nn, hh = (_with_rest(m.diagonal()[strata], t) for m, t in ((c.orders, c.total_orders), (c.hits, c.total_hits)))
        stay = ~np.isin(strata_rest, list(without))
        return float(stratified_z(h[stay], n[stay], hh[stay], nn[stay]))

    def _z_within(self, value: int, dimension: int, kept: int) -> float:
        """The same among the orders that have `kept`: three factors, estimated from the counts of two."""
        c = self.counts
        strata, _ = self._strata(value, dimension, kept)
        tables = []
        for m, total in ((c.orders, c.total_orders), (c.hits, c.total_hits)):
            both, one, two = m[kept, value], m[kept, kept], m[value, value]
            first_second = np.array([[total - one - two + both, two - both], [one - both, both]])
            whole = _with_rest(m.diagonal()[strata], total)
            first_third = _with_rest(m[kept, strata], one)
            second_third = _with_rest(m[value, strata], two)
            margins = (
                first_second,
                np.stack([whole - first_third, first_third]),
                np.stack([whole - second_third, second_third]),
            )
            tables.append(joint(*(np.maximum(margin, 0.0) for margin in margins)))
        orders, hits = tables
        return float(stratified_z(hits[1, 1], orders[1, 1], hits[1].sum(axis=0), orders[1].sum(axis=0)))

    def _along(self, a: int, b: int) -> bool:
        """Whether two values come together clearly more often than by chance."""
        c = self.counts
        n_a, n_b, n = c.orders[a, a], c.orders[b, b], c.total_orders
        expected = n_a * n_b / n
        spread = expected * (1 - n_a / n) * (1 - n_b / n)
        return bool(c.orders[a, b] - expected > GOES_ALONG * np.sqrt(max(spread, 1e-9)))

    def _other(self, y: Candidate, value: int | None) -> int:
        assert y.second is not None
        return y.second if y.first == value else y.first

    def _dimension(self, value: int) -> int:
        return int(self.counts.dimension[value])

    def _tier(self, value: int) -> int:
        return TIERS.index(self.factors[self._dimension(value)].tier)


def causes_and_shadows(
    counts: Counts, declared: Declared, candidates: Sequence[Candidate]
) -> dict[Candidate, list[Candidate]]:
    """The candidates that are causes, each with its shadows."""
    judge = Judge(counts, declared, candidates)
    behind = {x: judge.explainers(x) for x in candidates}
    cause_of: dict[Candidate, Candidate] = {x: x for x in candidates if not behind[x]}
    waiting = sorted((x for x in candidates if behind[x]), key=lambda x: -x.z)
    while waiting:
        told = [x for x in waiting if any(y in cause_of for y in behind[x])]
        if not told:  # each of the rest stands behind another one of them: the clearest is the cause
            cause_of[waiting[0]] = waiting[0]
            told = waiting[:1]
        for x in told:
            if x not in cause_of:
                cause_of[x] = cause_of[max((y for y in behind[x] if y in cause_of), key=lambda y: y.z)]
        waiting = [x for x in waiting if x not in cause_of]
    found: dict[Candidate, list[Candidate]] = {x: [] for x in candidates if cause_of[x] is x}
    for x in candidates:
        if cause_of[x] is not x:
            found[cause_of[x]].append(x)
    return found


def _with_rest(parts: Floats, whole: float) -> Floats:
    """Counts of strata, and as the last one what is in none of them."""
    return np.append(parts, max(whole - parts.sum(), 0.0))
