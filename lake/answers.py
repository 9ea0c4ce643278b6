"""What the front desk says about a file: taken with these facts, refused with this reason, or opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lake.entries import facts_text
from lake.manifest import INSIDE, FileFacts

__all__ = ["INSIDE", "Accepted", "Answer", "Archive", "Inside", "Rejected"]


@dataclass(frozen=True)
class Accepted:
    """A file that silver can read. `names` is its header as written, nameless columns included.

    `remarks` are sentences for whoever dropped it: what was left aside, and what to do about that.
    """

    facts: FileFacts
    names: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def facts_text(self) -> str:
        return facts_text(self.facts) or ""


@dataclass(frozen=True)
class Rejected:
    """A file that cannot be taken, and why, in words. `contract` is the one that it came close to, if any."""

    reason: str
    contract: str | None = None


@dataclass(frozen=True)
class Inside:
    """A file inside an archive: its name there, its size unpacked (bytes) and a digest of its content."""

    name: str
    size: int
    digest: str


@dataclass(frozen=True)
class Archive:
    """An archive that can be opened: what is inside, what is left out (folders, leavings of macOS), how to look at it.

    `look` gives the answer on one of the files; it raises what reading the archive raises.
    """

    inside: tuple[Inside, ...]
    left_out: tuple[str, ...]
    look: Callable[[Inside], Accepted | Rejected | Archive]


Answer = Accepted | Rejected | Archive
