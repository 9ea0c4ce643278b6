"""From rows of gold to figures and sentences: pure functions over plain data, without Streamlit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
NOT_GIVEN = "(not given)"
DOOR, DRIVE = "Order to door", "On the road"
CLOCKS = {DOOR: ("late_order_to_door", "order_to_door_timed"), DRIVE: ("late_deliveries", "deliveries_timed")}
LEAST_ORDERS = 30  # fewer say nothing about a place
NOTICEABLE = 1.1  # a stage that takes a tenth longer at peak is worth a sentence
STAGES = ("receipt", "base_prep", "styling", "cooking", "boxing", "delivery")
OTHERS = "all others"


@dataclass(frozen=True)
class Total:
    """Sums over some of gold's rows; minutes are sums too. Rates and means are None where nothing was timed."""

    orders: int = 0
    complaints: int = 0
    late_deliveries: int = 0
    deliveries_timed: int = 0
    late_order_to_door: int = 0
    order_to_door_timed: int = 0
    delivery_minutes: float = 0.0
    order_to_door_minutes: float = 0.0

    @property
    def drive_rate(self) -> float | None:
        return ratio(self.late_deliveries, self.deliveries_timed)

    @property
    def door_rate(self) -> float | None:
        return ratio(self.late_order_to_door, self.order_to_door_timed)

    @property
    def drive_mean(self) -> float | None:
        return ratio(self.delivery_minutes, self.deliveries_timed)

    @property
    def door_mean(self) -> float | None:
        return ratio(self.order_to_door_minutes, self.order_to_door_timed)


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def name(value: Any) -> str:
    return NOT_GIVEN if value is None else str(value)


def percent(share: float | None) -> str:
    """`12.3 %`; words where it is not known."""
    return "not known" if share is None else f"{share:.1%}".replace("%", " %")


def minutes(value: float | None) -> str:
    return "not timed" if value is None else f"{value:.1f} minutes"


def hour(value: Any) -> str:
    return NOT_GIVEN if value is None else f"{int(value):02d}:00"


def total(rows: Iterable[Row]) -> Total:
    sums: dict[str, Any] = defaultdict(int)
    for row in rows:
        for field in Total.__dataclass_fields__:
            sums[field] += row[field] or 0
    return Total(**sums)


def months(rows: Iterable[Row]) -> list[str]:
    """The months that have orders, newest first."""
    return sorted({row["month"] for row in rows if row["month"] is not None}, reverse=True)


def areas(rows: Iterable[Row]) -> list[str]:
    return sorted({name(row["area"]) for row in rows})


def chosen(rows: Iterable[Row], month: str | None, area: str | None = None) -> list[Row]:
    """The rows of a month and an area; None is all of them."""
    return [
        row for row in rows if (month is None or row["month"] == month) and (area is None or name(row["area"]) == area)
    ]


def by_month(rows: Iterable[Row]) -> list[tuple[str, Total]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["month"] is not None:
            groups[row["month"]].append(row)
    return [(month, total(group)) for month, group in sorted(groups.items())]


@dataclass(frozen=True)
class Place:
    """An area at an hour: how many orders were timed there by one clock, and how many of them were late."""

    area: str
    hour: int | None
    timed: int
    late: int

    @property
    def rate(self) -> float | None:
        return ratio(self.late, self.timed)


def places(rows: Iterable[Row], clock: str) -> list[Place]:
    late, timed = CLOCKS[clock]
    sums: dict[tuple[str, int | None], list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        cell = sums[name(row["area"]), row["order_hour"]]
        cell[0] += row[timed]
        cell[1] += row[late]
    ordered = sorted(sums.items(), key=lambda item: (item[0][0], -1 if item[0][1] is None else item[0][1]))
    return [Place(area, at, *counts) for (area, at), counts in ordered]


def worst(found: Iterable[Place]) -> Place | None:
    """The place with the most late orders above what the overall rate gives it: not the busiest, nor a lone order."""
    known = [place for place in found if place.timed]
    overall = ratio(sum(place.late for place in known), sum(place.timed for place in known)) or 0.0
    enough = [place for place in known if place.timed >= LEAST_ORDERS]
    return max(enough, key=lambda place: (place.late - overall * place.timed, place.area), default=None)


def place_sentence(found: Sequence[Place], clock: str) -> str:
    place = worst(found)
    if place is None or not place.late:
        return f"No area has {LEAST_ORDERS} timed orders in an hour of the day yet."
    where = f"area {place.area}" if place.area != NOT_GIVEN else "orders without an area"
    return (
        f"Worst by this clock ({clock.lower()}): {where} at {hour(place.hour)}, where {place.late:,} of"
        f" {place.timed:,} orders were late ({percent(place.rate)})."
    )


def headline(all_: Total, promise: str) -> str:
    """The answer in a sentence."""
    if not all_.orders:
        return "There are no orders here."
    orders = f"Of {all_.orders:,} orders, " if all_.orders > 1 else "Of the one order, "
    if all_.door_rate is None:
        return f"{orders}none was timed from order to door."
    drive = "nobody timed the drive" if all_.drive_rate is None else f"for {percent(all_.drive_rate)} the drive alone"
    return f"{orders}{percent(all_.door_rate)} took longer than {promise} minutes to the door; {drive}" + (
        "." if all_.drive_rate is None else " took that long."
    )


@dataclass(frozen=True)
class Stage:
    """One stage's mean minutes in peak hours and off-peak; None where no order was timed there then."""

    name: str
    peak: float | None
    off_peak: float | None

    @property
    def label(self) -> str:
        return self.name.replace("_", " ")

    @property
    def ratio(self) -> float | None:
        return self.peak / self.off_peak if self.peak is not None and self.off_peak else None


def stages(rows: Iterable[Row], month: str | None) -> list[Stage]:
    """The stages in the order of the work."""
    sums: dict[tuple[str, bool], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in rows:
        if month is None or row["month"] == month:
            cell = sums[row["stage"], bool(row["is_peak"])]
            cell[0] += row["minutes"] or 0.0
            cell[1] += row["orders"]
    known = {stage for stage, _ in sums}
    ordered = [stage for stage in STAGES if stage in known] + sorted(known - set(STAGES))
    return [
        Stage(stage, ratio(*sums.get((stage, True), (0.0, 0.0))), ratio(*sums.get((stage, False), (0.0, 0.0))))
        for stage in ordered
    ]


def stage_sentence(found: Sequence[Stage]) -> str:
    """Which stage slows down at peak; that none does is an answer too."""
    compared = [stage for stage in found if stage.ratio is not None]
    if not compared:
        return "Peak and off-peak cannot be compared: there are no orders in one of them."
    slow = max(compared, key=lambda stage: (stage.peak or 0) - (stage.off_peak or 0))
    if (slow.ratio or 0) < NOTICEABLE:
        return "No stage slows down at peak: each takes about as long as off-peak."
    return (
        f"{slow.label.capitalize()} slows down most at peak: {minutes(slow.peak)} instead of"
        f" {minutes(slow.off_peak)} off-peak, {slow.ratio:.2f} times as long."
    )


@dataclass(frozen=True)
class Reason:
    """Complaints for one reason; `in_time` of them although the drive kept the promise."""

    name: str
    complaints: int
    in_time: int


def reasons(rows: Iterable[Row], month: str | None) -> list[Reason]:
    """Most complaints first."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        if month is None or row["month"] == month:
            sums[row["reason"]][0] += row["complaints"]
            sums[row["reason"]][1] += row["in_time"]
    ordered = sorted(sums.items(), key=lambda item: (-item[1][0], item[0]))
    return [Reason(reason, *counts) for reason, counts in ordered]


def reasons_by_month(rows: Iterable[Row], most: int) -> list[dict[str, Any]]:
    """Complaints by month and reason; reasons beyond the `most` frequent are one."""
    rows = list(rows)
    kept = [reason.name for reason in reasons(rows, None)]
    if len(kept) > most:
        kept = kept[: most - 1]
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        sums[row["month"], row["reason"] if row["reason"] in kept else OTHERS] += row["complaints"]
    order = {reason: place for place, reason in enumerate([*kept, OTHERS])}
    return [
        {"month": month, "reason": reason, "place": order[reason], "complaints": count}
        for (month, reason), count in sorted(sums.items(), key=lambda item: (item[0][0], order[item[0][1]]))
    ]


def complaint_sentence(found: Sequence[Reason]) -> str:
    count = sum(reason.complaints for reason in found)
    if not count:
        return "Nobody complained."
    in_time = sum(reason.in_time for reason in found)
    return (
        f"{count:,} complaints, most about: {found[0].name} ({found[0].complaints:,}). In {in_time:,} of them the drive"
        " had kept the promise, so the driver is not the answer to those."
    )


def quality_sentence(row: Row | None) -> tuple[bool, str]:
    """Whether all is well with the files that were loaded, and the sentence."""
    if row is None or not row["files"]:
        return True, "No file has been loaded yet."
    files = f"{row['files']:,} file version{'s' if row['files'] > 1 else ''} read"
    if row["files_that_do_not_add_up"]:
        return (
            False,
            f"{files}; the arithmetic of {row['files_that_do_not_add_up']:,} does not add up: do not rely on it.",
        )
    if row["quarantined"]:
        share = percent(ratio(row["quarantined"], row["rows_in"]))
        return True, (
            f"{files}, every row accounted for. {row['quarantined']:,} of {row['rows_in']:,} rows ({share}) are in"
            " quarantine and count in no figure."
        )
    return True, f"{files}, every row accounted for, none in quarantine."
