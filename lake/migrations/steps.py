"""What a migration may do to a table. A step looks at the table as it is and says the one statement that is due.

That makes every step repeatable: a run that died between two of them begins again with the first, and what is done
already asks for nothing. No step undoes anything. New columns need none: the job adds what a declaration has and the
table lacks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from lake.publishing import literal, plain_type, quoted


class MigrationError(RuntimeError):
    """A table is not what a migration expects, or a migration is declared wrongly. The table was not changed."""


@dataclass(frozen=True)
class Shape:
    """A table as a step finds it: types by column ("decimal(9,2)"), partition transforms, properties."""

    table: str  # whole identifier
    columns: Mapping[str, str]
    partition: tuple[str, ...] = ()
    properties: Mapping[str, str] | None = None


class Step(Protocol):
    """`breaking`: a release that does not know the step could not go on writing the table."""

    breaking: ClassVar[bool]

    def statement(self, shape: Shape) -> str | None:
        """The statement (one commit) that is due; None when the table is as the step leaves it."""
        ...


@dataclass(frozen=True)
class RenameColumn:
    """The column keeps its rows under a new name."""

    old: str
    new: str
    breaking: ClassVar[bool] = True

    def statement(self, shape: Shape) -> str | None:
        has = (self.old in shape.columns, self.new in shape.columns)
        if has == (False, True):
            return None
        if has != (True, False):
            both = "both are" if all(has) else "none of the two is"
            raise MigrationError(f"{shape.table}: {self.old} cannot become {self.new}: {both} there")
        return f"ALTER TABLE {quoted(shape.table)} RENAME COLUMN `{self.old}` TO `{self.new}`"


@dataclass(frozen=True)
class WidenType:
    """The column takes a type that holds every value it may have now."""

    column: str
    type: str
    breaking: ClassVar[bool] = True

    def statement(self, shape: Shape) -> str | None:
        now = shape.columns.get(self.column)
        if now is None:
            raise MigrationError(f"{shape.table} has no column {self.column} that could become {self.type}")
        if plain_type(now) == plain_type(self.type):
            return None
        if not is_wider(now, self.type):
            raise MigrationError(f"{shape.table}: {self.column} is {now}, and not every {now} is a {self.type}")
        return f"ALTER TABLE {quoted(shape.table)} ALTER COLUMN `{self.column}` TYPE {self.type}"


@dataclass(frozen=True)
class DropColumn:
    """The column goes while it has this type, so that the job can add it with another one.

    Its values are gone: a mart needs `Recompute` in the same migration, a silver table `lake replay --all` after it.
    """

    column: str
    while_type: str
    breaking: ClassVar[bool] = True

    def statement(self, shape: Shape) -> str | None:
        now = shape.columns.get(self.column)
        if now is None or plain_type(now) != plain_type(self.while_type):
            return None
        return f"ALTER TABLE {quoted(shape.table)} DROP COLUMN `{self.column}`"


@dataclass(frozen=True)
class ReplacePartition:
    """Files written from now on are kept by another transform ("years(month)"); those there stay until rewritten."""

    old: str
    new: str
    breaking: ClassVar[bool] = True

    def statement(self, shape: Shape) -> str | None:
        if self.new in shape.partition:
            return None
        if self.old not in shape.partition:
            now = ", ".join(shape.partition) or "nothing"
            raise MigrationError(f"{shape.table} is partitioned by {now}, neither by {self.old} nor by {self.new}")
        return f"ALTER TABLE {quoted(shape.table)} REPLACE PARTITION FIELD {self.old} WITH {self.new}"


@dataclass(frozen=True)
class SetProperties:
    """Properties of the table, such as how its files are written."""

    properties: Mapping[str, str]
    breaking: ClassVar[bool] = False

    def statement(self, shape: Shape) -> str | None:
        now = shape.properties or {}
        if all(now.get(key) == value for key, value in self.properties.items()):
            return None
        return set_properties(shape.table, self.properties)


@dataclass(frozen=True)
class Recompute:
    """A mart is made anew from silver, whole, in the first gold run that knows the migration.

    Nothing is done to the table: the migration's number is part of the digest that every publication of gold carries,
    so all months are due until a run has published with it. Readers see the former rows until that moment.
    """

    breaking: ClassVar[bool] = False

    def statement(self, shape: Shape) -> str | None:
        return None


def set_properties(table: str, properties: Mapping[str, str]) -> str:
    """The statement that sets properties of a table, in one commit."""
    pairs = ", ".join(f"{literal(key)}={literal(value)}" for key, value in properties.items())
    return f"ALTER TABLE {quoted(table)} SET TBLPROPERTIES ({pairs})"


def is_wider(now: str, wanted: str) -> bool:
    """Whether Iceberg can turn a column of type `now` into one of `wanted` without touching a file."""
    old, new = plain_type(now), plain_type(wanted)
    if (old, new) in (("int", "bigint"), ("float", "double")):
        return True
    shape = r"decimal\((\d+),(\d+)\)"
    before, after = re.fullmatch(shape, old), re.fullmatch(shape, new)
    return bool(before and after and before[2] == after[2] and int(before[1]) < int(after[1]))
