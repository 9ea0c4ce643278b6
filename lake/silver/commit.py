"""Write, audit, publish over several tables: all of a batch becomes visible, or nothing, also when a run dies between.

Each table is written on a branch of its own, named after the batch. `file_loads` is published first: that commit
decides. Whoever finds branches of a batch that `file_loads` knows finishes them; branches of any other batch are left
overs and go. Only one silver run goes at a time, so nobody else moves these tables meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial, reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lake.contracts import Contract
from lake.migrations.apply import Wanted, ensure
from lake.parallel import together
from lake.publishing import (
    branch,
    discard,
    heads,
    publish,
    quoted,
    snapshot_properties,
)
from lake.silver.tables import (
    SHARED,
    SHARED_COLUMNS,
    SHARED_OWNER,
    Names,
    history_columns,
    history_of,
    row_columns,
)

PREFIX = "run_"
BATCH = "batch-id"
NEW = "new_"


class LeaseLost(RuntimeError):  # noqa: N818 - the name says what happened
    """Another run took over; nothing of this one was published."""


def ensure_tables(
    spark: SparkSession,
    names: Names,
    contracts: Sequence[Contract],
    every: Sequence[Contract] = (),
    still_ours: Callable[[], None] = lambda: None,
) -> None:
    """Create what is missing: in the first run of a lake for `every` contract, so that what reads silver finds it.

    Tables that an earlier release made are brought up to date, while `still_ours` does not raise.
    """
    shared = {name: _shared(names, name) for name in SHARED}
    is_first = ensure(spark, shared.pop("file_loads"), still_ours)
    wanted = [*shared.values()]
    for contract in every if is_first and every else contracts:
        wanted += _feed(names, contract)
    together(partial(ensure, spark, one, still_ours) for one in wanted)


def _shared(names: Names, name: str) -> Wanted:
    columns = SHARED_COLUMNS[name]
    as_it_came = without_bounds([column.name for column in columns if column.name == "raw_row"])
    return Wanted(f"silver.{name}", names.of(name), columns, SHARED[name], SHARED_OWNER, properties=as_it_came)


def _feed(names: Names, contract: Contract) -> list[Wanted]:
    """A feed's table and its history."""
    hidden = without_bounds([field.name for field in contract.fields if field.pseudonymised and field.in_table])
    return [
        Wanted(f"silver.{table}", names.of(table), columns, words, contract.owner, contract.partition, hidden)
        for table, columns, words in (
            (contract.table, row_columns(contract), contract.description),
            (f"{contract.table}_history", history_columns(contract), history_of(contract)),
        )
    ]


def without_bounds(columns: Sequence[str]) -> dict[str, str]:
    """Table properties: manifests, which may outlive the files that they list, keep no least and greatest value."""
    return {f"write.metadata.metrics.column.{name}": "none" for name in columns}


def all_tables(names: Names, contracts: Sequence[Contract]) -> list[str]:
    """In the order of publishing: file_loads decides."""
    own = [table for contract in contracts for table in (names.history(contract), names.rows(contract))]
    return [names.file_loads, names.quarantine, names.quarantine_history, *own]


def branch_of(batch_id: str) -> str:
    return PREFIX + re.sub(r"\W", "_", batch_id)


class Commit:
    """The branches of one batch. Tables get a branch when they are first written; the others stay as they are."""

    def __init__(self, spark: SparkSession, batch_id: str) -> None:
        self._spark = spark
        self._batch_id = batch_id
        self._name = branch_of(batch_id)
        self.branches: dict[str, str] = {}  # table -> identifier of its branch

    def on(self, table: str) -> str:
        """The identifier that writes and reads the table's branch."""
        if table not in self.branches:
            self.branches[table] = branch(self._spark, table, self._name)
        return self.branches[table]

    def append(self, table: str, rows: DataFrame) -> None:
        with snapshot_properties(self._spark, {BATCH: self._batch_id}):
            rows.writeTo(self.on(table)).append()

    def change(self, table: str, rows: DataFrame, key: Sequence[str]) -> None:
        """Put `rows` in the place of those with their keys."""
        # Other names than the table's, so that no condition is ambiguous. Not SQL: in Spark 4.1 a MERGE from a view
        # whose plan holds a cached reading of the same table does not plan ("No plan for TableReference").
        source = rows.select(*(F.col(name).alias(NEW + name) for name in rows.columns))
        same_key = reduce(Column.__and__, (F.col(name) == F.col(NEW + name) for name in key))
        with snapshot_properties(self._spark, {BATCH: self._batch_id}):
            merge = source.mergeInto(self.on(table), same_key)
            merge.whenMatched().update({name: F.col(NEW + name) for name in rows.columns}).merge()

    def remove(self, table: str, rows: DataFrame) -> None:
        """Delete what has the same values in all of `rows`' columns."""
        source = rows.select(*(F.col(name).alias(NEW + name) for name in rows.columns))
        same = reduce(Column.__and__, (F.col(name) == F.col(NEW + name) for name in rows.columns))
        with snapshot_properties(self._spark, {BATCH: self._batch_id}):
            source.mergeInto(self.on(table), same).whenMatched().delete().merge()

    def empty(self, table: str) -> None:
        """Delete everything; readers keep it until the branch is published."""
        self._spark.sql(f"DELETE FROM {self.on(table)}")  # noqa: S608 - an identifier of ours

    def heads(self) -> dict[str, int]:
        """The snapshot of each branch: what the table's main will be. Tables that were not written are not there."""
        found = heads(self._spark, self.branches)
        return {table: names[self._name] for table, names in found.items()}

    def publish(self, order: Sequence[str], may_publish: Callable[[], bool]) -> None:
        """Make it visible. Raises LeaseLost when `may_publish` says no, PublishConflict when a table moved."""
        if not may_publish():
            raise LeaseLost(
                "another silver run took over, so this one published nothing; its files are loaded by that run"
            )
        for table in order:
            if table in self.branches:
                publish(self._spark, table, self._name)


def finish_interrupted(spark: SparkSession, names: Names, heads: dict[str, dict[str, int]]) -> set[str]:
    """Finish or clear away what earlier runs left half way; returns the batches whose tables were moved forward."""
    left = [(table, name) for table, found in heads.items() for name in found if name.startswith(PREFIX)]
    finished: set[str] = set()
    decided = _decided(spark, names) if left else {}
    for table, name in left:
        if name in decided:
            publish(spark, table, name)
            finished.add(decided[name])
        else:
            discard(spark, table, name)
    return finished


def _decided(spark: SparkSession, names: Names) -> dict[str, str]:
    """The batches that file_loads knows, by their branch name."""
    rows = spark.table(quoted(names.file_loads)).select("batch_id").distinct().collect()
    return {branch_of(row.batch_id): row.batch_id for row in rows}
