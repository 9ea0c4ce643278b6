"""The ledger: what became of every version of every file, and the few facts that stations leave for one another.

Every write is conditional on what it believes, so that an event seen twice, late or out of order changes nothing:

| write                          | condition                              | when it does not hold                    |
| ------------------------------ | -------------------------------------- | ---------------------------------------- |
| receive                        | no entry for (key, version)            | it came before: go on with what is there |
| transition                     | entry still in the old state and batch | somebody else moved it: leave it alone   |
| first holder of a content      | no holder yet                          | the same content came before: say so     |
| layout seen                    | not seen                               | nothing to crawl                         |
| mark (alert sent, digest sent) | not marked                             | it was done: do not repeat               |

| item         | pk                       | sk          | access                                                   |
| ------------ | ------------------------ | ----------- | -------------------------------------------------------- |
| file version | FILE#<key>               | V#<version> | get; query by key; by state through the index `by_state` |
| content      | CONTENT#<digest>         | CONTENT     | put, get                                                 |
| layout       | LAYOUT#<folder>#<digest> | LAYOUT      | put                                                      |
| crawler      | CRAWLER#<name>           | CRAWLER     | get, update: asked for, started                          |
| mark         | MARK#<what>              | MARK        | get, put                                                 |
| word owed    | OWED                     | <digest>    | put, get, delete; query: files to tell people about      |
| rebuild      | REBUILD                  | REBUILD     | get, update: asked for, answered                         |
| tries        | TRIES#<what>             | TRIES       | get, update, delete: dead letters that were tried        |
| sweep cursor | SWEEP                    | CURSOR      | get, put                                                 |
| lease        | LEASE#<name>             | LEASE       | see lake/leases.py                                       |
| batch        | BATCH#<id>               | BATCH       | see lake/batches.py                                      |
| replaced     | REPLACED#<key>           | <version>   | get, put: the copy that lake/erasure put in its place    |
| erasure      | ERASURE#<keyed hash>     | <moment>    | put: the proof that a customer was forgotten             |

Nothing is ever scanned. The index is a moment behind the table (DynamoDB's promise), so whoever acts on what it found
does so by a conditional write to the table itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lake.entries import STATES, Change, FileEntry, from_item, primary_key, timestamp, to_item
from lake.leases import Lease, lease_from_item, lease_key
from lake.store import Store
from lake.words import REASON_LENGTH, clean

INDEX = "by_state"
HISTORY_LIMIT = 200  # moves kept on an entry; older ones in the middle go first, the beginning stays
_FIRST_KEPT = 20


@dataclass(frozen=True)
class Wish:
    """How often something (a crawl, a rebuild) was asked for, and how many of these wishes its starts have answered."""

    asked: int = 0
    started: int = 0

    @property
    def pending(self) -> bool:
        return self.asked > self.started


class Ledger:
    """The ledger in one DynamoDB table (names of keys and index above). `client` is a boto3 DynamoDB client."""

    def __init__(self, table_name: str, client: Any = None) -> None:
        self.store = Store(table_name, client)
        self._layouts: set[tuple[str, str]] = set()  # that are known; shared by the ledger's copies
        self.aside = ""  # what the history says besides a move's reason: who made it, when it was not the usual one

    # ---- file versions -------------------------------------------------------------------------------------------

    def receive(self, entry: FileEntry) -> bool:
        """Writes a new entry; False when this version of this file has one already (which then stays as it is)."""
        first = Change(entry.state, entry.arrived_at, self._told(entry.reason))
        item = to_item(entry)
        item["history"] = [asdict(first)]
        return self.store.put_new(item)

    def transition(
        self, entry: FileEntry, to: str, *, at: float, reason: str | None = None, set_: Mapping[str, Any] | None = None
    ) -> FileEntry | None:
        """Moves an entry on, if it is still in the state (and batch) in which `entry` was read.

        `at` is the moment in seconds since the epoch; `reason` replaces the old one (None takes it away); `set_` gives
        further attributes (None takes one away). Gives the entry as it is now, or None when it had moved meanwhile.
        """
        change = asdict(Change(to, timestamp(at), self._told(reason)))
        answer = clean(reason) if reason else None
        values: dict[str, Any] = {"state": to, "gsi1pk": f"STATE#{to}", "gsi1sk": entry.sort_key, "reason": answer}
        values.update(set_ or {})
        where, known = "#state = :old", {"old": entry.state}
        if entry.batch_id is None:
            where += " AND attribute_not_exists(#batch_id)"
        else:
            where, known = where + " AND #batch_id = :batch", {**known, "batch": entry.batch_id}
        append: dict[str, list[Any]] = {"history": [change]}
        if len(entry.history) >= HISTORY_LIMIT:
            kept = [*entry.history[:_FIRST_KEPT], *entry.history[_FIRST_KEPT + HISTORY_LIMIT // 4 :]]
            values["history"], append = [*(asdict(old) for old in kept), change], {}
        where_it_lies = primary_key(entry.key, entry.version)
        item = self.store.update(
            where_it_lies["pk"],
            where_it_lies["sk"],
            set_={name: value for name, value in values.items() if value is not None},
            append=append,
            remove=[name for name, value in values.items() if value is None],
            where=where,
            values=known,
        )
        return None if item is None else from_item(item)

    def _told(self, reason: str | None) -> str | None:
        """A move's reason as the history keeps it."""
        told = " ".join(part for part in (reason, self.aside) if part)
        return clean(told, REASON_LENGTH + len(self.aside)) if told else None

    def entry(self, key: str, version: str) -> FileEntry | None:
        """One version's entry as it is now."""
        item = self.store.get(**primary_key(key, version))
        return None if item is None else from_item(item)

    def versions(self, key: str) -> list[FileEntry]:
        """All entries of a key, the oldest object first."""
        return sorted((from_item(item) for item in self.store.query(f"FILE#{key}")), key=lambda e: e.sort_key)

    def entries(self, states: Iterable[str] | None = None) -> Iterator[FileEntry]:
        """Entries in these states (all states when left out), state by state, the oldest object first in each.

        Read from the index: an entry that moved this very moment may still show in its old state, or in both.
        """
        for state in STATES if states is None else states:
            for item in self.store.query(f"STATE#{state}", INDEX):
                yield from_item(item)

    def any_in(self, *states: str) -> bool:
        """Whether any entry is in one of the states (by the index)."""
        return any(self.oldest(state) is not None for state in states)

    def oldest(self, state: str) -> FileEntry | None:
        """The entry of the oldest object in that state (by the index)."""
        item = next(self.store.query(f"STATE#{state}", INDEX, page=1), None)
        return None if item is None else from_item(item)

    def entries_of(self, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], FileEntry]:
        """The entries of these (key, version) pairs, those that exist; consistent."""
        items = self.store.get_many([primary_key(key, version) for key, version in names])
        return {found.name: found for found in map(from_item, items)}

    def states_of(self, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """The states of these (key, version) pairs, for those that have an entry; consistent, small."""
        items = self.store.get_many([primary_key(k, v) for k, v in names], attributes=("key", "version", "state"))
        return {(item["key"], item["version"]): item["state"] for item in items}

    # ---- what stations leave for one another ---------------------------------------------------------------------

    def first_holder(self, digest: str, key: str, version: str) -> tuple[str, str]:
        """The (key, version) that first came with this content: the given one when it is the first."""
        pk = f"CONTENT#{digest}"
        if self.store.put_new({"pk": pk, "sk": "CONTENT", "key": key, "version": version}):
            return key, version
        item = self.store.get(pk, "CONTENT")
        return (item["key"], item["version"]) if item else (key, version)

    def layout_known(self, folder: str, digest: str) -> bool:
        """Whether a file of the folder had this layout before. What is known stays so, and is asked for once."""
        known = (folder, digest) in self._layouts or self.store.get(f"LAYOUT#{folder}#{digest}", "LAYOUT") is not None
        if known:
            self._layouts.add((folder, digest))
        return known

    def remember_layout(self, folder: str, digest: str, key: str, at: float) -> bool:
        """Notes a layout of a folder and the file that brought it; False when it was known."""
        item = {"pk": f"LAYOUT#{folder}#{digest}", "sk": "LAYOUT", "first_key": key, "at": timestamp(at)}
        return self.store.put_new(item)

    def marked(self, what: str) -> bool:
        """Whether this was done before (an alert, a digest)."""
        return self.store.get(f"MARK#{what}", "MARK") is not None

    def mark(self, what: str, at: float) -> bool:
        """Notes that this was done; False when it was noted before."""
        return self.store.put_new({"pk": f"MARK#{what}", "sk": "MARK", "at": timestamp(at)})

    def owe_word(self, key: str, version: str, at: float) -> None:
        """Notes, before a file is set aside, that people have to be told about it."""
        item = {"pk": "OWED", "sk": _short(key, version), "key": key, "version": version, "at": timestamp(at)}
        self.store.put_new(item)

    def word_owed(self, key: str, version: str) -> bool:
        return self.store.get("OWED", _short(key, version)) is not None

    def word_given(self, key: str, version: str) -> None:
        """People were told about this file."""
        self.store.delete("OWED", _short(key, version))

    def words_owed(self, before: float) -> list[tuple[str, str]]:
        """The (key, version) of files noted before a moment that people were not told about yet."""
        return [(i["key"], i["version"]) for i in self.store.query("OWED") if i["at"] < timestamp(before)]

    def tries(self, what: str) -> int:
        """How often this was tried."""
        return int((self.store.get(f"TRIES#{what}", "TRIES") or {}).get("tries", 0))

    def count_try(self, what: str) -> int:
        """Counts one more try, before it is made; gives how many there were with it."""
        return int((self.store.update(f"TRIES#{what}", "TRIES", add={"tries": 1}) or {})["tries"])

    def forget_tries(self, what: str) -> None:
        """It went well, or somebody wants it tried anew."""
        self.store.delete(f"TRIES#{what}", "TRIES")

    def claim(self, what: str, now: int, until: int) -> bool:
        """Keeps others from doing this until then (epoch seconds); False while somebody else has claimed it."""
        where = "attribute_not_exists(#until) OR #until < :now"
        claimed = self.store.update(f"CLAIM#{what}", "CLAIM", set_={"until": until}, where=where, values={"now": now})
        return claimed is not None

    def crawler(self, name: str) -> Wish:
        return self._wish(f"CRAWLER#{name}", "CRAWLER")

    def ask_for_crawl(self, name: str) -> Wish:
        """One more wish that the crawler runs."""
        return self._ask(f"CRAWLER#{name}", "CRAWLER")

    def crawl_started(self, name: str, wishes: int) -> None:
        """A start that answered the first `wishes` wishes; later ones stay pending."""
        self._answer(f"CRAWLER#{name}", "CRAWLER", wishes)

    def rebuild(self) -> Wish:
        """Rebuilds of silver from bronze that were asked for, and ended."""
        return self._wish("REBUILD", "REBUILD")

    def ask_for_rebuild(self) -> Wish:
        return self._ask("REBUILD", "REBUILD")

    def rebuild_ended(self, wishes: int) -> None:
        """A rebuild that answered the first `wishes` wishes has ended, well or not; later ones stay pending."""
        self._answer("REBUILD", "REBUILD", wishes)

    def _wish(self, pk: str, sk: str) -> Wish:
        item = self.store.get(pk, sk) or {}
        return Wish(int(item.get("asked", 0)), int(item.get("started", 0)))

    def _ask(self, pk: str, sk: str) -> Wish:
        item = self.store.update(pk, sk, add={"asked": 1}) or {}
        return Wish(int(item.get("asked", 0)), int(item.get("started", 0)))

    def _answer(self, pk: str, sk: str, wishes: int) -> None:
        where = "attribute_not_exists(#started) OR #started < :wishes"
        self.store.update(pk, sk, set_={"started": wishes}, where=where, values={"wishes": wishes})

    def sweep_cursor(self) -> tuple[str, str] | None:
        """Where the sweeper's listing of the bucket stopped: (key marker, version marker); None: at the beginning."""
        item = self.store.get("SWEEP", "CURSOR")
        return (item["key_marker"], item["version_marker"]) if item and item.get("key_marker") else None

    def keep_sweep_cursor(self, cursor: tuple[str, str] | None) -> None:
        key_marker, version_marker = cursor or ("", "")
        self.store.update("SWEEP", "CURSOR", set_={"key_marker": key_marker, "version_marker": version_marker})

    def lease(self, name: str) -> Lease:
        """The lease of that name as it is now; a lease that nobody ever held is free with fence 0."""
        return lease_from_item(name, self.store.get(*lease_key(name)))


def _short(key: str, version: str) -> str:
    """A sort key for a version of a file, of bounded length."""
    return hashlib.sha256(f"{key}\x1f{version}".encode()).hexdigest()
