"""Bronze without one customer: each version that names them gets a copy that does not, in the same place of the order
of claims, and goes for ever once silver has read the copy.

| step    | what is done                                                    | after a crash, asked again             |
|---------|-----------------------------------------------------------------|----------------------------------------|
| look    | every version of every object is read                           | nothing was changed                    |
| replace | copies are put; their entries have the time of the originals,   | the ledger knows what was replaced     |
|         | which are taken back                                            |                                        |
| check   | silver took the copies as it had taken the originals            | silver reads what is left to read      |
| destroy | the originals are deleted for ever                              | the rest is deleted                    |

Of a key, all versions from the first that names the customer on are copied, so that the newest stays the newest. The
lease of silver is held while copies are put, so that no run reads one before its entry has the time of the original.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lake.entries import EXPANDED, LOADED, RECEIVED, REJECTED, RETRACTED, FileEntry, primary_key, timestamp
from lake.erasure.bodies import Bodies
from lake.erasure.vault import Stored, Vault
from lake.erasure.wanted import Wanted
from lake.flow import Flow
from lake.intake import Intake
from lake.ledger import Ledger
from lake.requests import take_back
from lake.words import count

COPY = "erased-"  # how the digest of a copy begins, in its entry
WHY = "a copy without the id of one customer takes its place"


@dataclass(frozen=True)
class Copy:
    """One version to be copied. `cells`: how many of its cells name the customer (none: only its place matters)."""

    original: Stored
    cells: int


@dataclass
class Found:
    """What a look at bronze found: what to copy, what was replaced before, and what somebody has to do by hand.

    `counting`: of what was replaced before, the (key, version) that counted and the version of its copy.
    """

    copies: list[Copy] = field(default_factory=list)
    replaced: list[Stored] = field(default_factory=list)
    counting: dict[tuple[str, str], str] = field(default_factory=dict)
    cannot: list[str] = field(default_factory=list)
    versions: int = 0

    @property
    def cells(self) -> int:
        return sum(copy.cells for copy in self.copies)


class Entries:
    """The ledger's entries by object version: that of the object itself, and those of what is inside it."""

    def __init__(self, ledger: Ledger) -> None:
        self._by_object: dict[tuple[str, str], dict[str, FileEntry]] = defaultdict(dict)
        for entry in ledger.entries():
            self._by_object[entry.object_key, entry.version][entry.key] = entry

    def of(self, stored: Stored) -> tuple[FileEntry | None, dict[str, FileEntry]]:
        found = self._by_object.get((stored.key, stored.version), {})
        return found.get(stored.key), found


def record_of(stored: Stored) -> tuple[str, str]:
    """Where the ledger says by what a version was replaced."""
    return f"REPLACED#{stored.key}", stored.version


def look(vault: Vault, ledger: Ledger, bodies: Bodies) -> Found:
    """Reads all of bronze."""
    found = Found()
    entries = Entries(ledger)
    by_key: dict[str, list[Stored]] = defaultdict(list)
    for stored in vault.versions():
        if not stored.marker:
            by_key[stored.key].append(stored)
    hits: dict[str, dict[str, int]] = {}
    for key, versions in by_key.items():
        for stored in versions:
            found.versions += 1
            erased = bodies.erased(vault.read(key, stored.version), *entries.of(stored))
            found.cannot += erased.cannot
            if erased.cells:
                hits.setdefault(key, {})[stored.version] = erased.cells
    _with_repairs(vault, entries, by_key, hits)
    for key, cells in hits.items():
        oldest_first = list(reversed(by_key[key]))
        first = next(at for at, stored in enumerate(oldest_first) if stored.version in cells)
        for stored in oldest_first[first:]:
            entry, _ = entries.of(stored)
            if record := ledger.store.get(*record_of(stored)):
                found.replaced.append(stored)
                found.counting.update({(name, stored.version): record["copy"] for name in record["counted"]})
            elif entry is None or not str(entry.digest).startswith(COPY):
                found.copies.append(Copy(stored, cells.get(stored.version, 0)))
    found.copies.sort(key=lambda copy: copy.original.object_time)  # stable: versions of a key keep their order
    return found


def _with_repairs(
    vault: Vault, entries: Entries, by_key: Mapping[str, list[Stored]], hits: dict[str, dict[str, int]]
) -> None:
    """Files that repair rows of what is copied name its version, so they are copied as well; and so on."""
    repairing = [
        stored
        for versions in by_key.values()
        for stored in versions
        for entry in entries.of(stored)[1].values()
        if entry.facts is not None and entry.facts.repairs
    ]
    texts = {stored: vault.read(stored.key, stored.version) for stored in repairing}
    while True:
        moving = [stored.version for key in hits for stored in by_key[key]]
        more = [
            stored
            for stored, text in texts.items()
            if stored.version not in hits.get(stored.key, {}) and any(version.encode() in text for version in moving)
        ]
        if not more:
            return
        for stored in more:
            hits.setdefault(stored.key, {})[stored.version] = 0


class Replacing:
    """Puts the copies in the place of the originals. Silver's lease is held by the caller; `alive` says so again."""

    def __init__(self, flow: Flow, vault: Vault, wanted: Wanted, alive: Callable[[], None]) -> None:
        self._flow = flow
        self._vault = vault
        self._alive = alive
        self.moved: dict[str, str] = {}  # version of an original -> version of its copy
        self.counting: dict[tuple[str, str], str] = {}  # of what silver held: (key, version) -> version of the copy
        self._bodies = Bodies(wanted, flow.contracts, self.moved)

    def replace(self, copies: Sequence[Copy]) -> None:
        """Raises what the ports raise; asked again, `look` finds what is left to do."""
        entries = Entries(self._flow.ledger)
        hidden = {one.key for one in self._vault.versions() if one.marker and one.newest}
        for copy in copies:
            self._alive()
            original = copy.original
            entry, inside = entries.of(original)
            body = self._bodies.erased(self._vault.read(original.key, original.version), entry, inside).body
            version = self._vault.put(original.key, body)
            self.moved[original.version] = version
            for old in sorted(inside.values(), key=lambda one: one.key):
                self._register(old, version, len(body))
            counted = sorted(old.key for old in inside.values() if old.counts_in_silver)
            self.counting.update({(name, original.version): version for name in counted})
            place, which = record_of(original)
            self._flow.ledger.store.put_new({"pk": place, "sk": which, "copy": version, "counted": counted})
        for key in {copy.original.key for copy in copies} & hidden:
            self._vault.hide(key)
        self.take_back([copy.original for copy in copies])

    def take_back(self, originals: Sequence[Stored]) -> None:
        """What the originals say counts no more, and the front desk looks at their copies."""
        for original in originals:
            self._alive()
            entry = self._flow.ledger.entry(original.key, original.version)
            if entry is not None and entry.state not in (RETRACTED, REJECTED):
                take_back(self._flow, entry, WHY)
            for waiting in self._flow.ledger.versions(original.key):
                if waiting.state == RECEIVED:
                    Intake(self._flow).take(waiting.key, waiting.version)

    def _register(self, old: FileEntry, version: str, size: int) -> None:
        """An entry of the copy, with the time of the original. What does not count does not come to count by it."""
        top = old.parent is None
        judged_anew = old.state in (LOADED, EXPANDED, REJECTED, RECEIVED)
        if judged_anew and not top:
            return  # intake writes it when it opens the archive, with the archive's time
        now = self._flow.clock.now()
        copy = replace(
            old,
            version=version,
            state=RECEIVED if judged_anew else old.state,
            arrived_at=timestamp(now),
            size=size if top else old.size,
            reason=f"It takes the place of version {old.version}, without the id of one customer.",
            digest=COPY + version,
            batch_id=None,
            run_id=None,
            action=None,
            attempts=0,
            batch_cap=None,
            history=(),
            counts={},
            facts=None if judged_anew else old.facts,
            contract=None if judged_anew else old.contract,
        )
        if not self._flow.ledger.receive(copy):  # intake was quicker: nothing was loaded yet, as the lease is held
            for taken in [entry for entry in self._flow.ledger.entries() if entry.version == version]:
                timed = replace(taken, object_time=old.object_time)
                place = primary_key(taken.key, taken.version)
                times = {"object_time": timed.object_time, "gsi1sk": timed.sort_key}
                self._flow.ledger.store.update(place["pk"], place["sk"], set_=times)
                if taken.key == old.key and not judged_anew:
                    take_back(self._flow, timed, WHY)


def differences(ledger: Ledger, counting: Mapping[tuple[str, str], str]) -> list[str]:
    """Where silver did not take a copy as it had taken the original; nothing may be destroyed then.

    `counting`: the (key, version) of originals that counted, and the version of their copy.
    """
    names = [*counting, *((key, copy) for (key, _), copy in counting.items())]
    now = ledger.entries_of(names)
    wrong = []
    for (key, version), copy in counting.items():
        old, new = now.get((key, version)), now.get((key, copy))
        if new is None or new.state != LOADED:
            wrong.append(f"{key}: its copy is {new.state if new else 'unknown'} ({new.reason if new else 'no entry'})")
        if old is not None and old.state != RETRACTED:
            wrong.append(f"{key}: version {version} is {old.state}, and was to be taken back")
    return wrong


def told(found: Found) -> str:
    """What a look found, in one sentence."""
    files = len({copy.original.key for copy in found.copies})
    copies = count(len(found.copies), "version")
    return f"{count(found.cells, 'cell')} in {count(files, 'file')} ({copies} to copy, {found.versions:,} looked at)"
