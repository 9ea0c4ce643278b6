"""What gold answers, as the last screen of `lake demo`: one question a section, through Athena."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from cli import athena, render
from cli.context import Lake

if TYPE_CHECKING:
    from lake.entries import FileEntry

MOST_CAUSES = 3  # of each outcome
NOTICEABLE = 1.1  # a stage that takes a tenth longer at peak is worth a sentence


@dataclass
class Section:
    """One question and its answer: a sentence, and a table where one helps."""

    question: str
    sentence: str
    columns: tuple[str, ...] = ()
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)


def all_sections(lake: Lake, file: FileEntry) -> list[Section]:
    """Every section that the stack's gold can answer, and what of `file` was quarantined.

    A table that a release does not have leaves its section out.
    """
    asked: Sequence[Callable[[Lake], Section | None]] = (
        how_late, where, which_hour, which_stage, complaints, causes, partial(quarantined, file=file), how_fresh,
    )  # fmt: skip
    sections = []
    for ask in asked:
        try:
            section = ask(lake)
        except athena.QueryFailedError as error:
            if not error.missing:
                raise
            continue
        if section is not None:
            sections.append(section)
    return sections


def how_late(lake: Lake) -> Section | None:
    row = _rows(lake, """
        SELECT sum(orders) AS orders,
               sum(late_deliveries) AS late_deliveries,
               sum(late_order_to_door) AS late_order_to_door,
               sum(deliveries_timed * avg_delivery_minutes) / sum(deliveries_timed) AS avg_delivery_minutes,
               sum(order_to_door_timed * avg_order_to_door_minutes)
                   / sum(order_to_door_timed) AS avg_order_to_door_minutes
        FROM delivery_performance
    """)[0]  # fmt: skip
    if not row["orders"]:
        return None
    orders, late, late_to_door = row["orders"], row["late_deliveries"], row["late_order_to_door"]
    return Section(
        "How late are deliveries?",
        f"Of {orders:,} orders, {late_to_door:,} ({_share(late_to_door, orders)}) took more than the promised"
        f" {lake.promise_minutes} minutes from order to door (on average {_minutes(row['avg_order_to_door_minutes'])}),"
        f" and {late:,} ({_share(late, orders)}) on the road alone ({_minutes(row['avg_delivery_minutes'])}).",
        figures=row,
    )


def where(lake: Lake) -> Section:
    rows = _rows(lake, """
        SELECT area, order_hour, sum(orders) AS orders, sum(late_deliveries) AS late,
               CAST(sum(late_deliveries) AS double) / sum(orders) AS rate
        FROM delivery_performance
        GROUP BY area, order_hour
        HAVING sum(orders) >= 30
        ORDER BY rate DESC, orders DESC
        LIMIT 4
    """)  # fmt: skip
    sentence = "No area has 30 orders in an hour of the day yet."
    if rows:
        worst = rows[0]
        sentence = (
            f"Area {_name(worst['area'])} at {_hour(worst['order_hour'])}: {worst['late']:,} of {worst['orders']:,}"
            f" deliveries late ({worst['rate']:.0%})."
        )
    cells = [
        (_name(r["area"]), _hour(r["order_hour"]), f"{r['orders']:,}", f"{r['late']:,}", f"{r['rate']:.1%}")
        for r in rows
    ]
    return Section(
        "Where and when?", sentence, ("area", "hour", "orders", "late deliveries", "rate"), cells, {"worst": rows}
    )


def which_hour(lake: Lake) -> Section | None:
    rows = _rows(lake, """
        SELECT order_hour, sum(orders) AS orders, CAST(sum(late_order_to_door) AS double) / sum(orders) AS rate
        FROM delivery_performance
        GROUP BY order_hour
        ORDER BY order_hour
    """)  # fmt: skip
    if not rows:
        return None
    worst = max(rows, key=lambda row: row["rate"])
    peak = max(row["rate"] for row in rows) or 1
    cells = [
        (_hour(r["order_hour"]), f"{r['orders']:,}", f"{r['rate']:.1%}", "\u2588" * round(20 * r["rate"] / peak))
        for r in rows
    ]
    sentence = f"From order to door, {_hour(worst['order_hour'])} is the worst hour: {worst['rate']:.0%} late."
    return Section("Which hours?", sentence, ("hour", "orders", "late to the door", ""), cells, {"by_hour": rows})


def which_stage(lake: Lake) -> Section | None:
    rows = _rows(lake, """
        SELECT stage, sum(orders * avg_minutes) / sum(orders) AS minutes,
               sum(orders * share_of_order_to_door) / sum(orders) AS share,
               sum(orders * avg_minutes) FILTER (WHERE is_peak)
                   / sum(orders * off_peak_avg_minutes) FILTER (WHERE is_peak) AS peak_ratio,
               max_by(order_hour, peak_ratio) AS worst_hour
        FROM stage_bottlenecks
        GROUP BY stage
        ORDER BY minutes DESC
    """)  # fmt: skip
    if not rows:
        return None
    slow = max(rows, key=lambda row: row["peak_ratio"] or 0)
    sentence = "No stage is slower at peak."
    if (slow["peak_ratio"] or 0) > NOTICEABLE:
        sentence = (
            f"{_stage(slow['stage']).capitalize()}: in peak hours it takes {slow['peak_ratio']:.2f} times its off-peak"
            f" minutes, most at {_hour(slow['worst_hour'])}."
        )
    cells = [
        (_stage(r["stage"]), f"{r['minutes']:.2f}", f"{r['share']:.1%}" if r["share"] is not None else "",
         f"{r['peak_ratio']:.2f}" if r["peak_ratio"] is not None else "",
         _hour(r["worst_hour"]) if (r["peak_ratio"] or 0) > NOTICEABLE else "")
        for r in rows
    ]  # fmt: skip
    columns = ("stage", "minutes", "share of the way", "peak against off-peak", "slowest at")
    return Section("At which stage?", sentence, columns, cells, {"stages": rows})


def complaints(lake: Lake) -> Section:
    rows = _rows(lake, """
        SELECT reason, sum(complaints) AS complaints, sum(complaints_within_30) AS in_time
        FROM complaint_summary
        GROUP BY reason
        ORDER BY 2 DESC
    """)  # fmt: skip
    total = sum(row["complaints"] for row in rows)
    if not total:
        return Section("What do people complain about?", "Nobody complained.")
    in_time = sum(row["in_time"] for row in rows)
    sentence = (
        f"{total:,} complaints, most about: {_name(rows[0]['reason'])}."
        f" {in_time:,} came although the delivery was in time, so the driver is not the answer to those."
    )
    cells = [
        (_name(r["reason"]), f"{r['complaints']:,}", _share(r["complaints"], total), f"{r['in_time']:,}") for r in rows
    ]
    columns = ("reason", "complaints", "share", "delivered in time")
    return Section("What do people complain about?", sentence, columns, cells, {"complaints": rows})


def causes(lake: Lake) -> Section:
    """The three greatest causes of each trouble. People are told by their station; `lake causes --people` has names."""
    from cli.causes import read

    rows = sorted(read(lake, "all"), key=lambda row: -row["excess_hits"])
    top = [row for row in rows if row["rank"] <= MOST_CAUSES]
    if not top:
        return Section("Why?", "Nothing stands out: no factor says more than chance.")
    cells = [
        (r["outcome"], r["factor"], f"x {r['lift']:.1f}", f"{r['hits']:,} of {r['orders']:,}", r["evidence"])
        for r in top
    ]
    sentence = "What goes with the trouble more than chance allows, the largest effect first (all of it: lake causes):"
    return Section("Why?", sentence, ("outcome", "cause", "lift", "hits", "evidence"), cells, {"causes": rows})


def quarantined(lake: Lake, file: FileEntry) -> Section:
    from cli.quarantine import by_reason

    rows = by_reason(lake, file)
    if not rows:
        return Section("What was quarantined, and why?", "Nothing: every row could be read.")
    cells = [(row["reason"], f"{row['rows']:,}", row["example"]) for row in rows[:8]]
    sentence = "These rows are kept as they came, with their reasons, and count in no figure above:"
    return Section(
        "What was quarantined, and why?", sentence, ("reason", "rows", "for example"), cells, {"quarantine": rows}
    )


def how_fresh(lake: Lake) -> Section:
    row = _rows(lake, """
        SELECT count(*) AS marts, CAST(min(published_at) AS varchar) AS published_at,
               CAST(max(data_through) AS varchar) AS data_through
        FROM freshness
    """)[0]  # fmt: skip
    if not row["marts"]:
        return Section("How fresh is this?", "Gold was never published.")
    return Section(
        "How fresh is this?",
        f"{render.count(row['marts'], 'gold table')}, published at {str(row['published_at'])[:19]} (Johannesburg),"
        f" with orders until {row['data_through']}.",
        figures=row,
    )


def show(section: Section) -> None:
    """One section on the screen, or as plain lines in a pipe."""
    render.say()
    render.say(section.question, style="bold")
    render.say(render.safe(section.sentence))
    if section.rows:
        numbers = {"orders", "late deliveries", "rate", "late to the door", "minutes", "share of the way", "complaints",
                   "peak against off-peak", "share", "delivered in time", "rows", "lift"}  # fmt: skip
        render.show_table(section.columns, section.rows, numeric=[name for name in section.columns if name in numbers])


def _rows(lake: Lake, sql: str) -> list[dict[str, Any]]:
    return athena.ask(lake, sql).dicts()


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}"


def _minutes(value: Any) -> str:
    return f"{float(value):.1f} minutes"


def _hour(value: Any) -> str:
    return "" if value is None else f"{int(value):02d}:00"


def _name(value: Any) -> str:
    return "(not given)" if value is None else render.safe(value)


def _stage(value: Any) -> str:
    return render.safe(str(value).replace("_", " "))
