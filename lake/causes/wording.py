"""Evidence in words: one sentence that an owner understands, about the station and the shift before the person.

A row that is not about a person names nobody, not among what goes along with it either: readers who may not see rows
about people read all the others.
"""

from __future__ import annotations

from collections.abc import Sequence

from lake.causes.declared import Declared

Factors = Sequence[tuple[str, str]]  # (dimension, value)
MOST_SHADOWS = 3
SOMEBODY = "one person"


def about_person(declared: Declared, factors: Factors) -> bool:
    """Whether a value names a person."""
    return any(declared.factor(name).person for name, _ in factors)


def sentence(
    declared: Declared,
    outcome: str,
    factors: Factors,
    *,
    orders: int,
    hits: int,
    baseline: float,
    shadows: Sequence[Factors] = (),
    name_people: bool = True,
) -> str:
    """What was counted, against what is usual. `shadows`: what only goes along with these factors."""
    words = declared.outcome(outcome).words
    rate = hits / orders
    stations = [declared.factor(name).station for name, _ in factors if declared.factor(name).person]
    start = f"At the {' and the '.join(stations)} station{'s' * (len(stations) > 1)}, " if stations else ""
    said = (
        f"{start}{hits:,} of {orders:,} orders {_placed(declared, factors, name_people)} {words} ({_percent(rate)}), "
        f"{rate / baseline:.1f} times the usual {_percent(baseline)}"
    )
    name_shadows = name_people and bool(stations)
    along = [_along(declared, shadow[0], name_shadows) for shadow in shadows if len(shadow) == 1]
    along = list(dict.fromkeys(along))
    if along:
        more = len(along) - MOST_SHADOWS
        said += f"; {', '.join(along[:MOST_SHADOWS])}{f' and {more} more' if more > 0 else ''}"
        said += f" only {'goes' if len(along) == 1 else 'go'} along with it"
    return said + "."


def named(declared: Declared, factors: Factors, name_people: bool) -> str:
    """Factors for programs and narrow columns: "size = Family and stylist = Marco", or "... and stylist"."""
    return " and ".join(
        f"{name} = {value}" if name_people or not declared.factor(name).person else name for name, value in factors
    )


def _placed(declared: Declared, factors: Factors, name_people: bool) -> str:
    things = [declared.factor(name).label.format(value) for name, value in factors if not declared.factor(name).person]
    people = [
        declared.factor(name).label.format(value if name_people else SOMEBODY)
        for name, value in factors
        if declared.factor(name).person
    ]
    return " ".join([*things, *([" and ".join(people)] if people else [])])


def _along(declared: Declared, factor: tuple[str, str], name_people: bool) -> str:
    name, value = factor
    return name if declared.factor(name).person and not name_people else f"{name} {value}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"
