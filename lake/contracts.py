"""The feeds' contracts: what a file must offer and what silver promises, read from ODCS v3.1 YAML.

What is particular to a feed stands in `contracts/*.yaml`; the rest of the lake asks the dataclasses below, so that a
new feed is a new file and no new code. Standard library and PyYAML only: functions, jobs and the CLI import this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import yaml

from lake.silver.reserved import RESERVED, TABLES

KINDS = ("string", "number", "integer", "date", "time", "timestamp", "boolean")
FOLDINGS = ("none", "plain", "keep", "sentence")
SEVERITIES = {"error": "quarantine", "warning": "flag", "info": "file"}
DECIMALS = (".", ",")
THOUSANDS = (".", ",", " ", "'", "_")
END_OF_DAY = ("refuse", "next day")
PSEUDONYMISE = ("none", "keyed-hash")
API_VERSION = "v3.1.0"
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class ContractError(ValueError):
    """A contract that cannot be used; the message names the file, the place and what was expected."""


@dataclass(frozen=True)
class Field:
    """One value that a row of a file may carry. `type` is what silver stores (a Spark SQL type)."""

    name: str
    kind: str  # one of KINDS
    type: str
    description: str = ""
    required: bool = False  # a row without it goes to quarantine, a file without the column is rejected
    key: bool = False
    aliases: tuple[str, ...] = ()  # header texts as seen in the wild; the field's own name always counts too
    unit: str | None = None
    unit_spellings: tuple[str, ...] = ()  # what may stand behind a number for that unit, without case
    decimals: tuple[str, ...] = (".",)  # of DECIMALS: what may part whole and fraction
    thousands: tuple[str, ...] = ()  # of THOUSANDS: what may part groups of three digits
    currency_signs: tuple[str, ...] = ()  # what may stand before or behind an amount
    formats: tuple[str, ...] = ()  # JDK patterns for date, time and timestamp, in order
    excel_serials: bool = False  # 43164.75 is a date (and time), counted in days from 1899-12-30
    clock_of: str | None = None  # a time: the date field that it belongs to; either cell may carry both
    end_of_day: str = "refuse"  # one of END_OF_DAY: what 24:00 means
    null_spellings: tuple[str, ...] = ("",)
    true_spellings: tuple[str, ...] = ()
    false_spellings: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()  # canonical values; empty: anything goes
    folding: str = "none"  # one of FOLDINGS
    unknown: str = "flag"  # what a value outside `allowed` means: "flag" or "quarantine"
    minimum: float | str | None = None  # outside: quarantine (a string is an ISO date)
    maximum: float | str | None = None
    plausible: tuple[float | None, float | None] | None = None  # outside: flag
    max_length: int | None = None
    in_table: bool = True  # False: only read to derive other columns
    pii: bool = False
    pseudonymise: str = "none"  # one of PSEUDONYMISE: what silver holds instead of the value

    @property
    def pseudonymised(self) -> bool:
        return self.pseudonymise != "none"


@dataclass(frozen=True)
class Column:
    """One column of the silver table. `logic` is Spark SQL over fields and earlier columns; None: the field itself."""

    name: str
    type: str
    description: str = ""
    logic: str | None = None
    unit: str | None = None
    pii: bool = False


@dataclass(frozen=True)
class Rule:
    """A condition that holds for every good row (an unknown answer counts as good)."""

    name: str
    sql: str
    severity: str  # "quarantine", "flag" or "file" (the file is warned about, the row is not)
    message: str  # what is wrong when it does not hold, in words


@dataclass(frozen=True)
class Watch:
    """When a file's columns are looked at as a whole, and how far they may move (lake/silver/findings.py)."""

    minimum_rows: int = 100  # smaller files, and smaller months of a file, are not judged
    months: int = 3  # months before the file's newest one that it is held against
    copied_share: float = 0.99  # two columns that agree in as many rows are one
    distinct_values: int = 10  # ... if they have at least as many values
    null_share: float = 0.1  # a larger change of the share of empty values is told
    mean_shift: float = 0.5  # ... of a mean, in standard deviations
    stability: float = 0.25  # ... of a distribution over the allowed values, as population stability index
    significance: float = 0.001  # chance of telling of nothing, for a file


@dataclass(frozen=True)
class Layout:
    """A header as it has been seen; nameless columns are empty strings."""

    name: str
    header: tuple[str, ...]


@dataclass(frozen=True)
class Contract:
    """One feed. `fields` are what files carry, `columns` what silver stores (lineage columns are added by silver)."""

    name: str
    version: str
    table: str
    folder: str
    description: str
    fields: tuple[Field, ...]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    time_zone: str
    rules: tuple[Rule, ...] = ()
    partition: str = ""  # an Iceberg transform such as months(order_date); empty: unpartitioned
    minimum_columns: int = 1  # fewer matched columns: the file is of another kind
    quarantine_threshold: float = 1.0  # a larger share of bad rows: the file is held
    quarantine_threshold_rows: int = 0  # ... if it has at least this many rows
    layouts: tuple[Layout, ...] = ()
    watch: Watch = Watch()
    owner: str = "not stated"  # the team that answers for the feed

    def field(self, name: str) -> Field:
        """The field of that name; KeyError when the contract has none."""
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    @property
    def required(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.required)

    @property
    def partition_column(self) -> str | None:
        """The column inside the partition transform: order_date for months(order_date)."""
        found = re.fullmatch(r"(?:\w+\()?(?:\d+\s*,\s*)?(\w+)\)?", self.partition)
        return found.group(1) if found else None


def load_contracts(folder: Traversable | None = None) -> dict[str, Contract]:
    """Every contract of a folder by name; without a folder those that ship with the lake, be it in a zip or a checkout.

    Raises ContractError for a file that cannot be used, and when two files claim one name or one folder of the bucket.
    """
    place = folder if folder is not None else resources.files("contracts")
    contracts: dict[str, Contract] = {}
    for entry in sorted(place.iterdir(), key=lambda item: item.name):
        if entry.name.endswith((".yaml", ".yml")):
            contract = parse_contract(entry.read_text(encoding="utf-8"), entry.name)
            if contract.name in contracts:
                raise ContractError(f"{entry.name}: another contract is called {contract.name} already")
            if contract.folder in {other.folder for other in contracts.values()}:
                raise ContractError(f"{entry.name}: folder {contract.folder} belongs to another contract already")
            if contract.table in {other.table for other in contracts.values()}:
                raise ContractError(f"{entry.name}: table {contract.table} belongs to another contract already")
            contracts[contract.name] = contract
    return contracts


def parse_contract(text: str, source: str = "contract") -> Contract:
    """One contract from its YAML text; `source` names it in errors. Raises ContractError."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ContractError(f"{source}: not readable as YAML: {error}") from error
    if not isinstance(document, dict) or document.get("kind") != "DataContract":
        raise ContractError(f"{source}: not a data contract (kind: DataContract is missing)")
    if document.get("apiVersion") != API_VERSION:
        raise ContractError(f"{source}: apiVersion is {document.get('apiVersion')}, expected {API_VERSION}")
    tables = document.get("schema") or []
    if len(tables) != 1:
        raise ContractError(f"{source}: expected one table under schema, found {len(tables)}")
    table, customs = tables[0], _customs(document)
    custom = _customs(tables[0])
    properties = table.get("properties") or []
    contract = Contract(
        name=_identifier(table.get("name"), source),
        version=str(document.get("version", "")),
        table=_identifier(table.get("physicalName") or table.get("name"), source),
        folder=str(custom.get("folder") or f"{table['name']}/"),
        description=str(table.get("description", "")).strip(),
        fields=tuple(_field(item, custom, source) for item in properties if not item.get("transformLogic")),
        columns=tuple(_columns(properties, source)),
        key=_key(properties),
        time_zone=str(customs.get("timeZone", "UTC")),
        rules=tuple(_rules(table, source)),
        partition=str(custom.get("partitionedBy", "")),
        minimum_columns=int(custom.get("minimumColumns", 1)),
        quarantine_threshold=float(custom.get("quarantineThreshold", 1.0)),
        quarantine_threshold_rows=int(custom.get("quarantineThresholdRows", 0)),
        layouts=tuple(Layout(item["name"], tuple(item["header"])) for item in custom.get("layouts", ())),
        watch=_watch(custom.get("watch") or {}, source),
        owner=_owner(document),
    )
    _check(contract, source)
    return contract


def _customs(element: Mapping[str, Any]) -> dict[str, Any]:
    return {item["property"]: item["value"] for item in element.get("customProperties") or ()}


def _owner(document: Mapping[str, Any]) -> str:
    """The team's name, or the domain that the feed belongs to: the catalog says whom to ask about every table."""
    team = document.get("team") or {}
    named = team.get("name") if isinstance(team, dict) else None
    return str(named or document.get("domain") or Contract.owner)


def _identifier(name: Any, source: str) -> str:
    """Names become columns, tables and paths, so they have to be plain."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ContractError(f"{source}: {name!r} is not a usable name (lower case letters, digits and _)")
    return name


def _watch(given: Mapping[str, Any], source: str) -> Watch:
    names = {re.sub(r"[A-Z]", lambda found: "_" + found[0].lower(), name): value for name, value in given.items()}
    try:
        return Watch(**names)
    except TypeError as error:
        raise ContractError(f"{source}: watch: {error}") from error


def _field(item: Mapping[str, Any], table: Mapping[str, Any], source: str) -> Field:
    """A property, with what the table's custom properties say of all columns where it says nothing itself."""
    custom, options = _customs(item), item.get("logicalTypeOptions") or {}
    nulls, numbers = table.get("nullSpellings", {}), table.get("numbers", {}) | custom.get("numbers", {})
    units = table.get("unitSpellings", {}) | custom.get("unitSpellings", {})
    kind = item.get("logicalType")
    if kind not in KINDS:
        raise ContractError(f"{source}: {item.get('name')} has logicalType {kind}, expected one of {', '.join(KINDS)}")
    if not item.get("physicalType"):
        raise ContractError(f"{source}: {item.get('name')} has no physicalType")
    allowed, unknown = _allowed(item, source)
    plausible = custom.get("plausible")
    return Field(
        name=_identifier(item.get("name"), source),
        kind=kind,
        type=item["physicalType"],
        description=str(item.get("description", "")).strip(),
        required=bool(item.get("required") or item.get("primaryKey")),
        key=bool(item.get("primaryKey")),
        aliases=tuple(str(alias) for alias in custom.get("aliases", ())),
        unit=custom.get("unit"),
        unit_spellings=tuple(str(text) for text in units.get(custom.get("unit"), ())),
        decimals=tuple(numbers.get("decimal", (".",))),
        thousands=tuple(numbers.get("thousands", ())),
        currency_signs=tuple(str(sign) for sign in custom.get("currencySigns", ())),
        formats=tuple(custom.get("formats", ())),
        excel_serials=bool(custom.get("excelSerials", False)),
        clock_of=custom.get("clockOf"),
        end_of_day=custom.get("endOfDay", "refuse"),
        null_spellings=tuple(str(text).lower() for text in custom.get("nullSpellings", nulls.get(kind, [""]))),
        true_spellings=tuple(str(text).lower() for text in custom.get("trueSpellings", ("true",))),
        false_spellings=tuple(str(text).lower() for text in custom.get("falseSpellings", ("false",))),
        allowed=allowed,
        folding=custom.get("folding", "none"),
        unknown=unknown,
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        plausible=(plausible[0], plausible[1]) if plausible else None,
        max_length=options.get("maxLength", table.get("maxLength") if kind == "string" else None),
        in_table=bool(custom.get("inTable", True)),
        pii=item.get("classification") == "personal",
        pseudonymise=custom.get("pseudonymise", "none"),
    )


def _allowed(item: Mapping[str, Any], source: str) -> tuple[tuple[str, ...], str]:
    """The allowed values of a property (in ODCS a quality check on invalid values), and what another value means."""
    for check in item.get("quality") or ():
        if check.get("metric") == "invalidValues":
            values = tuple(str(value) for value in check.get("arguments", {}).get("validValues", ()))
            return values, _severity(check, source)
    return (), "flag"


def _severity(check: Mapping[str, Any], source: str) -> str:
    severity = check.get("severity")
    if severity not in SEVERITIES:
        raise ContractError(
            f"{source}: quality check {check.get('name')} has severity {severity}, expected error or warning or info"
        )
    return SEVERITIES[severity]


def _columns(properties: list[dict[str, Any]], source: str) -> Iterator[Column]:
    for item in properties:
        custom = _customs(item)
        if custom.get("inTable", True):
            yield Column(
                name=_identifier(item.get("name"), source),
                type=item.get("physicalType", ""),
                description=str(item.get("description", "")).strip(),
                logic=item.get("transformLogic"),
                unit=custom.get("unit"),
                pii=item.get("classification") == "personal",
            )


def _key(properties: list[dict[str, Any]]) -> tuple[str, ...]:
    keys = [item for item in properties if item.get("primaryKey")]
    return tuple(item["name"] for item in sorted(keys, key=lambda item: item.get("primaryKeyPosition", 0)))


def _rules(table: Mapping[str, Any], source: str) -> Iterator[Rule]:
    for check in table.get("quality") or ():
        if check.get("type") == "custom" and check.get("engine") == "sparkSql":
            yield Rule(
                check["name"], check["implementation"].strip(), _severity(check, source), check["description"].strip()
            )


def _check(contract: Contract, source: str) -> None:
    """What the schema of the standard cannot say; a mistake here would show as a riddle deep inside a run."""
    if not contract.key:
        raise ContractError(f"{source}: no property is the primaryKey")
    names = [column.name for column in contract.columns]
    for name in {*names} if len({*names}) != len(names) else ():
        if names.count(name) > 1:
            raise ContractError(f"{source}: column {name} is there twice")
    for name in sorted({*names, *(field.name for field in contract.fields)}):
        if name in RESERVED or name.startswith("lake_"):
            raise ContractError(f"{source}: {name} is a name that silver uses itself: choose another, with an alias")
    if contract.table in TABLES or contract.table.endswith("_history"):
        raise ContractError(f"{source}: table {contract.table} is one that silver makes itself: choose another name")
    if not contract.folder.endswith("/") or contract.folder.startswith("/"):
        raise ContractError(f"{source}: folder {contract.folder!r} must end in / and not begin with it")
    if contract.partition and contract.partition_column not in names:
        raise ContractError(f"{source}: partitionedBy {contract.partition} names no column of the table")
    for field in contract.fields:
        if field.kind in ("date", "time", "timestamp") and not field.formats:
            raise ContractError(f"{source}: {field.name} is a {field.kind} and declares no formats")
        for what, values, known in (
            ("folding", (field.folding,), FOLDINGS),
            ("decimal sign", field.decimals, DECIMALS),
            ("thousands sign", field.thousands, THOUSANDS),
            ("endOfDay", (field.end_of_day,), END_OF_DAY),
            ("pseudonymise", (field.pseudonymise,), PSEUDONYMISE),
        ):
            for value in values:
                if value not in known:
                    raise ContractError(f"{source}: {field.name} has {what} {value!r}, expected {', '.join(known)}")
        if field.clock_of and field.clock_of not in {f.name for f in contract.fields if f.kind == "date"}:
            raise ContractError(f"{source}: {field.name} is the clock of {field.clock_of}, which is no date field")
        # A flag or finding about such a value would tell it, and a number's or date's type cannot hold a hash.
        if field.pseudonymised and (field.kind != "string" or field.folding != "none" or field.allowed):
            raise ContractError(
                f"{source}: {field.name}: only a string without folding or allowed values has pseudonyms"
            )
        if field.allowed and field.unknown == "file":
            raise ContractError(f"{source}: {field.name}: an allowed value has severity error or warning")
