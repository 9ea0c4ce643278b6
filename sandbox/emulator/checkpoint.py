"""Write the emulator's state while it runs, so that a killed emulator loses a second, not everything.

The emulator itself saves only when it is asked to stop. Object bodies reach the disk at once; everything else is
saved here: a thread takes the services' states every second and writes the files of those that changed.

A crash may fall between two states. The order makes that harmless: what records work (queues, ledgers) is taken before
what holds its results (catalog, objects), and written after it. So a restart may find work recorded as waiting whose
results are there, which is done again without effect, and never work recorded as done whose results are lost.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import persistence

from sandbox.emulator import seams

_FIRST = ("sqs", "lambda", "eventbridge", "dynamodb")
_LAST = ("glue", "s3")
_PAUSE_SECONDS = 1.0
# A big state takes longer to write: then it is written less often, so that this costs no more than a few per cent.
_IDLE_SHARE = 30

_logger = logging.getLogger("sandbox.checkpoint")
_lock = threading.Lock()
_stopped = threading.Event()


def install() -> None:
    """Start saving once the state of the last run has been read; the emulator's last save ends it."""
    seams.expect(persistence, "_json_default", "obj")
    seams.expect(app, "_build_persistence_save_dict", "")

    def after_load(original: seams.Function) -> seams.Function:
        def load() -> None:
            original()
            threading.Thread(target=_forever, name="sandbox-checkpoint", daemon=True).start()

        return load

    def last_save(original: seams.Function) -> seams.Function:
        def save(services: dict[str, Callable[[], Any]]) -> None:
            with _lock:  # what we have taken before must not be written after it
                _stopped.set()
                original(services)

        return save

    seams.wrap(app, "_load_persisted_state", "", after_load)
    seams.wrap(app, "save_all", "services", last_save)


def _forever() -> None:
    digests: dict[str, str] = {}
    pause = _PAUSE_SECONDS
    while not _stopped.wait(pause):
        started = time.monotonic()
        try:
            with _lock:
                if not _stopped.is_set():
                    save_changes(digests)
        except Exception:  # the thread must outlive a state that cannot be written just now
            _logger.exception("The state could not be saved; trying again")
        pause = max(_PAUSE_SECONDS, (time.monotonic() - started) * _IDLE_SHARE)


def save_changes(digests: dict[str, str]) -> None:
    """Save every service whose state differs from the digest of its last save, and keep the new digests."""
    sources = app._build_persistence_save_dict()
    order = [name for name in _FIRST if name in sources]
    order += [name for name in sources if name not in _FIRST and name not in _LAST]
    order += [name for name in _LAST if name in sources]
    taken = {name: _text(sources[name]) for name in order}
    for name in reversed(order):
        text = taken[name]
        if text is None:
            continue
        digest = hashlib.sha256(text.encode()).hexdigest()
        if digests.get(name) != digest:
            _write(name, text)
            digests[name] = digest


def _text(get_state: Callable[[], Any]) -> str | None:
    """One service's state as JSON. Other threads change it meanwhile, so a torn reading is taken again."""
    for _ in range(20):
        try:
            state = get_state()
            return None if state is None else json.dumps(state, default=persistence._json_default)
        except RuntimeError as error:
            if "during iteration" not in str(error):
                raise
    raise RuntimeError("a state changes too fast to be copied")


def _write(service: str, text: str) -> None:
    folder = Path(persistence.STATE_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{service}.json.draft"
    version = persistence._state_format_version(service)
    draft.write_text(f'{{"__ministack_format__": {version}, "payload": {text}}}')
    draft.replace(folder / f"{service}.json")
