"""Header names: folded so that one name has one spelling, and matched with the fields of a contract.

'Oven Temp ºC', 'oven temp °c' and 'OVEN_TEMP_C' are one name. Spaces, punctuation, case and accents are dropped, the
degree sign and its look-alikes too, and letters of other alphabets that look like Latin ones are read as those.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from lake.contracts import Contract, Field
from lake.repair import NOTES, ORIGIN

# Signs that stand for "degree" or "number" and would otherwise become letters by compatibility folding.
_DROPPED = dict.fromkeys(map(ord, "º°ª˚∘℃℉№"), None) | {ord("℃"): "c", ord("℉"): "f", ord("№"): "no"}
_SHORT = 80  # longer names are not remembered
_LOOK_ALIKES = str.maketrans(
    "авекмнорстухіјѕё" + "αβεικνορτυχ",
    "abekmhopctyxijse" + "abeiknoptux",
)


def normalise(name: str) -> str:
    """The name without case, accents, spaces and punctuation; empty when nothing is left."""
    return _remembered(name) if len(name) <= _SHORT else _folded(name)


def _folded(name: str) -> str:
    text = name.translate(_DROPPED)
    text = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(letter for letter in text if letter.isalnum())
    return letters.translate(_LOOK_ALIKES)


# The names of the contracts come up for every row of every file that is looked at.
_remembered = lru_cache(maxsize=8192)(_folded)


@dataclass(frozen=True)
class HeaderMatch:
    """How a row of names fits a contract. `columns`: (position from 0, the name as written, the field)."""

    contract: str
    columns: tuple[tuple[int, str, str], ...]
    missing_required: tuple[str, ...]  # fields without which no row can be good
    missing_optional: tuple[str, ...]
    unmapped: tuple[str, ...]  # names that the contract does not know; nameless columns are not listed
    ambiguous: tuple[tuple[str, tuple[str, ...]], ...]  # fields that two or more columns claim, and their names
    unmapped_at: tuple[int, ...] = ()  # their positions
    origin: tuple[tuple[int, str, str], ...] = ()  # what a csv for repair has besides: see lake/repair.py

    @property
    def complete(self) -> bool:
        return not self.missing_required and not self.ambiguous

    @property
    def matched(self) -> int:
        """How many fields have a column."""
        return len({field for _, _, field in self.columns})


def match(names: Sequence[str], contract: Contract) -> HeaderMatch:
    """Finds a column for each field, by the field's name or an alias, wherever the column stands."""
    known = known_names(contract)
    columns = [(place, name, known[normalise(name)]) for place, name in enumerate(names) if normalise(name) in known]
    claims = Counter(field for _, _, field in columns)
    ambiguous = [
        (field, tuple(name for _, name, claimed in columns if claimed == field))
        for field, number in claims.items()
        if number > 1
    ]
    missing = [field for field in contract.fields if field.name not in claims]
    origin = _origin(names)
    taken = {*(place for place, _, _ in columns), *(place for place, _, _ in origin)}
    left = [(place, name) for place, name in enumerate(names) if normalise(name) and place not in taken]
    return HeaderMatch(
        contract=contract.name,
        columns=tuple(columns),
        missing_required=tuple(field.name for field in missing if field.required),
        missing_optional=tuple(field.name for field in missing if not field.required),
        unmapped=tuple(name for _, name in left),
        ambiguous=tuple(ambiguous),
        unmapped_at=tuple(place for place, _ in left),
        origin=origin,
    )


def _origin(names: Sequence[str]) -> tuple[tuple[int, str, str], ...]:
    """The columns of a csv for repair that are no field; none where they do not say which record each row repairs."""
    wanted = {normalise(name): name for name in (*ORIGIN, *NOTES)}
    found = [(place, name, wanted[normalise(name)]) for place, name in enumerate(names) if normalise(name) in wanted]
    origin = sorted(field for _, _, field in found if field in ORIGIN)
    return tuple(found) if origin == sorted(ORIGIN) else ()


def known_names(contract: Contract) -> dict[str, str]:
    """Every folded name that the contract knows, and the field it means."""
    known: dict[str, str] = {}
    for field in contract.fields:
        for name in (field.name, *field.aliases):
            known.setdefault(normalise(name), field.name)
    known.pop("", None)
    return known


def label(field: Field) -> str:
    """How a missing column is called in a sentence: as files usually write it."""
    return field.aliases[0] if field.aliases else field.name
