"""The bronze crawler: run for a layout or folder that is new, never forgotten when one is running already.

Wishes are counted, not flagged: a wish that comes while a crawl starts stays pending, because that crawl may have
listed the folder before the new file. A crash after StartCrawler costs one crawl too many, never one too few.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from lake.ledger import Ledger
from lake.manifest import FileFacts
from lake.ports import Crawlers


def layout_digest(names: Iterable[str], facts: FileFacts) -> str:
    """A short name for what the crawler would see: the columns as they are written, the format and the delimiter."""
    text = "\x1f".join([facts.format, facts.delimiter, facts.compression or "", facts.encoding, *names])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class Crawling:
    """Wishes for one crawler, in the ledger, and its starts."""

    def __init__(self, name: str, crawlers: Crawlers, ledger: Ledger, now: Callable[[], float]) -> None:
        self.name = name
        self.crawlers = crawlers
        self._ledger = ledger
        self._now = now

    def see_layout(self, key: str, digest: str) -> bool:
        """Asks for a crawl when the folder of `key` never had this layout; says whether it asked."""
        folder = key.rpartition("/")[0] + "/"
        if self._ledger.layout_known(folder, digest):
            return False
        self._ledger.ask_for_crawl(self.name)  # before it is remembered: a crash in between asks twice
        self._ledger.remember_layout(folder, digest, key, self._now())
        return True

    @property
    def pending(self) -> bool:
        """Whether a wish is not answered by a start yet."""
        return self._ledger.crawler(self.name).pending

    def start_if_asked(self) -> bool:
        """Starts the crawler if a wish is pending and it is not running; says whether it was started."""
        wish = self._ledger.crawler(self.name)
        if not wish.pending or not self.crawlers.start(self.name):
            return False
        self._ledger.crawl_started(self.name, wish.asked)
        return True
