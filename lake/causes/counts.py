"""The counts of one period as matrices: every value against every other, ready for tests over all pairs at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.causes.declared import REASON_PREFIX, Declared

Floats = np.ndarray


@dataclass(frozen=True)
class Counts:
    """One period and outcome over K values of all factors.

    `dimension` (K) numbers each value's factor by its place in `Declared.factors`. `orders` and `hits` are K x K and
    symmetric: the orders that have both values; on the diagonal those that have the one.
    """

    period: str
    outcome: str
    dimension: np.ndarray
    values: tuple[str, ...]
    orders: Floats
    hits: Floats
    total_orders: float
    total_hits: float

    @property
    def baseline(self) -> float:
        return self.total_hits / self.total_orders if self.total_orders else 0.0

    def of(self, dimension: int) -> np.ndarray:
        """Numbers of the factor's values."""
        return np.flatnonzero(self.dimension == dimension)


def by_period_and_outcome(cells: pa.Table, declared: Declared) -> Iterator[Counts]:
    """The counts in `cells` (as root_causes.sql gives them), one period and outcome after another, in order.

    Raises ValueError for a cell whose factor is not declared.
    """
    for period in sorted(pc.unique(cells["period"]).to_pylist()):
        yield from _of_period(cells.filter(pc.equal(cells["period"], period)), period, declared)


def _of_period(cells: pa.Table, period: str, declared: Declared) -> Iterator[Counts]:
    order = {factor.name: number for number, factor in enumerate(declared.factors)}
    first, second = (_Coded.of(cells, n) for n in (1, 2))
    alone = (first.codes >= 0) & (second.codes < 0)
    pairs = {first.names[code] for code in np.unique(first.codes[alone])}
    unknown = sorted({dimension for dimension, _ in pairs} - order.keys())
    if unknown:
        raise ValueError(f"counts of factors that are not declared: {', '.join(unknown)}")
    listed = sorted(pairs, key=lambda pair: (order[pair[0]], pair[1]))
    number = {pair: k for k, pair in enumerate(listed)}
    dimension = np.array([order[d] for d, _ in listed], dtype=np.int64)
    names = tuple(value for _, value in listed)
    outcome_codes = cells["outcome"].combine_chunks().dictionary_encode()
    row, column = first.numbered(number), second.numbered(number)
    orders, hits = (cells[name].to_numpy().astype(float) for name in ("orders", "hits"))
    complaints: Counts | None = None
    for code, outcome in sorted(enumerate(outcome_codes.dictionary.to_pylist()), key=lambda item: item[1]):
        here = outcome_codes.indices.to_numpy() == code
        one = _matrices(row[here], column[here], orders[here], hits[here], len(listed))
        if outcome.startswith(REASON_PREFIX) and complaints is not None:  # a reason has hits only
            one = (complaints.orders, one[1], complaints.total_orders, one[3])
        counts = Counts(period, outcome, dimension, names, *one)
        if outcome + ": " == REASON_PREFIX:  # sorted before its reasons
            complaints = counts
        yield counts


@dataclass(frozen=True)
class _Coded:
    """A column of dimensions and its column of values as one column of numbers; -1 for null."""

    codes: np.ndarray
    names: dict[int, tuple[str, str]]

    @classmethod
    def of(cls, cells: pa.Table, which: int) -> _Coded:
        dimension, value = (
            cells[f"{part}_{which}"].combine_chunks().dictionary_encode() for part in ("dimension", "value")
        )
        d, v = (pc.fill_null(array.indices, -1).to_numpy().astype(np.int64) for array in (dimension, value))
        width = max(len(value.dictionary), 1)
        codes = np.where(d < 0, -1, d * width + v)
        ds, vs = dimension.dictionary.to_pylist(), value.dictionary.to_pylist()
        return cls(codes, {int(c): (ds[c // width], vs[c % width]) for c in np.unique(codes) if c >= 0})

    def numbered(self, number: dict[tuple[str, str], int]) -> np.ndarray:
        known = np.array(sorted(self.names), dtype=np.int64)
        if not len(known):
            return self.codes
        numbers = np.array([number[self.names[code]] for code in known.tolist()], dtype=np.int64)
        return np.where(self.codes < 0, -1, numbers[np.searchsorted(known, np.maximum(self.codes, known[0]))])


def _matrices(
    first: np.ndarray, second: np.ndarray, orders: Floats, hits: Floats, size: int
) -> tuple[Floats, Floats, float, float]:
    whole = first < 0
    row, column = first[~whole], np.where(second < 0, first, second)[~whole]
    found = []
    for amounts in (orders, hits):
        matrix = np.zeros((size, size))
        matrix[row, column] = amounts[~whole]
        matrix[column, row] = amounts[~whole]
        found.append(matrix)
    return found[0], found[1], float(orders[whole].sum()), float(hits[whole].sum())
