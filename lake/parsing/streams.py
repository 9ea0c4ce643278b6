"""A file's bytes, made ready for the parser while they stream by: unpacked, as UTF-8, without what is above the data.

Everything is a small object with `read(size)`, so that a file of any size passes through a few blocks of memory.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol

from lake.parsing.records import UNREADABLE, Counter
from lake.parsing.source import DamagedFile

BLOCK = 1 << 20
TAIL = 1 << 12
BOM = b"\xef\xbb\xbf"
HEADER_LIMIT = 16 * BLOCK  # a header that has not ended by then is not one


class Readable(Protocol):
    """What the parser needs of a stream."""

    def read(self, size: int = -1, /) -> bytes: ...


class Filtered:
    """A stream whose blocks go through `turn(block, last)`; the last call comes with an empty block."""

    closed = False

    def __init__(self, source: Readable, turn: Callable[[bytes, bool], bytes]) -> None:
        self._source = source
        self._turn = turn
        self._ready = b""
        self._ended = False

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, as files do it; fewer only at the end."""
        parts = [self._ready]
        have = len(self._ready)
        while not self._ended and (size < 0 or have < size):
            block = self._source.read(BLOCK)
            self._ended = not block
            turned = self._turn(block, self._ended)
            parts.append(turned)
            have += len(turned)
        whole = b"".join(parts)
        cut = len(whole) if size < 0 else size
        self._ready = whole[cut:]
        return whole[:cut]

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


def gunzip(source: Readable) -> Filtered:
    """Gzip, of one or more members. A stream that is cut short or corrupt raises DamagedFile when it is read."""
    machine = zlib.decompressobj(wbits=31)

    def turn(block: bytes, last: bool) -> bytes:
        nonlocal machine
        out = []
        try:
            while block:
                if machine.eof:
                    block = block.lstrip(b"\0")  # padding between and behind members is allowed
                    if not block:
                        break
                    machine = zlib.decompressobj(wbits=31)
                out.append(machine.decompress(block))
                block = machine.unused_data
        except zlib.error as error:
            raise DamagedFile("the gzip data is corrupt: pack the file again and drop it again") from error
        if last and not machine.eof:
            raise DamagedFile("the gzip data is cut short: the upload was incomplete, drop the file again")
        return b"".join(out)

    return Filtered(source, turn)


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNREADABLE, error.end


codecs.register_error("lake.mark", _mark)


def as_utf8(source: Readable, encoding: str, counter: Counter | None = None) -> Readable:
    """The text as UTF-8 without a byte order mark; where bytes mean nothing stands UNREADABLE, and `counter` knows it.

    A file that was taken for UTF-8, because nothing but ASCII stood in its beginning, is read as cp1252 from the first
    byte on that can only be that: until there the two are the same.
    """
    name = codecs.lookup(encoding).name
    told = counter or Counter()
    if name in ("utf-8", "utf-8-sig", "ascii"):
        return Filtered(source, _Utf8(told).turn)
    decoder = codecs.getincrementaldecoder(name)("lake.mark")
    begun = False

    def turn(block: bytes, last: bool) -> bytes:
        nonlocal begun
        text = decoder.decode(block, last)
        if text and not begun:
            begun = True
            text = text.removeprefix("\ufeff")
        told.broken = told.broken or UNREADABLE in text
        return text.encode("utf-8")

    return Filtered(source, turn)


class _Utf8:
    """UTF-8 that is checked while it streams by. ASCII, which most of it is, goes through untouched."""

    def __init__(self, told: Counter) -> None:
        self._told = told
        self._rest = b""  # the beginning of a character that the end of a block has cut
        self._started = False
        self._several = False  # whether a good character of several bytes came by: then it is UTF-8
        self._decoder: codecs.IncrementalDecoder | None = None

    def turn(self, block: bytes, last: bool) -> bytes:
        if self._decoder is not None:
            return self._decode(block, last)
        data = self._rest + block
        self._rest = b""
        if not self._started and data:
            if len(data) < len(BOM) and BOM.startswith(data) and not last:
                self._rest = data
                return b""
            self._started = True
            data = data.removeprefix(BOM)
        if data.isascii():
            return data
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            good = data[: error.start]
            if error.end == len(data) and not last and error.reason == "unexpected end of data":
                self._several = self._several or not good.isascii()
                self._rest = data[error.start :]
                return good
            one_byte = not self._several and good.isascii()
            self._decoder = codecs.getincrementaldecoder("cp1252" if one_byte else "utf-8")("lake.mark")
            if one_byte:
                self._told.remark = "the text is not UTF-8; its letters with accents were read as Windows-1252"
            return self._decode(data, last)
        self._several = True
        return data

    def _decode(self, data: bytes, last: bool) -> bytes:
        assert self._decoder is not None
        text = self._decoder.decode(data, last)
        self._told.broken = self._told.broken or UNREADABLE in text
        return text.encode("utf-8")


def split_header(source: Readable, count: int, quote: str, delimiter: str) -> tuple[str, Readable]:
    """The header (the last of the first `count` records, its text) and the stream behind it."""
    head = b""
    while True:
        block = source.read(BLOCK)
        head += block
        ends = _ends_of_records(head, count, quote.encode(), delimiter.encode(), last=not block)
        if ends is not None:
            break
        if len(head) > HEADER_LIMIT:
            raise DamagedFile("the header does not end: a quote in the first lines is never closed")
    start, end = ends
    rest = head[end:]

    def turn(block: bytes, last: bool) -> bytes:
        nonlocal rest
        out, rest = rest + block, b""
        return out

    return head[start:end].decode("utf-8").rstrip("\r\n"), Filtered(source, turn)


def _ends_of_records(text: bytes, count: int, quote: bytes, delimiter: bytes, last: bool) -> tuple[int, int] | None:
    """Where the last of a text's first `count` records starts and ends; None when more of it is needed to tell.

    A quote only opens where a value begins, as csv readers have it: the one in `12" pizzas` is text.
    """
    start, at, inside, fresh = 0, 0, False, True
    while count:
        if at >= len(text):
            return (start, at) if last else None
        byte = text[at : at + 1]
        at += 1
        if quote and byte == quote and (inside or fresh):
            # A doubled quote closes and opens again, which leaves the state as it was.
            inside, fresh = not inside, inside
            continue
        fresh = byte == delimiter
        if not inside and byte in (b"\n", b"\r"):
            if byte == b"\r":
                if at == len(text) and not last:
                    return None
                if text[at : at + 1] == b"\n":
                    at += 1
            count -= 1
            fresh = True
            if count:
                start = at
    return start, at


class Watched:
    """A stream that remembers whether a sequence of bytes ever came by, and how the stream ended.

    It runs ahead of the rows that the parser gives, so what a row may hold is known before the row comes.
    """

    closed = False

    def __init__(self, source: Readable, wanted: str) -> None:
        self._source = source
        self._wanted = wanted.encode()
        self.seen = False
        self.tail = b""

    def read(self, size: int = -1, /) -> bytes:
        block = self._source.read(size)
        if self._wanted and not self.seen and self._wanted in block:
            self.seen = True
        self.tail = (self.tail + block)[-TAIL:] if len(block) < TAIL else block[-TAIL:]
        return block

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


def text_stream(body: BinaryIO, compression: str | None, encoding: str, counter: Counter | None = None) -> Readable:
    """A text file as UTF-8, whatever it was packed and encoded in."""
    stream: Readable = body
    if compression == "gzip":
        stream = gunzip(stream)
    elif compression:
        raise DamagedFile(f"files packed with {compression} cannot be read")
    return as_utf8(stream, encoding, counter)
