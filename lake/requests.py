"""What a person asks of a file that came: take it back, or read it again. What is asked lies in the ledger, so that a
crash after it is made up for by the sweeper, like any other.

| asked of        | take back                         | read again                                              |
| --------------- | --------------------------------- | ------------------------------------------------------- |
| never loaded    | RETRACTED at once                 | the front desk looks at it again, then PENDING          |
| loaded once     | PENDING, its run takes it back    | the same; its run puts the new reading in its old place |
| LOADING         | refused: wait until it is settled | refused                                                 |

A version that was taken back stays so, whatever events come, until somebody asks for it to be read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lake.detect import Rejected
from lake.entries import EXPANDED, LOADED, LOADING, PENDING, RECEIVED, REJECTED, RETRACTED, FileEntry
from lake.flow import Flow
from lake.intake import Intake
from lake.manifest import INSIDE, RELOAD, RETRACT
from lake.words import file_name

__all__ = ["CannotError", "read_again", "take_back", "to_take_back"]


class CannotError(ValueError):
    """What was asked cannot be done now; the message is a sentence that says what to do."""


def to_take_back(versions: list[FileEntry]) -> FileEntry | None:
    """The newest version of a key that counts, or may come to count; None when there is none."""
    counting = [entry for entry in versions if entry.state not in (RETRACTED, REJECTED)]
    return max(counting, key=lambda entry: entry.sort_key, default=None)


def take_back(flow: Flow, entry: FileEntry, why: str) -> FileEntry:
    """Has nothing count any more of what a version says. Gives its entry as it is then; raises CannotError."""
    if entry.state == RETRACTED:
        return entry
    if entry.state == EXPANDED:
        members = members_of(flow, entry)
        _check_not_loading(members)
        for member in members:
            _take_back_one(flow, member, why)
    return _take_back_one(flow, entry, why)


def _take_back_one(flow: Flow, entry: FileEntry, why: str) -> FileEntry:
    if entry.state == RETRACTED:
        return entry
    note = f"Taken back on request{f': {why}' if why else '.'}"
    if entry.was_loaded and entry.facts is not None:
        values = {"action": RETRACT, "note": note, "batch_cap": None}
        return _moved(flow, entry, PENDING, f"{note.rstrip('.')}. Waits for the silver run that does it.", values)
    return _moved(flow, entry, RETRACTED, note, {"action": None, "note": note})


def read_again(flow: Flow, entry: FileEntry) -> FileEntry:
    """Has the front desk look at a version again, and silver read it again. Raises CannotError.

    An archive is opened again, and everything inside that was loaded, refused or taken back is read again as well.
    """
    intake = Intake(flow)
    members = members_of(flow, entry)
    if members:
        _check_not_loading(members)
        for member in members:
            # What is loaded and would be refused now stays as it was loaded.
            if member.state != LOADED or not isinstance(intake.look_at(member), Rejected):
                _to_desk(flow, member)
        moved = _to_desk(flow, entry)
        judged = intake.take(moved.key, moved.version) or [moved]
        intake.finish(judged)
        return judged[0]
    if entry.state == LOADED:
        answer = intake.look_at(entry)
        if isinstance(answer, Rejected):
            raise CannotError(f"It stays as it was loaded, since it would be refused now: {answer.reason}")
    moved = _to_desk(flow, entry)
    judged = intake.take(moved.key, moved.version) or [moved]
    intake.finish(judged)
    return judged[0]


def members_of(flow: Flow, entry: FileEntry) -> list[FileEntry]:
    """The entries of the files inside an archive that was opened, and of those inside archives in it."""
    inside = entry.key + INSIDE
    return [
        member
        for member in flow.ledger.entries()
        if member.version == entry.version and member.parent is not None and member.key.startswith(inside)
    ]


def _to_desk(flow: Flow, entry: FileEntry) -> FileEntry:
    values = {"action": RELOAD if entry.was_loaded else None, "batch_cap": None, "attempts": 0}
    return _moved(flow, entry, RECEIVED, "To be read again, on request.", values)


def _check_not_loading(entries: list[FileEntry]) -> None:
    """Before the first of several is moved: none of them may be on its way. Raises CannotError."""
    for entry in entries:
        if entry.state == LOADING:
            raise CannotError(f"{file_name(entry.key)} is being loaded right now: `lake wait`, then ask again.")


def _moved(flow: Flow, entry: FileEntry, to: str, reason: str, values: Mapping[str, Any]) -> FileEntry:
    if entry.state == LOADING:
        raise CannotError(f"{file_name(entry.key)} is being loaded right now: `lake wait`, then ask again.")
    moved = flow.ledger.transition(entry, to, at=flow.clock.now(), reason=reason, set_=values)
    if moved is None:
        raise CannotError(f"{file_name(entry.key)} moved on in the very moment: ask again.")
    if to == RETRACTED:
        flow.tag(moved, RETRACTED)
    return moved
