"""Kinds of files that their first bytes give away, and what to tell people about each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """What a file is: `words` completes 'the file is ...', `advice` says what to do instead."""

    words: str
    advice: str = ""
    workbook: bool = False


_EXPORT = "Export the orders from the shop's system and upload that."
_AS_CSV = "Save it as xlsx or csv and upload that."

GZIP = Kind("a gzip file")
ZIP = Kind("a zip archive")
PARQUET = Kind("a parquet file")
WORKBOOK = Kind("a workbook", workbook=True)

_STARTS: tuple[tuple[bytes, Kind], ...] = (
    (b"\x1f\x8b", GZIP),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", Kind("an empty zip archive", "Pack it again, or better upload the files themselves.")),
    (b"PK\x07\x08", Kind("one part of a split zip archive", "Unpack it and upload the files themselves.")),
    (b"PAR1", PARQUET),
    (b"PARE", Kind("an encrypted parquet file", _AS_CSV)),
    (b"Obj\x01", Kind("an Avro file, which is not read", _AS_CSV)),
    (b"ORC", Kind("an ORC file, which is not read", _AS_CSV)),
    (b"%PDF", Kind("a PDF document", _EXPORT)),
    (b"\x89PNG", Kind("a picture (PNG)", _EXPORT)),
    (b"\xff\xd8\xff", Kind("a picture (JPEG)", _EXPORT)),
    (b"GIF8", Kind("a picture (GIF)", _EXPORT)),
    (b"BM", Kind("a picture (BMP)", _EXPORT)),
    (b"II*\x00", Kind("a picture (TIFF)", _EXPORT)),
    (b"MM\x00*", Kind("a picture (TIFF)", _EXPORT)),
    (b"RIFF", Kind("a picture, sound or film", _EXPORT)),
    (b"ID3", Kind("a sound file", _EXPORT)),
    (b"MZ", Kind("a Windows program", _EXPORT)),
    (b"\x7fELF", Kind("a Linux program", _EXPORT)),
    (b"\xcf\xfa\xed\xfe", Kind("a macOS program", _EXPORT)),
    (b"\xca\xfe\xba\xbe", Kind("a program", _EXPORT)),
    (b"#!", Kind("a script", _EXPORT)),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind("an old Office file (.xls) or one with a password", _AS_CSV)),
    (b"BZh", Kind("a bzip2 file, which is not read", "Unpack it and upload the file inside, or pack it with gzip.")),
    (b"\xfd7zXZ\x00", Kind("an xz file, which is not read", "Unpack it and upload the file inside.")),
    (b"(\xb5/\xfd", Kind("a zstd file, which is not read", "Unpack it and upload the file inside.")),
    (b"7z\xbc\xaf\x27\x1c", Kind("a 7-Zip archive, which is not read", "Unpack it and upload the files inside.")),
    (b"Rar!", Kind("a RAR archive, which is not read", "Unpack it and upload the files inside.")),
    (b"SQLite format 3", Kind("a SQLite database", _EXPORT)),
    (b"{\\rtf", Kind("a text document (RTF)", _EXPORT)),
)
_BINARY_ONLY = (b"BM", b"MZ", b"ORC", b"RIFF", b"ID3", b"BZh", b"GIF8")  # two or three letters that may begin a text
_MARKUP = re.compile(r"\s*<(!doctype html|html|head|body|table|script|!--)", re.I)
_XML = re.compile(r"\s*<(\?xml|[a-z][\w:.-]*[\s>/])", re.I)


def kind_of(head: bytes) -> Kind | None:
    """The kind that the first bytes give away; None for what may be a delimited text."""
    for start, kind in _STARTS:
        if head.startswith(start) and (start not in _BINARY_ONLY or _is_binary(head)):
            return kind
    if head[257:262] == b"ustar":
        return Kind("a tar archive, which is not read", "Unpack it and upload the files inside, or pack them as zip.")
    return None


def kind_of_text(text: str) -> Kind | None:
    """The kind that a text gives away by how it begins; None for what may be a table or JSON."""
    start = text[:4_000].lstrip("\ufeff")
    if _MARKUP.match(start):
        return Kind("a web page (HTML), perhaps a login or error page in place of the export", _EXPORT)
    if _XML.match(start):
        return Kind("an XML document", _AS_CSV)
    return None


def kind_of_archive(names: Sequence[str]) -> Kind | None:
    """The kind of a document that is a zip archive inside; None for an archive of files."""
    inside = set(names)
    if "xl/workbook.xml" in inside:
        return WORKBOOK
    if "xl/workbook.bin" in inside:
        return Kind("a binary workbook (.xlsb), which is not read", _AS_CSV)
    if "word/document.xml" in inside:
        return Kind("a text document (Word)", _EXPORT)
    if "ppt/presentation.xml" in inside:
        return Kind("a presentation", _EXPORT)
    if any(name.endswith(".iwa") for name in inside):
        return Kind("an Apple document (Numbers, Pages or Keynote), which is not read", _AS_CSV)
    if {"mimetype", "content.xml"} <= inside:
        return Kind("an OpenDocument file (.ods), which is not read", _AS_CSV)
    if "META-INF/MANIFEST.MF" in inside:
        return Kind("a Java program", _EXPORT)
    if "[Content_Types].xml" in inside:
        return Kind("an Office document of another kind", _EXPORT)
    return None


def _is_binary(head: bytes) -> bool:
    """Whether there are bytes that no text has; needed where a text may begin with the same letters."""
    return any(byte < 9 or 13 < byte < 32 for byte in head[:512])
