"""Factors, outcomes and limits as `marts/root_causes.yaml` declares them. Plain data, no numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

TIERS = ("order", "station", "reading", "duration")  # when a fact comes about; see Factor.tier
REASON_PREFIX = "complaint: "


@dataclass(frozen=True)
class Factor:
    """One thing that an outcome may depend on.

    `name` is a column of silver.orders, or day_part. `label` is the sentence's words for a value ("to area {}").
    `tier` says when the fact comes about: with the order, at a station, as a reading there, or only as the duration of
    the work. What data cannot tell apart is put down to the earlier fact, and a duration explains no fact before it.
    `bands` are the edges that make classes of a number; `part_of` names the finer factor that determines this one.
    """

    name: str
    label: str
    tier: str = "order"
    person: bool = False
    station: str = ""
    bands: tuple[float, ...] = ()
    part_of: str = ""

    def band_names(self) -> tuple[str, ...]:
        """The classes that the edges make: "under 10", "10 to 20", "20 or more"."""
        edges = [f"{edge:g}" for edge in self.bands]
        return (f"under {edges[0]}", *(f"{a} to {b}" for a, b in pairwise(edges)), f"{edges[-1]} or more")


@dataclass(frozen=True)
class Outcome:
    """One thing that may go wrong. `words` go on from "12 of 90 orders ..."; `own_clock` may not be factors of it."""

    name: str
    words: str
    own_clock: tuple[str, ...] = ()
    reasons: bool = False  # each complaint reason is an outcome of its own


@dataclass(frozen=True)
class Limits:
    """What a factor needs to be listed; the yaml says why each is what it is."""

    false_discovery_rate: float
    interaction_level: float
    shadow_level: float
    least_orders: int
    least_hits: int
    least_lift: float
    least_points: float
    most_values: int
    most_reasons: int


@dataclass(frozen=True)
class Declared:
    """All that the mart declares about causes."""

    factors: tuple[Factor, ...]
    outcomes: tuple[Outcome, ...]
    limits: Limits

    def factor(self, name: str) -> Factor:
        return next(factor for factor in self.factors if factor.name == name)

    def outcome(self, name: str) -> Outcome:
        """The declaration behind an outcome's name; a complaint reason's is made from that of complaints."""
        for outcome in self.outcomes:
            if name == outcome.name:
                return outcome
            if outcome.reasons and name.startswith(REASON_PREFIX):
                reason = name.removeprefix(REASON_PREFIX)
                return Outcome(name, f"{outcome.words} ({reason})", outcome.own_clock)
        raise KeyError(name)


def declared(settings: Mapping[str, Any]) -> Declared:
    """Read the yaml's entry `causes`. Raises TypeError, KeyError or ValueError where it says something unknown."""
    factors = tuple(
        Factor(**{**values, "bands": tuple(float(edge) for edge in values.get("bands", ()))})
        for values in settings["factors"]
    )
    outcomes = tuple(
        Outcome(**{**values, "own_clock": tuple(values.get("own_clock", ()))}) for values in settings["outcomes"]
    )
    names = [factor.name for factor in factors]
    for factor in factors:
        if factor.tier not in TIERS:
            raise ValueError(f"factor {factor.name}: tier is {factor.tier!r}, not one of {', '.join(TIERS)}")
        if "{}" not in factor.label:
            raise ValueError(f"factor {factor.name}: its label has no place for the value")
        if list(factor.bands) != sorted(set(factor.bands)):
            raise ValueError(f"factor {factor.name}: its bands do not rise")
    wrong = [name for outcome in outcomes for name in outcome.own_clock if name not in names]
    wrong += [factor.part_of for factor in factors if factor.part_of and factor.part_of not in names]
    wrong += [name for name in names if names.count(name) > 1]
    if wrong:
        raise ValueError(f"not the name of one factor: {', '.join(wrong)}")
    return Declared(factors, outcomes, Limits(**settings["limits"]))
