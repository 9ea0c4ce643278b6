"""The Lake Formation resources of the emulator's stacks: kept in a file, enforced by rules that the engine reads."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from sandbox.formation.declared import Declared, Properties
from sandbox.formation.engine import REFRESH_SECONDS, written

RULES = Path("trino") / "etc" / "rules.json"  # below the sandbox's home
_KEPT = Path("emulator") / "formation.json"  # goes with the emulator's state


class Store:
    """All resources, by the physical ids that their stacks know them by. One to a process."""

    def __init__(self, home: Path) -> None:
        self._lock = threading.Lock()
        self._kept, self._rules = home / _KEPT, home / RULES
        self._resources: dict[str, tuple[str, Properties]] = {}
        if self._kept.exists():
            self._resources = {key: (kind, of) for key, (kind, of) in json.loads(self._kept.read_text()).items()}
        self.declared = Declared()
        self._effective = 0.0
        self._enforce(self._resources)

    def put(self, identifier: str, kind: str, properties: Properties) -> None:
        """A resource is made or changed. Raises Unsupported, and changes nothing, for what cannot be enforced."""
        with self._lock:
            self._enforce({**self._resources, identifier: (kind, dict(properties))})

    def remove(self, identifier: str) -> None:
        """A resource is gone; one that is gone already is none."""
        with self._lock:
            self._enforce({key: value for key, value in self._resources.items() if key != identifier})

    def keep_only(self, identifiers: Collection[str]) -> None:
        """Forget what no stack has: a crash may lose a stack's last seconds."""
        with self._lock:
            self._enforce({key: value for key, value in self._resources.items() if key in identifiers})

    def wait_effective(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Return when the engine has read the newest rules: it looks at them once in a while, and tells nobody."""
        while (left := self._effective - time.monotonic()) > 0 and not stopped():
            time.sleep(min(left, 0.1))

    def _enforce(self, resources: dict[str, tuple[str, Properties]]) -> None:
        declared = Declared(resources.values())
        text = written(declared)
        _replace(self._kept, json.dumps(resources))
        if not self._rules.exists() or self._rules.read_text() != text:
            _replace(self._rules, text)
            self._effective = time.monotonic() + REFRESH_SECONDS
        self._resources, self.declared = resources, declared


_store: Store | None = None


def install(home: Path) -> Store:
    """Keep resources under this home from now on."""
    global _store
    _store = Store(home)
    return _store


def current() -> Store | None:
    """The store of this process; None where nobody installed one, and so nothing is governed."""
    return _store


def declared() -> Declared:
    """What is declared now."""
    return _store.declared if _store is not None else Declared()


def visible(user: str, table: dict[str, Any]) -> dict[str, Any] | None:
    """A table's entry in Glue as Lake Formation shows it: without what is hidden, None when nothing is granted."""
    access = declared().access(user, table["DatabaseName"].lower(), table["Name"].lower())
    if not access.permissions:
        return None
    if not access.cells or access.whole:
        return table
    hidden = frozenset.intersection(*(cells.without for cells in access.cells))
    storage = table.get("StorageDescriptor") or {}
    columns = [column for column in storage.get("Columns") or [] if column["Name"].lower() not in hidden]
    return table | {"StorageDescriptor": storage | {"Columns": columns}}


def _replace(path: Path, text: str) -> None:
    """Whole or not at all: the engine may read at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
