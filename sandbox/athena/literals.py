"""Numbers with a point: a double in Athena, a decimal in the engine, which has no setting for it.

`1.0 / 3` is 0.3333333333333333 in Athena. So the engine gets `1.0E0 / 3`, and the places in its errors are moved back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.athena.sqltext import tokens

_DOUBLE = "E0"
_ENDS_A_VALUE = ("word", "double", "back", "number", "string")


@dataclass(frozen=True)
class Place:
    """Where a literal ends in the user's text: its line, and the column after its last character, both from 1."""

    line: int
    column: int


def to_doubles(sql: str) -> tuple[str, list[Place]]:
    """`sql` with every decimal literal written as a double, and where they are."""
    found = tokens(sql)
    ends: list[int] = []
    for at, token in enumerate(found):
        if token.kind != "number" or sql[token.end : token.end + 1].lower() == "e":
            continue
        before = found[at - 1] if at else None
        leading_point = before is not None and before.text == "." and before.end == token.start
        if leading_point and at > 1:
            owner = found[at - 2]
            # `t.1` and `x[1].2` are no numbers: what stands there is wrong, and the engine says so.
            leading_point = owner.end != found[at - 1].start or (
                owner.kind not in _ENDS_A_VALUE and owner.text not in ")]"
            )
        if "." in token.text or leading_point:
            ends.append(token.end)
        elif sql[token.end : token.end + 1] == "." and not sql[token.end + 1 : token.end + 2].isalnum():
            ends.append(token.end + 1)
    text, last, places = [], 0, []
    for end in ends:
        text += [sql[last:end], _DOUBLE]
        last = end
        places.append(Place(sql.count("\n", 0, end) + 1, end - sql.rfind("\n", 0, end)))
    return "".join(text) + sql[last:], places


def original_column(line: int, column: int, places: Sequence[Place]) -> int:
    """The column in the user's text of a place in the rewritten text."""
    before = 0
    for place in places:
        if place.line == line and place.column + before + len(_DOUBLE) <= column:
            before += len(_DOUBLE)
    return column - before
