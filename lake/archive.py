"""Zip archives, judged by their directory alone: nothing is unpacked before the whole of it has been found harmless.

| what                                                     | answer                                            |
|----------------------------------------------------------|---------------------------------------------------|
| too many files, too large, packed too densely (a bomb)   | the archive is refused                            |
| entries that overlap, or lie outside the archive (a bomb) | the archive is refused                           |
| a name that climbs out, or stands there twice            | the archive is refused                            |
| a password                                               | the archive is refused                            |
| folders, leavings of macOS and Windows, links            | left out, and told                                |

A directory that lies about sizes gains nothing: a file is read no further than the directory says, and its checksum is
compared.
"""

from __future__ import annotations

import re
import stat
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lake.answers import INSIDE
from lake.words import count, file_name, quoted

MAX_FILES = 1_000
MAX_NESTED = 50  # files of an archive that is inside another one
MAX_BYTES = 16 << 30  # unpacked, all files together
MAX_RATIO = 200  # unpacked to packed; orders reach 30
RATIO_FROM = 4 << 20  # smaller files may be as dense as they like
MAX_NAME = 600  # bytes
_LOCAL_HEADER = 30  # bytes that stand before a file's name
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_OTHER_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz", 99: "encryption (AES)"}
_DRIVE = re.compile(r"[a-zA-Z]:")
_LEAVINGS = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|\._[^/]*$|Thumbs\.db$|desktop\.ini$)", re.I)


class ArchiveError(Exception):
    """The archive is not opened; the message completes the sentence 'it ...' and says what to do."""


@dataclass(frozen=True)
class Contents:
    """The files of an archive that are looked at, and the names of the others."""

    files: tuple[zipfile.ZipInfo, ...]
    left_out: tuple[str, ...]


def contents(archive: zipfile.ZipFile, size: int, at_most: int = MAX_FILES) -> Contents:
    """What is inside an archive of `size` bytes. Raises ArchiveError when it must not be opened."""
    entries = archive.infolist()
    if len(entries) > 4 * MAX_FILES:
        raise ArchiveError(f"holds {len(entries):,} entries, more than an archive may have. {_SPLIT}")
    _check_names([item.orig_filename for item in entries])
    files: list[zipfile.ZipInfo] = []
    left_out: list[zipfile.ZipInfo] = []
    for item in entries:
        (left_out if _is_left_out(item) else files).append(item)
    if len(files) > at_most:
        raise ArchiveError(f"holds {len(files):,} files, more than the {at_most:,} that an archive may have. {_SPLIT}")
    if any(item.flag_bits & 1 for item in entries):
        raise ArchiveError("is protected by a password. Unpack it and upload the files inside.")
    check_sizes(files, size)
    _check_places(entries, archive.start_dir)
    if not files:
        rest = f" but {quoted([item.filename for item in left_out], 3)}" if left_out else ""
        raise ArchiveError(f"holds no file{rest}. Pack it again.")
    return Contents(tuple(files), tuple(item.filename for item in left_out))


_SPLIT = "Upload the files in several archives, or one by one."


def _check_names(names: Sequence[str]) -> None:
    twice = [name for name, number in Counter(names).items() if number > 1]
    if twice:
        raise ArchiveError(f"holds {quoted(twice, 3)} twice, and nobody can tell which one counts. Pack it again.")
    for name in names:
        parts = name.split("/")
        if "\\" in name or name.startswith("/") or ".." in parts or _DRIVE.match(name) or "\x00" in name:
            raise ArchiveError(
                f"holds a file whose name leads out of the archive ({quoted([name])}), as attacks do. Pack it again."
            )
        if len(name.encode("utf-8", "replace")) > MAX_NAME or INSIDE in name or not name.strip("/ ."):
            raise ArchiveError(f"holds a file whose name cannot be kept ({quoted([name])}). Rename it and pack again.")


def _is_left_out(item: zipfile.ZipInfo) -> bool:
    return item.is_dir() or bool(_LEAVINGS.search(item.filename)) or stat.S_ISLNK(item.external_attr >> 16)


def check_sizes(files: Sequence[zipfile.ZipInfo], size: int) -> None:
    """Raises ArchiveError for what unpacks to more than any honest archive of `size` bytes does."""
    total = sum(item.file_size for item in files)
    if total > MAX_BYTES:
        raise ArchiveError(f"unpacks to {total / 2**30:,.0f} GB, more than the {MAX_BYTES >> 30} GB allowed. {_SPLIT}")
    dense = [item for item in files if item.file_size > RATIO_FROM and item.file_size > MAX_RATIO * item.compress_size]
    if dense or (total > RATIO_FROM and total > MAX_RATIO * size):
        what = file_name(dense[0].filename) if dense else "all of it"
        raise ArchiveError(
            f"unpacks to more than {MAX_RATIO} times its size ({what}), as only bombs do. Upload the files themselves."
        )


def _check_places(entries: Sequence[zipfile.ZipInfo], directory: int) -> None:
    """Each file's bytes lie in the archive, before its directory, and are no other file's."""
    behind = 0
    for item in sorted(entries, key=lambda entry: entry.header_offset):
        start, behind_this = item.header_offset, item.header_offset + _LOCAL_HEADER + item.compress_size
        if start < behind or behind_this > directory:
            raise ArchiveError(
                f"is damaged or made to mislead: {file_name(item.filename)} lies where another part is. Pack it again."
            )
        behind = behind_this


def why_not_packed(item: zipfile.ZipInfo) -> str | None:
    """Why a file's packing cannot be undone here, in words; None when it can."""
    if item.compress_type in _METHODS:
        return None
    method = _OTHER_METHODS.get(item.compress_type, f"method {item.compress_type}")
    return f"is packed with {method}, which is not read. Pack the archive again in the usual way (deflate)."


def told(files: int, refused: int, left_out: Sequence[str]) -> str:
    """What was found in an archive, for its entry in the ledger."""
    lost = f" {refused:,} of them cannot be taken." if refused else ""
    rest = f" Left out: {quoted(list(left_out), 3)}." if left_out else ""
    return f"Opened: {count(files, 'file')} inside, each with an entry of its own.{lost}{rest}"
