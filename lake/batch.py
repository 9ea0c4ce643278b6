"""Silver's flight: which waiting files go into the next batch, and what becomes of them after the run.

The search for a file that breaks runs. A batch that failed on all its tries is given up: alone in it, the file is HELD
with the error; otherwise its files wait again in halves (`batch_cap`), the smallest halves first, until the file that
breaks runs is alone. Batches of suspects and of fresh files take turns, so neither waits for the other for long.

| crash after                     | what is left                          | who heals it                        |
| ------------------------------- | ------------------------------------- | ----------------------------------- |
| lease taken                     | lease, nothing LOADING                | tend, after GRACE: lease given back |
| some entries moved to LOADING   | lease, entries LOADING with its batch | tend, after GRACE: back to PENDING  |
| manifest written                | the same and a manifest nobody reads  | the same; the manifest stays        |
| StartJobRun                     | a run that the lease does not know    | tend finds it by batch and fence    |
| some entries settled            | lease held, run ended                 | tend settles the rest               |
| all settled, lease not released | the same                              | tend gives it back                  |
| half of a batch put back        | lease held, run failed                | tend gives up the rest              |
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

from lake.alerting import Alarm, not_loaded
from lake.batches import Batches, LoadedBatch
from lake.entries import HELD, LOADED, LOADING, PENDING, REJECTED, RETRACTED, FileEntry, timestamp
from lake.flight import Clock, Flight
from lake.leases import Lease, Leases
from lake.ledger import Ledger
from lake.manifest import LOAD, RETRACT, FileOutcome, Manifest, ManifestFile, SilverResult
from lake.ports import Documents, JobRun, Jobs
from lake.words import count, file_name

MAX_FILES = 10_000
MAX_BYTES = 20 * 1024**3
_AT_ONCE = 16  # entries moved at a time; each is a conditional write of its own
log = logging.getLogger("lake")

_CALM = 10  # batches given up in a row before silver rests: the search for one file among 1,000 takes as many


def choose(waiting: Iterable[FileEntry], suspects_last: bool) -> tuple[list[FileEntry], bool]:
    """The files of the next batch, oldest object first, and whether it is one of suspects.

    `suspects_last`: the last batch was one of suspects, so fresh files go first if there are any.
    """
    ordered = sorted(waiting, key=lambda entry: entry.sort_key)
    suspects = [entry for entry in ordered if entry.batch_cap is not None]
    fresh = [entry for entry in ordered if entry.batch_cap is None]
    if suspects and not (fresh and suspects_last):
        cap = min(entry.batch_cap or 1 for entry in suspects)
        return _bounded([entry for entry in suspects if entry.batch_cap == cap], cap), True
    return _bounded(fresh, MAX_FILES), False


def _bounded(entries: Sequence[FileEntry], files: int) -> list[FileEntry]:
    taken: list[FileEntry] = []
    size = 0
    for entry in entries[: min(files, MAX_FILES)]:
        size += entry.size
        if taken and size > MAX_BYTES:
            break
        taken.append(entry)
    return taken


def manifest_key(batch_id: str) -> str:
    return f"runs/silver/{batch_id}/manifest.json"


def result_key(batch_id: str) -> str:
    return f"runs/silver/{batch_id}/result.json"


class SilverFlight(Flight):
    """Batches of files on their way into silver."""

    name = "silver"
    id_argument = "batch_id"

    def __init__(
        self,
        job: str,
        jobs: Jobs,
        leases: Leases,
        alarm: Alarm,
        clock: Clock,
        *,
        ledger: Ledger,
        documents: Documents,
        bronze_bucket: str,
        silver_changed: Callable[[], object],
        answered: Callable[[FileEntry, str], object],
    ) -> None:
        super().__init__(job, jobs, leases, alarm, clock)
        self.ledger = ledger
        self.batches = Batches(ledger.store)
        self.documents = documents
        self.bronze_bucket = bronze_bucket
        self.silver_changed = silver_changed  # called before the lease is given back: gold is due
        self.answered = answered  # called for a file that was not loaded after all: the answer on the object changes
        self.just_written: dict[tuple[str, str], FileEntry] = {}  # what the index may not show yet

    # ---- on the way in -------------------------------------------------------------------------------------------

    def load(self, lease: Lease) -> bool:
        wish = self.ledger.rebuild()
        if wish.pending:
            # Everything that silver holds, in one run beyond the bounds of a batch: what readers see changes at once or
            # not at all. The entries stay as they are meanwhile; what was asked of one besides is done afterwards.
            held = [entry for entry in self.ledger.entries([LOADED, PENDING]) if entry.counts_in_silver]
            unique = {entry.name: replace(entry, action=None) for entry in held}
            self._write_manifest(lease, unique.values(), rebuild=wish.asked)
            return True
        waiting = {entry.name: entry for entry in self.ledger.entries([PENDING])}
        waiting = {**waiting, **self.just_written}
        chosen, suspects = choose((entry for entry in waiting.values() if entry.facts), lease.suspects)
        reason = f"In the silver run of batch {lease.owner}."
        taken = self._move(chosen, LOADING, lambda _: reason, batch_id=lease.owner)
        self.just_written.clear()
        if not taken:
            return False
        for entry in taken:
            log.info("in batch", extra={"key": entry.key, "version": entry.version, "batch_id": lease.owner})
        self._write_manifest(lease, taken)
        self.leases.change(lease, suspects=suspects)
        return True

    def _write_manifest(self, lease: Lease, entries: Iterable[FileEntry], rebuild: int = 0) -> Manifest:
        files = tuple(
            ManifestFile(
                entry.key,
                entry.version,
                entry.size,
                entry.object_time,
                entry.facts,
                self.bronze_bucket,
                member=entry.member,
                action=entry.action or LOAD,
            )
            for entry in entries
            if entry.facts is not None
        )
        batch = Manifest(str(lease.owner), lease.fence, timestamp(self.clock.now()), files, rebuild)
        self.documents.put(manifest_key(batch.batch_id), batch.to_json().encode())
        return batch

    def unload(self, lease: Lease) -> None:
        self._move(
            self._taken(lease),
            PENDING,
            lambda entry: _waits(entry, "Its batch did not start; it goes into the next one."),
        )

    def arguments(self, lease: Lease) -> Mapping[str, str]:
        """Where the manifest lies; written again first when the batch goes under a new fence."""
        batch = self._manifest(lease)
        if batch.fence != lease.fence:
            self.documents.put(manifest_key(batch.batch_id), replace(batch, fence=lease.fence).to_json().encode())
        return {"--manifest": f"s3://{self.documents.bucket}/{manifest_key(batch.batch_id)}"}

    def _manifest(self, lease: Lease) -> Manifest:
        """The batch's manifest; made again from the ledger if somebody took it away."""
        body = self.documents.get(manifest_key(str(lease.owner)))
        return Manifest.from_json(body) if body is not None else self._write_manifest(lease, self._taken(lease))

    def _taken(self, lease: Lease) -> list[FileEntry]:
        """The batch's entries by the index."""
        return [entry for entry in self.ledger.entries([LOADING]) if entry.batch_id == lease.owner]

    def waits_for(self, lease: Lease) -> str:
        batch = self._manifest(lease)
        return f"{'a rebuild from ' if batch.rebuild else ''}{count(len(batch.files), 'file')}"

    # ---- on the way out ------------------------------------------------------------------------------------------

    def settle(self, lease: Lease, run: JobRun) -> str | None:
        body = self.documents.get(result_key(str(lease.owner)))
        if body is None:
            return f"The run ended without an error, but left no result for batch {lease.owner}."
        result = SilverResult.from_json(body)
        outcomes = {(outcome.key, outcome.version): outcome for outcome in result.files}
        wrong = [outcome.key for outcome in result.files if not outcome.adds_up]
        if wrong:
            return f"The rows of {file_name(wrong[0])} do not add up, so the result of the run is not believed."
        batch = self._manifest(lease)
        loading = self._rebuilt(batch) if batch.rebuild else self._loading(lease)
        for_gold = result.changed or any(outcome.state in (LOADED, RETRACTED) for outcome in result.files)
        if for_gold:
            self._note_loaded(batch, run, [entry for entry in loading if entry.name in outcomes], outcomes)
        self._settle_entries([entry for entry in loading if entry.name in outcomes], outcomes, run, batch)
        self.measures.outcomes(result.files)
        if loading:
            first = min(datetime.fromisoformat(entry.arrived_at).timestamp() for entry in loading)
            if not batch.rebuild:
                self.measures.note("DropToSilverSeconds", max(self.clock.now() - first, 0.0))
        if for_gold:
            self.silver_changed()
        self._tell_set_aside([name for name, outcome in outcomes.items() if outcome.state != LOADED])
        missing = [entry for entry in loading if entry.name not in outcomes]
        if batch.rebuild:
            self.ledger.rebuild_ended(batch.rebuild)
        if missing:
            return f"The run gave no answer for {count(len(missing), 'file')}, {file_name(missing[0].key)} first."
        return None

    def _note_loaded(
        self,
        batch: Manifest,
        run: JobRun,
        settled: Sequence[FileEntry],
        outcomes: Mapping[tuple[str, str], FileOutcome],
    ) -> None:
        """From here on the batch waits for a gold run to show it; before the entries move, so that a crash can be
        made up for."""
        new = [
            datetime.fromisoformat(entry.object_time).timestamp()
            for entry in settled
            if outcomes[entry.name].state == LOADED and entry.action is None and not batch.rebuild
        ]
        dropped_at = int(min(new)) if new else None
        self.batches.loaded(LoadedBatch(batch.batch_id, run.id, int(self.clock.now()), dropped_at))

    def _settle_entries(
        self,
        entries: Sequence[FileEntry],
        outcomes: Mapping[tuple[str, str], FileOutcome],
        run: JobRun,
        batch: Manifest,
    ) -> list[FileEntry]:
        def move(entry: FileEntry) -> FileEntry | None:
            outcome = outcomes[entry.name]
            if outcome.state in (HELD, REJECTED):
                self.ledger.owe_word(entry.key, entry.version, self.clock.now())
            reason = entry.note if outcome.state in (LOADED, RETRACTED) and entry.note else outcome.reason
            if batch.rebuild:
                reason = f"Read again in a rebuild from bronze. {reason or ''}".rstrip()
            values = {
                "counts": outcome.counts,
                "run_id": run.id,
                "batch_id": batch.batch_id,
                "batch_cap": None,
                "action": None,
            }
            return self.ledger.transition(entry, outcome.state, at=self.clock.now(), reason=reason, set_=values)

        return self._each(move, entries)

    def _tell_set_aside(self, names: Sequence[tuple[str, str]]) -> None:
        """One alert for the files of a batch that were not loaded, and the answer on the objects themselves."""
        set_aside = [entry for entry in self.ledger.entries_of(names).values() if entry.state in (HELD, REJECTED)]
        for entry in set_aside:
            self.answered(entry, entry.state)
        self.alarm.set_aside(not_loaded, set_aside)

    def give_up(self, lease: Lease, error: str) -> None:
        batch = self._manifest(lease)
        if batch.rebuild:
            self.ledger.rebuild_ended(batch.rebuild)
            self.alarm.once(
                f"rebuild {batch.batch_id}",
                "The rebuild of silver failed",
                f"Silver and gold are what they were. {error} Mend what it says, then `lake replay --all` again.",
            )
            return
        files = batch.files
        loading = self._loading(lease)
        if len(files) == 1:
            self._give_up_alone(lease, loading, error)
            return
        half = (len(files) + 1) // 2
        reason = f"A run of {count(len(files), 'file')} broke; it goes again with at most {half - 1} others. {error}"
        self._move(loading, PENDING, lambda _: reason, count_attempt=True, batch_cap=half)

    def _give_up_alone(self, lease: Lease, loading: Sequence[FileEntry], error: str) -> None:
        """The file that breaks runs is set aside; one that silver held before stays as it was."""
        times = f"broke the silver run {lease.attempt + lease.forced} times"
        before = [entry for entry in loading if entry.counts_in_silver]
        for entry in before:
            asked = "taken back" if entry.action == RETRACT else "read again"
            why = f"It was to be {asked} and {times}, so what it said before still counts: {error}"
            title = f"A file could not be {asked}"
            self.alarm.once(f"asked {lease.owner}", title, f"{entry.key}: {why} Mend the cause, then ask again.")
            self._move([entry], LOADED, _always(why), count_attempt=True, action=None, batch_cap=None, note=why)
        held = [entry for entry in loading if entry not in before]
        for entry in held:
            self.ledger.owe_word(entry.key, entry.version, self.clock.now())
        self._move(held, HELD, lambda _: f"It {times} and is set aside: {error}", count_attempt=True, action=None)
        self._tell_set_aside([entry.name for entry in loading])

    def rest(self, failures: int) -> int:
        return 0 if failures < _CALM else min(3600, 60 * 2 ** (failures - _CALM))

    # ---- shared --------------------------------------------------------------------------------------------------

    def _rebuilt(self, batch: Manifest) -> list[FileEntry]:
        """The entries of a rebuild's files that are still LOADED and not settled by it yet."""
        entries = self.ledger.entries_of([(file.key, file.version) for file in batch.files])
        return [entry for entry in entries.values() if entry.state == LOADED and entry.batch_id != batch.batch_id]

    def _loading(self, lease: Lease) -> list[FileEntry]:
        """The batch's entries that are still LOADING in it, by the manifest (the index may be behind)."""
        entries = self.ledger.entries_of([(file.key, file.version) for file in self._manifest(lease).files])
        return [entry for entry in entries.values() if entry.state == LOADING and entry.batch_id == lease.owner]

    def _move(
        self,
        entries: Sequence[FileEntry],
        to: str,
        reason: Callable[[FileEntry], str | None],
        *,
        count_attempt: bool = False,
        **values: Any,
    ) -> list[FileEntry]:
        def move(entry: FileEntry) -> FileEntry | None:
            tried = {"attempts": entry.attempts + 1} if count_attempt else {}
            at = self.clock.now()
            return self.ledger.transition(entry, to, at=at, reason=reason(entry), set_={**values, **tried})

        return self._each(move, entries)

    @staticmethod
    def _each(move: Callable[[FileEntry], FileEntry | None], entries: Sequence[FileEntry]) -> list[FileEntry]:
        """Moves entries, many at a time; gives those that could be moved."""
        if len(entries) <= _AT_ONCE:
            moved = [move(entry) for entry in entries]
        else:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                moved = list(pool.map(move, entries))
        return [entry for entry in moved if entry is not None]


def _waits(entry: FileEntry, why: str) -> str:
    return f"{entry.note} {why}" if entry.note else why


def _always(reason: str) -> Callable[[FileEntry], str]:
    return lambda _: reason
