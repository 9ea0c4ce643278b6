"""The headline's choices: which corner and which stage is called the worst."""

from __future__ import annotations

from pyspark.sql import Row

from lake.gold import headline


def corner(area, hour, late, timed):
    return Row(area=area, order_hour=hour, orders=timed, late_order_to_door=late, order_to_door_timed=timed)


def stage(name, lost, peak=4.0, calm=2.0, mean=3.0):
    return Row(
        stage=name, minutes_lost_at_peak=lost, peak_avg_minutes=peak, off_peak_avg_minutes=calm, avg_minutes=mean
    )


def test_the_worst_corner_has_most_late_orders_above_its_share():
    busiest, tiny, worst = corner("A", 12, 20, 100), corner("B", 12, 1, 1), corner("C", 19, 30, 60)

    found = headline._worst_corner([busiest, tiny, worst], rate=51 / 161)

    assert found == {"area": "C", "order_hour": 19, "orders": 60, "late_order_to_door": 30, "late_rate": 0.5}


def test_no_corner_is_worst_when_all_are_alike_or_none_was_timed():
    assert headline._worst_corner([corner("A", 12, 5, 10), corner("B", 12, 5, 10)], rate=0.5) is None
    assert headline._worst_corner([corner("A", 12, 0, 0)], rate=None) is None
    assert headline._worst_corner([], rate=None) is None


def test_areas_without_a_name_can_be_the_worst():
    found = headline._worst_corner([corner(None, 12, 9, 10), corner("A", None, 0, 10)], rate=0.45)

    assert found is not None
    assert found["area"] is None


def test_the_worst_stage_costs_most_minutes_at_peak():
    found = headline._worst_stage([stage("styling", 10.0), stage("cooking", 90.0), stage("boxing", None)])

    assert found == {"stage": "cooking", "peak_avg_minutes": 4.0, "off_peak_avg_minutes": 2.0, "peak_ratio": 2.0}


def test_no_stage_is_worst_when_none_is_slower_at_peak():
    assert headline._worst_stage([stage("styling", -1.0), stage("cooking", 0.0), stage("boxing", None)]) is None


def test_a_stage_that_takes_a_few_hundredths_longer_does_not_slow_at_peak():
    assert headline._worst_stage([stage("delivery", 900.0, peak=32.3, calm=31.7)]) is None
    assert headline._worst_stage([stage("cooking", 5.0, peak=2.0, calm=0.0)]) is not None


def test_the_longest_stage_and_the_top_complaint_are_found():
    reasons = [Row(reason="Late delivery", complaints=3), Row(reason="Wrong size", complaints=7)]

    assert headline._longest_stage([stage("a", None, mean=1.0), stage("b", None, mean=2.0)]) == {
        "stage": "b",
        "avg_minutes": 2.0,
    }
    assert headline._top_complaint(reasons) == {"reason": "Wrong size", "complaints": 7}
    assert (headline._longest_stage([]), headline._top_complaint([])) == (None, None)
