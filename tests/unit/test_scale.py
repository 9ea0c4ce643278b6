"""The simulated day: nothing is lost in it, and what should not help does not."""

from __future__ import annotations

import pytest

from benchmarks.scale import Costs, World, simulate
from cli.cost import prices

COSTS = Costs.of(prices())


def test_the_same_seed_is_the_same_day() -> None:
    world = World(500, 100)

    assert simulate(world, COSTS, seed=3) == simulate(world, COSTS, seed=3) != simulate(world, COSTS, seed=4)


def test_a_file_alone_waits_for_two_starts_and_two_runs() -> None:
    world = World(1, 100)

    day = simulate(world, COSTS)

    silver = COSTS.silver + (COSTS.a_file + 100 * COSTS.a_row) / 2
    gold = COSTS.gold + 100 * 15 * COSTS.a_month_row / 2
    assert day.lag_worst == pytest.approx(2 * COSTS.start + silver + gold)
    assert (day.silver_runs, day.gold_runs, day.largest_batch) == (1, 1, 1)
    assert day.dollars == pytest.approx(2 * 60 * 2 / 3600 * COSTS.dpu_hour)  # a minute each, two workers


def test_files_that_come_together_share_runs() -> None:
    few, many = simulate(World(4_000, 100), COSTS), simulate(World(40_000, 100), COSTS)

    assert many.silver_runs < 1.1 * few.silver_runs
    assert many.largest_batch > 5 * few.largest_batch
    assert many.dollars < 1.2 * few.dollars


def test_more_flights_make_less_lag_for_more_money() -> None:
    one, ten = simulate(World(200_000, 40), COSTS), simulate(World(200_000, 40, flights=10), COSTS)

    assert ten.lag_median < one.lag_median
    assert ten.dollars > one.dollars
