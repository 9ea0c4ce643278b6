"""Migrations as data: each step says the one statement that is due, and a table says what it has seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lake.contracts import load_contracts
from lake.gold.marts import digest, load_marts
from lake.migrations.numbered import MIGRATIONS
from lake.migrations.plan import (
    FLOOR,
    VERSION,
    Migration,
    Standing,
    TableTooNew,
    at_birth,
    check,
    newest,
    pending,
    recomputations,
)
from lake.migrations.steps import (
    DropColumn,
    MigrationError,
    Recompute,
    RenameColumn,
    ReplacePartition,
    SetProperties,
    Shape,
    Step,
    WidenType,
)

SHAPE = Shape("c.d.t", {"a": "int", "b": "string", "m": "decimal(9,2)"}, ("month",), {"p": "1"})
RENAME = Migration(1, "a rename", ("gold.t",), (RenameColumn("a", "c"),))
WORDS = Migration(2, "a property", ("gold.t", "gold.u"), (SetProperties({"p": "2"}),))
ANEW = Migration(3, "a mart anew", ("gold.u",), (Recompute(),))


@pytest.mark.parametrize(
    ("step", "statement"),
    [
        (RenameColumn("a", "c"), "RENAME COLUMN `a` TO `c`"),
        (WidenType("a", "BIGINT"), "ALTER COLUMN `a` TYPE BIGINT"),
        (WidenType("m", "decimal(12,2)"), "ALTER COLUMN `m` TYPE decimal(12,2)"),
        (DropColumn("b", "string"), "DROP COLUMN `b`"),
        (ReplacePartition("month", "years(month)"), "REPLACE PARTITION FIELD month WITH years(month)"),
        (SetProperties({"p": "2"}), "SET TBLPROPERTIES ('p'='2')"),
    ],
)
def test_a_step_that_is_due_is_one_statement(step: Step, statement: str) -> None:
    assert step.statement(SHAPE) == f"ALTER TABLE `c`.`d`.`t` {statement}"


@pytest.mark.parametrize(
    ("step", "shape"),
    [
        (RenameColumn("a", "c"), replace(SHAPE, columns={"c": "int"})),
        (WidenType("a", "bigint"), replace(SHAPE, columns={"a": "bigint"})),
        (DropColumn("b", "string"), replace(SHAPE, columns={"a": "int"})),
        (DropColumn("b", "string"), replace(SHAPE, columns={"b": "date"})),
        (ReplacePartition("month", "years(month)"), replace(SHAPE, partition=("years(month)",))),
        (SetProperties({"p": "1"}), SHAPE),
        (Recompute(), SHAPE),
    ],
)
def test_a_step_that_was_done_asks_for_nothing(step: Step, shape: Shape) -> None:
    assert step.statement(shape) is None


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (RenameColumn("x", "y"), "none of the two is there"),
        (RenameColumn("a", "b"), "both are there"),
        (WidenType("m", "decimal(9,3)"), r"not every decimal\(9,2\) is a decimal\(9,3\)"),
        (WidenType("m", "decimal(8,2)"), "not every"),
        (WidenType("b", "int"), "not every string"),
        (WidenType("x", "bigint"), "has no column x"),
        (ReplacePartition("day", "years(day)"), "partitioned by month, neither by day"),
    ],
)
def test_a_step_that_does_not_fit_the_table_is_refused_in_words(step: Step, words: str) -> None:
    with pytest.raises(MigrationError, match=words):
        step.statement(SHAPE)


def test_a_table_gets_what_it_has_not_seen_in_order() -> None:
    found = pending("gold.u", Standing(1), (RENAME, WORDS, ANEW))

    assert [migration.number for migration in found] == [2, 3]


def test_a_table_without_properties_is_older_than_all_migrations() -> None:
    assert Standing.of({}) == Standing(0, 0)


def test_a_new_table_has_seen_everything_and_holds_back_releases_before_the_last_break() -> None:
    assert at_birth("gold.t", (RENAME, WORDS, ANEW)) == {VERSION: "3", FLOOR: "1"}
    assert at_birth("gold.u", (RENAME, WORDS, ANEW)) == {VERSION: "3", FLOOR: "0"}


def test_a_table_beyond_this_release_is_refused_only_after_a_breaking_upgrade() -> None:
    assert pending("gold.t", Standing(version=9, floor=2), (RENAME, WORDS)) == []
    with pytest.raises(TableTooNew, match="readable from 3 on; this release knows 2"):
        pending("gold.t", Standing(version=9, floor=3), (RENAME, WORDS))


@pytest.mark.parametrize(
    ("migrations", "words"),
    [
        ((WORDS,), "not from 1 without a gap"),
        ((RENAME, replace(WORDS, number=1)), "not from 1 without a gap"),
        ((replace(RENAME, tables=("t",)),), "not silver.x or gold.x"),
        ((replace(RENAME, steps=()),), "needs a title, tables and steps"),
        ((replace(RENAME, tables=("silver.t",), steps=(Recompute(),)),), "not recomputed, but replayed"),
    ],
)
def test_migrations_that_are_declared_wrongly_are_refused(migrations: tuple[Migration, ...], words: str) -> None:
    with pytest.raises(MigrationError, match=words):
        check(migrations)


def test_the_migrations_of_this_release_are_sound_and_name_tables_that_there_are() -> None:
    check(MIGRATIONS)
    feeds = [name for contract in load_contracts().values() for name in (contract.table, f"{contract.table}_history")]
    silver = [*feeds, "quarantine", "quarantine_history", "file_loads"]
    known = {*(f"gold.{name}" for name in load_marts()), *(f"silver.{name}" for name in silver)}
    assert {table for migration in MIGRATIONS for table in migration.tables} <= known
    assert newest(MIGRATIONS) == len(MIGRATIONS)


def test_a_migration_that_asks_for_it_makes_all_months_due() -> None:
    marts = load_marts()

    before, after = (digest(marts, {}, recomputations(some)) for some in ((RENAME, WORDS), (RENAME, WORDS, ANEW)))

    assert before == digest(marts, {})
    assert after != before
