"""The tests behind root causes, over arrays of counts: is this more than chance?

All p-values are one-sided: only an excess is a cause of trouble. Formulas: Fisher's exact test is the hypergeometric
tail; Cochran-Mantel-Haenszel as in Agresti, Categorical Data Analysis (2002), 6.3; Benjamini-Hochberg (1995).
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from lake.causes.counts import Floats

EXACT_BELOW = 60.0  # expected hits (or misses) up to which the exact test is used
SETTLED = 1e-6  # orders
APPROXIMATION_WILL_DO = 0.2  # a p-value as large as this decides nothing, so it need not be exact


def excess_p(hits: Floats, orders: Floats, all_hits: Floats | float, all_orders: Floats | float) -> Floats:
    """P(at least `hits` of `orders`), were they drawn from `all_orders` of which `all_hits` are hits.

    Fisher's exact test (hypergeometric tail) where fewer than EXACT_BELOW hits or misses are expected on either side,
    else its normal approximation with continuity correction. 1 where there is nothing to compare.
    """
    hits, orders, all_hits, all_orders = np.broadcast_arrays(
        *(np.asarray(a, dtype=float) for a in (hits, orders, all_hits, all_orders))
    )
    p = np.ones(hits.shape)
    possible = (orders > 0) & (orders < all_orders) & (all_hits > 0) & (all_hits < all_orders)
    h, n, hh, nn = (a[possible] for a in (hits, orders, all_hits, all_orders))
    share = hh / nn
    least = np.minimum(np.minimum(n, nn - n) * share, np.minimum(n, nn - n) * (1 - share))
    variance = n * share * (1 - share) * (nn - n) / np.maximum(nn - 1, 1)
    found = stats.norm.sf((h - 0.5 - n * share) / np.sqrt(np.maximum(variance, 1e-300)))
    exact = (least < EXACT_BELOW) & (found < APPROXIMATION_WILL_DO)
    found[exact] = stats.hypergeom.sf(h[exact] - 1, nn[exact], hh[exact], n[exact])
    p[possible] = found
    return p


def excess_z(hits: Floats, orders: Floats, all_hits: float, all_orders: float) -> Floats:
    """The excess in standard deviations, to compare how clear causes are whose p-values are all zero."""
    share = all_hits / all_orders
    variance = orders * share * (1 - share) * (all_orders - orders) / max(all_orders - 1, 1)
    return (hits - orders * share) / np.sqrt(np.maximum(variance, 1e-12))


def interaction_p(hits: Floats, orders: Floats) -> Floats:
    """P that two factors together say no more than their effects put together, by the more demanding of two scales.

    `hits`, `orders`: 2 x 2 x M, by first factor (no, yes), second factor (no, yes). Put together means added as
    probabilities, or as log odds (Wald tests on the four cells, half a hit and half a miss added to each: Haldane,
    Anscombe). What is more than both sums is an interaction on any reasonable scale.
    """
    h, m = hits + 0.5, np.maximum(orders - hits, 0) + 0.5
    odds, rate = np.log(h / m), h / (h + m)
    sign = np.array([[1.0, -1.0], [-1.0, 1.0]]).reshape(2, 2, *([1] * (hits.ndim - 2)))
    by_odds = (sign * odds).sum(axis=(0, 1)) / np.sqrt((1 / h + 1 / m).sum(axis=(0, 1)))
    by_rate = (sign * rate).sum(axis=(0, 1)) / np.sqrt((rate * (1 - rate) / (h + m)).sum(axis=(0, 1)))
    return stats.norm.sf(np.minimum(by_odds, by_rate))


def stratified_z(hits: Floats, orders: Floats, all_hits: Floats, all_orders: Floats) -> Floats:
    """Cochran-Mantel-Haenszel's excess over strata (the last axis), in standard deviations; 0 without information.

    In each stratum `hits` of `orders` have the factor's value, out of `all_hits` of `all_orders`. Counts may be
    estimates. Half an order is taken off as continuity correction.
    """
    nn = np.maximum(all_orders, 1e-9)
    share = np.clip(all_hits / nn, 0, 1)
    n = np.clip(orders, 0, nn)
    variance = (n * (nn - n) / np.maximum(nn - 1, 1) * share * (1 - share)).sum(axis=-1)
    excess = (hits - n * share).sum(axis=-1)
    informative = variance > 1e-6
    return np.where(
        informative, np.sign(excess) * np.maximum(np.abs(excess) - 0.5, 0) / np.sqrt(np.maximum(variance, 1e-6)), 0.0
    )


def adjusted(p: Floats, tests: int | None = None) -> Floats:
    """Benjamini-Hochberg q-values of `p`, which may be only some of `tests` (the others count as no discoveries)."""
    if not len(p):
        return np.zeros(0)
    order = np.argsort(p)
    scaled = p[order] * (len(p) if tests is None else tests) / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def joint(first_second: Floats, first_third: Floats, second_third: Floats, rounds: int = 60) -> Floats:
    """2 x 2 x D counts of three factors from those of each two (2 x 2, 2 x D, 2 x D).

    Iterative proportional fitting (Deming and Stephan 1940): the one table with these margins and no three-factor
    interaction. That is exact for what it is used for: where the outcome follows one of two factors that go along with
    each other, the other one adds no three-factor interaction. It ends when a round moves no count by SETTLED.
    """
    table = np.repeat((first_second > 0).astype(float)[:, :, None], first_third.shape[-1], axis=2)
    for _ in range(rounds):
        before = table
        table = table * _ratio(first_second, table.sum(axis=2))[:, :, None]
        table = table * _ratio(first_third, table.sum(axis=1))[:, None, :]
        table = table * _ratio(second_third, table.sum(axis=0))[None, :, :]
        if np.abs(table - before).max() < SETTLED:
            break
    return table


def _ratio(wanted: Floats, have: Floats) -> Floats:
    """What to multiply by; 0 where there is nothing."""
    return np.divide(wanted, have, out=np.zeros_like(have), where=have > 0)
