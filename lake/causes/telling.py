"""The ranked causes as people are shown them: one question to Athena, and rows that name a person only where asked to.

`lake causes` and the page both tell them from here, so that they say the same in the same order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from lake.causes.declared import Declared, declared
from lake.causes.wording import sentence

MAIN = ("late_delivery", "late_order_to_door", "complaint")
HIDDEN = "(a person)"
# Takes one parameter: the period, 'all' or YYYY-MM.
STATEMENT = """
    SELECT outcome, rank, dimension_1, value_1, dimension_2, value_2, orders, hits, rate, baseline_rate, lift,
           excess_hits, q_value, about_person, evidence, json_format(CAST(explains AS json)) AS explains
    FROM root_causes
    WHERE period = ?
    ORDER BY outcome, rank
"""


def told(row: Mapping[str, Any], people: bool) -> dict[str, Any]:
    """A row of STATEMENT with its `factor` in words; where it is about a person, named only if `people` is true."""
    shown = {**row, "explains": json.loads(row["explains"] or "[]")}
    factors = _factors(row)
    if row["about_person"] and not people:
        known = declaration()
        shown["explains"] = [words for words in shown["explains"] if not _names_somebody(words)]
        shown["evidence"] = sentence(
            known,
            row["outcome"],
            factors,
            orders=row["orders"],
            hits=row["hits"],
            baseline=row["baseline_rate"],
            shadows=[((words.split(" = ", 1)[0], words.split(" = ", 1)[1]),) for words in _of_one(shown["explains"])],
            name_people=False,
        )
        factors = [(name, HIDDEN if known.factor(name).person else value) for name, value in factors]
        for place, (_, value) in enumerate(factors, 1):
            shown[f"value_{place}"] = value
    return {**shown, "factor": " and ".join(f"{name} = {value}" for name, value in factors)}


def outcomes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The main outcomes first, whether they have causes or not, then each reason of complaint that has."""
    return list(dict.fromkeys([*MAIN, *sorted({str(row["outcome"]) for row in rows})]))


@cache
def declaration() -> Declared:
    """What the mart declares about factors and outcomes, for the words."""
    from lake.gold.marts import load_marts

    return declared(load_marts()["root_causes"].causes or {})


def _factors(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = ((row[f"dimension_{n}"], row[f"value_{n}"]) for n in (1, 2))
    return [(name, value) for name, value in pairs if name is not None]


def _names_somebody(words: str) -> bool:
    return any(f"{factor.name} = " in words for factor in declaration().factors if factor.person)


def _of_one(explains: list[str]) -> list[str]:
    """Those of the explained factors that stand alone ("size = Large", not two of them)."""
    pairs = [f" and {factor.name}" for factor in declaration().factors]
    return [words for words in explains if " = " in words and not any(pair in words for pair in pairs)]
