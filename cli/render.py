"""How answers look: tables and live lines in a terminal, plain lines in a pipe, JSON for a program.

Keys, reasons and cells come from files that strangers wrote. Nothing of theirs reaches the terminal as a control
sequence or as Rich markup.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO


def is_terminal(stream: TextIO | None = None) -> bool:
    """Whether a person is watching, so that colours and moving lines make sense."""
    stream = stream or sys.stdout
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def safe(value: object) -> str:
    """One line of text without control characters (an escape sequence in a file's name must stay text)."""
    if value is None:
        return ""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _visible(c) for c in text)


def _visible(character: str) -> str:
    if character in "\n\r\t":
        return {"\n": "\u21b5", "\r": "", "\t": " "}[character]
    return " " if unicodedata.category(character) == "Zs" else "\ufffd"


def number(value: int | float) -> str:
    """With thousands separators: 12,773."""
    return f"{value:,}"


def size(count: int) -> str:
    """Bytes for people."""
    amount = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def count(amount: int, noun: str, plural: str | None = None) -> str:
    """`1 file`, `2 files`."""
    return f"{amount:,} {noun if amount == 1 else plural or noun + 's'}"


def moment(value: datetime | str | None) -> str:
    """A time in the reader's own zone, to the second; empty for None, and text that is no time stays as it is."""
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return safe(value)
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def show_json(value: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n")


def show_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], numeric: Sequence[str] = (), title: str | None = None
) -> None:
    """A table in a terminal; tab-separated lines under a header line in a pipe. `numeric` columns align right."""
    if not is_terminal():
        sys.stdout.writelines("\t".join(safe(cell) for cell in row) + "\n" for row in (columns, *rows))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, title_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(Text(safe(name)), justify="right" if name in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(safe(cell), style=_STYLES.get(str(cell), "")) for cell in row))
    console().print(table)


_STYLES = {
    **dict.fromkeys(("LOADED", "SUCCEEDED", "running"), "green"),
    **dict.fromkeys(("LOADING", "RUNNING"), "cyan"),
    **dict.fromkeys(("PENDING", "STOPPED"), "yellow"),
    **dict.fromkeys(("REJECTED", "HELD", "FAILED", "TIMEOUT", "died"), "red"),
}


def show_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Comma-separated values with a header, as a pipe's next program wants them. A null is an empty field."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)


def console(stderr: bool = False) -> Any:
    """A Rich console on the present standard output (made anew: tests and pipes change it)."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=False)


def say(line: str = "", stderr: bool = False, style: str = "") -> None:
    """One line at once, also into a pipe. `style` is Rich's and counts only in a terminal."""
    stream = sys.stderr if stderr else sys.stdout
    if style and is_terminal(stream):
        console(stderr).print(line, style=style, markup=False, soft_wrap=True)
        return
    stream.write(line + "\n")
    stream.flush()
