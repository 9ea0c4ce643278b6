"""Which migrations a table still needs, and whether this release may touch the table at all.

Two numbers are kept with every table, as its properties. VERSION is that of the last migration it has seen. FLOOR is
that of the last one after which an older release cannot go on; it is raised before the first step, so that it also
holds for a table that a run left half way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lake.migrations.steps import MigrationError, Recompute, Step

VERSION = "lake.schema-version"
FLOOR = "lake.schema-floor"


class TableTooNew(RuntimeError):  # noqa: N818 - the name says what happened
    """A newer release changed the table in a way that this one does not know. Nothing was written."""


@dataclass(frozen=True)
class Migration:
    """One upgrade. `tables` are named with their layer in front: "gold.stage_bottlenecks"."""

    number: int
    title: str
    tables: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def breaking(self) -> bool:
        return any(step.breaking for step in self.steps)


@dataclass(frozen=True)
class Standing:
    """What a table says of itself. A table without the properties was made before there were migrations."""

    version: int = 0
    floor: int = 0

    @classmethod
    def of(cls, properties: Mapping[str, str]) -> Standing:
        return cls(int(properties.get(VERSION, 0)), int(properties.get(FLOOR, 0)))


def newest(migrations: Sequence[Migration]) -> int:
    """The number of the last migration that this release has; 0 without any."""
    return max((migration.number for migration in migrations), default=0)


def at_birth(name: str, migrations: Sequence[Migration]) -> dict[str, str]:
    """The properties of a table that this release creates: it needs none of the migrations there are."""
    breaking = [migration.number for migration in migrations if name in migration.tables and migration.breaking]
    return {VERSION: str(newest(migrations)), FLOOR: str(max(breaking, default=0))}


def pending(name: str, standing: Standing, migrations: Sequence[Migration]) -> list[Migration]:
    """The migrations that the table has not seen, in their order. Raises TableTooNew for one that is beyond us."""
    known = newest(migrations)
    if standing.floor > known:
        raise TableTooNew(
            f"{name} was changed by a newer release (its schema is version {standing.version}, readable from "
            f"{standing.floor} on; this release knows {known}): nothing was written. Deploy that release again; tables "
            "go forward only (docs/operate.md, Upgrades)"
        )
    due = [migration for migration in migrations if name in migration.tables and migration.number > standing.version]
    return sorted(due, key=lambda migration: migration.number)


def recomputations(migrations: Sequence[Migration]) -> list[int]:
    """The migrations after which marts are made anew."""
    return [m.number for m in migrations if any(isinstance(step, Recompute) for step in m.steps)]


def check(migrations: Sequence[Migration]) -> None:
    """Raises MigrationError when they are not numbered from 1 without a gap, or one says nothing to do or on what."""
    numbers = [migration.number for migration in migrations]
    if numbers != list(range(1, len(numbers) + 1)):
        raise MigrationError(f"migrations are numbered {numbers}, not from 1 without a gap")
    for migration in migrations:
        if not (migration.title and migration.tables and migration.steps):
            raise MigrationError(f"migration {migration.number} needs a title, tables and steps")
        for table in migration.tables:
            layer, _, name = table.partition(".")
            if layer not in ("silver", "gold") or not name:
                raise MigrationError(f"migration {migration.number}: {table} is not silver.x or gold.x")
            if layer == "silver" and any(isinstance(step, Recompute) for step in migration.steps):
                raise MigrationError(f"migration {migration.number}: {table} is not recomputed, but replayed")
