"""Texts that leave the lake: reasons for people, values for S3 tags, subjects for mail. Always safe, always bounded.

File names and header texts come from outside, so control characters are taken out before they reach a terminal, a mail
or a log, and lengths are limited before they reach DynamoDB (400 KB an item), S3 (256 characters a tag value) or SNS
(100 characters a subject).
"""

from __future__ import annotations

import re
import unicodedata

REASON_LENGTH = 600
TAG_LENGTH = 256
SUBJECT_LENGTH = 100
_NOT_IN_TAGS = re.compile(r"[^\w +\-=.:/@]+")
_SPACES = re.compile(r"\s+")


def clean(text: str, limit: int = REASON_LENGTH) -> str:
    """One printable line of at most `limit` characters; control and format characters count as spaces."""
    kept = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text)
    line = _SPACES.sub(" ", kept).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def quoted(names: list[str] | tuple[str, ...], limit: int = 8) -> str:
    """Names for a sentence: `a`, `b` and 3 more; each is cleaned and bounded."""
    shown = [f"'{clean(name, 60)}'" for name in names[:limit]]
    more = len(names) - len(shown)
    if more > 0:
        return ", ".join(shown) + f" and {more} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def file_name(key: str) -> str:
    """How a file is called in a sentence: the last part of its key."""
    return clean(key.rstrip("/").rsplit("/", 1)[-1], 120) or clean(key, 120)


def tag_value(text: str) -> str:
    """The text as an S3 tag value: letters, digits, space and + - = . _ : / @ only, at most 256 characters."""
    return _SPACES.sub(" ", _NOT_IN_TAGS.sub(" ", clean(text, 4 * TAG_LENGTH))).strip()[:TAG_LENGTH].rstrip()


def subject(text: str) -> str:
    """The text as an SNS subject: ASCII, one line, at most 100 characters, never empty."""
    ascii_text = unicodedata.normalize("NFKD", clean(text, 4 * SUBJECT_LENGTH)).encode("ascii", "ignore").decode()
    return ascii_text[:SUBJECT_LENGTH].strip() or "Jozi Lake"


def count(number: int, singular: str, plural: str | None = None) -> str:
    """'1 file', '1,200 files'."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
