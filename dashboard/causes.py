"""The ranked causes, the same and in the same order as `lake causes` prints them, and the orders behind each."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard.markup import element
from dashboard.parts import as_table, rows_or_words, table_of_orders, write
from dashboard.questions import ALL, MOST_DAYS, MOST_ORDERS, CannotAskError, causes, orders_behind
from dashboard.reader import Reader
from lake.causes.telling import outcomes, told

MOST = 10  # causes of an outcome that are shown at once
LABELS = {"late_order_to_door": "Late to the door", "late_delivery": "Late on the road", "complaint": "Any complaint"}


def show(reader: Reader, snapshot: str, month: str | None, months: Sequence[str]) -> None:
    """The causes of one outcome in the chosen period. They are over all areas: an area is a factor of its own."""
    question = causes(month or ALL)
    answer = reader.ask([question], snapshot)[question.name]
    st.session_state["asked"] = [answer]
    rows = rows_or_words(answer, "root causes")
    if rows is None:
        return
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    outcome = left.selectbox("What went wrong", outcomes(rows), format_func=label, key="outcome")
    people = right.toggle("Name people", key="people", help="A cause about a person is told by its station without it.")
    found = [row for row in rows if row["outcome"] == outcome]
    if not found:
        write(element("p", "Nothing stands out: no factor says more about it than chance would.", class_="answer"))
        return
    for row in found if st.session_state.get("all causes") else found[:MOST]:
        _cause(reader, snapshot, row, people, month, months)
    if len(found) > MOST:
        st.toggle(f"Show all {len(found)} causes", key="all causes")
    if not people and any(row["about_person"] for row in found):
        write(element("p", "Causes about a person are told by their station. A person is where to look; that is no"
                      " verdict on who works there.", class_="note"))  # fmt: skip
    shown = [told(row, people) for row in found]
    columns = ("rank", "cause", "hits", "orders", "times the usual", "more than usual")
    as_table(
        "The causes as a table",
        f"Causes: {label(outcome)}, {month or 'all months'}",
        columns,
        [(r["rank"], r["factor"], f"{r['hits']:,}", f"{r['orders']:,}", f"x {r['lift']:.1f}", _more(r)) for r in shown],
        (columns[0], *columns[2:]),
    )


def label(outcome: str) -> str:
    return LABELS.get(outcome) or "Complaint: " + outcome.partition(": ")[2]


def _more(row: dict[str, Any]) -> str:
    return f"{row['excess_hits']:,.0f}"


def _cause(
    reader: Reader, snapshot: str, row: dict[str, Any], people: bool, month: str | None, months: Sequence[str]
) -> None:
    shown = told(row, people)
    with st.container(border=True):
        facts = f"{shown['factor']} · {row['lift']:.1f} times the usual · {_more(row)} more than usual"
        write(
            element(
                "div",
                element("span", str(row["rank"]), class_="rank"),
                element("div", element("p", shown["evidence"]), element("p", facts, class_="note")),
                class_="cause",
            )
        )
        if row["about_person"] and not people:
            return  # whose orders these are is told only to who asked for names
        name = (row["outcome"], row["rank"])
        opened = st.session_state.get("behind") == name
        words = "Hide the orders" if opened else f"Show the orders behind cause {row['rank']}"
        if st.button(words, key=f"behind-{row['rank']}"):
            st.session_state["behind"] = None if opened else name
            st.rerun()
        if opened:
            _orders(reader, snapshot, row, month, months)


def _orders(reader: Reader, snapshot: str, row: dict[str, Any], month: str | None, months: Sequence[str]) -> None:
    if month is None:
        month = st.selectbox("Orders of the month", months, key=f"month-behind-{row['rank']}")
    days = _days(str(month), _data_through(reader))
    chosen = st.selectbox("Orders of the day", days, key=f"day-behind-{row['rank']}-{month}")
    try:
        _newest(reader, snapshot, row, days[days.index(chosen) :][:MOST_DAYS])
    except CannotAskError as error:
        write(element("p", f"These orders cannot be shown: {error}.", class_="empty"))


def _data_through(reader: Reader) -> str:
    """The day of the newest order in gold; empty where it is not known."""
    told = reader.freshness()[0]
    rows = told.answer.dicts() if told.answer else []
    return str(rows[0]["data_through"] or "") if rows else ""


def _days(month: str, data_through: str) -> list[str]:
    """The days of a month (YYYY-MM), newest first, none after the newest order."""
    year, number = map(int, month.split("-"))
    days = [f"{month}-{day:02d}" for day in range(monthrange(year, number)[1], 0, -1)]
    return [day for day in days if not data_through or day <= data_through] or days


def _newest(reader: Reader, snapshot: str, row: dict[str, Any], days: Sequence[str]) -> None:
    """The orders of the first of these days that has any: a day is all that one question reads."""
    for day in days:
        question = orders_behind(row, day, reader.port.promise_minutes)
        with st.spinner("Asking gold for the orders…"):
            answer = reader.ask([question], snapshot)[question.name]
        st.session_state["asked"].append(answer)
        found = rows_or_words(answer, "orders")
        if found is None:
            return
        if found:
            if day != days[0]:
                write(element("p", f"None of them was placed on {days[0]}. The latest before it:", class_="note"))
            table_of_orders(found, day, MOST_ORDERS)
            return
    write(element("p", f"None of them was placed from {days[-1]} to {days[0]}. Choose an earlier day.", class_="empty"))
