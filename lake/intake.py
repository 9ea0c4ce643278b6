"""The front desk: every object version in bronze gets an entry, an answer, and a place in the next batch.

| crash after          | what is left                          | who heals it                                    |
| -------------------- | ------------------------------------- | ----------------------------------------------- |
| event received       | nothing                               | the queue gives the message again; the sweeper  |
| entry received       | RECEIVED                              | the repeated message judges it; the sweeper     |
| crawl asked for      | RECEIVED, a wish for the crawler      | the repeated message; a known layout asks again |
| answer in the ledger | PENDING or REJECTED, no tag, no alert | the repeated message alerts and starts the run  |
| lease taken ...      | see lake/batch.py                     | tend                                            |

An event that comes twice finds the entry and changes nothing; late, it finds the entry that the sweeper wrote; out of
order, each version has an entry of its own, ordered by the object's time and not by the event's.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from lake import archive
from lake.alerting import rejected
from lake.answers import INSIDE, Answer
from lake.crawling import layout_digest
from lake.detect import HEAD_BYTES, Accepted, Archive, Inside, Rejected, detect
from lake.entries import EXPANDED, PENDING, RECEIVED, REJECTED, FileEntry, timestamp
from lake.flow import Flow
from lake.headers import normalise
from lake.manifest import FileFacts
from lake.ports import ObjectGoneError, ObjectVersion
from lake.repair import PREFIX
from lake.words import count, file_name, quoted

_VERSIONS = 100  # versions of a key that are looked at when an event does not say which one it means

log = logging.getLogger("lake")


@dataclass(frozen=True)
class Arrival:
    """What an event says came: a key of a bucket, and its version where the event names it."""

    bucket: str
    key: str
    version: str | None


def arrival(event: Mapping[str, Any]) -> Arrival | None:
    """Reads an EventBridge event of S3 (keys in these are not URL-encoded); None for any other event."""
    if event.get("source") != "aws.s3" or event.get("detail-type") != "Object Created":
        return None
    detail = event["detail"]
    found = detail["object"]
    return Arrival(detail["bucket"]["name"], found["key"], found.get("version-id") or None)


class Intake:
    """Takes object versions in, and afterwards (`finish`) starts what they need."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.ledger = flow.ledger
        self.objects = flow.ports.objects

    # ---- taking in -----------------------------------------------------------------------------------------------

    def accept(self, event: Mapping[str, Any]) -> list[FileEntry]:
        """The entries of what an event brought, new or not; empty for events that bring nothing."""
        came = arrival(event)
        if came is None or came.bucket != self.objects.bucket:
            log.warning("ignored an event", extra={"event_source": event.get("source"), "event_id": event.get("id")})
            return []
        return self.take(came.key, came.version)

    def take(self, key: str, version: str | None = None) -> list[FileEntry]:
        """Makes sure that a version of a key has an entry and an answer; without a version: all that have none.

        Raises what the ports raise; called again it goes on where it stopped.
        """
        if version is not None:
            return self._take_version(key, version)
        found = self._find(key, None)
        known = self.ledger.entries_of([(item.key, item.version) for item in found])
        newest = found[:1]
        due = [item for item in found if item in newest or _unanswered(known.get((key, item.version)))]
        objects = [item for item in reversed(due) if not item.is_folder]
        return [taken for item in objects for taken in self._take_one(item, known.get((key, item.version)))]

    def _take_version(self, key: str, version: str) -> list[FileEntry]:
        entry = self.ledger.entry(key, version)
        if entry is not None and entry.parent is not None:  # it lies inside an object; there is none of its name
            return self._judge(entry) if entry.state == RECEIVED else [entry]
        found = self._find(key, version)
        if not found:
            log.info("the version is gone", extra={"key": key, "version": version})
        return [taken for item in found if not item.is_folder for taken in self._take_one(item, entry)]

    def _find(self, key: str, version: str | None) -> list[ObjectVersion]:
        """The version (or the newest versions) of the key, newest first, with times that set them apart.

        S3's times are whole seconds, but its listing has the versions of a key in the order in which they came: those
        of one second get that order as microseconds, so that the newest of them wins in silver as well.
        """
        listed: list[ObjectVersion] = []
        wanted: str | None = None  # the time of the version looked for
        for item in self.objects.versions(key) if version else islice(self.objects.versions(key), _VERSIONS):
            if wanted is not None and item.object_time != wanted:
                break
            listed.append(item)
            if item.version == version:
                wanted = item.object_time
        timed = [_set_apart(item, listed[place + 1 :]) for place, item in enumerate(listed)]
        return timed if version is None else [item for item in timed if item.version == version]

    def _take_one(self, item: ObjectVersion, entry: FileEntry | None) -> list[FileEntry]:
        """`entry`: what the ledger has of this version."""
        if entry is None:
            entry = FileEntry(
                key=item.key,
                version=item.version,
                state=RECEIVED,
                size=item.size,
                etag=item.etag,
                object_time=item.object_time,
                arrived_at=timestamp(self.flow.clock.now()),
                digest=f"{item.etag}-{item.size}",
            )
            if not self.ledger.receive(entry):
                entry = self.ledger.entry(item.key, item.version) or entry
        return self._judge(entry) if entry.state == RECEIVED else [entry]

    # ---- the answer ----------------------------------------------------------------------------------------------

    def _judge(self, entry: FileEntry) -> list[FileEntry]:
        """The entry with its answer; for an archive also those of the files inside."""
        answer = self.look_at(entry)
        if isinstance(answer, Archive):
            return self._opened(entry, answer)
        if isinstance(answer, Accepted):
            moved = self._accepted(entry, answer)
        else:
            values = {"contract": answer.contract}
            self.ledger.owe_word(entry.key, entry.version, self._now())
            moved = self.ledger.transition(entry, REJECTED, at=self._now(), reason=answer.reason, set_=values)
        if moved is None:  # another intake was quicker with the same version
            return [self.ledger.entry(entry.key, entry.version) or entry]
        self.flow.tag(moved, "REJECTED" if moved.state == REJECTED else "ACCEPTED")
        log.info("answered", extra={"key": moved.key, "version": moved.version, "state": moved.state})
        return [moved]

    def look_at(self, entry: FileEntry) -> Answer:
        """Reads the head (of what has a directory also that, and the first rows) and decides."""
        key = entry.object_key

        def read(start: int, length: int) -> bytes:
            return self.objects.read(key, entry.version, start, length)

        try:
            size = entry.size if entry.parent is None else self._object_size(key, entry.version)
            head = read(0, min(HEAD_BYTES, size)) if size else b""
            answer: Answer = detect(head, size, key, self.flow.contracts, read_range=read)
            for name in entry.member.split(INSIDE) if entry.member else ():
                answer = _look_inside(answer, name)
        except ObjectGoneError:
            return Rejected(f"{file_name(entry.key)} was deleted before it could be read. Upload it again.")
        return answer

    def _object_size(self, key: str, version: str) -> int:
        """The size of an archive. Raises ObjectGoneError."""
        for item in self.objects.versions(key):
            if item.version == version:
                return item.size
        raise ObjectGoneError(key)

    # ---- archives ------------------------------------------------------------------------------------------------

    def _opened(self, entry: FileEntry, answer: Archive) -> list[FileEntry]:
        """An entry for each file inside, then the archive's own answer: an archive that is EXPANDED is so in full.

        Called again after a crash, or to have the archive read again, it leaves the entries alone that are there.
        """
        names = {entry.key + INSIDE + inside.name: inside for inside in answer.inside}
        known = self.ledger.entries_of([(key, entry.version) for key in names])
        members: list[FileEntry] = []
        for key, inside in names.items():
            found = known.get((key, entry.version))
            if found is None:
                members += self._take_inside(entry, key, inside, answer)
            else:
                members += self._judge(found) if found.state == RECEIVED else [found]
        own = [member for member in members if member.parent == entry.key]
        note = archive.told(len(own), sum(member.state == REJECTED for member in own), answer.left_out)
        moved = self.ledger.transition(entry, EXPANDED, at=self._now(), reason=note)
        if moved is None:
            return [self.ledger.entry(entry.key, entry.version) or entry, *members]
        self.flow.tag(moved, EXPANDED)
        log.info("opened", extra={"key": moved.key, "version": moved.version, "inside": len(own)})
        return [moved, *members]

    def _take_inside(self, parent: FileEntry, key: str, inside: Inside, archive_: Archive) -> list[FileEntry]:
        """The entry of a file inside an archive, with its answer from the first moment."""
        answer = archive_.look(inside)
        entry = FileEntry(
            key=key,
            version=parent.version,
            state=RECEIVED,
            size=inside.size,
            etag=parent.etag,
            object_time=parent.object_time,
            arrived_at=timestamp(self._now()),
            parent=parent.key,
            digest=inside.digest,
        )
        if isinstance(answer, Rejected):
            self.ledger.owe_word(key, entry.version, self._now())
            entry = replace(entry, state=REJECTED, reason=answer.reason, contract=answer.contract)
        elif isinstance(answer, Accepted):
            note = " ".join(self._notes(entry, answer))
            entry = replace(
                entry, state=PENDING, reason=note, note=note, contract=answer.facts.contract, facts=answer.facts
            )
        if not self.ledger.receive(entry):
            entry = self.ledger.entry(key, entry.version) or entry
        return self._opened(entry, answer) if isinstance(answer, Archive) and entry.state == RECEIVED else [entry]

    def _accepted(self, entry: FileEntry, answer: Accepted) -> FileEntry | None:
        note = " ".join(self._notes(entry, answer))
        values = {"contract": answer.facts.contract, "facts": answer.facts_text, "note": note}
        return self.ledger.transition(entry, PENDING, at=self._now(), reason=note, set_=values)

    def _notes(self, entry: FileEntry, answer: Accepted) -> list[str]:
        """What there is to say about a file that is taken. Asks for the crawler where its layout is new."""
        facts = answer.facts
        contract = self.flow.contracts[facts.contract]
        fields = [column for column in facts.columns if not column.field.startswith(PREFIX)]
        notes = [f"Taken as {contract.name}: {count(len(fields), 'column')} recognised.", *answer.remarks]
        if facts.repairs:
            notes.append("It repairs rows: what its rows name leaves quarantine when they load.")
        if facts.unmapped:
            notes.append(f"Not known, kept beside the rows: {quoted(facts.unmapped)}.")
            self._tell_drift(entry, facts)
        if not entry.key.startswith(contract.folder):
            notes.append(f"It lies outside {contract.folder}, so the bronze table does not show it.")
        elif entry.parent is None:
            self.flow.crawling.see_layout(entry.key, layout_digest(answer.names, facts))
        twin = self._twin(entry)
        return [*notes, twin] if twin else notes

    def _tell_drift(self, entry: FileEntry, facts: FileFacts) -> None:
        """One word to people, once for each layout with columns that its contract does not know."""
        known = [column.field for column in facts.columns]
        names = sorted({*(f"+{normalise(name)}" for name in facts.unmapped), *known})
        layout = hashlib.sha256("\x1f".join(names).encode()).hexdigest()[:24]
        self.flow.alarm.once(
            f"drift {facts.contract} {layout}",
            f"{facts.contract}: new columns",
            f"{entry.key} has {count(len(facts.unmapped), 'column')} that the contract {facts.contract} does not know: "
            f"{quoted(facts.unmapped)}. The file is taken, and what stands in them is kept beside each row. If they "
            f"matter, name them in contracts/{facts.contract}.yaml and have the files read again (lake replay --file). "
            "This is told once for each new layout.",
        )

    def _twin(self, entry: FileEntry) -> str | None:
        """A sentence when the same content came before. By ETag and size: the desk reads only the head of a file."""
        first_key, first_version = self.ledger.first_holder(str(entry.digest), entry.key, entry.version)
        if (first_key, first_version) == entry.name:
            return None
        where = "as an earlier version of this file" if first_key == entry.key else f"as {quoted([first_key])}"
        return f"The same content came before {where}."

    # ---- afterwards ----------------------------------------------------------------------------------------------

    def finish(self, entries: Iterable[FileEntry]) -> dict[str, Any]:
        """Tells people about what was refused, and starts crawler and silver run for what was taken."""
        answered = {entry.name: entry for entry in entries}
        self.flow.measures.arrivals(answered.values())
        self.flow.alarm.set_aside(rejected, [entry for entry in answered.values() if entry.state == REJECTED])
        done: dict[str, Any] = {"files": len(answered), "crawler_started": self.flow.crawling.start_if_asked()}
        waiting = {name: entry for name, entry in answered.items() if entry.state == PENDING}
        if waiting:
            self.flow.silver.just_written.update(waiting)
            done["silver"] = self.flow.start_silver()
        return done

    def _now(self) -> float:
        return self.flow.clock.now()


def _look_inside(answer: Answer, name: str) -> Answer:
    """The answer on a file of an archive that was opened before."""
    if not isinstance(answer, Archive):
        return answer
    for inside in answer.inside:
        if inside.name == name:
            return answer.look(inside)
    return Rejected(f"{file_name(name)} is not in its archive any more. Upload it again.")


def _unanswered(entry: FileEntry | None) -> bool:
    return entry is None or entry.state == RECEIVED


def _set_apart(item: ObjectVersion, older: Sequence[ObjectVersion]) -> ObjectVersion:
    """The version with its place among those of the same moment added to its time, in microseconds."""
    place = 0
    for other in older:
        if other.object_time != item.object_time:
            break
        place += 1
    moment = datetime.fromisoformat(item.object_time) + timedelta(microseconds=place)
    return ObjectVersion(item.key, item.version, item.size, item.etag, timestamp(moment))
