"""The ranked causes, as `lake causes` prints them, and the orders behind each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard.markup import element
from dashboard.parts import as_table, rows_or_words, table_of_orders, write
from dashboard.questions import ALL, MOST_ORDERS, CannotAskError, causes, orders_behind
from dashboard.reader import Reader

MOST = 10  # causes of an outcome that are shown at once
OUTCOMES = {
    "late_order_to_door": "Late to the door",
    "late_delivery": "Late on the road",
    "complaint": "Any complaint",
}


def show(reader: Reader, snapshot: str, month: str | None, months: Sequence[str]) -> None:
    """The causes of one outcome in the chosen period. They are over all areas: an area is a factor of its own."""
    question = causes(month or ALL)
    told = reader.ask([question], snapshot)[question.name]
    st.session_state["asked"] = [told]
    rows = rows_or_words(told, "root causes")
    if rows is None:
        return
    outcomes = order_of_outcomes(rows)
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    outcome = left.selectbox("What went wrong", outcomes, format_func=label, key="outcome")
    people = right.toggle("Name people", key="people", help="Causes that name a person are hidden without it.")
    found = [row for row in rows if row["outcome"] == outcome and (people or not row["about_person"])]
    hidden = sum(row["outcome"] == outcome and row["about_person"] for row in rows) if not people else 0
    if not found:
        write("Nothing stands out: no factor says more about it than chance would.")
    shown = found if st.session_state.get("all causes") else found[:MOST]
    for row in shown:
        _cause(reader, snapshot, row, month, months)
    if len(found) > MOST:
        st.toggle(f"Show all {len(found)} causes", key="all causes")
    if hidden:
        write(element("p", f"{hidden} more name a person and are hidden.", class_="note"))
    if found:
        as_table(
            "The causes as a table",
            f"Causes: {label(outcome)}, {month or 'all months'}",
            ("rank", "cause", "late or complained", "orders", "times the usual", "more than usual"),
            [
                (
                    row["rank"],
                    factors(row),
                    f"{row['hits']:,}",
                    f"{row['orders']:,}",
                    f"x {row['lift']:.1f}",
                    f"{row['excess_hits']:,.0f}",
                )
                for row in found
            ],
            ("rank", "late or complained", "orders", "times the usual", "more than usual"),
        )


def order_of_outcomes(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The three main ones first, then each complaint's reason; only those that have causes, or all three."""
    found = sorted({row["outcome"] for row in rows} - set(OUTCOMES))
    return [*OUTCOMES, *found]


def label(outcome: str) -> str:
    return OUTCOMES.get(outcome) or "Complaint: " + outcome.partition(": ")[2]


def factors(row: dict[str, Any]) -> str:
    """`area = E and order_hour = 21`."""
    pairs = ((row[f"dimension_{n}"], row[f"value_{n}"]) for n in (1, 2))
    return " and ".join(f"{dimension} = {value}" for dimension, value in pairs if dimension is not None)


def _cause(reader: Reader, snapshot: str, row: dict[str, Any], month: str | None, months: Sequence[str]) -> None:
    with st.container(border=True):
        facts = f"{factors(row)} · {row['lift']:.1f} times the usual · {row['excess_hits']:,.0f} more than usual"
        write(
            element(
                "div",
                element("span", str(row["rank"]), class_="rank"),
                element("div", element("p", row["evidence"]), element("p", facts, class_="note")),
                class_="cause",
            )
        )
        name = (row["outcome"], factors(row))
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
    try:
        question = orders_behind(row, str(month), reader.port.promise_minutes)
    except CannotAskError as error:
        write(element("p", f"These orders cannot be shown: {error}.", class_="empty"))
        return
    with st.spinner("Asking silver for the orders…"):
        told = reader.ask([question], snapshot)[question.name]
    st.session_state["asked"].append(told)
    found = rows_or_words(told, "orders")
    if found is not None:
        table_of_orders(found, str(month), MOST_ORDERS)
