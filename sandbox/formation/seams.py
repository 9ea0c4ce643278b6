"""Lake Formation in the emulator: its types in stacks, and views that read with the rights of their reader."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

from ministack import app
from ministack.services import cloudformation as stacks
from ministack.services import glue
from ministack.services.cloudformation import provisioners

from sandbox.emulator import seams
from sandbox.formation import store
from sandbox.formation.declared import TYPES, Properties

_VIEW = re.compile(r"/\* Presto View: (\S+) \*/")


def install(home: Path) -> None:
    """Put Lake Formation into the emulator of this process, before it starts. Raises SeamMoved."""
    kept = store.install(home)
    handlers = seams.table(provisioners, "_RESOURCE_HANDLERS")
    for kind in TYPES:
        handlers.setdefault(kind, _handlers(kept, kind))
    seams.wrap(app, "_load_persisted_state", "", lambda original: _then_forget(original, kept))
    for call in ("_create_table", "_update_table"):
        seams.wrap(glue, call, "data", _views_of_their_reader)


def _handlers(kept: store.Store, kind: str) -> dict[str, Any]:
    def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, dict[str, Any]]:
        identifier = str(provisioners._physical_name(stack, logical_id, max_len=255))
        kept.put(identifier, kind, properties)
        return identifier, {}

    def update(identifier: str, old: Properties, new: Properties, stack: str) -> tuple[str, dict[str, Any]]:
        kept.put(identifier, kind, new)
        return identifier, {}

    return {"create": create, "update": update, "delete": lambda identifier, properties: kept.remove(identifier)}


def _then_forget(original: seams.Function, kept: store.Store) -> seams.Function:
    def load() -> None:
        original()
        known = {
            resource.get("PhysicalResourceId", "")
            for stack in stacks._stacks.all_values()
            for resource in stack.get("_resources", {}).values()
        }
        kept.keep_only(known)

    return load


def _views_of_their_reader(original: seams.Function) -> seams.Function:
    """A view reads its tables with the rights of who reads the view, as in Athena; the engine's own read with those of
    who made it, or of whomever the entry names."""

    def call(data: dict[str, Any]) -> Any:
        given = data.get("TableInput") or {}
        found = _VIEW.search(given.get("ViewOriginalText") or "")
        if found:
            view = json.loads(base64.b64decode(found.group(1)))
            view = {key: value for key, value in view.items() if key != "owner"} | {"runAsInvoker": True}
            encoded = base64.b64encode(json.dumps(view).encode()).decode()
            given["ViewOriginalText"] = f"/* Presto View: {encoded} */"
        return original(data)

    return call
