"""Text to types, by contract: for each field the Spark SQL that reads it, and the words for what is wrong with it.

Everything is an expression over columns `raw_<field>` (trimmed text, null where the file has no such column) and, once
typed, over the fields themselves; so the work stays inside Spark, and a new feed needs no code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lake.contracts import Contract, Field, Rule
from lake.parsing.records import RAW
from lake.publishing import literal
from lake.silver import clock, numbers
from lake.silver.pseudonyms import keyed_hash
from lake.silver.text import LOOK_ALIKES, WAS, WIDE, has_unseen

_LETTERS = LOOK_ALIKES | WIDE
_FROM, _TO = "".join(_LETTERS), "".join(_LETTERS.values())
_TABLE = str.maketrans(_LETTERS)
BLANKS = r"\s+"
FORMATS_SHOWN = 2  # of the formats that a date or time may have
SHOWN = 60  # characters of a bad value that a sentence quotes


@dataclass(frozen=True)
class Finding:
    """Something that may be wrong with a row: a condition (true: it is) and a string expression that says what."""

    condition: str
    words: str


def typed(contract: Contract, field: Field) -> str:
    """The expression that reads a field's text as its type; null where it is empty or cannot be read.

    A field that the contract hides gives its pseudonym, so nothing that follows sees the value.
    """
    raw = raw_of(field)
    if field.kind == "string":
        text = f"CASE WHEN {is_null(field)} THEN NULL ELSE {raw} END" if field.null_spellings else raw
        if field.pseudonymised:
            return keyed_hash(text)
        plain = field.folding in ("none", "plain")
        return text if plain else f"CASE WHEN {is_null(field)} THEN NULL ELSE {_folded(field)} END"
    if field.kind == "boolean":
        return (
            f"CASE WHEN lower({raw}) IN ({_list(field.true_spellings)}) THEN true"
            f" WHEN lower({raw}) IN ({_list(field.false_spellings)}) THEN false END"
        )
    if field.kind in ("number", "integer"):
        return numbers.number(field, raw, is_null(field))
    return clock.moment(contract, field, raw)


def together(contract: Contract) -> list[tuple[str, str]]:
    """Columns over the typed ones: what dates and their clocks say together."""
    return clock.together(contract, {field.name: is_null(field) for field in contract.fields})


def raw_of(field: Field) -> str:
    return f"`{RAW}{field.name}`"


def reasons(contract: Contract) -> list[Finding]:
    """Everything that puts a row into quarantine."""
    found = [finding for field in contract.fields for finding in _field_reasons(field)]
    found += [Finding(condition, words) for condition, words in clock.contradictions(contract)]
    return found + [_broken(rule) for rule in contract.rules if rule.severity == "quarantine"]


def violations(field: Field) -> list[tuple[str, str]]:
    """What a value in the table must not be, as words and as a condition over the field's column alone."""
    name = f"`{field.name}`"
    found = [("is missing", f"{name} IS NULL")] if field.required else []
    if field.minimum is not None:
        found.append((f"is below {field.minimum}", f"{name} < {_bound(field, field.minimum)}"))
    if field.maximum is not None:
        found.append((f"is above {field.maximum}", f"{name} > {_bound(field, field.maximum)}"))
    if field.max_length is not None:
        found.append((f"is longer than {field.max_length} characters", f"length({name}) > {field.max_length}"))
    if field.allowed and field.unknown == "quarantine":
        found.append((f"is not one of {', '.join(field.allowed)}", f"NOT {name} IN ({_list(field.allowed)})"))
    return found


def flags(contract: Contract) -> list[Finding]:
    """Everything that is only noted on a row."""
    found = [finding for field in contract.fields for finding in _field_flags(field)]
    found.append(Finding(has_unseen(), literal("held characters that nobody sees; they were left out")))
    return found + [_broken(rule) for rule in contract.rules if rule.severity == "flag"]


def sentences(findings: list[Finding]) -> str:
    """An array of the words of all findings that hold. The words are only built for rows where one does."""
    none = "CAST(array() AS array<string>)"
    if not findings:
        return none
    any_holds = " OR ".join(f"({finding.condition})" for finding in findings)
    each = ", ".join(f"CASE WHEN {finding.condition} THEN {finding.words} END" for finding in findings)
    return f"CASE WHEN {any_holds} THEN array_compact(array({each})) ELSE {none} END"


def _field_reasons(field: Field) -> Iterator[Finding]:
    raw, name = raw_of(field), f"`{field.name}`"
    if field.required:
        missing = f"({name} IS NULL AND ({raw} IS NULL OR {is_null(field)}))"
        yield Finding(missing, literal(f"{field.name} is missing"))
    if field.kind != "string":
        unreadable = f"({name} IS NULL AND {raw} IS NOT NULL AND NOT {is_null(field)})"
        words = _says(field, "is not " + _expected(field))
        if field.kind in ("number", "integer"):
            words = _says(field, numbers.trouble(field, raw), literally=False)
        yield Finding(unreadable, words)
    if field.minimum is not None:
        below = f"{name} < {_bound(field, field.minimum)}"
        if field.kind == "number" and field.minimum == 0:
            below += f" OR {name} = 0 AND {raw} RLIKE '^-.*[1-9]'"  # what rounds to nothing was negative all the same
        yield Finding(_holds(below), _says(field, f"is below {field.minimum}"))
    if field.maximum is not None:
        yield Finding(_holds(f"{name} > {_bound(field, field.maximum)}"), _says(field, f"is above {field.maximum}"))
    if field.max_length is not None:
        yield Finding(
            _holds(f"length({raw}) > {field.max_length}"), _says(field, f"is longer than {field.max_length} characters")
        )
    if field.allowed and field.unknown == "quarantine":
        yield _unknown(field)


def _field_flags(field: Field) -> Iterator[Finding]:
    name = f"`{field.name}`"
    if field.folding == "plain":
        was = f"`{WAS}{field.name}`"
        opening, closing = literal(f"{field.name} '"), literal("' has look-alike characters, read as ")
        yield Finding(f"({was} IS NOT NULL)", f"concat({opening}, left({was}, {SHOWN}), {closing}, {name})")
    if field.plausible:
        low, high = field.plausible
        outside = [f"{name} < {low}" if low is not None else "", f"{name} > {high}" if high is not None else ""]
        unit = f" {field.unit}" if field.unit else ""
        yield Finding(
            _holds(" OR ".join(part for part in outside if part)),
            _says(field, f"is outside the usual {_span(low, high)}{unit}"),
        )
    if field.allowed and field.unknown == "flag":
        yield _unknown(field)
    if field.allowed and field.folding != "none":
        plain = ", ".join(literal(value.lower()) for value in field.allowed)
        yield Finding(
            _holds(f"{name} IN ({_list(field.allowed)}) AND NOT {_squeezed(field)} IN ({plain})"),
            f"concat({_says(field, 'has look-alike letters')}, ', read as ', {name})",
        )


def _unknown(field: Field) -> Finding:
    return Finding(
        _holds(f"NOT `{field.name}` IN ({_list(field.allowed)})"),
        _says(field, f"is not one of {', '.join(field.allowed)}"),
    )


def _broken(rule: Rule) -> Finding:
    return Finding(_holds(f"NOT ({rule.sql})"), literal(rule.message))


def _holds(condition: str) -> str:
    """An unknown answer is no finding."""
    return f"coalesce({condition}, false)"


def _says(field: Field, what: str, literally: bool = True) -> str:
    """`field 'text' what`, with the text as it came, shortened. `what` is the words, or an expression for them."""
    opening, closing = literal(f"{field.name} '"), literal(f"' {what}") if literally else f"'\\' ', {what}"
    return f"concat({opening}, left({raw_of(field)}, {SHOWN}), {closing})"


def _expected(field: Field) -> str:
    if field.kind in ("number", "integer"):
        return "a number" if field.kind == "number" else "a whole number"
    if field.kind == "boolean":
        return f"one of {', '.join((*field.true_spellings, *field.false_spellings))}"
    return f"a {field.kind} ({' or '.join(field.formats[:FORMATS_SHOWN])})"


def is_null(field: Field) -> str:
    """Whether the text is one of the spellings of nothing; false for null."""
    raw = raw_of(field)
    if field.null_spellings == ("",):
        return f"coalesce({raw} = '', false)"
    # Only short texts can be one; a look at the length is cheaper than lower() of every value.
    longest = max(len(text) for text in field.null_spellings)
    return f"coalesce(length({raw}) <= {longest} AND lower({raw}) IN ({_list(field.null_spellings)}), false)"


def _folded(field: Field) -> str:
    """The allowed value that the text means; otherwise the text itself, in the contract's way of writing."""
    raw = raw_of(field)
    if not field.allowed:
        return _written(field)
    pairs = ", ".join(f"{literal(_plain(value))}, {literal(value)}" for value in field.allowed)
    looked_up = f"try_element_at(map({pairs}), lower(translate({_squeeze(raw)}, {literal(_FROM)}, {literal(_TO)})))"
    return f"CASE WHEN {raw} IN ({_list(field.allowed)}) THEN {raw} ELSE coalesce({looked_up}, {_written(field)}) END"


def _plain(value: str) -> str:
    return " ".join(value.split()).translate(_TABLE).lower()


def _written(field: Field) -> str:
    text = _squeeze(raw_of(field))
    return f"concat(upper(left({text}, 1)), lower(substr({text}, 2)))" if field.folding == "sentence" else text


def _squeezed(field: Field) -> str:
    return f"lower({_squeeze(raw_of(field))})"


def _squeeze(text: str) -> str:
    return f"regexp_replace({text}, {literal(BLANKS)}, ' ')"


def _bound(field: Field, value: float | str) -> str:
    return f"DATE{literal(value)}" if isinstance(value, str) else str(value)


def _span(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"minimum of {low}" if high is None else f"maximum of {high}"
    return f"{low} to {high}"


def _list(texts: tuple[str, ...]) -> str:
    return ", ".join(literal(text) for text in texts)
