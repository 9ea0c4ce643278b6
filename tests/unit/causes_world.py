"""Shops made up for the tests of root causes: orders whose factors hang together, and causes that are planted.

Nothing here is shared with the code under test. `orders` gives what marts/cause_counts.sql would: an Arrow table with a
column a factor and one an outcome.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

MONTH = dt.date(2025, 6, 1)
AREAS, SIZES, OVENS = list("ABCDE"), ["Family", "Large", "Medium", "Small"], ["Chilli", "Curry", "Wasabi"]
TAKERS, DOUGH, BOXERS = ["Nomsa", "Pieter", "Ayesha"], ["Sipho", "Carla", "Vusi"], ["Themba", "Anika", "Gift", "O'Neil"]
STYLISTS = ["Zanele", "Marco", "Fatima", "Johan", "Lerato", "Priya"]
DRIVERS = ["Busi", "Craig", "Dumi", "Ravi", "Tumi", "Wian"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
PARTS = ["midday (12 to 14)", "afternoon (15 to 16)", "evening (17 to 19)", "late evening (20 to 23)"]
Factors = Mapping[str, Any]
Follows = tuple[str, str, str, float]


class Shop:
    """`orders` orders. Size decides the oven (97 of 100), the temperature and the cooking; nothing else hangs together.

    `follow` makes one more factor follow another one: {"boxer": ("area", "E", "Themba", 0.9)} means that nine in ten
    orders to area E are boxed by Themba. With `noise` the cooking takes as long for every size, so that no outcome
    depends on anything.
    """

    def __init__(
        self, seed: int, orders: int = 10_000, follow: Mapping[str, Follows] | None = None, noise: bool = False
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.orders = orders
        pick = self._pick
        size = pick(SIZES, [0.29, 0.33, 0.18, 0.20])
        number = {name: i for i, name in enumerate(SIZES)}
        of_size = np.array([number[s] for s in size])
        hour = pick([str(h) for h in range(12, 24)], [10, 10, 8, 8, 9, 11, 19, 19, 12, 11, 11, 9])
        usual = np.array(["Wasabi", "Curry", "Chilli", "Chilli"], dtype=object)[of_size]
        self.columns: dict[str, np.ndarray] = {
            "area": pick(AREAS, [26, 21, 12, 13, 28]),
            "order_hour": hour,
            "day_part": np.array(PARTS, dtype=object)[np.searchsorted([15, 17, 20], hour.astype(int), side="right")],
            "order_date": pick(DAYS, [8, 9, 13, 15, 17, 17, 15]),
            "size": size,
            "oven": np.where(self.rng.random(orders) < 0.97, usual, "Chilli"),
            "order_mode": pick(["Phone", "App", "Email"], [56, 36, 8]),
            "order_taker": pick(TAKERS),
            "dough_prep": pick(DOUGH),
            "stylist": pick(STYLISTS),
            "boxer": pick(BOXERS),
            "deliverer": pick(DRIVERS),
            "oven_temp_c": self.rng.normal(np.array([289.0, 278.0, 246.0, 245.0])[of_size], 3.5),
            "receipt_minutes": self.rng.normal(0.75, 0.14, orders),
            "base_prep_minutes": self.rng.normal(3.35, 0.15, orders),
            "styling_minutes": self.rng.normal(0.5, 0.08, orders),
            "cooking_minutes": self.rng.normal(6.9 if noise else np.array([7.3, 6.9, 6.6, 6.4])[of_size], 0.2, orders),
            "boxing_minutes": self.rng.normal(0.48, 0.08, orders),
            "delivery_minutes": np.maximum(6, self.rng.normal(16, 3, orders) + 14 * (self.rng.random(orders) < 0.07)),
        }
        for follower, (leader, value, with_it, share) in (follow or {}).items():
            moved = (self.columns[leader] == value) & (self.rng.random(orders) < share)
            self.columns[follower] = np.where(moved, with_it, self.columns[follower])
        self.complaint = self.rng.random(orders) < 0.05
        reasons = np.array(["Too doughy", "Wrong topping", "Wrong size", "Late delivery"], dtype=object)
        self.reason = reasons[self.rng.integers(0, 4, orders)]

    def _pick(self, values: list[str], weights: list[float] | None = None) -> np.ndarray:
        share = None if weights is None else np.array(weights) / sum(weights)
        return self.rng.choice(np.array(values, dtype=object), self.orders, p=share)

    def where(self, factors: Factors) -> np.ndarray:
        found = np.ones(self.orders, dtype=bool)
        for name, value in factors.items():
            found &= self.columns[name] == value
        return found

    def late(self, factors: Factors, minutes: float = 15, share: float = 2 / 3) -> Shop:
        """Deliveries with these values take longer, `share` of them."""
        hit = self.where(factors) & (self.rng.random(self.orders) < share)
        self.columns["delivery_minutes"] = self.columns["delivery_minutes"] + minutes * hit
        return self

    def slow(self, stage: str, factors: Factors, minutes: float = 2.5) -> Shop:
        """A stage takes longer with these values."""
        self.columns[f"{stage}_minutes"] = self.columns[f"{stage}_minutes"] + minutes * self.where(factors)
        return self

    def complain(self, factors: Factors, times: float = 3, reason: str | None = None) -> Shop:
        """Complaints come `times` as often with these values, all the added ones about `reason` if given."""
        added = self.where(factors) & (self.rng.random(self.orders) < 0.05 * (times - 1)) & ~self.complaint
        self.complaint = self.complaint | added
        if reason is not None:
            self.reason = np.where(added, reason, self.reason)
        return self

    def table(self) -> pa.Table:
        stages = ("receipt", "base_prep", "styling", "cooking", "boxing", "delivery")
        total = sum(self.columns[f"{stage}_minutes"] for stage in stages)
        return pa.table(
            {
                "month": pa.array([MONTH] * self.orders, pa.date32()),
                "late_delivery": self.columns["delivery_minutes"] > 30,
                "late_order_to_door": total > 30,
                "complaint": self.complaint,
                "complaint_reason": pa.array(np.where(self.complaint, self.reason, None), pa.string()),
                **{name: pa.array(column) for name, column in self.columns.items()},
            }
        )
