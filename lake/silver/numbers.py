"""Numbers as people write them, by what the contract declares: '12 min', '1 234,5', 'R 1,000.50'.

A plain number is a cast. Whatever else stands there is held against every way of writing that the contract allows;
where two of them read different numbers ('1,234'), nobody can know, and the row says so.
"""

from __future__ import annotations

import re

from lake.contracts import Field
from lake.publishing import literal

LONGEST = 60  # characters; a longer text is no number
WIDEST = "decimal(38,10)"


def let(name: str, value: str, body: str) -> str:
    """`body` with the name bound to a value that is computed once.

    A lambda is interpreted and not compiled: right for what few values need, as it keeps the compiled part small.
    """
    return f"element_at(transform(array({value}), {name} -> {body}), 1)"


def number(field: Field, raw: str, nothing: str = "false") -> str:
    """The number that a text means; null where it means none, or not surely one.

    `nothing`: the condition that the text is a spelling of no value. It is asked only where no plain number stands.
    """
    plain = f"instr({raw}, 'e') = 0 AND instr({raw}, 'E') = 0"  # 1e5 is what a spreadsheet makes of an id, not minutes
    if "." in field.thousands or "." not in field.decimals:
        plain += f" AND instr({raw}, '.') = 0"
    fast = f"CASE WHEN {plain} THEN try_cast({raw} AS {field.type}) END"
    whole = " AND n = floor(n)" if field.kind == "integer" else ""
    one = f"CASE WHEN size(found) = 1{whole} THEN try_cast(n AS {field.type}) END"
    value = let("found", _meanings(field, raw), let("n", "try_element_at(found, 1)", one))
    slow = f"CASE WHEN {raw} <> '' AND length({raw}) <= {LONGEST} AND NOT {nothing} THEN {value} END"
    return f"coalesce({fast}, {slow})"


def trouble(field: Field, raw: str) -> str:
    """What is wrong with a text that `number` cannot read, in words that go behind the quoted text."""
    kind = "a whole number" if field.kind == "integer" else "a number"
    shown = "regexp_replace(CAST(n AS string), '\\\\.?0+$', '')"
    both = f"array_join(transform(found, n -> {shown}), ' or ')"
    cases = [f"WHEN size(found) > 1 THEN concat('may mean ', {both}, ': write it without separators')"]
    if field.kind == "integer":
        cases.append(f"WHEN size(found) = 1 AND found[0] <> floor(found[0]) THEN {literal('is not a whole number')}")
    cases.append(f"WHEN size(found) = 1 THEN {literal('is too large' + _largest(field))}")
    cases.append(
        f"WHEN {raw} RLIKE '^[+-]?[0-9.,]+[eE][+-]?[0-9]+$' THEN 'is written with an exponent: write the number out'"
    )
    if field.unit:
        tail = r"^[+-]?[0-9][0-9.,\s]*?\s*([^0-9.,\s+-][^,]*)$"
        unit, expected = f"left(regexp_extract({raw}, {literal(tail)}, 1), 20)", literal(f", expected {field.unit}")
        cases.append(f"WHEN {raw} RLIKE {literal(tail)} THEN concat('has the unit ', {unit}, {expected})")
    says = f"CASE {' '.join(cases)} ELSE {literal(f'is not {kind}')} END"
    return f"CASE WHEN length({raw}) > {LONGEST} THEN {literal(f'is not {kind}')} ELSE " + (
        let("found", _meanings(field, raw), says) + " END"
    )


def _largest(field: Field) -> str:
    """Of a decimal's type: ': at most 9999999.99 fits'."""
    found = re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", field.type)
    if not found:
        return ""
    digits, scale = int(found[1]), int(found[2])
    return f": at most {'9' * (digits - scale)}{'.' + '9' * scale if scale else ''} fits"


def _meanings(field: Field, raw: str) -> str:
    """An array of the different numbers (WIDEST) that a text may stand for."""
    text = raw
    if field.currency_signs:
        signs = _one_of(field.currency_signs)
        before, behind = literal(rf"(?i)^([+-]?)\s*{signs}\s*"), literal(rf"(?i)\s*{signs}$")
        text = f"regexp_replace(regexp_replace({text}, {before}, '$1'), {behind}, '')"
    if field.unit_spellings:
        behind = literal(rf"(?i)(?<=[0-9.,])\s*{_one_of(field.unit_spellings)}$")
        text = f"regexp_replace({text}, {behind}, '')"
    ways = ", ".join(
        f"CASE WHEN t RLIKE {literal(pattern)} THEN try_cast(replace(replace(t, {literal(thousands)}, ''), "
        f"{literal(decimal)}, '.') AS {WIDEST}) END"
        for pattern, thousands, decimal in _ways(field)
    )
    return let("t", text, f"sort_array(array_distinct(array_compact(array({ways}))))")


def _ways(field: Field) -> list[tuple[str, str, str]]:
    """Every declared way of writing: its pattern, its thousands sign (one that cannot occur for none), its decimal."""
    found = []
    for decimal in field.decimals:
        part = re.escape(decimal)
        found.append((rf"^[+-]?(?:[0-9]+(?:{part}[0-9]*)?|{part}[0-9]+)$", " ", decimal))
        for thousands in field.thousands:
            if thousands != decimal:
                groups = rf"^[+-]?[1-9][0-9]{{0,2}}(?:{re.escape(thousands)}[0-9]{{3}})+(?:{part}[0-9]*)?$"
                found.append((groups, thousands, decimal))
    return found


def _one_of(texts: tuple[str, ...]) -> str:
    """A pattern for any of the texts, the longest first."""
    return f"(?:{'|'.join(re.escape(text) for text in sorted(texts, key=len, reverse=True))})"
