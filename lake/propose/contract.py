"""A proposed contract as YAML: valid by the standard, loadable as it is, with its questions as comments in place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import yaml

from lake.contracts import API_VERSION
from lake.headers import normalise
from lake.propose.columns import Guess, guess, looks_like_a_key
from lake.propose.table import NoTableError, Table
from lake.silver.reserved import RESERVED

TIME_ZONE = "Africa/Johannesburg"
_MOST_PAIRED = 12  # columns that are tried in pairs for a key


@dataclass(frozen=True)
class Proposal:
    """`text` is the contract; `questions` what a person has to answer, each with the column it is about."""

    name: str
    text: str
    columns: tuple[Guess, ...]
    key: tuple[str, ...]
    questions: tuple[str, ...]


def propose(table: Table, name: str, date_order: str | None = None) -> Proposal:
    """A contract of that name for files like this one. Raises NoTableError where none can be made."""
    places = [at for at, header in enumerate(table.header) if normalise(header)]
    twice = {header for header in table.header if header and _times(header, table.header) > 1}
    if twice:
        raise NoTableError(f"two columns are called {sorted(twice)[0]!r}: nobody could tell them apart. Rename one.")
    if not places:
        raise NoTableError("no column has a name that can be used: name them with letters or digits.")
    columns = [guess(table.header[at], [row[at] for row in table.rows], date_order) for at in places]
    _name_apart(columns)
    questions: list[str] = []
    key = _key(columns, table, places, questions)
    for column in columns:
        if column.name in key and column.kind != "string" and len(key) == 1:
            # An identifier is kept as it was written: 007 and 7 are two.
            column.kind, column.type, column.formats, column.allowed = "string", "string", (), ()
        questions += [f"{column.name}: {question}" for question in column.questions]
    text = "\n".join(_lines(table, name, columns, key, questions)) + "\n"
    return Proposal(name, text, tuple(columns), key, tuple(questions))


def _times(header: str, headers: Sequence[str]) -> int:
    return sum(normalise(other) == normalise(header) for other in headers)


def _name_apart(columns: Sequence[Guess]) -> None:
    """Names that are usable and not taken, by another column or by silver itself."""
    taken = set(RESERVED)
    for number, column in enumerate(columns, 1):
        name = column.name or f"column_{number}"
        base, more = (f"{name}_value", 2) if name in RESERVED or name.startswith("lake_") else (name, 2)
        name = base
        while name in taken:
            name, more = f"{base}_{more}", more + 1
        column.name = name
        taken.add(name)


def _key(columns: Sequence[Guess], table: Table, places: Sequence[int], questions: list[str]) -> tuple[str, ...]:
    unique = [column for column in columns if column.unique]
    named = [column for column in unique if looks_like_a_key(column)]
    if unique:
        chosen = (named or unique)[0]
        others = [column.name for column in unique if column is not chosen]
        if others:
            questions.append(f"key: {chosen.name} tells every row apart, and so does {', '.join(others)}: which is it?")
        elif not named:
            questions.append(f"key: {chosen.name} tells every row apart in this file; in every other file too?")
        return (chosen.name,)
    full = [(at, column) for at, column in zip(places, columns) if not column.empty][:_MOST_PAIRED]
    for (one, first), (other, second) in combinations(full, 2):
        if len({(row[one], row[other]) for row in table.rows}) == len(table.rows):
            questions.append(f"key: no column tells every row apart; {first.name} and {second.name} together do here")
            return first.name, second.name
    best = max(columns, key=lambda column: (looks_like_a_key(column), not column.empty, column.distinct))
    questions.append(
        f"key: no column and no two tell every row apart; with {best.name} only the last of equal rows of a file counts"
    )
    return (best.name,)


def _lines(
    table: Table, name: str, columns: Sequence[Guess], key: tuple[str, ...], questions: Sequence[str]
) -> list[str]:
    rows = f"{'all' if table.whole else 'the first'} {len(table.rows):,} rows"
    lines = [
        f"# Proposed from {rows} of one file: what stands here was seen there. Read it, answer the questions, then put",
        "# it into contracts/ and follow docs/feeds.md.",
    ]
    if questions:
        lines += ["#", "# Questions:", *(f"#   - {_comment(question)}" for question in questions)]
    lines += [
        f"apiVersion: {API_VERSION}",
        "kind: DataContract",
        f"id: jozi-{name.replace('_', '-')}",
        f"name: {name.replace('_', ' ').capitalize()}",
        "version: 0.1.0",
        "status: draft",
        "team: {name: Nobody yet}  # who answers for this feed: the catalog names them as owner",
        "dataProduct: jozi-lake",
        "description:",
        "  purpose: What the rows are, and what they are for. (Write it here.)",
        "customProperties:",
        f"  - {{property: timeZone, value: {TIME_ZONE}}}",
        "schema:",
        f"  - name: {_word(name)}",
        f"    physicalName: {_word(name)}",
        "    physicalType: table",
        "    logicalType: object",
        f"    description: One row a {' and '.join(key)}.",
        "    customProperties:",
        f"      - {{property: folder, value: {name}/}}",
        f"      - {{property: minimumColumns, value: {max(1, len(columns) // 2)}}}",
        "      - {property: quarantineThreshold, value: 0.2}",
        "      - {property: quarantineThresholdRows, value: 20}",
        "      - property: layouts",
        "        value:",
        f"          - {{name: first, header: {_flow(table.header)}}}",
        "    properties:",
    ]
    for column in columns:
        lines += _property(column, key)
    return lines


def _property(column: Guess, key: tuple[str, ...]) -> list[str]:
    lines = [f"      - name: {_word(column.name)}"]
    lines += [f"        # {_comment(question)}" for question in column.questions]
    lines += [f"        logicalType: {column.kind}", f"        physicalType: {column.type}"]
    if column.name in key:
        lines += ["        required: true", "        primaryKey: true"]
        lines.append(f"        primaryKeyPosition: {key.index(column.name) + 1}")
    if column.personal:
        lines.append("        classification: personal  # a guess by its name or its values: confirm, or take it out")
    custom: list[tuple[str, object]] = (
        [("aliases", [column.header])] if normalise(column.header) != normalise(column.name) else []
    )
    for name, values in (
        ("nullSpellings", column.nulls if column.nulls != ("",) else ()),
        ("formats", column.formats),
        ("trueSpellings", column.true_spellings),
        ("falseSpellings", column.false_spellings),
    ):
        if values:
            custom.append((name, list(values)))
    if column.allowed:
        lines += [
            "        quality:  # the values that were seen; another one is flagged, and its row kept",
            f"          - {{metric: invalidValues, arguments: {{validValues: {_flow(column.allowed)}}}, mustBe: 0,"
            " severity: warning}",
        ]
        custom.append(("folding", "keep"))
    if custom:
        lines.append("        customProperties:")
        lines += [f"          - {{property: {name}, value: {_flow(value)}}}" for name, value in custom]
    return lines


def _word(name: str) -> str:
    """A name as YAML takes it for a text: no, on and null are something else to it."""
    return name if yaml.safe_load(name) == name else _flow(name)


def _flow(value: object) -> str:
    """JSON, which is YAML that nobody can misread ("no" stays a text)."""
    text = json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in text)


def _comment(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
