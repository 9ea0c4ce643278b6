"""The cache of engines: what is there is checked, what is missing or damaged is fetched."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sandbox.engines.artifacts import COURSIER, SPARK_JARS, TRINO, Artifact
from sandbox.engines.fetch import fetch, fetch_client
from sandbox.engines.unpack import is_whole, unpack
from sandbox.java import EngineError, java
from sandbox.progress import Progress, silent


def spark_jars(cache: Path, progress: Progress | None = None) -> list[Path]:
    """The jars that Spark needs beside its own (`<cache>/jars`). Raises EngineError."""
    return [_artifact(cache, jar, cache / "jars" / jar.file, "spark", progress or silent) for jar in SPARK_JARS]


def trino_home(cache: Path, progress: Progress | None = None) -> Path:
    """The folder of the unpacked Trino (`lib`, and of `plugin` only what the sandbox uses). Raises EngineError.

    The archive does not stay: what it unpacks to is a fraction of it.
    """
    tell = progress or silent
    home = cache / f"{TRINO.name}-{TRINO.version}"
    if is_whole(home):
        return home
    with _one_at_a_time(cache, "trino", tell):
        if not is_whole(home):
            archive = cache / "downloads" / TRINO.file
            _bring(cache, TRINO, archive, "trino", tell)
            unpack(archive, home, lambda message, fraction: tell("trino", message, fraction))
            archive.unlink()
            shutil.rmtree(cache / "downloads", ignore_errors=True)
    return home


def _artifact(cache: Path, artifact: Artifact, target: Path, part: str, tell: Progress) -> Path:
    if not _is_right(target, artifact):
        with _one_at_a_time(cache, part, tell):
            _bring(cache, artifact, target, part, tell)
    return target


def _bring(cache: Path, artifact: Artifact, target: Path, part: str, tell: Progress) -> None:
    """Put the artifact at `target`. A file with other content than the pinned one is never left there."""
    for _ in range(2):
        if _is_right(target, artifact):
            return
        target.unlink(missing_ok=True)
        runtime = java(cache, 17, progress=tell)
        client = cache / "tools" / COURSIER.file
        if not _is_right(client, COURSIER):
            tell(part, "fetching the download client", None)
            client.unlink(missing_ok=True)
            fetch_client(runtime, cache, client)
            if not _is_right(client, COURSIER):
                raise EngineError(f"{COURSIER.file} came with other content than the pinned one: try again later.")
        fetch(runtime, client, cache, artifact, target, part, tell)
        if not _is_right(target, artifact):
            shutil.rmtree(cache / "downloads", ignore_errors=True)  # The second try takes nothing over from the first.
    if not _is_right(target, artifact):
        target.unlink(missing_ok=True)
        raise EngineError(f"{artifact.file} came twice with other content than the pinned one: try again later.")


def _is_right(path: Path, artifact: Artifact) -> bool:
    """Whether the file has the pinned content. A file that was hashed once is not hashed again until it changes."""
    try:
        stat = path.stat()
    except OSError:
        return False
    stamp = path.with_name(f".{path.name}.checked")
    known = f"{artifact.sha256} {stat.st_size} {stat.st_mtime_ns}"
    if stamp.is_file() and stamp.read_text() == known:
        return True
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != artifact.sha256:
            return False
    with suppress(PermissionError):  # A cache that another user filled is as good; it is only hashed every time.
        stamp.write_text(known)
    return True


@contextmanager
def _one_at_a_time(cache: Path, part: str, tell: Progress) -> Iterator[None]:
    """Two starts on one machine fetch one after the other; the second then finds everything there."""
    cache.mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache / ".fetch.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        tell(part, "waiting for another start that is fetching engines", None)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
