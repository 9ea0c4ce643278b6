"""Glue's exclude patterns: globs over the path below a target."""

from __future__ import annotations

import re


def matcher(patterns: list[str]) -> re.Pattern[str] | None:
    """A pattern that matches what any of the globs excludes; None when there are none.

    `*` and `?` stay within a folder, `**` crosses folders, `[...]` and `{a,b}` choose, a backslash quotes a sign.
    """
    return re.compile("|".join(f"(?:{_translate(pattern)})" for pattern in patterns), re.DOTALL) if patterns else None


def _translate(glob: str) -> str:
    result: list[str] = []
    position = depth = 0
    while position < len(glob):
        sign = glob[position]
        position += 1
        if sign == "*":
            crosses = glob.startswith("*", position)
            position += crosses
            result.append(".*" if crosses else "[^/]*")
        elif sign == "?":
            result.append("[^/]")
        elif sign == "[" and (end := glob.find("]", position + 1)) > 0:
            inner = glob[position:end].replace("\\", "\\\\")
            result.append(f"[{'^' + inner[1:] if inner.startswith('!') else inner}]")
            position = end + 1
        elif sign == "{":
            depth += 1
            result.append("(?:")
        elif sign == "}" and depth:
            depth -= 1
            result.append(")")
        elif sign == "," and depth:
            result.append("|")
        elif sign == "\\" and position < len(glob):
            result.append(re.escape(glob[position]))
            position += 1
        else:
            result.append(re.escape(sign))
    return "".join(result) + ")" * depth
