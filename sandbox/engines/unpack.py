"""Unpacks from Trino's archive what the sandbox uses of it."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from sandbox.java import EngineError

PLUGINS = ("geospatial", "hive", "iceberg", "memory", "ml")
_MANIFEST = ".manifest.json"


def is_whole(home: Path) -> bool:
    """Whether every file that was unpacked is still there in its size."""
    try:
        manifest: dict[str, int] = json.loads((home / _MANIFEST).read_text())
        return all((home / name).stat().st_size == size for name, size in manifest.items())
    except (OSError, ValueError):
        return False


def unpack(archive: Path, home: Path, tell: Callable[[str, float | None], None]) -> None:
    """Unpack `archive` to `home`, only lib and the plugins of use. Raises EngineError.

    The archive keeps each jar once and hard-links it from every plugin that needs it, also from plugins that are not
    wanted. So one pass takes every real file, makes the links of the wanted plugins, and drops the rest.
    """
    partial = home.with_name(home.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with archive.open("rb") as raw, tarfile.open(fileobj=raw, mode="r|gz") as tar:
            for member in tar:
                tell("unpacking", min(raw.tell() / archive.stat().st_size, 1.0))
                _take(tar, member, partial)
    except (tarfile.TarError, OSError, EOFError) as problem:
        message = f"{archive.name} could not be unpacked ({problem}): is there room for it on the disk?"
        raise EngineError(message) from problem
    for plugin in (partial / "plugin").iterdir():
        if plugin.name not in PLUGINS:
            shutil.rmtree(plugin)
    files = [path for path in partial.rglob("*") if path.is_file()]
    manifest = {str(path.relative_to(partial)): path.stat().st_size for path in files}
    (partial / _MANIFEST).write_text(json.dumps(manifest))
    shutil.rmtree(home, ignore_errors=True)
    partial.rename(home)


def _take(tar: tarfile.TarFile, member: tarfile.TarInfo, root: Path) -> None:
    parts = PurePosixPath(member.name).parts[1:]
    if ".." in parts or len(parts) < 2 or parts[0] not in ("lib", "plugin"):
        return
    target = root.joinpath(*parts)
    if member.isreg():
        target.parent.mkdir(parents=True, exist_ok=True)
        content = tar.extractfile(member)
        assert content is not None
        with target.open("wb") as out:
            shutil.copyfileobj(content, out, 1 << 20)
    elif member.islnk() and (parts[0] == "lib" or parts[1] in PLUGINS):
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(root.joinpath(*PurePosixPath(member.linkname).parts[1:]), target)
