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

# Letters of other alphabets that look like Latin ones: an Е typed on a Russian keyboard makes no new area.
LOOK_ALIKES = str.maketrans(
    "АВЕКМНОРСТУХІЈЅаеорсухіјѕΑΒΕΖΗΙΚΜΝΟΡΤΥΧο",
    "ABEKMHOPCTYXIJSaeopcyxijsABEZHIKMNOPTYXo",
)
_FROM = "".join(chr(code) for code in LOOK_ALIKES)
_TO = "".join(chr(code) for code in LOOK_ALIKES.values())
BLANKS = r"\s+"
SHOWN = 60  # characters of a bad value that a sentence quotes


@dataclass(frozen=True)
class Finding:
    """Something that may be wrong with a row: a condition (true: it is) and a string expression that says what."""

    condition: str
    words: str


def typed(field: Field) -> str:
    """The expression that reads a field's text as its type; null where it is empty or cannot be read."""
    raw = raw_of(field)
    if field.kind == "string":
        text = f"CASE WHEN {_is_null(field)} THEN NULL ELSE {raw} END" if field.null_spellings else raw
        return text if field.folding == "none" else f"CASE WHEN {_is_null(field)} THEN NULL ELSE {_folded(field)} END"
    if field.kind == "boolean":
        return (
            f"CASE WHEN lower({raw}) IN ({_list(field.true_spellings)}) THEN true"
            f" WHEN lower({raw}) IN ({_list(field.false_spellings)}) THEN false END"
        )
    if field.kind in ("number", "integer"):
        return f"try_cast({raw} AS {field.type})"
    function = "try_to_date" if field.kind == "date" else "try_to_timestamp"
    tries = ", ".join(f"{function}({raw}, {literal(pattern)})" for pattern in field.formats)
    moment = f"coalesce({tries})"
    if field.kind == "time":
        return f"date_format({moment}, 'HH:mm:ss')"
    return f"CAST({moment} AS {field.type})"


def raw_of(field: Field) -> str:
    return f"`{RAW}{field.name}`"


def reasons(contract: Contract) -> list[Finding]:
    """Everything that puts a row into quarantine."""
    found = [finding for field in contract.fields for finding in _field_reasons(field)]
    return found + [_broken(rule) for rule in contract.rules if rule.severity == "quarantine"]


def flags(contract: Contract) -> list[Finding]:
    """Everything that is only noted on a row."""
    found = [finding for field in contract.fields for finding in _field_flags(field)]
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
        yield Finding(f"({raw} IS NULL OR {_is_null(field)})", literal(f"{field.name} is missing"))
    if field.kind != "string":
        unreadable = f"({name} IS NULL AND {raw} IS NOT NULL AND NOT {_is_null(field)})"
        yield Finding(unreadable, _says(field, "is not " + _expected(field)))
    if field.minimum is not None:
        yield Finding(_holds(f"{name} < {_bound(field, field.minimum)}"), _says(field, f"is below {field.minimum}"))
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


def _says(field: Field, what: str) -> str:
    """`field 'text' what`, with the text as it came, shortened."""
    opening, closing = literal(f"{field.name} '"), literal(f"' {what}")
    return f"concat({opening}, left({raw_of(field)}, {SHOWN}), {closing})"


def _expected(field: Field) -> str:
    if field.kind in ("number", "integer"):
        return "a number" if field.kind == "number" else "a whole number"
    if field.kind == "boolean":
        return f"one of {', '.join((*field.true_spellings, *field.false_spellings))}"
    return f"a {field.kind} ({' or '.join(field.formats)})"


def _is_null(field: Field) -> str:
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
    return " ".join(value.split()).translate(LOOK_ALIKES).lower()


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
