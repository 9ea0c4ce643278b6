"""What a file is, by its content and never by its name: the front desk's decision on one object version.

Pure: it gets the first bytes and a callable that reads further ranges, for what has a directory (workbook, archive,
parquet). The answer is the facts with which silver reads the file, or a sentence that tells a shift manager what is
wrong and what to do, or the archive's files, to be answered one by one.

| content                                            | answer                                             |
|----------------------------------------------------|----------------------------------------------------|
| delimited text with the header of a contract       | accepted                                           |
| json: an object a line, or an array of objects     | accepted, by the keys of its first records         |
| workbook with a sheet that has such a header       | accepted                                           |
| parquet with such columns                          | accepted                                           |
| any of these, gzipped                              | accepted                                           |
| zip archive of files                               | opened, also inside another archive, but no deeper |
| such a header with faults                          | rejected: column missing, or claimed twice         |
| another kind of table                              | rejected: the closest contract and what is lacking |
| no header, no content, no table                    | rejected                                           |
| page, document, picture, program, old workbook     | rejected: what it is and what was expected         |
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from lake import archive, delimited, jsonhead, jsontext, parquetfooter, workbook
from lake.answers import INSIDE, Accepted, Answer, Archive, Inside, Rejected
from lake.contracts import Contract
from lake.kinds import GZIP, PARQUET, ZIP, kind_of, kind_of_archive, kind_of_text
from lake.manifest import ColumnMapping, FileFacts
from lake.ranges import RangeFile, ReadRange, TooMuchError
from lake.tables import Header, find_header, plain_name, why_not
from lake.words import clean, file_name, quoted

__all__ = ["HEAD_BYTES", "Accepted", "Archive", "Inside", "Rejected", "detect"]

HEAD_BYTES = 64 * 1024
UNPACKED_HEAD = 128 * 1024  # characters of a gzipped text that are looked at
MOST_PACKED = 48 << 20  # bytes fetched of a packed file that has to be unpacked whole (its directory is at its end)
MOST_UNPACKED = 96 << 20
MOST_FETCHED = 256 << 20  # bytes fetched of one archive, for the heads of its files
_DIRECTORY = 24 << 20  # ... and for its directory
_UNMAPPED_KEPT = 100
_TEXT_FORMS = "csv (with , ; tab or | between the columns), json, xlsx or parquet"
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


@dataclass(frozen=True)
class _Content:
    """Some bytes to be decided on. `name` is the file as people call it; `key` is where it lies."""

    name: str
    key: str
    head: bytes
    size: int
    read: ReadRange
    gzipped: bool = False
    whole_head: bool | None = None  # whether the head is all of it, where the size does not say

    @property
    def whole(self) -> bool:
        return self.size <= len(self.head) if self.whole_head is None else self.whole_head


def detect(
    head: bytes,
    size: int,
    key: str,
    contracts: Mapping[str, Contract],
    read_range: ReadRange | None = None,
) -> Answer:
    """Decides what an object is. `head`: its first 64 KB (or all of it), `size` in bytes, `key` for the words.

    `read_range(start, length)` reads more of it; without it only texts can be taken. What it raises passes through;
    anything else that goes wrong on the way is a fault of the content, and an answer.
    """
    desk = _Desk(contracts, read_range)
    return desk.answer(_Content(file_name(key), key, head, size, desk.read), 0)


class _Desk:
    """One object on the desk, and what is inside it."""

    def __init__(self, contracts: Mapping[str, Contract], read_range: ReadRange | None) -> None:
        self._contracts = contracts
        self._read_range = read_range
        self._failures: list[Exception] = []

    def read(self, start: int, length: int) -> bytes:
        if self._read_range is None:
            raise TooMuchError
        try:
            return self._read_range(start, length)
        except Exception as error:
            self._failures.append(error)
            raise

    def answer(self, content: _Content, depth: int) -> Answer:
        """The answer on some content, whatever it holds; `depth` archives are around it."""
        self._failures.clear()
        try:
            answer = self._decide(content, depth)
        except Exception as error:  # noqa: BLE001 - whatever a file holds, its uploader gets an answer and not silence
            kind = type(error).__name__
            answer = Rejected(
                f"{content.name} could not be understood ({kind}). Export it again as {_TEXT_FORMS}, and upload that."
            )
        if self._failures:  # zip readers take a failed read for a damaged file; it says nothing about the file
            raise self._failures[0]
        return Rejected(clean(answer.reason), answer.contract) if isinstance(answer, Rejected) else answer

    def _decide(self, content: _Content, depth: int) -> Answer:
        name = content.name
        if content.size == 0 or not content.head:
            return Rejected(f"{name} is empty (0 bytes). Export it again and upload that.")
        kind = kind_of(content.head)
        if kind is GZIP:
            return self._gzip(content, depth)
        if kind is ZIP:
            return self._zip(content, depth)
        if kind is PARQUET:
            return self._parquet(content)
        if kind is not None:
            holds = f"{name} is a gzip file that holds" if content.gzipped else f"{name} is"
            return Rejected(f"{holds} {kind.words}. Expected is {self._expected}. {kind.advice}")
        return self._text(content)

    @cached_property
    def _expected(self) -> str:
        return f"a file of {' or '.join(sorted(self._contracts))} as {_TEXT_FORMS}"

    # ---- texts ---------------------------------------------------------------------------------------------------

    def _text(self, content: _Content) -> Answer:
        text = delimited.decode(content.head, content.whole)
        if text is None:
            return Rejected(
                f"{content.name} is not text, nor any format that the lake knows. Expected is {self._expected}."
            )
        kind = kind_of_text(text.text)
        if kind is not None:
            return Rejected(f"{content.name} is {kind.words}. Expected is {self._expected}. {kind.advice}")
        refused = None
        if jsontext.looks_like_json(text.text):
            answer = self._json(content, text)
            if isinstance(answer, Accepted):
                return answer
            refused = answer
        table = delimited.read(text.text, content.whole, self._contracts)
        header = table.header
        if refused is not None and (header is None or not header.good):
            return refused
        if header is None or not header.good:
            return self._refused(content.name, header, table.records)
        facts = _facts(
            header,
            format_="csv",
            encoding=text.encoding,
            delimiter=table.delimiter,
            quote=table.quote,
            compression=_compression(content),
        )
        return Accepted(facts, header.names)

    def _json(self, content: _Content, text: delimited.Text) -> Accepted | Rejected:
        found = jsonhead.read(text.text, content.whole, self._contracts)
        if isinstance(found, str):
            return Rejected(f"{content.name} begins as JSON does, but {found}. Export it again and upload that.")
        if found.header is None or not found.header.good:
            return self._refused(content.name, found.header, [found.names])
        facts = _facts(
            found.header,
            format_=found.format,
            encoding=text.encoding,
            compression=_compression(content),
            path=found.path,
        )
        return Accepted(facts, found.header.names)

    def _refused(self, name: str, header: Header | None, records: list[list[str]]) -> Rejected:
        reason = why_not(name, header, records, self._contracts)
        return Rejected(reason, header.contract.name if header else None)

    # ---- packed things -------------------------------------------------------------------------------------------

    def _gzip(self, content: _Content, depth: int) -> Answer:
        """Unpacks the head; damage further on shows when silver reads on."""
        name = content.name
        if content.gzipped:
            return Rejected(f"{name} is a gzip file inside a gzip file. Unpack it once and upload that.")
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            inner = unpacker.decompress(content.head, UNPACKED_HEAD)
        except zlib.error:
            return Rejected(f"{name} is a damaged gzip file: it cannot be unpacked. Pack it again and upload that.")
        whole = content.whole and unpacker.eof and not unpacker.unused_data.strip(b"\0")
        if content.whole and not unpacker.eof and len(inner) < UNPACKED_HEAD:
            return Rejected(f"{name} is a gzip file that was cut short. Upload it again in full.")
        if not inner:
            return Rejected(f"{name} is a gzip file with nothing in it. Export it again and upload that.")
        unpacked = replace(content, head=inner, gzipped=True, whole_head=whole)
        if kind_of(inner) in (ZIP, PARQUET):  # what is read from its end has to be unpacked whole
            try:
                body = _gunzip(content.read(0, MOST_PACKED + 1))
            except TooMuchError:
                return Rejected(
                    f"{name} is a gzip file too large to be unpacked here. Upload the file inside, without gzip."
                )
            except (zlib.error, EOFError):
                return Rejected(f"{name} is a gzip file that is damaged or was cut short. Upload it again in full.")
            unpacked = replace(unpacked, size=len(body), read=_reader(body), whole_head=None)
        return self._decide(unpacked, depth)

    def _zip(self, content: _Content, depth: int) -> Answer:
        name = content.name
        file = RangeFile(content.read, content.size, _DIRECTORY)
        try:
            packed = workbook.directory(file)
            kind = kind_of_archive(packed.namelist())
            if kind is None:
                return self._archive(content, file, packed, depth)
            if not kind.workbook:
                return Rejected(f"{name} is {kind.words}. Expected is {self._expected}. {kind.advice}")
            return self._workbook(content, packed)
        except workbook.WorkbookError as error:
            return Rejected(f"{name} {error}. Save it again as xlsx or csv and upload that.")
        except archive.ArchiveError as error:
            return Rejected(f"{name} {error}")
        except TooMuchError:
            return Rejected(
                f"{name} is laid out so that what is inside cannot be found quickly. Save it as csv and upload that."
            )

    def _archive(self, content: _Content, file: RangeFile, packed: zipfile.ZipFile, depth: int) -> Answer:
        name = content.name
        if depth > 1:
            return Rejected(f"{name} is an archive in an archive in an archive. Unpack it and upload the files inside.")
        if content.gzipped:
            return Rejected(f"{name} is a zip archive packed once more with gzip. Unpack it once and upload the zip.")
        if INSIDE in content.key and not depth:
            return Rejected(f"{name} lies under a key with '{INSIDE}' in it, which the lake uses itself. Rename it.")
        found = archive.contents(packed, content.size, archive.MAX_FILES if not depth else archive.MAX_NESTED)
        file.allowance = MOST_FETCHED
        infos = {item.filename: item for item in found.files}

        def look(inside: Inside) -> Answer:
            called = f"{file_name(inside.name)} (in {name})"
            return self._inside(content, packed, infos[inside.name], called, depth)

        inside = [Inside(item.filename, item.file_size, f"crc{item.CRC:08x}-{item.file_size}") for item in found.files]
        return Archive(tuple(inside), found.left_out, look)

    def _inside(
        self, content: _Content, packed: zipfile.ZipFile, item: zipfile.ZipInfo, name: str, depth: int
    ) -> Answer:
        """The answer on one file of an archive."""
        unreadable = archive.why_not_packed(item)
        if unreadable:
            return Rejected(f"{name} {unreadable}")
        damaged = Rejected(f"{name} is damaged: it cannot be unpacked. Pack the archive again and upload that.")
        self._failures.clear()
        try:
            with packed.open(item) as stream:
                head = stream.read(HEAD_BYTES)
        except TooMuchError:
            return Rejected(f"{name} lies too far inside a large archive. Upload it by itself.")
        except _BROKEN:
            if self._failures:
                raise self._failures[0] from None
            return damaged
        if len(head) < min(HEAD_BYTES, item.file_size):
            return damaged

        def read(start: int, length: int) -> bytes:
            return body()[start : start + length]

        unpacked: list[bytes] = []

        def body() -> bytes:
            if not unpacked:
                if item.file_size > MOST_UNPACKED:
                    raise TooMuchError
                with packed.open(item) as stream:
                    unpacked.append(stream.read())
            return unpacked[0]

        return self.answer(_Content(name, content.key, head, item.file_size, read), depth + 1)

    # ---- what has columns of its own -----------------------------------------------------------------------------

    def _workbook(self, content: _Content, packed: zipfile.ZipFile) -> Answer:
        name = content.name
        archive.check_sizes(packed.infolist(), content.size)
        sheets = list(workbook.sheets(packed))
        found = [(find_header(sheet.rows, self._contracts), sheet) for sheet in sheets]
        best = max(found, key=_fitness, default=None)
        if best is None:
            return Rejected(f"{name} is a workbook without a sheet. Save it again as xlsx or csv and upload that.")
        header, sheet = best
        if header is None or not header.good:
            filled = next((one for one in sheets if any(any(row) for row in one.rows)), sheet)
            shown = sheet if header else filled
            return self._refused(f"{name} (sheet '{clean(shown.name, 40)}')", header, shown.rows)
        facts = _facts(header, format_="xlsx", sheet=sheet.name, compression=_compression(content))
        return Accepted(facts, header.names, _other_sheets(sheet, found))

    def _parquet(self, content: _Content) -> Answer:
        name = content.name
        try:
            names = parquetfooter.columns(content.read, content.size)
        except parquetfooter.FooterError as error:
            return Rejected(f"{name} is a parquet file and {error}. Export it again and upload that.")
        except TooMuchError:
            return Rejected(f"{name} is a parquet file whose footer cannot be read here. Upload it by itself.")
        header = find_header([names], self._contracts)
        if header is None or not header.good:
            return self._refused(name, header, [names])
        return Accepted(_facts(header, format_="parquet", compression=_compression(content)), header.names)


def _fitness(found: tuple[Header | None, workbook.Sheet]) -> tuple[object, ...]:
    """For choosing a sheet: one that people see before a hidden one, if both are good."""
    header, sheet = found
    return (header.good, not sheet.hidden, *header.rank) if header else ()


def _other_sheets(chosen: workbook.Sheet, found: list[tuple[Header | None, workbook.Sheet]]) -> tuple[str, ...]:
    """What people have to know about sheets that could have been meant too."""
    remarks = [f"Read is sheet {quoted([chosen.name])}, which is hidden."] if chosen.hidden else []
    others = [sheet.name for header, sheet in found if header and header.good and sheet is not chosen]
    if others:
        remarks.append(
            f"Only sheet {quoted([chosen.name])} is read; {quoted(others)} would fit too: save each as its own file."
        )
    return tuple(remarks)


def _reader(body: bytes) -> ReadRange:
    return lambda start, length: body[start : start + length]


def _gunzip(packed: bytes) -> bytes:
    """A whole gzip file, of one or more members. Raises TooMuchError, zlib.error, EOFError."""
    if len(packed) > MOST_PACKED:
        raise TooMuchError
    parts: list[bytes] = []
    left = MOST_UNPACKED
    while packed.strip(b"\0"):
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        parts.append(unpacker.decompress(packed, left + 1))
        left -= len(parts[-1])
        if left < 0:
            raise TooMuchError
        if not unpacker.eof:
            raise EOFError
        packed = unpacker.unused_data
    return b"".join(parts)


def _compression(content: _Content) -> str | None:
    return "gzip" if content.gzipped else None


def _facts(
    header: Header,
    *,
    format_: str,
    encoding: str = "utf-8",
    delimiter: str = ",",
    quote: str = '"',
    compression: str | None = None,
    sheet: str | None = None,
    path: tuple[str, ...] | None = None,
) -> FileFacts:
    return FileFacts(
        contract=header.contract.name,
        format=format_,
        columns=tuple(
            ColumnMapping(place, plain_name(source), field)
            for place, source, field in (*header.match.columns, *header.match.origin)
        ),
        unmapped=tuple(plain_name(source) for source in header.match.unmapped[:_UNMAPPED_KEPT]),
        unmapped_at=header.match.unmapped_at[:_UNMAPPED_KEPT],
        encoding=encoding,
        delimiter=delimiter,
        quote=quote,
        header_rows=header.row + 1,
        compression=compression,
        sheet=sheet,
        path=path,
    )
