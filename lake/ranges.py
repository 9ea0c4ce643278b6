"""Files that are read by ranges: what needs to seek about (zip, parquet) gets a file, and the bytes come in blocks."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable

ReadRange = Callable[[int, int], bytes]

BLOCK = 256 * 1024
KEPT = 96  # blocks kept in memory: 24 MB


class TooMuchError(Exception):
    """More bytes would have to be fetched than an answer at the desk may cost."""


class RangeFile(io.RawIOBase):
    """A file over `read_range(start, length)`. `allowance`: how many bytes may be fetched in all; it may be raised."""

    def __init__(self, read_range: ReadRange, size: int, allowance: int) -> None:
        self._read_range = read_range
        self._size = size
        self._place = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self.allowance = allowance
        self.fetched = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, size: int = -1) -> bytes:
        end = self._size if size is None or size < 0 else min(self._size, self._place + size)
        parts = []
        while self._place < end:
            number, offset = divmod(self._place, BLOCK)
            piece = self._block(number)[offset : offset + end - self._place]
            if not piece:
                break
            parts.append(piece)
            self._place += len(piece)
        return b"".join(parts)

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        start = number * BLOCK
        length = min(BLOCK, self._size - start)
        if self.fetched + length > self.allowance:
            raise TooMuchError
        self.fetched += length
        self._blocks[number] = block = self._read_range(start, length)
        if len(self._blocks) > KEPT:
            self._blocks.popitem(last=False)
        return block
