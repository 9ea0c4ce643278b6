"""What counts as a shift, tried on thousands of pairs of months without Spark."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from lake.contracts import Field, Watch
from lake.silver import drift
from lake.silver.drift import Column, Profile

MONTH = dt.date(2018, 6, 1)
WATCH = Watch()
MINUTES = Field("delivery_minutes", "number", "decimal(9,2)", unit="minutes")
MODE = Field("order_mode", "string", "string", allowed=("Phone", "App", "Email"))
DRIVER = Field("deliverer", "string", "string")
FIELDS = (MINUTES, MODE, DRIVER)


def values(field):
    return [(value, value) for value in field.allowed]


def month(rng, rows, mean=32.0, spread=6.0, modes=(55, 43, 2), empty=0.01):
    """A profile of random orders."""
    minutes = [rng.gauss(mean, spread) for _ in range(rows)]
    chosen = rng.choices(MODE.allowed, modes, k=rows)
    named = sum(rng.random() >= empty for _ in range(rows))
    return Profile(
        rows,
        {
            "delivery_minutes": Column(rows, sum(minutes), sum(m * m for m in minutes)),
            "order_mode": Column(rows, values=[chosen.count(mode) for mode in MODE.allowed]),
            "deliverer": Column(named),
        },
    )


def moved(new, old):
    return drift.moved(FIELDS, new, old, MONTH, WATCH, values)


def test_ordinary_months_are_not_told_of_whatever_their_size():
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)

    told = []
    for _ in range(300):
        told += moved(month(rng, rng.choice((100, 400, 1000))), month(rng, rng.choice((200, 1000, 3000))))

    # Half a standard deviation between 100 rows and 200 comes by chance once in some 20,000 pairs: twice here, never.
    assert len(told) <= 1, told


def test_a_mean_that_moved_is_told_with_both_figures():
    rng = random.Random(1)

    told = moved(month(rng, 400, mean=41.0), month(rng, 900))

    assert len(told) == 1
    assert told[0].startswith("delivery_minutes is 4")
    assert "minutes on average in June 2018; in the months before it was 3" in told[0]


def test_a_column_that_runs_empty_is_told():
    rng = random.Random(2)

    told = moved(month(rng, 400, empty=0.5), month(rng, 900))

    assert len(told) == 1
    assert "deliverer is empty in" in told[0]
    assert "of the 400 rows of June 2018; in the months before it was" in told[0]


def test_a_spread_over_values_that_moved_is_told_with_the_largest_parts():
    rng = random.Random(3)

    told = moved(month(rng, 400, modes=(20, 40, 40)), month(rng, 900))

    assert len(told) == 1
    assert told[0].startswith("order_mode is spread otherwise in June 2018 than in the months before: Email ")
    assert "(was 2%" in told[0] or "(was 1%" in told[0] or "(was 3%" in told[0]


def test_without_enough_rows_nothing_is_judged():
    rng = random.Random(4)

    assert moved(month(rng, 400, mean=99), month(rng, 99)) == []
    assert moved(month(rng, 400, mean=99), Profile()) == []


def test_a_column_that_never_held_anything_cannot_run_empty():
    rng = random.Random(5)
    old, new = month(rng, 900, empty=1), month(rng, 400, empty=0)

    assert moved(new, old) == []


def test_merged_profiles_are_the_profile_of_all_rows():
    rng = random.Random(6)
    one, other = month(rng, 300), month(rng, 500, mean=20)

    whole = drift.merged([one, other]).columns["delivery_minutes"]

    assert whole.count == 800
    assert whole.mean == pytest.approx((one.columns["delivery_minutes"].total + 10000) / 800, rel=0.05)
    assert drift.merged([Profile(2, {"x": Column(2, low="a", high="a")})] * 2).columns["x"].high == "a"
    two = [Profile(2, {"x": Column(2, low=v, high=v)}) for v in ("a", "b")]
    assert drift.merged(two).columns["x"].low != drift.merged(two).columns["x"].high


def test_the_window_of_months_goes_over_new_year():
    assert drift.window(dt.date(2018, 2, 1), 3) == [dt.date(2018, 1, 1), dt.date(2017, 12, 1), dt.date(2017, 11, 1)]


@pytest.mark.parametrize(("degrees", "exact"), [(2, 13.816), (4, 18.467), (9, 27.877), (30, 59.703)])
def test_chi_squared_is_close_to_the_tables(degrees, exact):
    assert drift.chi_squared(degrees, 0.001) == pytest.approx(exact, rel=0.03)


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("Bongni", "Bongani", True),
        ("Themba", "Thmeba", True),
        ("Themba", "Thamba", True),
        ("themba ", "Themba", True),
        ("Themba", "Themba", False),
        ("Mary", "Rita", False),
        ("Jim", "Tim", False),
        ("Sipho", "Sandile", False),
        ("C000123", "C000124", False),
        ("Themba", "Tehmab", False),
    ],
)
def test_one_spelling_is_near_another_by_one_letter_of_a_name_long_enough(one, other, near):
    assert drift.one_apart(one, other) is drift.one_apart(other, one) is near


def test_a_rare_spelling_of_a_frequent_name_is_told_and_two_frequent_ones_are_not():
    assert drift.spellings("boxer", {"Bongani": 3740, "Bongni": 814, "Pat": 4580, "Rohan": 3639, "Rohen": 3000}) == [
        "boxer: 'Bongni' (814 rows) may be 'Bongani' (3,740 rows) in another spelling; both are kept as written"
    ]
