"""How long work tells what it is doing."""

from collections.abc import Callable

#: Called with (part, message, fraction): the part that works, what it does now, and how much of it is done
#: (0..1, None where that cannot be known).
Progress = Callable[[str, str, float | None], None]


def silent(part: str, message: str, fraction: float | None = None) -> None:
    """The listener of those who do not watch."""
