"""What became of silver's batches: when each was loaded, and which gold run first showed it to readers.

| item  | pk         | sk    | access                                                                     |
| ----- | ---------- | ----- | -------------------------------------------------------------------------- |
| batch | BATCH#<id> | BATCH | put, get, update; those that gold does not show yet: through `by_state`    |

A run of gold reads what silver holds when it starts. A batch that was settled by then is surely in it; one that was
settled while it ran may be or not, and counts as shown by the next run, which is asked for in any case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lake.store import Store

INDEX = "by_state"
UNSHOWN = "UNSHOWN"


@dataclass(frozen=True)
class LoadedBatch:
    """A batch that silver holds. Moments in whole seconds since the epoch.

    `dropped_at`: when the file that waited longest was written to bronze; None for a batch that brought no new file
    (a rebuild, a repeated reading, a taking back).
    """

    batch_id: str
    run_id: str
    loaded_at: int
    dropped_at: int | None = None
    gold_run_id: str | None = None
    gold_snapshot_id: int | None = None
    shown_at: int | None = None


class Batches:
    """The batches in the ledger's table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def loaded(self, batch: LoadedBatch) -> bool:
        """Notes a batch that silver holds now; False when it was noted before, and then stays as it is."""
        item = {**_key(batch.batch_id), "gsi1pk": UNSHOWN, "gsi1sk": batch.batch_id, **vars(batch)}
        return self._store.put_new({name: value for name, value in item.items() if value is not None})

    def unshown(self) -> list[LoadedBatch]:
        """The batches that no gold run has shown yet, the oldest first."""
        return [_batch(item) for item in self._store.query(UNSHOWN, INDEX)]

    def shown(self, batch: LoadedBatch, gold_run_id: str, snapshot_id: int | None, at: int) -> bool:
        """Notes which gold run was the first to show a batch; False when one was noted before."""
        values = {"gold_run_id": gold_run_id, "gold_snapshot_id": snapshot_id, "shown_at": at}
        key = _key(batch.batch_id)
        item = self._store.update(
            key["pk"],
            key["sk"],
            set_={name: value for name, value in values.items() if value is not None},
            remove=["gsi1pk", "gsi1sk"],
            where="attribute_not_exists(#gold_run_id)",
        )
        return item is not None

    def get(self, batch_id: str) -> LoadedBatch | None:
        """A batch as it is now; None for one that silver has not loaded."""
        item = self._store.get(**_key(batch_id))
        return None if item is None else _batch(item)


def _key(batch_id: str) -> dict[str, str]:
    return {"pk": f"BATCH#{batch_id}", "sk": "BATCH"}


def _batch(item: Mapping[str, Any]) -> LoadedBatch:
    return LoadedBatch(**{name: item[name] for name in LoadedBatch.__dataclass_fields__ if name in item})
