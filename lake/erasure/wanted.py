"""Whether a cell names the customer who is to be forgotten."""

from __future__ import annotations

import re
from functools import cached_property

from lake.repair import original
from lake.silver.text import INVISIBLE, SPACES

_PLAIN: dict[int, str | None] = {ord(letter): " " for letter in SPACES} | dict.fromkeys(map(ord, INVISIBLE))


def plain(text: str) -> str:
    """A cell as silver reads it: without the blanks around it and what nobody sees."""
    return text.translate(_PLAIN).strip()


class Wanted:
    """One customer's id, as the company writes it. Never shown: `repr` says nothing."""

    def __init__(self, customer: str) -> None:
        self._customer = plain(customer)
        if not self._customer:
            raise ValueError("the customer id is empty")

    def __repr__(self) -> str:
        return "Wanted(...)"

    @property
    def customer(self) -> str:
        return self._customer

    def is_it(self, text: str) -> bool:
        """Whether a whole cell is the id, be it a repaired one with an apostrophe before it."""
        found = plain(text)
        return self._customer in (found, original(found))

    @cached_property
    def word(self) -> re.Pattern[str]:
        """The id as a word of its own in a longer text: no letter or digit before or behind it."""
        return re.compile(rf"(?<!\w){re.escape(self._customer)}(?!\w)")

    def is_in(self, text: str) -> bool:
        """Whether a text names it, as a word of its own."""
        return self._customer in text and bool(self.word.search(text))

    def without(self, text: str) -> str:
        """The text with each such word taken out."""
        return self.word.sub("", text)

    def is_in_bytes(self, body: bytes) -> bool:
        """The same of bytes whose encoding is not known; a look for what cannot be parsed."""
        return any(
            self._customer.encode(codec) in body and self.is_in(body.decode(codec, "replace"))
            for codec in ("utf-8", "utf-16-le", "utf-16-be")
        )
