"""One silver run: a batch of files in, all of it published or nothing, and a result that accounts for every row."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lake import publishing
from lake.contracts import Contract
from lake.manifest import LOAD, RELOAD, RETRACT, FileOutcome, Manifest, ManifestFile, SilverResult
from lake.parallel import together
from lake.parsing import tasks
from lake.publishing import quoted
from lake.silver import audit
from lake.silver.account import HELD, LOADED, RETRACTED, account, as_before, fates_by_file, recorded, why_held
from lake.silver.claims import INSERTED, Fates, Resolution, months, resolve
from lake.silver.commit import Commit, LeaseLost, all_tables, ensure_tables, finish_interrupted
from lake.silver.findings import findings
from lake.silver.reading import bad, count_files, good, key_range, local, object_time, read_batch
from lake.silver.tables import FILE_LOADS, Names
from lake.silver.takeback import TakeBack, take_back, versions_of
from lake.silver.workplace import COLUMNS, Desk, roots_of, settle
from lake.steps import step, tell
from lake.words import count as counted

MAIN = "main"
SHUFFLE_PARTITIONS = "spark.sql.shuffle.partitions"


@dataclass
class Load:
    """What a batch brought for one contract, written to branches and ready to be proven."""

    contract: Contract
    outcomes: list[FileOutcome]
    resolution: Resolution
    back: TakeBack | None
    touched: DataFrame | None
    within: Column  # what the keys of `touched` keep
    batch: DataFrame | None  # persisted


class SilverRun:
    """A run over one manifest. `result_of` and `store_result` reach the results of batches by their id.

    `secret` gives the key of pseudonyms; without it no contract that hides a column can be loaded.
    """

    def __init__(
        self,
        spark: SparkSession,
        manifest: Manifest,
        contracts: Mapping[str, Contract],
        database: str,
        result_of: Callable[[str], SilverResult | None],
        store_result: Callable[[SilverResult], None],
        may_publish: Callable[[], bool],
        began: dt.datetime | None = None,
        secret: Callable[[], bytes] | None = None,
    ) -> None:
        self._spark = spark
        self._manifest = manifest
        self._names = Names(database)
        self._result_of = result_of
        self._store_result = store_result
        self._may_publish = may_publish
        self._secret = secret
        self._began = began or dt.datetime.now(dt.UTC)
        self._every = list(contracts.values())
        known = {file.facts.contract for file in manifest.files}
        self._contracts = [c for name, c in contracts.items() if name in known or manifest.rebuild]
        self._commit = Commit(spark, manifest.batch_id)
        self._emptied: set[str] = set()

    def run(self) -> SilverResult:
        """Load the batch. A batch that was published before changes nothing and answers the same."""
        with step("tables"):
            ensure_tables(self._spark, self._names, self._contracts, self._every, self._still_ours)
            heads = publishing.heads(self._spark, self._tables)
            finished = finish_interrupted(self._spark, self._names, heads)
            if finished:
                heads = publishing.heads(self._spark, self._tables)
        with step("earlier loads"):
            earlier = self._earlier_loads(heads)
        if any(row.batch_id == self._manifest.batch_id for row in earlier.values()):
            tell("published before", batch_id=self._manifest.batch_id)
            return self._published_before(earlier, heads)
        self._empty(heads)
        settled = {name: recorded(row) for name, row in earlier.items() if self._is_settled(name, row.state)}
        loads: list[Load] = []
        usual = self._spark.conf.get(SHUFFLE_PARTITIONS)
        try:
            for contract in self._contracts:
                files = [
                    file
                    for file in self._manifest.files
                    if file.facts.contract == contract.name and (file.key, file.version) not in settled
                ]
                if files:
                    loads.append(self._load(contract, files, earlier, heads))
            return self._finish(loads, settled, finished, heads)
        finally:
            self._spark.conf.set(SHUFFLE_PARTITIONS, usual or "200")
            for load in loads:
                if load.batch is not None:
                    load.batch.unpersist()

    def _still_ours(self) -> None:
        if not self._may_publish():
            raise LeaseLost("another silver run took over, so this one upgraded no table")

    @property
    def _tables(self) -> list[str]:
        """Every table of the run in the order of publishing: file_loads decides."""
        return all_tables(self._names, self._contracts)

    def _is_settled(self, name: tuple[str, str], state: str) -> bool:
        """Whether nothing is to be done for a file version, because of what became of it before.

        A version is loaded once, whatever brings it again, and stays taken back, unless somebody asks for it by name.
        """
        if self._manifest.rebuild:
            return False
        action = self._actions[name]
        return state == RETRACTED if action == RETRACT else action == LOAD and state in (LOADED, RETRACTED)

    @property
    def _actions(self) -> dict[tuple[str, str], str]:
        return {(file.key, file.version): file.action for file in self._manifest.files}

    def _empty(self, heads: Mapping[str, Mapping[str, int]]) -> None:
        """Before a rebuild: nothing that silver holds counts any more, but the account of what was loaded."""
        if not self._manifest.rebuild:
            return
        for table in self._tables:
            if table != self._names.file_loads and MAIN in heads[table]:
                self._commit.empty(table)
                self._emptied.add(table)

    def _holds(self, table: str, heads: Mapping[str, Mapping[str, int]]) -> str | None:
        """Where to read what silver holds, as this batch has left it so far; None: no rows."""
        if table in self._emptied or (MAIN not in heads[table] and table not in self._commit.branches):
            return None
        return self._commit.branches.get(table, quoted(table))

    def _earlier_loads(self, heads: Mapping[str, Mapping[str, int]]) -> dict[tuple[str, str], Row]:
        """The last thing that file_loads says of each of the batch's files."""
        if MAIN not in heads[self._names.file_loads]:
            return {}
        wanted = versions_of(self._spark, self._manifest.files)
        if self._manifest.rebuild:
            audit.nothing_forgotten(self._spark, quoted(self._names.file_loads), wanted)
        loads = self._spark.table(quoted(self._names.file_loads))
        mine = loads.join(F.broadcast(wanted), ["source_file", "source_version"], "left_semi")
        rows = sorted(mine.collect(), key=lambda row: (row.loaded_at, row.batch_id == self._manifest.batch_id))
        return {(row.source_file, row.source_version): row for row in rows}

    def _published_before(
        self, earlier: Mapping[tuple[str, str], Row], heads: Mapping[str, Mapping[str, int]]
    ) -> SilverResult:
        stored = self._result_of(self._manifest.batch_id)
        if stored is not None:
            return stored
        # The result is written before it is published, so this is a result that somebody took away.
        result = SilverResult(
            self._manifest.batch_id,
            changed=True,
            snapshot_ids={table: found[MAIN] for table, found in self._short(heads).items() if MAIN in found},
            files=tuple(recorded(row) for row in earlier.values()),
        )
        self._store_result(result)
        return result

    def _load(
        self,
        contract: Contract,
        wanted: Sequence[ManifestFile],
        earlier: Mapping[tuple[str, str], Row],
        heads: Mapping[str, Mapping[str, int]],
    ) -> Load:
        """Take back what is to be taken back, then read, weigh and write the files; nothing of it can be seen yet."""
        said = [file for file in wanted if file.action != LOAD and (file.key, file.version) in earlier]
        back, roots = (None, None) if self._manifest.rebuild else self._take_back(contract, said, heads)
        files = [file for file in wanted if file.action != RETRACT]
        gone = [self._retracted(file) for file in wanted if file.action == RETRACT]
        if not files:
            if roots is not None:
                settle(self._spark, self._commit, self._names, self._desk(heads), None, roots)
            return Load(contract, gone, Resolution([], None, None, Counter()), back, None, F.lit(False), None)
        load = self._read(contract, files, heads, roots)
        load.outcomes[:] = [as_before(outcome, earlier) for outcome in load.outcomes] + gone
        load.back = back
        return load

    @staticmethod
    def _retracted(file: ManifestFile) -> FileOutcome:
        return FileOutcome(file.key, file.version, RETRACTED, "Taken back: nothing that it said counts any more.")

    def _take_back(
        self, contract: Contract, files: Sequence[ManifestFile], heads: Mapping[str, Mapping[str, int]]
    ) -> tuple[TakeBack | None, DataFrame | None]:
        """The claims of these versions go, and so do their rows in quarantine; with the records that they repaired."""
        rows, history = self._names.rows(contract), self._names.history(contract)
        table = self._holds(rows, heads)
        if not files or table is None:
            return None, None
        versions = versions_of(self._spark, files)
        with step("take back", contract=contract.name, files=len(files)) as told:
            back = take_back(self._spark, contract, versions, table, self._holds(history, heads))
            if back.changed_rows:
                self._commit.change(rows, back.change, contract.key)
            if back.gone_rows:
                self._commit.remove(rows, back.gone)
            if self._holds(history, heads) is not None:
                self._commit.remove(history, versions)
            if back.past_rows:
                self._commit.append(history, back.past)
            roots = roots_of(self._spark, self._desk(heads), versions)
            for place in (self._names.quarantine, self._names.quarantine_history):
                if self._holds(place, heads) is not None:
                    self._commit.remove(place, versions)
            told |= {"changed": back.changed_rows, "gone": back.gone_rows}
        return back, roots

    def _desk(self, heads: Mapping[str, Mapping[str, int]]) -> Desk:
        return Desk(self._holds(self._names.quarantine, heads), self._holds(self._names.quarantine_history, heads))

    def _origins(
        self, contract: Contract, files: Sequence[ManifestFile], heads: Mapping[str, Mapping[str, int]]
    ) -> DataFrame | None:
        """The file versions whose records may be repaired, with their times; None where no file repairs any."""
        if not any(file.facts.repairs for file in files):
            return None
        mine = [(file.key, file.version, str(object_time(file, contract))) for file in self._manifest.files]
        known = self._spark.createDataFrame(mine, "source_file string, source_version string, time string")
        known = known.selectExpr("source_file", "source_version", "CAST(time AS timestamp_ntz) AS object_time")
        if MAIN in heads[self._names.file_loads]:
            loads = self._spark.table(quoted(self._names.file_loads))
            known = known.union(loads.select("source_file", "source_version", "object_time"))
        return known.groupBy("source_file", "source_version").agg(F.max("object_time").alias("object_time"))

    def _read(
        self,
        contract: Contract,
        files: Sequence[ManifestFile],
        heads: Mapping[str, Mapping[str, int]],
        roots: DataFrame | None,
    ) -> Load:
        """Read, weigh and write one contract's files."""
        origins = self._origins(contract, files, heads)
        self._make_room(files)
        # By name: over Spark Connect a plan is sent and analysed anew with every question, and this one is long.
        name = f"batch_{contract.name}"
        read_batch(
            self._spark, contract, files, self._manifest, self._began, origins, self._secret
        ).createOrReplaceTempView(name)
        batch = self._spark.table(quoted(name)).persist()
        with step("read", contract=contract.name, files=len(files)) as told:
            counts = count_files(batch, contract, files)
            told["rows"] = sum(count.rows_in for count in counts)
        unread = [file.key for file, count in zip(files, counts) if not count.ended]
        if unread:
            raise audit.AuditFailed(f"{len(unread)} files were not read to their end, {unread[0]} among them")
        held = {
            at: reason
            for at, count in enumerate(counts)
            if (reason := why_held(batch, at, count, contract, files[at].facts.repairs))
        }
        batch_left = batch.where(~F.col("file").isin(list(held))) if held else batch
        left = [count for at, count in enumerate(counts) if at not in held]
        new: Fates = Counter(
            {
                (at, INSERTED, month): rows
                for at, count in enumerate(counts)
                if at not in held
                for month, rows in count.rows_by_month.items()
            }
        )
        with step("look", contract=contract.name):
            table = self._names.rows(contract)
            shown = self._spark.table(quoted(table)) if MAIN in heads[table] and table not in self._emptied else None
            seen = findings(self._spark, contract, batch, files, counts, shown)
        within = key_range(left, contract)
        with step("weigh", contract=contract.name):
            resolution = resolve(
                self._spark,
                contract,
                batch_left,
                rows=new,
                table=self._holds(self._names.rows(contract), heads),
                history=self._holds(self._names.history(contract), heads),
                within=within,
            )
        with step("write", contract=contract.name):
            self._write(contract, resolution)
            settled = self._set_aside(contract, files, batch_left, any(count.bad for count in left), heads, roots)
        fates = fates_by_file(resolution)
        outcomes = [
            account(file, count, fates.get(at, {}), held.get(at), seen.get(at, ()))
            for at, (file, count) in enumerate(zip(files, counts))
        ]
        for at, outcome in enumerate(outcomes):
            if repaired := settled[outcome.key, outcome.version]:
                finding = f"it repairs {counted(repaired, 'row')} that waited in quarantine"
                outcomes[at] = replace(outcome, findings=(*outcome.findings, finding))
        touched = good(batch_left).select(*contract.key).distinct()
        return Load(contract, outcomes, resolution, None, touched, within, batch)

    def _make_room(self, files: Sequence[ManifestFile]) -> None:
        """Many rows are sorted and joined in as many parts as they are read in, so that a part fits into memory."""
        parts = sum(map(tasks.text_size, files)) // tasks.PART
        if parts > int(self._spark.conf.get(SHUFFLE_PARTITIONS) or 0):
            self._spark.conf.set(SHUFFLE_PARTITIONS, parts)

    def _set_aside(
        self,
        contract: Contract,
        files: Sequence[ManifestFile],
        batch: DataFrame,
        some_bad: bool,
        heads: Mapping[str, Mapping[str, int]],
        roots: DataFrame | None,
    ) -> Counter[tuple[str, str]]:
        """Bad rows go to quarantine, and rows that were repaired leave it; how many, by the file that did it."""
        repairing = any(file.facts.repairs for file in files)
        desk = self._desk(heads)
        again = desk.history is not None and any(file.action == RELOAD for file in files)
        claims = bad(batch).unionAll(good(batch).where("repairs IS NOT NULL")) if repairing else bad(batch)
        new = claims.withColumn("contract", F.lit(contract.name)).select(*COLUMNS)
        if repairing or again or roots is not None:
            return settle(self._spark, self._commit, self._names, desk, new, roots)
        if some_bad:
            self._commit.append(self._names.quarantine, new)
        return Counter()

    def _write(self, contract: Contract, resolution: Resolution) -> None:
        rows, history = self._names.rows(contract), self._names.history(contract)
        for new in resolution.insert:
            self._commit.append(rows, new)
        if resolution.change is not None:
            self._commit.change(rows, resolution.change, contract.key)
        if resolution.past is not None:
            self._commit.append(history, resolution.past)

    def _finish(
        self,
        loads: Sequence[Load],
        settled: Mapping[tuple[str, str], FileOutcome],
        finished: set[str],
        heads: dict[str, dict[str, int]],
    ) -> SilverResult:
        """Prove the batch, leave its result, publish it."""
        outcomes = {(o.key, o.version): o for load in loads for o in load.outcomes} | dict(settled)
        for file in self._manifest.files:
            reason = f"its contract {file.facts.contract} is not known to this release"
            outcomes.setdefault((file.key, file.version), FileOutcome(file.key, file.version, HELD, reason))
        news = [outcome for load in loads for outcome in load.outcomes]
        if news:
            self._record(loads)
        after = self._commit.heads() if self._commit.branches else {}
        with step("audit"):
            audit.arithmetic(outcomes.values())
            if self._manifest.rebuild:
                audit.all_loaded(outcomes.values())
            for load in loads:
                self._audit(load, heads, after)
        interrupted = [result for batch_id in finished if (result := self._result_of(batch_id))]
        mains = {table: found[MAIN] for table, found in heads.items() if MAIN in found} | after
        result = SilverResult(
            self._manifest.batch_id,
            changed=bool(self._emptied)
            or any(self._names.rows(load.contract) in after for load in loads)
            or any(before.changed for before in interrupted),
            snapshot_ids=self._short(mains),
            months=tuple(
                sorted(
                    {
                        *(month for load in loads for month in months(load.resolution.fates)),
                        *(str(month) for load in loads if load.back for month in load.back.months),
                        *(month for before in interrupted for month in before.months),
                    }
                )
            ),
            files=tuple(outcomes[file.key, file.version] for file in self._manifest.files),
        )
        with step("publish"):
            self._store_result(result)
            if self._commit.branches:
                self._commit.publish(self._tables, self._may_publish)
        return result

    def _audit(self, load: Load, heads: Mapping[str, Mapping[str, int]], after: Mapping[str, int]) -> None:
        table = self._names.rows(load.contract)
        if table in after:
            before = None if table in self._emptied else heads[table].get(MAIN)
            added = load.resolution.total(INSERTED) - (load.back.gone_rows if load.back else 0)
            branch = self._commit.branches[table]
            looks = [
                partial(audit.rows_of_branch, self._spark, table, before, after[table], added),
                partial(audit.values_of_branch, self._spark, load.contract, branch, self._manifest.batch_id),
            ]
            if load.touched is not None:
                looks.append(
                    partial(audit.keys_of_branch, self._spark, load.contract, branch, load.touched, load.within)
                )
            together(looks)

    def _record(self, loads: Sequence[Load]) -> None:
        """A row in file_loads for each file of the batch: the commit that decides."""
        times = {(file.key, file.version): file for file in self._manifest.files}
        rows = []
        for load in loads:
            for outcome in load.outcomes:
                values = {
                    **outcome.counts,
                    "source_file": outcome.key,
                    "source_version": outcome.version,
                    "contract": load.contract.name,
                    "batch_id": self._manifest.batch_id,
                    "loaded_at": local(self._began, load.contract).replace(tzinfo=None),
                    "object_time": object_time(times[outcome.key, outcome.version], load.contract),
                    "state": outcome.state,
                    "reason": outcome.reason,
                    "findings": list(outcome.findings),
                }
                rows.append(tuple(values[column.name] for column in FILE_LOADS))
        schema = ", ".join(f"{column.name} {column.type}" for column in FILE_LOADS)
        with step("record", files=len(rows)):
            self._commit.append(self._names.file_loads, self._spark.createDataFrame(rows, schema).coalesce(1))

    def _short(self, by_table: Mapping[str, object]) -> dict:
        return {table.rpartition(".")[2]: value for table, value in by_table.items()}
