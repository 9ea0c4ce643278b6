"""The bytes of an object with a customer's cells emptied, in whatever form: text, workbook, Parquet, gzip, archive."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from lake.contracts import Contract
from lake.entries import EXPANDED, FileEntry
from lake.erasure.texts import without_cells, without_values
from lake.erasure.wanted import Wanted
from lake.headers import known_names
from lake.manifest import INSIDE, FileFacts
from lake.repair import NOTES

_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"
_DEPTH = 3  # archives in archives that are unpacked in the search


@dataclass(frozen=True)
class Erased:
    """A body after its erasure. `cells` were emptied; `cannot` says why others were not, and what helps."""

    body: bytes
    cells: int = 0
    cannot: tuple[str, ...] = ()


class Bodies:
    """Reads bodies as silver does, by the facts in the ledger. `entries`: of one object and of what is inside it.

    `moved`: versions of files that get another one; files that repair rows name them.
    """

    def __init__(
        self, wanted: Wanted, contracts: Mapping[str, Contract], moved: Mapping[str, str] | None = None
    ) -> None:
        self._wanted = wanted
        self._contracts = contracts
        self._moved = moved if moved is not None else {}

    def erased(self, body: bytes, entry: FileEntry | None, inside: Mapping[str, FileEntry]) -> Erased:
        """`inside`: the entries of the files in an archive, by their keys."""
        if entry is not None and entry.state == EXPANDED and body.startswith(_ZIP):
            return self._archive(body, entry, inside)
        facts = entry.facts if entry is not None else None
        if entry is None or facts is None or facts.contract not in self._contracts:
            name = entry.key if entry is not None else "an object"
            why = "the lake cannot read it, and it holds the id: delete this version yourself, or bring a mended copy"
            return Erased(body, cannot=(f"{name}: {why}",) if self._somewhere(body) else ())
        try:
            return self._file(body, facts, entry)
        except (ValueError, zlib.error, OSError, EOFError, zipfile.BadZipFile) as error:
            why = f"it is damaged ({type(error).__name__}), and holds the id: delete this version yourself"
            return Erased(body, cannot=(f"{entry.key}: {why}",) if self._somewhere(body) else ())

    # ---- archives ------------------------------------------------------------------------------------------------

    def _archive(self, body: bytes, entry: FileEntry, inside: Mapping[str, FileEntry]) -> Erased:
        out, cells = io.BytesIO(), 0
        cannot: list[str] = []
        with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(out, "w") as new:
            new.comment = old.comment
            for item in old.infolist():
                key = entry.key + INSIDE + item.filename
                part = self.erased(old.read(item), inside.get(key) or _unknown(entry, key), inside)
                cells, cannot = cells + part.cells, [*cannot, *part.cannot]
                copy = zipfile.ZipInfo(item.filename, item.date_time)
                copy.compress_type, copy.external_attr, copy.create_system = (
                    item.compress_type, item.external_attr, item.create_system,
                )  # fmt: skip
                new.writestr(copy, part.body)
        return Erased(out.getvalue() if cells else body, cells, tuple(cannot))

    def _somewhere(self, body: bytes, depth: int = _DEPTH) -> bool:
        """Whether bytes of an unknown form hold the id, packed or not."""
        if self._wanted.is_in_bytes(body):
            return True
        if not depth:
            return False
        try:
            if body.startswith(_GZIP):
                return self._somewhere(gzip.decompress(body), depth - 1)
            if body.startswith(_ZIP):
                with zipfile.ZipFile(io.BytesIO(body)) as archive:
                    return any(self._somewhere(archive.read(item), depth - 1) for item in archive.infolist())
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError):
            return True  # what cannot be opened may hold it: somebody has to look
        return False

    # ---- files ---------------------------------------------------------------------------------------------------

    def _file(self, body: bytes, facts: FileFacts, entry: FileEntry) -> Erased:
        if facts.compression == "gzip":
            packed = self._file(gzip.decompress(body), replace(facts, compression=None), entry)
            return (
                replace(packed, body=gzip.compress(packed.body, mtime=0))
                if packed.cells
                else Erased(body, 0, packed.cannot)
            )
        if facts.format in ("csv", "json", "jsonl"):
            return self._text(body, facts)
        if facts.format == "parquet":
            return self._parquet(body, facts, entry)
        return self._workbook(body, facts, entry)

    def _hidden(self, facts: FileFacts) -> set[int]:
        hidden = {field.name for field in self._contracts[facts.contract].fields if field.pseudonymised}
        return {column.index for column in facts.columns if column.field in hidden}

    def _loose(self, facts: FileFacts) -> set[int]:
        return {*facts.unmapped_at, *(column.index for column in facts.columns if column.field in NOTES)}

    def _text(self, body: bytes, facts: FileFacts) -> Erased:
        # Bytes that mean nothing in the encoding come back as they were.
        text = body.decode(facts.encoding, "surrogateescape")
        if facts.format == "csv":
            text, cells = without_cells(
                text,
                self._wanted,
                delimiter=facts.delimiter,
                quote=facts.quote,
                header_rows=facts.header_rows,
                hidden=self._hidden(facts),
                loose=self._loose(facts),
            )
        else:
            contract = self._contracts[facts.contract]
            names = known_names(contract)
            secret = {name for name, field in names.items() if contract.field(field).pseudonymised}
            text, cells = without_values(text, self._wanted, secret, names)
        if facts.repairs:
            for old, new in self._moved.items():
                cells += text.count(old)
                text = text.replace(old, new)
        return Erased(text.encode(facts.encoding, "surrogateescape") if cells else body, cells)

    def _parquet(self, body: bytes, facts: FileFacts, entry: FileEntry) -> Erased:
        import pyarrow as pa
        import pyarrow.parquet as pq

        from lake.parsing.parquetfile import as_texts

        file = pq.ParquetFile(io.BytesIO(body))
        table, cells, cannot = file.read(), 0, []
        for place in sorted(self._hidden(facts) | self._loose(facts)):
            field = table.schema.field(place)
            texts = [text for chunk in table.column(place).chunks for text in as_texts(chunk, "").to_pylist()]
            found = [
                self._wanted.is_it(text) or (place in self._loose(facts) and self._wanted.is_in(text)) for text in texts
            ]
            if not any(found):
                continue
            if not field.nullable:
                cannot.append(f"{entry.key}: its column {field.name} may hold no null: delete this version yourself")
                continue
            mask = pa.array(found)
            kept = pa.compute.if_else(mask, pa.scalar(None, field.type), table.column(place).combine_chunks())
            table = table.set_column(place, field, kept)
            cells += sum(found)
        if not cells:
            return Erased(body, 0, tuple(cannot))
        out = io.BytesIO()
        packing = file.metadata.row_group(0).column(0).compression.lower()
        pq.write_table(table, out, compression="none" if packing == "uncompressed" else packing)
        return Erased(out.getvalue(), cells, tuple(cannot))

    def _workbook(self, body: bytes, facts: FileFacts, entry: FileEntry) -> Erased:
        import openpyxl

        from lake.parsing.sheet import cell_text

        book = openpyxl.load_workbook(io.BytesIO(body))
        chosen = facts.sheet or book.worksheets[0].title
        hidden, loose = self._hidden(facts), self._loose(facts)
        cells, formulas = 0, False
        for sheet in book.worksheets:
            for number, row in enumerate(sheet.iter_rows(), start=1):
                for place, cell in enumerate(row):
                    formulas |= cell.data_type == "f"
                    orders = sheet.title == chosen and number > facts.header_rows
                    if cell.value is None or (orders and place not in hidden | loose):
                        continue
                    text = cell_text(cell.value, "")
                    if self._wanted.is_it(text) or (place not in hidden and self._wanted.is_in(text)):
                        cell.value = None
                        cells += 1
        if not cells:
            return Erased(body)
        if formulas:
            why = "it holds formulas, whose results would be lost: empty the cells in a spreadsheet program and drop it"
            return Erased(body, 0, (f"{entry.key}: {why} again, then delete this version",))
        out = io.BytesIO()
        book.save(out)
        return Erased(out.getvalue(), cells)


def _unknown(archive: FileEntry, key: str) -> FileEntry:
    """What the front desk left out of an archive: nobody reads it, but it may hold the id."""
    return replace(archive, key=key, parent=archive.key, state="REJECTED", facts=None)
