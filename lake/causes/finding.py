"""From counts to causes: what is tested, what is kept, in which order it is listed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lake.causes.counts import Counts, Floats
from lake.causes.declared import Declared, Limits
from lake.causes.shadows import Candidate, causes_and_shadows
from lake.causes.significance import adjusted, excess_p, excess_z, interaction_p

MOST_CANDIDATES = 200  # the clearest ones; a period and outcome with more is all shadows


@dataclass(frozen=True)
class Cause:
    """A row of root_causes without its words. `factors`: (dimension, value), one or two."""

    period: str
    outcome: str
    factors: tuple[tuple[str, str], ...]
    orders: int
    hits: int
    baseline: float
    q_value: float
    rank: int
    shadows: tuple[tuple[tuple[str, str], ...], ...]

    @property
    def rate(self) -> float:
        return self.hits / self.orders

    @property
    def lift(self) -> float:
        return self.rate / self.baseline

    @property
    def excess(self) -> float:
        return self.hits - self.orders * self.baseline


@dataclass(frozen=True)
class _Tested:
    """Everything that has enough orders: M values and pairs, `second` -1 for a value alone."""

    first: np.ndarray
    second: np.ndarray
    orders: Floats
    hits: Floats
    p: Floats
    q: Floats


def find(counts: Counts, declared: Declared) -> list[Cause]:
    """The causes of one period and outcome, ranked; none where nothing says more than chance.

    A strong cause brings dozens of shadows below any level, and Benjamini-Hochberg would let chance findings in on
    their account. So the q-values are made again with the causes alone as discoveries, over all that was tested.
    """
    tested = _test(counts, declared)
    limits = declared.limits
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = tested.hits / np.maximum(tested.orders, 1)
    matters = (rate >= limits.least_lift * counts.baseline) | (rate >= counts.baseline + limits.least_points)
    clear = (tested.q <= limits.false_discovery_rate) & (tested.hits >= limits.least_hits) & matters
    clear &= _no_mere_meeting(counts, tested, clear, limits)
    chosen = np.flatnonzero(clear)
    z = excess_z(tested.hits[chosen], tested.orders[chosen], counts.total_hits, counts.total_orders)
    best = np.argsort(-z, kind="stable")[:MOST_CANDIDATES]
    by_candidate = {
        Candidate(int(tested.first[i]), int(tested.second[i]) if tested.second[i] >= 0 else None, float(z_i)): i
        for i, z_i in ((chosen[k], z[k]) for k in best)
    }
    if not by_candidate:
        return []
    found = causes_and_shadows(counts, declared, list(by_candidate))
    own_p = tested.p[[by_candidate[candidate] for candidate in found]]
    q_values = dict(zip(found, adjusted(own_p, tests=len(tested.p))))
    found = {cause: shadows for cause, shadows in found.items() if q_values[cause] <= limits.false_discovery_rate}

    def named(candidate: Candidate) -> tuple[tuple[str, str], ...]:
        return tuple((declared.factors[int(counts.dimension[v])].name, counts.values[v]) for v in candidate.values)

    def excess(candidate: Candidate) -> float:
        i = by_candidate[candidate]
        return float(tested.hits[i] - tested.orders[i] * counts.baseline)

    ranked = sorted(found, key=lambda candidate: (-excess(candidate), candidate.values))
    return [
        Cause(
            counts.period,
            counts.outcome,
            named(candidate),
            int(tested.orders[by_candidate[candidate]]),
            int(tested.hits[by_candidate[candidate]]),
            counts.baseline,
            float(q_values[candidate]),
            rank,
            tuple(named(shadow) for shadow in found[candidate]),
        )
        for rank, candidate in enumerate(ranked, 1)
    ]


def _test(counts: Counts, declared: Declared) -> _Tested:
    """Everything with enough orders: is it more than chance? An outcome's own clock is no factor of it.

    A value is tested against all other orders. Two values together have to pass three tests, of which the weakest
    counts: against all other orders, and against the other orders of the one and of the other value (the gain over each
    factor alone).
    """
    own = set(declared.outcome(counts.outcome).own_clock)
    allowed = np.array([f.name not in own for f in declared.factors], dtype=bool)[counts.dimension]
    enough = (counts.orders >= declared.limits.least_orders) & allowed[:, None] & allowed[None, :]
    for coarse, factor in enumerate(declared.factors):
        if factor.part_of:  # with the factor that determines it, it makes no pair: that one says it all
            fine = next(i for i, other in enumerate(declared.factors) if other.name == factor.part_of)
            enough[np.ix_(counts.of(coarse), counts.of(fine))] = False
            enough[np.ix_(counts.of(fine), counts.of(coarse))] = False
    alone = np.flatnonzero(enough.diagonal())
    first, second = np.nonzero(np.triu(enough, 1))
    n, h = counts.orders.diagonal(), counts.hits.diagonal()
    orders = np.concatenate([n[alone], counts.orders[first, second]])
    hits = np.concatenate([h[alone], counts.hits[first, second]])
    p = excess_p(hits, orders, counts.total_hits, counts.total_orders)
    pair = np.arange(len(alone), len(orders))
    for whole in (first, second):
        p[pair] = np.maximum(p[pair], excess_p(hits[pair], orders[pair], h[whole], n[whole]))
    return _Tested(
        np.concatenate([alone, first]),
        np.concatenate([np.full(len(alone), -1), second]),
        orders,
        hits,
        p,
        adjusted(p),
    )


def _no_mere_meeting(counts: Counts, tested: _Tested, clear: np.ndarray, limits: Limits) -> np.ndarray:
    """Of the pairs that stand out, those that say more than both factors put together: two causes that merely meet are
    not a third one. Values alone stay."""
    stays = tested.second < 0
    asked = np.flatnonzero(clear & ~stays)
    if not len(asked):
        return stays
    a, b = tested.first[asked], tested.second[asked]
    n, h = counts.orders.diagonal(), counts.hits.diagonal()
    cells = [
        np.array([[total - whole[a] - whole[b] + both, whole[b] - both], [whole[a] - both, both]])
        for total, whole, both in (
            (counts.total_hits, h, tested.hits[asked]),
            (counts.total_orders, n, tested.orders[asked]),
        )
    ]
    stays[asked] = interaction_p(cells[0], cells[1]) <= limits.interaction_level
    return stays
