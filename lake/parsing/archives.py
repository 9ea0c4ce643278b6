"""Files inside zip archives, streamed out of a copy on disk that all files of one archive share.

The directory of a zip archive is at its end, so it has to be there whole before its first file can be read.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
import threading
import zipfile
import zlib
from collections import OrderedDict
from typing import IO, BinaryIO, cast

from lake.manifest import INSIDE
from lake.parsing.source import DamagedFile, open_body

KEPT = 2  # archives kept on disk at a time; the files of one usually come together
IN_MEMORY = 8 << 20
_BROKEN = (zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError, EOFError, zlib.error, ValueError)


class Archives(contextlib.AbstractContextManager["Archives"]):
    """The archives that one task reads from. Safe across threads; what was opened has to be read before the end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[tuple[str, str, str, str], zipfile.ZipFile] = OrderedDict()
        self._copies: dict[tuple[str, str, str, str], IO[bytes]] = {}

    def open(self, bucket: str, key: str, version: str, member: str) -> BinaryIO:
        """A file of an archive by its name there (`inner.zip!/name` in an archive inside). Raises DamagedFile."""
        inner, _, name = member.rpartition(INSIDE)
        with self._lock:
            try:
                return cast(BinaryIO, _Checked(self._archive(bucket, key, version, inner).open(name), name))
            except _BROKEN as error:
                raise _damaged(name, error) from error

    def _archive(self, bucket: str, key: str, version: str, inner: str) -> zipfile.ZipFile:
        which = (bucket, key, version, inner)
        if which in self._open:
            self._open.move_to_end(which)
            return self._open[which]
        copy = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - lives as long as its files are read
        if inner:
            source: IO[bytes] = self._archive(bucket, key, version, "").open(inner)
        else:
            source = open_body(bucket, key, version)
        with source:
            shutil.copyfileobj(source, copy, 1 << 20)
        self._open[which] = zipfile.ZipFile(copy)
        self._copies[which] = copy
        while len(self._open) > KEPT:
            self._close(next(iter(self._open)))
        return self._open[which]

    def _close(self, which: tuple[str, str, str, str]) -> None:
        # The copy itself goes when the last file that is read from it does: zipfile counts them.
        self._open.pop(which).close()
        del self._copies[which]

    def __exit__(self, *error: object) -> None:
        for which in list(self._open):
            self._close(which)


class _Checked(io.RawIOBase):
    """A file inside an archive; damage in it is told in words when it is read."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream = stream
        self._name = name

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self._stream.read(size)
        except _BROKEN as error:
            raise _damaged(self._name, error) from error

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._stream.close()
        super().close()


def _damaged(name: str, error: Exception) -> DamagedFile:
    return DamagedFile(f"{name} cannot be unpacked out of its archive ({error}): pack it again and drop it again")
