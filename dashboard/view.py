"""The page: section by section, each with its sentence, its chart and the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from string import Template

import streamlit as st

from dashboard import causes, charts, drop, files, palette
from dashboard.figures import (
    CLOCKS,
    DOOR,
    DRIVE,
    Row,
    areas,
    by_month,
    chosen,
    complaint_sentence,
    headline,
    hour,
    minutes,
    months,
    percent,
    place_sentence,
    places,
    quality_sentence,
    ratio,
    reasons,
    reasons_by_month,
    stage_sentence,
    stages,
    total,
)
from dashboard.markup import Html, element
from dashboard.parts import as_table, chart, rows_or_words, size, write
from dashboard.questions import STANDING
from dashboard.reader import Reader, Told

SECTIONS = (
    ("clocks", "Both clocks"),
    ("why", "Why"),
    ("where", "Where and when"),
    ("stage", "Which stage"),
    ("complaints", "Complaints"),
    ("files", "Files set aside"),
    ("drop", "Drop a file"),
)
TITLES = dict(SECTIONS)
WHOLE_TIME, ALL_AREAS = "All months", "All areas"


def show(reader: Reader) -> None:
    """Draw the page once, for one person's choices."""
    st.set_page_config(page_title="Jozi Lake: why are we late?", layout="wide")
    st.html(f"<style>{_style()}</style>")
    with st.spinner("Asking Athena what gold says…"):
        fresh, silver = reader.freshness()
    if fresh.answer is None and not fresh.missing:
        _title("The lake cannot be asked right now.")
        write(element("p", fresh.trouble), class_="trouble", role="alert")
        st.button("Try again")
        return
    state = fresh.answer.dicts()[0] if fresh.answer else {}
    if not state.get("gold_run_id"):
        _empty(reader)
        return
    with st.spinner("Asking Athena what gold says…"):
        told = reader.ask(STANDING, state["gold_run_id"])
    performance = told["clocks and places"]
    rows = performance.answer.dicts() if performance.answer else []
    top = st.container()
    month, area = _filters(rows)
    picked = chosen(rows, month, area)
    with top:
        _title(headline(total(picked), reader.port.promise_minutes) if rows else "Gold has no orders yet.")
        _state(state, silver, told["quality of the files"])
    _clocks(performance, chosen(rows, None, area), picked, reader.port.promise_minutes)
    heading("why")
    causes.show(reader, state["gold_run_id"], month, months(rows))
    _where(performance, picked)
    _stages(told["stages"], month, area)
    _complaints(told["complaints"], month, area)
    heading("files")
    files.show(reader, told["rows in quarantine"])
    heading("drop")
    drop.show(reader)
    _scanned([fresh, silver, *told.values()], state)


# ---- the top --------------------------------------------------------------------------------------------------------


def heading(anchor: str) -> None:
    write(element("h2", TITLES[anchor], id=anchor))


def _style() -> str:
    text = resources.files("dashboard").joinpath("style.css").read_text(encoding="utf-8")
    colours = {name: value for name, value in vars(palette).items() if name.isupper() and isinstance(value, str)}
    return Template(text).substitute(colours)


def _title(sentence: str) -> None:
    write(element("p", "Jozi Lake", class_="brand"), element("h1", sentence))


def _empty(reader: Reader) -> None:
    _title("The lake is empty: no order has been loaded yet.")
    write(element("p", "Drop an order file below. Its figures show here as soon as gold has them.", class_="empty"))
    heading("drop")
    drop.show(reader)
    heading("files")
    files.show(reader, None)


def _state(state: Row, silver: Told, quality: Told) -> None:
    cells = [_light(*freshness_words(state, silver))]
    if quality.answer:
        good, sentence = quality_sentence(next(iter(quality.answer.dicts()), None))
        cells.append(_light("Complete" if good else "Not complete", good, sentence))
    else:
        cells.append(_light("Quality not known", False, quality.trouble))
    links = [element("li", element("a", title, href=f"#{anchor}")) for anchor, title in SECTIONS]
    write(
        element("ul", *cells, class_="state"),
        element("nav", element("ul", *links), aria_label="Parts of this page"),
    )


def freshness_words(state: Row, silver: Told) -> tuple[str, bool, str]:
    """A word for gold's state, whether it is good, and a sentence."""
    sentence = (
        f"Gold was published {str(state['published_at'])[:16]} (Johannesburg), with orders to {state['data_through']}."
    )
    if silver.answer is None:
        return "Published", True, f"{sentence} Whether silver holds more could not be asked."
    current = next((row["snapshot_id"] for row in silver.answer.dicts()), None)
    if current != state["silver_snapshot_id"]:
        return "Being refreshed", False, f"{sentence} Silver holds newer orders; gold follows by itself."
    return "Fresh", True, f"{sentence} It shows all that silver holds."


def _light(word: str, good: bool, sentence: str) -> Html:
    return element("li", element("strong", word), sentence, class_="" if good else "bad")


def _filters(rows: Sequence[Row]) -> tuple[str | None, str | None]:
    """The chosen month and area; None is all."""
    left, right = st.columns(2)
    month = left.selectbox("Period", [WHOLE_TIME, *months(rows)], key="period")
    area = right.selectbox("Area", [ALL_AREAS, *areas(rows)], key="area")
    return (None if month == WHOLE_TIME else month), (None if area == ALL_AREAS else area)


# ---- sections -------------------------------------------------------------------------------------------------------


def _clocks(told: Told, of_all_months: list[Row], picked: list[Row], promise: str) -> None:
    heading("clocks")
    if rows_or_words(told, "monthly figures") is None:
        return
    all_ = total(picked)
    if not all_.orders:
        write(element("p", "No order was placed there then: choose another period or area."), class_="empty")
        return
    write(
        element(
            "div",
            _clock(DOOR, "order_to_door_minutes", all_.door_rate, all_.door_mean, promise, "door"),
            _clock(
                f"{DRIVE} (the driver's part)", "delivery_minutes", all_.drive_rate, all_.drive_mean, promise, "drive"
            ),
            class_="clocks",
        )
    )
    found = by_month(of_all_months)
    first, last = found[0], found[-1]
    sentence = f"Late by month, by both clocks, {first[0]} to {last[0]}."
    if len(found) > 1:
        sentence = (
            f"From {first[0]} to {last[0]}, the share of orders late to the door went from"
            f" {percent(first[1].door_rate)} to {percent(last[1].door_rate)}, and of late drives from"
            f" {percent(first[1].drive_rate)} to {percent(last[1].drive_rate)}."
        )
    write(element("p", sentence, class_="answer"))
    chart(charts.clocks_by_month(found), sentence, "clocks-chart")
    as_table(
        "The months as a table",
        "Late orders by month, by both clocks",
        ("month", "orders", "late to the door", "minutes to the door", "late on the road", "minutes on the road"),
        [
            (
                m,
                f"{t.orders:,}",
                percent(t.door_rate),
                minutes(t.door_mean),
                percent(t.drive_rate),
                minutes(t.drive_mean),
            )
            for m, t in found
        ],
        ("orders", "late to the door", "minutes to the door", "late on the road", "minutes on the road"),
    )


def _clock(title: str, column: str, rate: float | None, mean: float | None, promise: str, kind: str) -> Html:
    return element(
        "div",
        element("p", title),
        element("p", percent(rate), class_="figure"),
        element(
            "p",
            f"took longer than the promised {promise} minutes; {minutes(mean)} on average ({column})",
            class_="note",
        ),
        class_=f"clock {kind}",
    )


def _where(told: Told, picked: list[Row]) -> None:
    heading("where")
    if rows_or_words(told, "monthly figures") is None or not picked:
        return
    clock = st.segmented_control("Clock", list(CLOCKS), default=DRIVE, key="clock", required=True) or DRIVE
    found = places(picked, clock)
    sentence = place_sentence(found, clock)
    write(element("p", sentence, class_="answer"))
    hidden = len({place.area for place in found}) - charts.MOST_AREAS
    if hidden > 0:
        write(
            element(
                "p",
                f"The chart shows the {charts.MOST_AREAS} areas with most orders; the table has all.",
                class_="note",
            )
        )
    chart(charts.heat_map(found), f"Heat map of late orders by area and hour. {sentence}", "where-chart")
    as_table(
        "Areas and hours as a table",
        f"Late orders by area and hour, by the clock: {clock.lower()}",
        ("area", "hour", "timed orders", "late", "share late"),
        [(p.area, hour(p.hour), f"{p.timed:,}", f"{p.late:,}", percent(p.rate)) for p in found],
        ("timed orders", "late", "share late"),
    )


def _stages(told: Told, month: str | None, area: str | None) -> None:
    heading("stage")
    rows = rows_or_words(told, "figures of stages")
    if rows is None:
        return
    found = stages(rows, month)
    if not found:
        write(element("p", "No stage was timed then."), class_="empty")
        return
    sentence = stage_sentence(found)
    write(element("p", sentence, class_="answer"), *_over_all_areas(area))
    chart(charts.stage_bars(found), f"Minutes of each stage in peak hours and off-peak. {sentence}", "stage-chart")
    as_table(
        "The stages as a table",
        "Mean minutes of each stage",
        ("stage", "peak hours", "off-peak", "peak against off-peak"),
        [(s.label, minutes(s.peak), minutes(s.off_peak), "" if s.ratio is None else f"x {s.ratio:.2f}") for s in found],
        ("peak hours", "off-peak", "peak against off-peak"),
    )


def _complaints(told: Told, month: str | None, area: str | None) -> None:
    heading("complaints")
    rows = rows_or_words(told, "summary of complaints")
    if rows is None:
        return
    found = reasons(rows, month)
    sentence = complaint_sentence(found)
    write(element("p", sentence, class_="answer"), *_over_all_areas(area))
    if not found:
        return
    shown = [row for row in rows if month is None or row["month"] == month]
    chart(
        charts.complaint_bars(reasons_by_month(shown, len(palette.CATEGORIES))),
        f"Complaints by month and reason. {sentence}",
        "complaints-chart",
    )
    count = sum(reason.complaints for reason in found)
    as_table(
        "The reasons as a table",
        "Complaints by reason",
        ("reason", "complaints", "share", "although the drive was in time"),
        [(r.name, f"{r.complaints:,}", percent(ratio(r.complaints, count)), f"{r.in_time:,}") for r in found],
        ("complaints", "share", "although the drive was in time"),
    )


def _over_all_areas(area: str | None) -> list[Html]:
    return [element("p", "This is over all areas: gold does not split it by area.", class_="note")] if area else []


def _scanned(told: Sequence[Told], state: Row) -> None:
    """What the page cost: bytes that Athena scanned for it."""
    asked = [*told, *st.session_state.get("asked", ())]
    answers = [(t.question, t.answer) for t in asked if t.answer is not None]
    scanned = sum(answer.scanned for _, answer in answers)
    write(
        element(
            "p",
            f"Athena scanned {size(scanned)} in {len(answers)} questions for this page. Figures of gold run"
            f" {state['gold_run_id']}; asked again only when gold is published anew.",
            class_="note",
            id="scanned",
        )
    )
    as_table(
        "What was asked",
        "Questions to Athena and the bytes that each scanned",
        ("question", "table", "scanned", "took"),
        [(q.name, q.table, size(a.scanned), f"{a.milliseconds / 1000:.1f} s") for q, a in answers],
        ("scanned", "took"),
    )
