"""What every section of the page is made of: markup, a chart with its words, a table, and why there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard.markup import Html, element, table
from dashboard.reader import Told


def write(*parts: object, **attributes: str) -> None:
    """Our own markup, in the page's style; everything in it that is not Html is text."""
    inner = element("div", *parts, **attributes) if attributes else Html("".join(map(_html, parts)))
    st.html(element("div", inner, class_="jozi"))


def _html(part: object) -> str:
    return part if isinstance(part, Html) else element("p", part)


def rows_or_words(told: Told, what: str) -> list[dict[str, Any]] | None:
    """The answer's rows; or None, when it was said on the page why there are none."""
    if told.answer is not None:
        return told.answer.dicts()
    if told.missing:
        write(element("p", f"Gold has no {what} yet: the table {told.question.table} comes with the next refresh."),
              class_="empty")  # fmt: skip
    else:
        write(element("p", told.trouble), class_="trouble", role="alert")
    return None


def chart(drawn: Any, sentence: str, key: str) -> None:
    """A chart with its sentence as the text that stands for it."""
    st.altair_chart(drawn, alt=sentence, theme=None, key=key)


def as_table(
    what: str, caption: str, columns: Sequence[str], rows: Sequence[Sequence[object]], numeric: Sequence[str]
) -> None:
    """The same figures for who reads tables rather than charts."""
    inner = element("details", element("summary", what), table(caption, columns, rows, numeric))
    write(inner)


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def table_of_orders(rows: Sequence[dict[str, Any]], day: str, most: int) -> None:
    """A day's orders, newest first, each with the file and record that it came from."""
    more = f", the newest {most}" if len(rows) > most else ""
    columns = ("order", "ordered", "area", "size", "to the door", "on the road", "complaint", "file", "record")
    plain = ("order_id", "ordered", "area", "size")
    clocks = ("order_to_door_minutes", "delivery_minutes")
    source = ("complaint_reason", "source_file", "source_row")
    cells = [
        (
            *(row[name] for name in plain),
            *(None if row[name] is None else f"{row[name]:.1f} min" for name in clocks),
            *(row[name] for name in source),
        )
        for row in rows[:most]
    ]
    write(table(f"Orders behind this cause on {day}{more}", columns, cells, ("to the door", "on the road", "record")))
