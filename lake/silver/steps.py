"""What a run tells about itself while it goes: one JSON line a step, with its seconds."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def step(name: str, **facts: Any) -> Iterator[dict[str, Any]]:
    """Prints {"step": name, "seconds": ..., facts} when the block has ended well; the block may add facts."""
    began = time.monotonic()
    yield facts
    tell(name, seconds=round(time.monotonic() - began, 2), **facts)


def tell(name: str, **facts: Any) -> None:
    """One JSON line on standard output."""
    print(json.dumps({"step": name, **facts}, ensure_ascii=False, default=str), flush=True)
