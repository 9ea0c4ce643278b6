"""Counting: how many orders, and how many with each outcome, for every factor's value and every pair of them.

Counts are additive: those of a batch of orders can be summed with those of any other. Orders come as Arrow batches
(one column a factor, one nullable boolean an outcome), counts leave as Arrow batches, so that the same function runs in
Spark's `mapInArrow` and in a test.

All pairs of one batch are counted by numpy.bincount over small integer codes: with 19 factors that is 190 passes over
integers, about 1 µs a pass and thousand orders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.causes.declared import REASON_PREFIX, Declared, Factor

REASON = "complaint_reason"
CELLS = pa.schema(
    [
        ("month", pa.date32()),
        ("outcome", pa.string()),
        ("dimension_1", pa.string()),
        ("value_1", pa.string()),
        ("dimension_2", pa.string()),
        ("value_2", pa.string()),
        ("orders", pa.int64()),
        ("hits", pa.int64()),
    ]
)
CELLS_DDL = (
    "month date, outcome string, dimension_1 string, value_1 string, dimension_2 string, value_2 string, "
    "orders bigint, hits bigint"
)
_BUFFERED = 200_000  # orders that are counted at once

# month -> factor -> the values that are counted there, in any order. REASON stands beside the factors.
Values = Mapping[Any, Mapping[str, Sequence[str]]]


def named_factors(declared: Declared) -> tuple[Factor, ...]:
    """Factors whose values are names: they may be many, so that `Values` says which of them are counted."""
    return tuple(factor for factor in declared.factors if not factor.bands)


def counter(declared: Declared, values: Values) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function for mapInArrow: batches of orders in, batches of cells out (schema CELLS; a cell may come twice).

    A null value of a factor is no value: the order counts in the total and in its other factors. So it is with a value
    that is not among `values`, and with a reason that is not: its order still counts as a complaint. The cells of a
    reason have hits only (orders null): the orders are those of the outcome 'complaint'.
    """

    def count(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        waiting: list[pa.RecordBatch] = []
        rows = 0
        for batch in batches:
            waiting.append(batch)
            rows += batch.num_rows
            if rows >= _BUFFERED:
                yield from _count(pa.Table.from_batches(waiting), declared, values)
                waiting, rows = [], 0
        if rows:
            yield from _count(pa.Table.from_batches(waiting), declared, values)

    return count


def _count(orders: pa.Table, declared: Declared, values: Values) -> Iterator[pa.RecordBatch]:
    for month in pc.unique(orders["month"]).to_pylist():
        of_month = orders.filter(pc.equal(orders["month"], pa.scalar(month, pa.date32())))
        yield from _count_month(of_month, month, declared, values.get(month, {}))


def _count_month(
    orders: pa.Table, month: Any, declared: Declared, values: Mapping[str, Sequence[str]]
) -> Iterator[pa.RecordBatch]:
    outcomes = _Outcomes.of(orders, declared, list(values.get(REASON, ())))
    coded = [_codes(orders[factor.name], factor, values.get(factor.name, ())) for factor in declared.factors]
    named = [(factor.name, name) for factor, (_, names) in zip(declared.factors, coded) for name in names]
    start = np.cumsum([0, *(len(names) for _, names in coded)])  # where each factor's values begin in `named`
    everything = np.zeros(orders.num_rows, dtype=np.int64)
    found: list[tuple[Any, ...]] = [(*outcomes.cells(everything, 1), None, None, 1)]
    found += [(*outcomes.cells(codes, len(names)), n, None, 1) for n, (codes, names) in enumerate(coded)]
    for (n, (codes_1, names_1)), (m, (codes_2, names_2)) in combinations(enumerate(coded), 2):
        index = np.where((codes_1 < 0) | (codes_2 < 0), -1, codes_1 * len(names_2) + codes_2)
        found.append((*outcomes.cells(index, len(names_1) * len(names_2)), n, m, len(names_2)))

    def number(cell: np.ndarray, factor: int | None, codes: np.ndarray) -> np.ndarray:
        return np.full(len(cell), -1) if factor is None else start[factor] + codes

    cell, outcome, counted, hits = (np.concatenate([part[k] for part in found]) for k in range(4))
    first = np.concatenate([number(c, n, c // width) for c, _, _, _, n, _, width in found])
    second = np.concatenate([number(c, m, c % width) for c, _, _, _, _, m, width in found])
    names = pa.array(outcomes.names, pa.string())
    yield pa.record_batch(
        [
            pa.repeat(pa.scalar(month, pa.date32()), len(cell)),
            names.take(pa.array(outcome)),
            *_dimension_and_value(named, first),
            *_dimension_and_value(named, second),
            pa.array(counted, mask=outcome >= outcomes.always),
            pa.array(hits),
        ],
        schema=CELLS,
    )


def _dimension_and_value(named: list[tuple[str, str]], numbers: np.ndarray) -> tuple[pa.Array, pa.Array]:
    taken = pa.array(numbers, mask=numbers < 0)
    dimensions, values = (pa.array([pair[k] for pair in named], pa.string()) for k in (0, 1))
    return dimensions.take(taken), values.take(taken)


class _Outcomes:
    """Each order's outcomes as one small number (its state), and what a state means: outcomes known, outcomes hit."""

    def __init__(self, names: list[str], states: np.ndarray, known: np.ndarray, hit: np.ndarray, always: int) -> None:
        self.names, self.states, self.known, self.hit, self.always = names, states, known, hit, always

    @classmethod
    def of(cls, orders: pa.Table, declared: Declared, reasons: list[str]) -> _Outcomes:
        main = [outcome.name for outcome in declared.outcomes]
        columns = [pc.fill_null(pc.cast(orders[name], pa.int8()), -1).to_numpy() for name in main]
        reason = pc.fill_null(pc.index_in(orders[REASON], value_set=pa.array(reasons, pa.string())), -1).to_numpy()
        distinct, states = np.unique(np.column_stack([*columns, reason]), axis=0, return_inverse=True)
        known, hit = distinct[:, : len(main)] >= 0, distinct[:, : len(main)] == 1
        asked = [i for i, outcome in enumerate(declared.outcomes) if outcome.reasons]
        for i in asked:
            known = np.column_stack([known, *(known[:, i] for _ in reasons)])
            hit = np.column_stack([hit, *(hit[:, i] & (distinct[:, -1] == r) for r in range(len(reasons)))])
        names = main + [REASON_PREFIX + name for _ in asked for name in reasons]
        return cls(names, states.reshape(-1), known.astype(np.int64), hit.astype(np.int64), len(main))

    def cells(self, index: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Counts that are not zero: cell, outcome, orders, hits. `index`: each order's cell, below `size`, or -1."""
        width = len(self.known)
        combined = (index * width + self.states)[index >= 0]
        if size * width <= 4 * len(combined) + 10_000:
            counts = np.bincount(combined, minlength=size * width).reshape(size, width)
            numbers = np.flatnonzero(counts.any(axis=1))
            counts = counts[numbers]
        else:  # far more cells than orders: only those that occur
            found, count = np.unique(combined, return_counts=True)
            numbers, row = np.unique(found // width, return_inverse=True)
            counts = np.zeros((len(numbers), width), dtype=np.int64)
            counts[row, found % width] = count
        orders, hits = counts @ self.known, counts @ self.hit
        there = orders > 0
        there[:, self.always :] = hits[:, self.always :] > 0  # a reason has rows only where it was given
        cell, outcome = np.nonzero(there)
        return numbers[cell], outcome, orders[cell, outcome], hits[cell, outcome]


def _codes(column: pa.ChunkedArray, factor: Factor, values: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Each order's value as a number (-1: none that is counted), and the values by number."""
    if factor.bands:
        numbers = column.to_numpy()
        codes = np.searchsorted(np.array(factor.bands), numbers, side="right")
        return np.where(np.isnan(numbers), -1, codes), list(factor.band_names())
    names = list(values)
    codes = pc.fill_null(pc.index_in(column, value_set=pa.array(names, pa.string())), -1)
    return codes.to_numpy().astype(np.int64), names
