"""What a run tells about itself while it goes: one JSON line a step, with its seconds and the ids of its run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_IDS: ContextVar[dict[str, Any] | None] = ContextVar("ids", default=None)


@contextmanager
def about(**ids: Any) -> Iterator[None]:
    """Every line told inside carries these ids, so that each can be found by them; in threads of `together` too."""
    before = _IDS.set({**(_IDS.get() or {}), **ids})
    try:
        yield
    finally:
        _IDS.reset(before)


@contextmanager
def step(name: str, **facts: Any) -> Iterator[dict[str, Any]]:
    """Prints {"step": name, "seconds": ..., facts} when the block has ended well; the block may add facts."""
    began = time.monotonic()
    yield facts
    tell(name, seconds=round(time.monotonic() - began, 2), **facts)


def tell(name: str, **facts: Any) -> None:
    """One JSON line on standard output."""
    print(json.dumps({"step": name, **(_IDS.get() or {}), **facts}, ensure_ascii=False, default=str), flush=True)
