"""What is due, decided over plain data: which snapshots may go, which branches nobody needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Limits:
    """How old things have to be before they go, and how many files make a rewrite worth its cost."""

    snapshot_days: float
    orphan_days: float = 3.0  # a run that still writes is younger; Iceberg refuses less than one
    retain_last: int = 3
    min_input_files: int = 5  # in one partition; also the number of manifests of a table

    def __post_init__(self) -> None:
        if self.snapshot_days < 0 or self.orphan_days <= 1 or self.retain_last < 1 or self.min_input_files < 2:
            raise ValueError(f"maintenance cannot work with these limits: {self}")


@dataclass(frozen=True)
class Moment:
    """A snapshot of a table: its id, its parent's, when it was made (milliseconds), what its summary says."""

    id: int
    parent: int | None
    at: int
    summary: Mapping[str, str]


def line_of(snapshots: Iterable[Moment], head: int | None) -> list[Moment]:
    """The snapshots from `head` back to the oldest that is kept, newest first."""
    by_id = {snapshot.id: snapshot for snapshot in snapshots}
    line = []
    while head is not None and head in by_id:
        line.append(by_id[head])
        head = by_id[head].parent
    return line


def newest_with(line: Sequence[Moment], key: str) -> Moment | None:
    """The newest snapshot whose summary has a property."""
    return next((moment for moment in line if key in moment.summary), None)


def expire_before(line: Sequence[Moment], cutoff: int, keep: int) -> int | None:
    """The time (milliseconds) before which snapshots may go, so that `keep` and all that came after it stay.

    None: nothing may go, because `keep` is not in the line, so what came after it cannot be told. The clocks of two
    runs may differ: of the snapshots that stay the oldest counts, not just that of `keep`.
    """
    stays = []
    for moment in line:
        stays.append(moment.at)
        if moment.id == keep:
            return min(cutoff, *stays)
    return None


def crowded(partitions: Iterable[int], min_input_files: int) -> bool:
    """Whether a partition holds so many files (one number a partition) that rewriting them is worth it."""
    return any(files >= min_input_files for files in partitions)
