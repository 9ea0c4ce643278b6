"""From rows to figures, sentences and charts."""

from __future__ import annotations

import pytest

from dashboard import charts, figures
from dashboard.figures import DOOR, DRIVE, Place, Reason, Stage
from dashboard.files import kinds
from dashboard.view import freshness_words

from .fakes import FakePort, answer, full, performance


def rows_of(name: str, port: FakePort | None = None):
    return (port or full()).answers[name].dicts()


def test_a_total_is_over_the_chosen_month_and_area_and_rates_are_over_what_was_timed():
    rows = [*rows_of("clocks and places"), {**performance("2018-03", "A", 13, 9, 0, 0), "deliveries_timed": 0}]

    total = figures.total(figures.chosen(rows, "2018-03", "A"))

    assert (total.orders, total.late_deliveries, total.deliveries_timed) == (109, 5, 100)
    assert total.drive_rate == pytest.approx(0.05)


def test_nothing_timed_is_not_known_and_never_a_zero():
    total = figures.total([])

    assert (total.door_rate, total.drive_mean) == (None, None)
    assert figures.percent(total.door_rate) == "not known"
    assert figures.headline(total, "30") == "There are no orders here."


def test_the_headline_gives_both_clocks():
    total = figures.total(rows_of("clocks and places"))

    assert figures.headline(total, "30") == (
        "Of 440 orders, 30.0 % took longer than 30 minutes to the door; for 17.3 % the drive alone took that long."
    )


def test_orders_without_an_area_or_hour_are_kept_and_named():
    rows = rows_of("clocks and places")

    assert figures.areas(rows) == ["(not given)", "A", "E"]
    assert [place.timed for place in figures.places(rows, DRIVE) if place.hour is None] == [40]
    assert figures.chosen(rows, None, "(not given)")[0]["orders"] == 40


def test_the_worst_place_has_most_late_orders_above_the_usual_not_the_highest_rate_of_few():
    found = [Place("A", 12, 1000, 110), Place("E", 21, 100, 60), Place("B", 3, 2, 2)]

    worst = figures.worst(found)

    assert worst is not None
    assert (worst.area, worst.hour) == ("E", 21)
    assert "area E at 21:00, where 60 of 100" in figures.place_sentence(found, DRIVE)


def test_few_orders_everywhere_name_no_place():
    assert "No area has 30" in figures.place_sentence([Place("B", 3, 2, 2)], DOOR)


@pytest.mark.parametrize(
    ("peak", "off_peak", "words"),
    [
        (5.0, 3.0, "Base prep slows down most at peak: 5.0 minutes instead of 3.0 minutes off-peak, 1.67 times"),
        (3.1, 3.0, "No stage slows down at peak"),
        (None, 3.0, "cannot be compared"),
        (5.0, 0.0, "cannot be compared"),
    ],
)
def test_which_stage_slows_down_or_that_none_does(peak, off_peak, words):
    assert words in figures.stage_sentence([Stage("base_prep", peak, off_peak)])


def test_stages_come_in_the_order_of_the_work():
    rows = [
        {"month": "2018-03", "stage": stage, "is_peak": True, "orders": 1, "minutes": 1.0}
        for stage in ("delivery", "receipt", "cooking")
    ]

    assert [stage.name for stage in figures.stages(rows, None)] == ["receipt", "cooking", "delivery"]
    assert figures.stages(rows, "2018-04") == []


def test_reasons_beyond_the_colours_become_one():
    rows = [{"month": "2018-03", "reason": f"r{n}", "complaints": 10 - n, "in_time": 1} for n in range(8)]

    found = figures.reasons_by_month(rows, 5)

    assert [(row["reason"], row["complaints"]) for row in found] == [
        ("r0", 10), ("r1", 9), ("r2", 8), ("r3", 7), ("all others", 18),
    ]  # fmt: skip


def test_complaints_in_words():
    assert figures.complaint_sentence([]) == "Nobody complained."
    assert "9 complaints, most about: Wrong size (9). In 4 of them" in figures.complaint_sentence(
        [Reason("Wrong size", 9, 4)]
    )


def test_files_that_do_not_add_up_are_not_called_complete():
    row = {"files": 2, "rows_in": 10, "quarantined": 0, "files_that_do_not_add_up": 1}

    assert figures.quality_sentence(row)[0] is False
    assert figures.quality_sentence({**row, "files_that_do_not_add_up": 0}) == (
        True, "2 file versions read, every row accounted for, none in quarantine.",
    )  # fmt: skip


def test_reasons_that_differ_only_in_the_value_are_one_kind():
    assert kinds(["order_date 'x: 1' is no date: 3", "order_date 'y' is no date: 2", "order_id is missing: 1"]) == [
        "order_date … is no date: 5",
        "order_id is missing: 1",
    ]


@pytest.mark.parametrize(("snapshot", "word"), [(7, "Fresh"), (8, "Being refreshed")])
def test_gold_is_called_fresh_only_when_it_shows_what_silver_holds(snapshot, word):
    from dashboard.questions import SILVER_NOW
    from dashboard.reader import Told

    state = rows_of("freshness")[0]

    assert freshness_words(state, Told(SILVER_NOW, answer({"snapshot_id": snapshot})))[0] == word
    assert freshness_words(state, Told(SILVER_NOW, trouble="AccessDenied"))[0] == "Published"


def test_charts_are_valid_and_names_from_data_stay_values():
    nasty = "a.b[0] '\"<b>"
    drawn = [
        charts.clocks_by_month(figures.by_month(rows_of("clocks and places"))),
        charts.heat_map([Place(nasty, 12, 100, 50), Place("A", None, 3, 1)]),
        charts.stage_bars([Stage(nasty, 1.0, None)]),
        charts.complaint_bars([{"month": "2018-03", "reason": nasty, "place": 0, "complaints": 1}]),
    ]

    specs = [chart.to_dict() for chart in drawn]  # altair validates against Vega-Lite's schema

    for spec in specs:
        fields = {channel.get("field") for layer in spec.get("layer", [spec]) for channel in layer["encoding"].values()
                  if isinstance(channel, dict)}  # fmt: skip
        assert nasty not in fields


def test_a_place_with_few_orders_shows_no_rate():
    spec = charts.heat_map([Place("A", 12, 9, 9), Place("E", 12, 10, 5)]).to_dict()

    rows = (spec.get("data") or spec["layer"][0]["data"])["values"]
    assert {row["area"]: (row["rate"], row["label"]) for row in rows} == {"A": (None, "few"), "E": (0.5, "50%")}


def test_more_areas_than_fit_leave_the_smallest_out_of_the_chart():
    found = [Place(f"area {n:02d}", 12, 100 + n, 1) for n in range(40)]

    assert charts.most_areas(found) == {f"area {n:02d}" for n in range(28, 40)}
