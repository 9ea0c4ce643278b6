"""The orders themselves, in the order in which the till writes them down: what `lake sample` puts in its files."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from lake.sample.causes import CAUSES

NAMELESS_COLUMNS = 7
LAST_DAY = date(2025, 8, 31)  # fixed, so that a sample is the same on every day it is made
ORDERS_A_DAY = 130
PROMISE_MINUTES = 30.0

AREAS = ("A", "B", "C", "D", "E")
HOURS = tuple(range(12, 24))
HOUR_WEIGHTS = (10, 10, 8, 8, 9, 11, 19, 19, 12, 11, 11, 9)  # 18 and 19 are the peak
_WEEKDAY_WEIGHTS = (8, 9, 13, 15, 17, 17, 15)
_SIZES = ("Small", "Medium", "Large", "Family")
_COOKING = {"Small": 6.4, "Medium": 6.6, "Large": 6.9, "Family": 7.1}
_TEMPERATURE = {"Small": 245.0, "Medium": 246.0, "Large": 278.0, "Family": 289.0}
_OVEN = {"Small": "Chilli", "Medium": "Chilli", "Large": "Curry", "Family": "Wasabi"}
_TAKERS = ("Nomsa", "Pieter", "Ayesha")
_DOUGH = ("Sipho", "Carla", "Vusi")
_STYLISTS = ("Zanele", "Marco", "Fatima", "Johan", "Lerato", "Priya")
_BOXERS = ("Themba", "Anika", "Gift")
_MISSPELT_BOXER = ("Themba", "Thmba")
_DELIVERERS = ("Busi", "Craig", "Dumi", "Ravi", "Tumi", "Wian")
_REASONS = {  # as silver says it -> the spellings that people type
    "Late delivery": ("Late delivery",) * 8 + ("late delivery", "Late Delivery"),
    "Too doughy": ("Too Doughy",) * 9 + ("too doughy",),
    "Wrong topping": ("Wrong topping",) * 9 + ("Wrong Topping",),
    "Wrong size": ("Wrong Size",) * 9 + ("wrong size",),
}
_YES = ("yes",) * 19 + ("Yes",)
_NO = ("No",) * 99 + ("no",)

IDS_A_SEED = 10_000_000
QUARANTINE_KINDS = ("unreadable date", "negative minutes", "missing id", "minutes not a number")
FLAG_KINDS = ("unknown area",)
_UNREADABLE_DATES = ("31/02/2025", "yesterday", "00/00/0000")


@dataclass(frozen=True)
class Spec:
    """What to make.

    `days` is the length of the period that ends on `last_day` (default: about 130 orders a day, two years at most).
    `spoilt_share` is the share of records spoilt in each way (0 for a clean file; at least one of each way otherwise).
    `causes=False` plants nothing: every outcome is independent of every factor.
    `first_id` is the first order's number; by default each seed has a range of its own, above the company's numbers, so
    that a sample dropped beside other files adds orders and does not overwrite theirs.
    """

    orders: int
    seed: int = 1
    customers: bool = False
    spoilt_share: float = 0.0005
    causes: bool = True
    first_id: int | None = None
    last_day: date = LAST_DAY
    days: int | None = None

    def __post_init__(self) -> None:
        if self.orders < 1:
            raise ValueError("A sample needs at least one order.")
        if not 0 <= self.spoilt_share <= 0.05:
            raise ValueError("The share of spoilt records goes from 0 to 0.05 in each way.")

    @property
    def first_number(self) -> int:
        return IDS_A_SEED * (abs(self.seed) + 1) + 1 if self.first_id is None else self.first_id


@dataclass(slots=True)
class Row:
    text: str
    order_id: str
    day: date
    late_delivery: bool
    late_order_to_door: bool
    reason: str | None
    kind: str | None


def in_file_order(spec: Spec) -> Iterator[Row]:
    """About one record in thirty is written late, by up to sixty records, as tills do that were offline."""
    chance = random.Random(f"order {spec.seed}")  # noqa: S311
    held: list[tuple[int, Row]] = []
    for number, row in enumerate(_rows(spec)):
        if chance.random() < 1 / 30:
            held.append((number + chance.randint(1, 60), row))
        else:
            yield row
        if held and held[0][0] <= number:
            yield held.pop(0)[1]
    yield from (row for _, row in held)


def _moments(spec: Spec, chance: random.Random) -> Iterator[tuple[date, int]]:
    """The day and second of the day of every order, in time order; exactly `spec.orders` of them."""
    days = spec.days or min(max(1, math.ceil(spec.orders / ORDERS_A_DAY)), 730)
    calendar = [spec.last_day - timedelta(days=back) for back in range(days - 1, -1, -1)]
    total = sum(_WEEKDAY_WEIGHTS[day.weekday()] for day in calendar)
    so_far = done = 0
    hours = [hour for hour, weight in zip(HOURS, HOUR_WEIGHTS) for _ in range(weight)]
    for day in calendar:
        so_far += _WEEKDAY_WEIGHTS[day.weekday()]
        until = spec.orders * so_far // total
        seconds = sorted(
            int((hours[int(chance.random() * len(hours))] + chance.random()) * 3600) for _ in range(until - done)
        )
        done = until
        for second in seconds:
            yield day, second


def _spoilt(spec: Spec, chance: random.Random) -> dict[int, str]:
    """Which orders (by position) are spoilt, and how."""
    kinds = QUARANTINE_KINDS + FLAG_KINDS
    each = max(1, round(spec.orders * spec.spoilt_share)) if spec.spoilt_share else 0
    count = min(each * len(kinds), spec.orders // 10)  # a tiny file stays a good file with a few bad rows
    return {at: kinds[i % len(kinds)] for i, at in enumerate(chance.sample(range(spec.orders), count))}


def _rows(spec: Spec) -> Iterator[Row]:
    """Every order in time order. One long function: it runs a million times and calls cost more than lines."""
    chance = random.Random(f"rows {spec.seed}")  # noqa: S311
    any_, gauss = chance.random, chance.gauss
    spoilt = _spoilt(spec, random.Random(f"spoilt {spec.seed}"))  # noqa: S311
    customers = _Customers(random.Random(f"customers {spec.seed}")) if spec.customers else None  # noqa: S311
    areas = [area for area, weight in zip(AREAS, (26, 21, 12, 13, 28)) for _ in range(weight)]
    sizes = [size for size, weight in zip(_SIZES, (20, 18, 33, 29)) for _ in range(weight)]
    modes = ["Phone"] * 55 + ["phone"] + ["App"] * 36 + ["Email"] * 8
    late_area, slow_size, mixed_up, misread, bottleneck = CAUSES
    day_text, day_seen = "", None
    tail = "," * NAMELESS_COLUMNS

    def pick(options: tuple[str, ...] | list[str]) -> str:
        return options[int(any_() * len(options))]

    for position, (day, second) in enumerate(_moments(spec, chance)):
        if day is not day_seen:
            day_text, day_seen = f"{day:%d/%m/%Y}", day
        hour = second // 3600
        customer, home = customers.next() if customers else ("", None)
        area, size, mode = home or pick(areas), pick(sizes), pick(modes)
        taker, dough, stylist, boxer, deliverer = (
            pick(_TAKERS), pick(_DOUGH), pick(_STYLISTS), pick(_BOXERS), pick(_DELIVERERS)
        )  # fmt: skip
        oven = _OVEN[size] if any_() < 0.97 else "Chilli"
        receipt, base_prep = max(0.2, gauss(0.75, 0.14)), gauss(3.35, 0.15)
        styling, boxing = max(0.2, gauss(0.5, 0.08)), max(0.2, gauss(0.48, 0.08))
        cooking = gauss(_COOKING[size] if spec.causes else 6.85, 0.2)
        delivery = max(6.0, gauss(16.0, 3.0))
        if any_() < 0.07:
            delivery += 12 + 14 * any_()  # traffic, a wrong turn, rain: noise
        if spec.causes:
            if late_area.holds(area=area, order_hour=hour) and any_() < 0.65:
                delivery += 15
            if slow_size.holds(size=size):
                cooking += 2.4
            if bottleneck.holds(order_hour=hour):
                base_prep += max(0.0, gauss(2.2, 0.5))
        delivery_text = f"{delivery:.1f}"
        total_text = f"{receipt + base_prep + styling + cooking + boxing + delivery:.1f}"
        late, late_door = float(delivery_text) > PROMISE_MINUTES, float(total_text) > PROMISE_MINUTES
        luck = any_()
        reason: str | None = None
        if spec.causes and luck < 0.3 and mixed_up.holds(stylist=stylist, size=size):
            reason = "Wrong topping"
        elif spec.causes and luck < 0.15 and misread.holds(order_mode=mode):
            reason = "Wrong size"
        elif luck > 0.975:
            reason = "Too doughy" if luck > 0.985 else "Wrong topping" if luck > 0.98 else "Wrong size"
        elif luck > 0.90 and (late if spec.causes else luck > 0.96):
            reason = "Late delivery"  # a consequence of being late, unless nothing is to depend on anything
        said = f"{pick(_YES)},{pick(_REASONS[reason])}" if reason else f"{pick(_NO)},"
        if boxer == _MISSPELT_BOXER[0] and any_() < 0.1:
            boxer = _MISSPELT_BOXER[1]
        order_id, date_text, base_text, kind = str(spec.first_number + position), day_text, f"{base_prep:.2f}", None
        if position in spoilt:
            kind = spoilt[position]
            if kind == "unreadable date":
                date_text = pick(_UNREADABLE_DATES)
            elif kind == "negative minutes":
                delivery_text = "-" + delivery_text
            elif kind == "missing id":
                order_id = ""
            elif kind == "minutes not a number":
                base_text = "three"
            else:
                area = "Q"
        temperature = gauss(_TEMPERATURE[size], 3.0)
        text = (
            f"{order_id},{date_text},{hour:02d}:{second // 60 % 60:02d}:{second % 60:02d},{total_text},{receipt:.2f},"
            f"{base_text},{styling:.2f},{cooking:.2f},{boxing:.2f},{delivery_text},{temperature:.1f},"
            f"{mode},{size},{area},{taker},{dough},{stylist},{oven},{boxer},{deliverer},{said}"
        )
        text += f",{customer}{tail}" if customers else tail
        yield Row(text, order_id, day, late, late_door, reason, kind)


class _Customers:
    """People who come back: three orders in five are from somebody known, and recent guests come more often.

    A customer lives in one area. One order in twenty leaves the customer out, as people in a hurry do.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance, self._homes = chance, [chance.choice(AREAS) for _ in range(40)]

    def next(self) -> tuple[str, str | None]:
        """(customer id or "", the area or None)."""
        draw = self._chance.random()
        if draw < 0.05:
            return "", None
        if draw < 0.40:
            self._homes.append(AREAS[int(self._chance.random() * len(AREAS))])
            number = len(self._homes)
        else:
            back = int(self._chance.random() ** 2 * min(len(self._homes), 4000))
            number = len(self._homes) - back
        return f"C{number:06d}", self._homes[number - 1]
