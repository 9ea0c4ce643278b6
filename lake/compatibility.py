"""What it takes to go from one version of a contract to the next: nothing, a replay, a migration, or another way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from lake.contracts import Column, Contract, Field
from lake.migrations.steps import is_wider
from lake.publishing import plain_type

FREE = "free"  # the next run does it
REPLAY = "replay"  # rows loaded before keep the former reading until `lake replay --all`
MIGRATION = "migration"  # the table has to change with it: lake/migrations/numbered.py
REFUSED = "refused"  # rows or files would be lost; `do` says what to do instead
LEVELS = (FREE, REPLAY, MIGRATION, REFUSED)

# Of a field: what changes the catalog's words only, and what is judged apart.
_WORDS = {"description", "pii", "unit"}
_APART = {"name", "type", "required", "key", "aliases", "in_table", "kind"}
REPLAY_WORDS = "files loaded from now on are read so; `lake replay --all` reads those loaded before anew"


@dataclass(frozen=True)
class Change:
    """One difference: how much it takes (one of LEVELS), what it is, and what to do."""

    level: str
    what: str
    do: str


def compatibility(old: Contract, new: Contract) -> list[Change]:
    """Every difference between two versions of a contract that matters, the gravest first; empty when none does."""
    found = [*_feed(old, new), *_fields(old, new), *_columns(old, new), *_rules(old, new)]
    if found and old.version == new.version:
        found.append(Change(REFUSED, f"the version is still {new.version}", "give the contract a new version"))
    return sorted(found, key=lambda change: -LEVELS.index(change.level))


def _feed(old: Contract, new: Contract) -> Iterator[Change]:
    for what, before, after in (("name", old.name, new.name), ("table", old.table, new.table)):
        if before != after:
            do = "a table is not renamed: add the new contract beside the old one and drop the files again"
            yield Change(REFUSED, f"the {what} {before} becomes {after}", do)
    if old.key != new.key:
        do = "a key says which rows are the same: add a new contract with a table of its own"
        yield Change(REFUSED, f"the key {', '.join(old.key)} becomes {', '.join(new.key)}", do)
    if old.partition != new.partition:
        do = f"write a migration with ReplacePartition({old.partition!r}, {new.partition!r}) for {_tables(new)}"
        yield Change(MIGRATION, f"the partition {old.partition or 'none'} becomes {new.partition or 'none'}", do)
    if old.time_zone != new.time_zone:
        yield Change(REPLAY, f"the time zone {old.time_zone} becomes {new.time_zone}", REPLAY_WORDS)
    if old.folder != new.folder:
        do = "change the crawler's target in template.yaml with it; files in the former folder stay loaded"
        yield Change(FREE, f"the folder {old.folder} becomes {new.folder}", do)
    if new.minimum_columns > old.minimum_columns or new.quarantine_threshold < old.quarantine_threshold:
        do = "try it on files that are loaded (`lake contract check`): a rebuild stops at one that would not load"
        yield Change(REPLAY, "fewer files are taken (minimumColumns, quarantineThreshold)", do)


def _fields(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = ({field.name: field for field in one.fields} for one in (old, new))
    for name, field in after.items():
        if name not in before:
            yield from _new_field(field)
        else:
            yield from _field(before[name], field)
    for name, field in before.items():
        if name not in after and not field.in_table:
            yield Change(REPLAY, f"{name} is not read any more", REPLAY_WORDS)


def _new_field(field: Field) -> Iterator[Change]:
    if field.required:
        do = "files loaded before do not have it, and a rebuild would stop at them: make it optional"
        yield Change(REFUSED, f"{field.name} is new and required", do)
    else:
        do = "older rows have null there; where their files had such a column, `lake replay --all` fills it"
        yield Change(FREE, f"{field.name} is new", do)


def _field(old: Field, new: Field) -> Iterator[Change]:
    if new.required and not old.required:
        do = "files loaded without it would be refused at a rebuild: keep it optional, with a quality rule"
        yield Change(REFUSED, f"{new.name} becomes required", do)
    if old.required and not new.required:
        yield Change(FREE, f"{new.name} becomes optional", "nothing: files without it are taken from now on")
    if gone := [alias for alias in old.aliases if alias not in new.aliases]:
        do = "files with that header would no longer fill the column: keep it"
        yield Change(REFUSED, f"{new.name} is no longer found as {', '.join(gone)}", do)
    if more := [alias for alias in new.aliases if alias not in old.aliases]:
        do = "files loaded before kept such a column in `unmapped`: `lake replay --all` brings it in"
        yield Change(REPLAY, f"{new.name} is also found as {', '.join(more)}", do)
    read = [
        f.name for f in fields(Field) if f.name not in _WORDS | _APART and getattr(old, f.name) != getattr(new, f.name)
    ]
    if old.kind != new.kind:
        read.insert(0, "kind")
    if read:
        yield Change(REPLAY, f"{new.name} is read otherwise ({', '.join(read)})", REPLAY_WORDS)


def _columns(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = ({column.name: column for column in one.columns} for one in (old, new))
    fields_before = {field.name for field in old.fields}
    for name, column in after.items():
        if name in before:
            yield from _column(before[name], column, new)
        elif column.logic:
            yield Change(REPLAY, f"{name} is new and derived", "older rows have null there until `lake replay --all`")
        elif name in fields_before:
            yield Change(REPLAY, f"{name} comes into the table", "older rows have null there until `lake replay --all`")
    for name in before:
        if name not in after:
            heir = next((f.name for f in new.fields if name in f.aliases and f.name not in before), None)
            if heir:
                do = f"write a migration with RenameColumn({name!r}, {heir!r}) for {_tables(new)}"
                yield Change(MIGRATION, f"{name} becomes {heir}", do)
            else:
                do = "readers ask for it and a former release writes it: leave it in the contract, it may stay empty"
                yield Change(REFUSED, f"{name} is gone", do)


def _column(old: Column, new: Column, contract: Contract) -> Iterator[Change]:
    if plain_type(old.type) != plain_type(new.type):
        what = f"{new.name} is {new.type} instead of {old.type}"
        if is_wider(old.type, new.type):
            do = f"write a migration with WidenType({new.name!r}, {new.type!r}) for {_tables(contract)}"
        else:
            do = (
                f"write a migration with DropColumn({new.name!r}, {old.type!r}) for {_tables(contract)}, and after the "
                "release `lake replay --all`: the column is empty until then"
            )
        if new.name in contract.key or new.name == contract.partition_column:
            yield Change(REFUSED, what, "rows are found by it: add a new contract with a table of its own")
        else:
            yield Change(MIGRATION, what, do)
    if old.logic != new.logic:
        yield Change(REPLAY, f"{new.name} is derived otherwise", REPLAY_WORDS)


def _rules(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = ({rule.name: rule for rule in one.rules} for one in (old, new))
    changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    if changed:
        yield Change(REPLAY, f"rules differ: {', '.join(changed)}", REPLAY_WORDS)


def _tables(contract: Contract) -> str:
    return f"silver.{contract.table} and silver.{contract.table}_history"
