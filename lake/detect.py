"""What a file is, by its content and never by its name: the front desk's decision on one object version.

Pure: it gets the first bytes and, for a workbook, a callable that reads further ranges. The answer is either the facts
with which silver reads the file, or a sentence that tells a shift manager what is wrong and what to do.

| content                                          | answer                                                        |
|--------------------------------------------------|---------------------------------------------------------------|
| delimited text, also gzipped, header of a contract | accepted                                                    |
| workbook with a sheet that has such a header     | accepted                                                      |
| such a header with faults                        | rejected: column missing, or claimed twice                    |
| another kind of table                            | rejected: the closest contract and what is lacking            |
| no header, no content, no table                  | rejected                                                      |
| json, parquet, zip archive                       | rejected for now: which form to upload instead                |
| page, document, picture, program, old workbook   | rejected: what it is and what was expected                    |
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lake import delimited, workbook
from lake.contracts import Contract
from lake.entries import facts_text
from lake.kinds import GZIP, ZIP, kind_of, kind_of_archive
from lake.manifest import ColumnMapping, FileFacts
from lake.tables import Header, find_header, plain_name, why_not
from lake.words import clean, count, file_name, quoted

ReadRange = Callable[[int, int], bytes]

UNPACKED_HEAD = 128 * 1024  # characters of a gzipped text that are looked at
_UNMAPPED_KEPT = 100
_TEXT_FORMS = "csv (with , ; tab or | between the columns) or xlsx"


@dataclass(frozen=True)
class Accepted:
    """A file that silver can read. `names` is its header as written, nameless columns included."""

    facts: FileFacts
    names: tuple[str, ...]

    @property
    def facts_text(self) -> str:
        return facts_text(self.facts) or ""


@dataclass(frozen=True)
class Rejected:
    """A file that cannot be taken, and why, in words. `contract` is the one that it came close to, if any."""

    reason: str
    contract: str | None = None


def detect(
    head: bytes,
    size: int,
    key: str,
    contracts: Mapping[str, Contract],
    read_range: ReadRange | None = None,
) -> Accepted | Rejected:
    """Decides what an object is. `head`: its first 64 KB (or all of it), `size` in bytes, `key` for the words only.

    `read_range(start, length)` reads more of it; without it workbooks are refused. What it raises passes through;
    anything else that goes wrong on the way is a fault of the content, and an answer.
    """
    failures: list[Exception] = []

    def read(start: int, length: int) -> bytes:
        if read_range is None:
            raise workbook.WorkbookError("cannot be read here")
        try:
            return read_range(start, length)
        except Exception as error:
            failures.append(error)
            raise

    name = file_name(key)
    try:
        answer = _decide(head, size, name, contracts, read)
    except Exception as error:  # noqa: BLE001 - whatever a file holds, its uploader gets an answer and not silence
        kind = type(error).__name__
        answer = Rejected(
            f"{name} could not be understood ({kind}). Export it again as {_TEXT_FORMS}, and upload that."
        )
    if failures:  # zip readers take a failed read for a damaged file; it says nothing about the file
        raise failures[0]
    return answer if isinstance(answer, Accepted) else Rejected(clean(answer.reason), answer.contract)


def _decide(
    head: bytes, size: int, name: str, contracts: Mapping[str, Contract], read: ReadRange
) -> Accepted | Rejected:
    if size == 0 or not head:
        return Rejected(f"{name} is empty (0 bytes). Export it again and upload that.")
    kind = kind_of(head)
    if kind is GZIP:
        return _gzip(head, size, name, contracts)
    if kind is ZIP:
        return _zip(name, size, contracts, read)
    if kind is not None:
        return Rejected(f"{name} is {kind.words}. Expected is {_expected(contracts)}. {kind.advice}")
    return _text(head, size <= len(head), name, contracts, None)


def _gzip(head: bytes, size: int, name: str, contracts: Mapping[str, Contract]) -> Accepted | Rejected:
    """Unpacks the head; damage further on shows when silver reads on."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        inner = unpacker.decompress(head, UNPACKED_HEAD)
    except zlib.error:
        return Rejected(f"{name} is a damaged gzip file: it cannot be unpacked. Pack it again and upload that.")
    if size <= len(head) and not unpacker.eof and len(inner) < UNPACKED_HEAD:
        return Rejected(f"{name} is a gzip file that was cut short. Upload it again in full.")
    if not inner:
        return Rejected(f"{name} is a gzip file with nothing in it. Export it again and upload that.")
    kind = kind_of(inner)
    if kind is not None:
        return Rejected(f"{name} is a gzip file that holds {kind.words}. Expected inside is a csv. {kind.advice}")
    return _text(inner, unpacker.eof, name, contracts, "gzip")


def _text(
    head: bytes, whole: bool, name: str, contracts: Mapping[str, Contract], compression: str | None
) -> Accepted | Rejected:
    text = delimited.decode(head, whole)
    if text is None:
        return Rejected(f"{name} is not text, nor any format that the lake knows. Expected is {_expected(contracts)}.")
    table = delimited.read(text.text, whole, contracts)
    header = table.header
    if header is None or not header.good:
        reason = why_not(name, header, table.records, contracts)
        return Rejected(reason, header.contract.name if header else None)
    facts = _facts(
        header,
        format_="csv",
        encoding=text.encoding,
        delimiter=table.delimiter,
        quote=table.quote,
        compression=compression,
    )
    return Accepted(facts, header.names)


def _zip(name: str, size: int, contracts: Mapping[str, Contract], read: ReadRange) -> Accepted | Rejected:
    try:
        archive = workbook.directory(read, size)
        kind = kind_of_archive(archive.namelist())
        if kind is None and _locked(archive):
            return Rejected(f"{name} is a zip archive with a password. Unpack it and upload the files inside.")
        if kind is None:
            inside = [item for item in archive.namelist() if not item.endswith("/")]
            held = f"{count(len(inside), 'file')} ({quoted(inside, 3)})" if inside else "no file"
            advice = "Unpack it and upload the files themselves." if inside else "Pack it again."
            return Rejected(f"{name} is a zip archive with {held}; archives are not opened yet. {advice}")
        if not kind.workbook:
            return Rejected(f"{name} is {kind.words}. Expected is {_expected(contracts)}. {kind.advice}")
        sheets = list(workbook.sheets(archive))
    except workbook.WorkbookError as error:
        return Rejected(f"{name} {error}. Save it again as xlsx or csv and upload that.")
    found = [(find_header(sheet.rows, contracts), sheet) for sheet in sheets]
    best = max(found, key=lambda one: one[0].rank if one[0] else (), default=None)
    if best is None:
        return Rejected(f"{name} is a workbook without a sheet. Save it again as xlsx or csv and upload that.")
    header, sheet = best
    if header is None or not header.good:
        filled = next((one for one in sheets if any(any(row) for row in one.rows)), sheet)
        where = f"{name} (sheet '{clean((sheet if header else filled).name, 40)}')"
        reason = why_not(where, header, (sheet if header else filled).rows, contracts)
        return Rejected(reason, header.contract.name if header else None)
    return Accepted(_facts(header, format_="xlsx", sheet=sheet.name), header.names)


def _expected(contracts: Mapping[str, Contract]) -> str:
    return f"a file of {' or '.join(sorted(contracts))} as {_TEXT_FORMS}"


def _locked(archive: zipfile.ZipFile) -> bool:
    return any(item.flag_bits & 1 for item in archive.infolist())


def _facts(
    header: Header,
    *,
    format_: str,
    encoding: str = "utf-8",
    delimiter: str = ",",
    quote: str = '"',
    compression: str | None = None,
    sheet: str | None = None,
) -> FileFacts:
    return FileFacts(
        contract=header.contract.name,
        format=format_,
        columns=tuple(ColumnMapping(place, plain_name(source), field) for place, source, field in header.match.columns),
        unmapped=tuple(plain_name(source) for source in header.match.unmapped[:_UNMAPPED_KEPT]),
        encoding=encoding,
        delimiter=delimiter,
        quote=quote,
        header_rows=header.row + 1,
        compression=compression,
        sheet=sheet,
    )
