"""An exception as one sentence, for the last line of a job's log: the part that people and alerts see."""

from __future__ import annotations

import re

# What Py4J and the JVM put in front of the message that matters.
_NOISE = re.compile(r"^(An error occurred while calling .*|:?\s*(?:[\w$]+\.)+(?:[\w$]*(?:Exception|Error)):?\s*)")


def in_one_sentence(error: BaseException) -> str:
    """The first line of the error's text that says something, without class names of the JVM."""
    for line in str(error).splitlines():
        said = _NOISE.sub("", line.strip()).strip()
        if said:
            return said
    return type(error).__name__
