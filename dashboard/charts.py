"""Figures as Altair charts. Names from data are values of fields, never field names or expressions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from dashboard import palette
from dashboard.figures import DOOR, DRIVE, Place, Stage, Total, hour

MOST_AREAS = 12
FEW = 10  # timed orders below which a place's rate is not drawn
FONT = "'Source Sans', 'Source Sans Pro', sans-serif"


def clocks_by_month(found: Sequence[tuple[str, Total]]) -> alt.Chart:
    """Share of late orders by month, both clocks: two colours, two shapes, two kinds of line."""
    values = [
        {"month": month, "clock": clock, "rate": rate}
        for month, total in found
        for clock, rate in ((DOOR, total.door_rate), (DRIVE, total.drive_rate))
        if rate is not None
    ]
    scale = alt.Scale(domain=[DOOR, DRIVE], range=[palette.DOOR, palette.DRIVE])
    legend = alt.Legend(title=None, orient="top")
    clock = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X("month:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
        y=alt.Y("rate:Q", title="late", scale=alt.Scale(domainMin=0), axis=alt.Axis(format=".0%", tickCount=5)),
        color=alt.Color("clock:N", scale=scale, legend=legend),
        tooltip=[
            alt.Tooltip("month:O", title="month"),
            alt.Tooltip("clock:N", title="clock"),
            alt.Tooltip("rate:Q", title="late", format=".1%"),
        ],
    )
    lines = clock.mark_line(strokeWidth=2.5).encode(
        strokeDash=alt.StrokeDash(
            "clock:N", scale=alt.Scale(domain=[DOOR, DRIVE], range=[[1, 0], [6, 3]]), legend=legend
        )
    )
    points = clock.mark_point(filled=True, size=70, opacity=1).encode(
        shape=alt.Shape(
            "clock:N", scale=alt.Scale(domain=[DOOR, DRIVE], range=["circle", "triangle-up"]), legend=legend
        )
    )
    return _styled(alt.layer(lines, points).properties(height=240))


def heat_map(found: Sequence[Place]) -> alt.Chart:
    """Area by hour, darker is later; the figure stands in the cell. Areas go across: a phone is narrow."""
    shown = most_areas(found)
    values = [
        {
            "area": place.area,
            "hour": hour(place.hour),
            "rate": place.rate if place.timed >= FEW else None,
            "label": f"{place.rate:.0%}" if place.rate is not None and place.timed >= FEW else "few",
            "late": place.late,
            "timed": place.timed,
        }
        for place in found
        if place.area in shown and place.timed
    ]
    rates = [place.rate or 0.0 for place in found if place.area in shown and place.timed >= FEW]
    most = max(rates, default=0.0) or 1.0
    base = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X("area:N", title="area", axis=alt.Axis(orient="top", labelAngle=0, domain=False, ticks=False)),
        y=alt.Y("hour:O", title=None, axis=alt.Axis(domain=False, ticks=False)),
        tooltip=[
            alt.Tooltip("area:N", title="area"),
            alt.Tooltip("hour:O", title="hour"),
            alt.Tooltip("late:Q", title="late", format=","),
            alt.Tooltip("timed:Q", title="timed orders", format=","),
            alt.Tooltip("label:N", title="share late"),
        ],
    )
    cells = base.mark_rect(stroke=palette.BACKGROUND, strokeWidth=2, cornerRadius=3).encode(
        color=alt.condition(
            "isValid(datum.rate)",
            alt.Color("rate:Q", scale=alt.Scale(domain=[0, most], range=list(palette.HEAT)), legend=None),
            alt.value(palette.PANEL),
        )
    )
    dark = most * 0.5
    words = base.mark_text(fontSize=12).encode(
        text="label:N",
        color=alt.condition(f"datum.rate > {dark!r}", alt.value(palette.BACKGROUND), alt.value(palette.TEXT)),
    )
    hours = len({value["hour"] for value in values})
    return _styled(alt.layer(cells, words).properties(height=max(80, 30 * hours)))


def most_areas(found: Sequence[Place]) -> set[str]:
    """The areas with most timed orders: as many as can be read."""
    timed: dict[str, int] = {}
    for place in found:
        timed[place.area] = timed.get(place.area, 0) + place.timed
    return set(sorted(timed, key=lambda area: (-timed[area], area))[:MOST_AREAS])


def stage_bars(found: Sequence[Stage]) -> alt.Chart:
    """Mean minutes of each stage, peak over off-peak, in the order of the work."""
    values = [
        {"stage": stage.label, "when": when, "minutes": value}
        for stage in found
        for when, value in (("peak hours", stage.peak), ("off-peak", stage.off_peak))
        if value is not None
    ]
    order = ["peak hours", "off-peak"]
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("stage:N", title=None, sort=[stage.label for stage in found], axis=alt.Axis(domain=False, ticks=False)),
        yOffset=alt.YOffset("when:N", sort=order),
        x=alt.X("minutes:Q", title="minutes on average", axis=alt.Axis(tickCount=6)),
        tooltip=[
            alt.Tooltip("stage:N", title="stage"),
            alt.Tooltip("when:N", title="when"),
            alt.Tooltip("minutes:Q", title="minutes", format=".2f"),
        ],
    )
    bars = base.mark_bar(cornerRadiusEnd=2).encode(
        color=alt.Color(
            "when:N",
            scale=alt.Scale(domain=order, range=[palette.PEAK, palette.OFF_PEAK]),
            legend=alt.Legend(title=None, orient="top"),
        )
    )
    words = base.mark_text(align="left", dx=4, fontSize=11, color=palette.TEXT).encode(
        text=alt.Text("minutes:Q", format=".1f")
    )
    return _styled(alt.layer(bars, words).properties(height=max(120, 44 * len(found))))


def complaint_bars(values: Sequence[dict[str, Any]]) -> alt.Chart:
    """Complaints by month, stacked by reason in one order."""
    names = [name for _, name in sorted({(value["place"], value["reason"]) for value in values})]
    chart = (
        alt.Chart(alt.Data(values=list(values)))
        .mark_bar(stroke=palette.BACKGROUND, strokeWidth=1)
        .encode(
            x=alt.X("month:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("complaints:Q", title="complaints"),
            order=alt.Order("place:Q"),
            color=alt.Color(
                "reason:N",
                sort=names,
                scale=alt.Scale(domain=names, range=list(palette.CATEGORIES[: len(names)])),
                legend=alt.Legend(title=None, orient="top", columns=2, labelLimit=260),
            ),
            tooltip=[
                alt.Tooltip("month:O", title="month"),
                alt.Tooltip("reason:N", title="reason"),
                alt.Tooltip("complaints:Q", title="complaints", format=","),
            ],
        )
    )
    return _styled(chart.properties(height=260))


def _styled(chart: Any) -> Any:
    return (
        chart.properties(width="container", background=palette.BACKGROUND)
        .configure(font=FONT)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=palette.TEXT,
            titleColor=palette.QUIET,
            titleFontWeight="normal",
            gridColor=palette.LINE,
            domainColor=palette.LINE,
            tickColor=palette.LINE,
            labelFontSize=12,
            titleFontSize=12,
            labelLimit=160,
        )
        .configure_legend(labelColor=palette.TEXT, labelFontSize=13, symbolSize=110)
    )
