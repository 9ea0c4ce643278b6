"""Pseudonyms of a whole batch, by Spark.

The secret travels as columns of the small frame of facts about files, which each record meets anyway. As a literal it
would stand in plans, and so in logs, event files and error messages; of a frame's values a plan says nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from lake.contracts import Contract
from lake.pseudonyms import DIGITS, pads

INNER, OUTER = "inner_pad", "outer_pad"


def columns(contract: Contract, secret: Callable[[], bytes] | None) -> dict[str, bytes]:
    """What the frame of facts carries: nothing for a contract that hides nothing, so no key is asked for.

    Raises ValueError when the contract hides something and there is no secret: a plain value must not get through.
    """
    hidden = [field.name for field in contract.fields if field.pseudonymised]
    if not hidden:
        return {}
    if secret is None:
        raise ValueError(f"contract {contract.name} wants pseudonyms for {', '.join(hidden)}, and there is no key")
    return dict(zip((INNER, OUTER), pads(secret()), strict=True))


def keyed_hash(text: str) -> str:
    """The Spark expression of `lake.pseudonyms.pseudonym` for the expression `text`; null for null."""
    inner = f"sha2(concat({INNER}, CAST({text} AS binary)), 256)"
    return f"left(sha2(concat({OUTER}, unhex({inner})), 256), {DIGITS})"
