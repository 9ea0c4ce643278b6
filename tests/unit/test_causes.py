"""Root causes as pure functions over counts: what is planted is found, shadows are no causes, noise gives nothing."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.multitest import multipletests

from lake.causes import counting, significance
from lake.causes.counts import by_period_and_outcome
from lake.causes.declared import declared
from lake.causes.finding import Cause, find
from lake.causes.wording import sentence
from lake.contracts import load_contracts
from lake.gold.marts import load_marts

from .causes_world import MONTH, Shop

SETTINGS = load_marts()["root_causes"].causes or {}
DECLARED = declared(SETTINGS)
NAMES = [factor.name for factor in counting.named_factors(DECLARED)]
STAGES = ("receipt", "base_prep", "styling", "cooking", "boxing", "delivery")


def all_values(orders: pa.Table) -> dict[Any, dict[str, list[str]]]:
    found: dict[Any, dict[str, list[str]]] = {}
    for month in pc.unique(orders["month"]).to_pylist():
        here = orders.filter(pc.equal(orders["month"], pa.scalar(month, pa.date32())))
        found[month] = {
            name: [value for value in pc.unique(here[name]).to_pylist() if value is not None]
            for name in (*NAMES, counting.REASON)
        }
    return found


def cells(orders: pa.Table, values: dict[Any, dict[str, list[str]]] | None = None) -> pa.Table:
    count = counting.counter(DECLARED, all_values(orders) if values is None else values)
    return pa.Table.from_batches(list(count(orders.to_batches())), counting.CELLS)


def causes(orders: pa.Table, outcome: str | None = None) -> list[Cause]:
    counted = cells(orders)
    counted = counted.append_column("period", pa.repeat("all", len(counted)))
    every = by_period_and_outcome(counted, DECLARED)
    return [cause for counts in every if outcome in (None, counts.outcome) for cause in find(counts, DECLARED)]


def rank_of(found: Iterable[Cause], **factors: str) -> int | None:
    return next((cause.rank for cause in found if dict(cause.factors) == factors), None)


def orders(*changes: dict[str, Any]) -> pa.Table:
    """One order a mapping, by hand; what is not given is unknown."""
    names = ["month", "late_delivery", "late_order_to_door", "complaint", counting.REASON]
    names += [factor.name for factor in DECLARED.factors]
    types = {"month": pa.date32(), **dict.fromkeys(names[1:4], pa.bool_())}
    types |= {factor.name: pa.float64() for factor in DECLARED.factors if factor.bands}
    rows = [{"month": MONTH, **change} for change in changes]
    return pa.table({name: pa.array([r.get(name) for r in rows], types.get(name, pa.string())) for name in names})


# ---- what is planted is found ----


@pytest.mark.parametrize(
    ("plant", "outcome", "factors"),
    [
        (lambda s: s.late({"area": "C"}, share=0.3), "late_delivery", {"area": "C"}),
        (lambda s: s.late({"deliverer": "Ravi"}, share=0.3), "late_delivery", {"deliverer": "Ravi"}),
        (lambda s: s.late({"order_date": "Friday"}, share=0.3), "late_delivery", {"order_date": "Friday"}),
        (lambda s: s.slow("cooking", {"size": "Family"}), "late_order_to_door", {"size": "Family"}),
        (lambda s: s.slow("base_prep", {"order_hour": "18"}), "late_order_to_door", {"order_hour": "18"}),
        (lambda s: s.complain({"order_mode": "Email"}), "complaint", {"order_mode": "Email"}),
        (lambda s: s.complain({"boxer": "O'Neil"}), "complaint", {"boxer": "O'Neil"}),
        (lambda s: s.late({"area": "E", "order_hour": "21"}), "late_delivery", {"area": "E", "order_hour": "21"}),
        (lambda s: s.late({"size": "Small", "boxer": "Gift"}), "late_delivery", {"size": "Small", "boxer": "Gift"}),
        (
            lambda s: s.complain({"stylist": "Marco", "size": "Large"}, reason="Wrong topping"),
            "complaint: Wrong topping",
            {"size": "Large", "stylist": "Marco"},
        ),
        (
            lambda s: s.complain({"order_taker": "Nomsa", "dough_prep": "Vusi"}, reason="Too doughy"),
            "complaint: Too doughy",
            {"order_taker": "Nomsa", "dough_prep": "Vusi"},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_planted_cause_is_the_first_and_only_one(plant: Any, outcome: str, factors: dict[str, str]) -> None:
    found = causes(plant(Shop(seed=7)).table(), outcome)

    assert rank_of(found, **factors) == 1
    assert len(found) == 1, [cause.factors for cause in found]


def test_several_causes_of_one_outcome_are_ranked_by_what_they_cost() -> None:
    shop = Shop(seed=3).late({"area": "A"}, share=0.25).late({"order_mode": "Email"}, share=0.4)

    found = causes(shop.late({"stylist": "Priya", "order_hour": "19"}).table(), "late_delivery")

    assert [dict(cause.factors) for cause in found] == [
        {"area": "A"},
        {"order_mode": "Email"},
        {"order_hour": "19", "stylist": "Priya"},
    ]
    assert [cause.rank for cause in found] == [1, 2, 3]
    assert sorted((cause.excess for cause in found), reverse=True) == [cause.excess for cause in found]


def test_two_causes_that_meet_are_not_a_third_one() -> None:
    shop = Shop(seed=5).slow("cooking", {"size": "Family"}).slow("base_prep", {"order_hour": "19"})

    found = causes(shop.table(), "late_order_to_door")

    assert {cause.factors for cause in found} == {(("size", "Family"),), (("order_hour", "19"),)}


def test_hours_are_named_rather_than_the_part_of_the_day_around_them() -> None:
    found = causes(Shop(seed=6).late({"order_hour": "18"}, share=0.4).table(), "late_delivery")

    assert [dict(cause.factors) for cause in found] == [{"order_hour": "18"}]
    assert (("day_part", "evening (17 to 19)"),) in found[0].shadows


# ---- shadows are no causes ----


@pytest.mark.parametrize(
    ("follow", "plant", "outcome", "factors", "shadow"),
    [
        ({}, lambda s: s.slow("cooking", {"size": "Family"}), "late_order_to_door", {"size": "Family"}, "oven"),
        (
            {"boxer": ("area", "E", "Themba", 0.9)},
            lambda s: s.late({"area": "E"}, share=0.3),
            "late_delivery",
            {"area": "E"},
            "boxer",
        ),
        (
            {"area": ("boxer", "Themba", "E", 0.9)},  # the earlier fact may be the shadow
            lambda s: s.complain({"boxer": "Themba"}),
            "complaint",
            {"boxer": "Themba"},
            "area",
        ),
        (
            {"deliverer": ("order_hour", "21", "Wian", 0.9)},
            lambda s: s.late({"order_hour": "21"}, share=0.4),
            "late_delivery",
            {"order_hour": "21"},
            "deliverer",
        ),
        (
            {"order_taker": ("stylist", "Marco", "Nomsa", 0.9)},
            lambda s: s.complain({"stylist": "Marco", "size": "Large"}, times=5),
            "complaint",
            {"size": "Large", "stylist": "Marco"},
            "order_taker",
        ),
    ],
    ids=["oven follows size", "boxer follows area", "area follows boxer", "driver follows hour", "shadow of a pair"],
)
def test_what_only_goes_along_with_a_cause_is_told_with_it_and_not_listed(
    follow: Any, plant: Any, outcome: str, factors: dict[str, str], shadow: str
) -> None:
    found = causes(plant(Shop(seed=11, follow=follow)).table(), outcome)

    assert [dict(cause.factors) for cause in found] == [factors]
    assert shadow in {dimension for told in found[0].shadows for dimension, _ in told}


def test_temperature_follows_size_and_says_so_in_the_evidence() -> None:
    (cause,) = causes(Shop(seed=12).complain({"size": "Family"}).table(), "complaint")

    words = sentence(DECLARED, "complaint", cause.factors, orders=cause.orders, hits=cause.hits,
                     baseline=cause.baseline, shadows=cause.shadows)  # fmt: skip

    assert dict(cause.factors) == {"size": "Family"}
    assert "oven_temp_c 280 to 290" in words
    assert "; oven, " in words, "a row that is not about a person names nobody"
    assert words.endswith("only go along with it.")


def test_how_long_the_work_took_does_not_hide_what_made_it_long() -> None:
    shop = Shop(seed=13).late({"area": "D"}, share=0.5)
    late = shop.columns["delivery_minutes"] > 30
    shop.complaint = shop.complaint | (late & (shop.rng.random(shop.orders) < 0.3))

    found = causes(shop.table(), "complaint")

    assert {name for cause in found for name, _ in cause.factors} == {"delivery_minutes", "area"}


# ---- noise gives nothing ----


@pytest.mark.parametrize("seed", range(20))
def test_pure_noise_has_no_cause(seed: int) -> None:
    assert causes(Shop(seed=1000 + seed, noise=True).table()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"complaint": False, "late_delivery": False, "late_order_to_door": False},
        {"complaint": True, "late_delivery": True, "late_order_to_door": True, counting.REASON: "cold"},
        {},
    ],
    ids=["nothing ever happens", "everything goes wrong", "nothing is known"],
)
def test_an_outcome_that_never_differs_has_no_cause(change: dict[str, Any]) -> None:
    table = orders(*({"area": "AB"[n % 2], "size": "Large", **change} for n in range(200)))

    assert causes(table) == []


def test_three_orders_are_no_evidence() -> None:
    late = [{"late_delivery": n == 0, "area": "A" if n == 0 else "B"} for n in range(3)]

    assert causes(orders(*late)) == []
    assert causes(orders()) == []


def test_one_area_for_all_is_no_cause() -> None:
    table = Shop(seed=2).late({"order_hour": "19"}, share=0.5).table()
    table = table.set_column(table.schema.get_field_index("area"), "area", pa.repeat("A", len(table)))

    assert [dict(cause.factors) for cause in causes(table, "late_delivery")] == [{"order_hour": "19"}]


def test_an_outcomes_own_clock_is_no_factor_of_it() -> None:
    found = causes(Shop(seed=4).late({"area": "B"}, share=0.5).table())
    named = {(cause.outcome, name) for cause in found for name, _ in (*cause.factors, *sum(cause.shadows, ()))}

    assert ("late_delivery", "delivery_minutes") not in named
    assert not {("late_order_to_door", f"{stage}_minutes") for stage in STAGES} & named


# ---- counting ----


def brute_force(table: pa.Table) -> dict[tuple[Any, ...], tuple[int, int]]:
    """The counts by plain loops over the orders."""
    found: dict[tuple[Any, ...], tuple[int, int]] = {}
    for row in table.to_pylist():
        values: list[tuple[str | None, str | None]] = [(None, None)]
        for factor in DECLARED.factors:
            value = row[factor.name]
            if factor.bands and value is not None:
                value = factor.band_names()[sum(value >= edge for edge in factor.bands)]
            if value is not None:
                values.append((factor.name, value))
        keys = [(*values[0], None, None), *((*v, None, None) for v in values[1:])]
        keys += [(*a, *b) for i, a in enumerate(values[1:], 1) for b in values[i + 1 :]]
        outcomes = {name: row[name] for name in ("late_delivery", "late_order_to_door", "complaint")}
        if row["complaint"] and row[counting.REASON] is not None:
            outcomes["complaint: " + row[counting.REASON]] = True
        for key in keys:
            for outcome, hit in outcomes.items():
                if hit is not None:
                    orders_, hits = found.get((row["month"], outcome, *key), (0, 0))
                    found[row["month"], outcome, *key] = orders_ + 1, hits + hit
    return found


def summed(parts: Iterable[pa.Table]) -> dict[tuple[Any, ...], tuple[int, int]]:
    found: dict[tuple[Any, ...], tuple[int, int]] = {}
    for part in parts:
        for row in part.to_pylist():
            *key, n, h = row.values()
            before = found.get(tuple(key), (0, 0))
            found[tuple(key)] = before[0] + (n or 0), before[1] + h
    return found


def random_orders(rng: random.Random, count: int) -> pa.Table:
    def maybe(value: Any) -> Any:
        return None if rng.random() < 0.15 else value

    def one() -> dict[str, Any]:
        complained = rng.choice([True, False, None])
        return {
            "month": rng.choice([dt.date(2018, 3, 1), dt.date(2018, 4, 1)]),
            "late_delivery": maybe(rng.random() < 0.3),
            "late_order_to_door": maybe(rng.random() < 0.6),
            "complaint": complained,
            counting.REASON: rng.choice(["Kalt \u2603", 'it\'s "late"']) if complained else None,
            **{name: maybe(rng.choice(["a", "'; DROP", "Ж"])) for name in NAMES},
            **{
                f.name: maybe(rng.choice([0.0, f.bands[0], f.bands[-1] - 0.01, 1e6]))
                for f in DECLARED.factors
                if f.bands
            },
        }

    return orders(*(one() for _ in range(count)))


def test_reasons_count_where_they_were_given_and_everything_else_always() -> None:
    table = random_orders(random.Random(1), 60)

    expected = brute_force(table)

    found = summed([cells(table)])
    assert {key for key in found if not key[1].startswith("complaint: ")} == {
        key for key in expected if not key[1].startswith("complaint: ")
    }
    for key, (count, hits) in found.items():
        if key[1].startswith("complaint: "):
            assert (count, hits) == (0, expected[key][1]), key
        else:
            assert (count, hits) == expected[key], key


def test_counts_of_parts_add_up_to_the_counts_of_the_whole() -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    table = random_orders(rng, 80)
    values = all_values(table)
    cuts = sorted(rng.sample(range(1, 80), 3))
    parts = [table.slice(a, b - a) for a, b in zip([0, *cuts], [*cuts, 80])]

    assert summed(cells(part, values) for part in parts) == summed([cells(table, values)])


def test_a_value_that_is_not_counted_leaves_its_order_in_all_other_counts() -> None:
    table = orders(*({"late_delivery": True, "order_taker": f"taker {n}", "area": "A"} for n in range(1000)))

    counted = cells(table, {MONTH: {"order_taker": ["taker 7"], "area": ["A"]}})

    assert counted.num_rows == 4
    assert summed([counted])[MONTH, "late_delivery", "area", "A", None, None] == (1000, 1000)


# ---- the tests behind it, against other people's implementations ----


@pytest.mark.parametrize(
    ("hits", "of", "all_hits", "all_orders"), [(9, 30, 40, 900), (40, 60, 300, 800), (5, 6, 6, 14)]
)
def test_small_counts_get_fishers_exact_test(hits: int, of: int, all_hits: int, all_orders: int) -> None:
    table = [[hits, of - hits], [all_hits - hits, all_orders - of - all_hits + hits]]

    exact = stats.fisher_exact(table, alternative="greater").pvalue

    assert significance.excess_p(hits, of, all_hits, all_orders) == pytest.approx(exact)


def test_the_approximation_for_large_counts_is_close_to_the_exact_test() -> None:
    hits = np.array([2100.0, 2150.0, 2250.0])

    found = significance.excess_p(hits, 20_000.0, 10_000.0, 100_000.0)

    assert np.log(found) == pytest.approx(np.log(stats.hypergeom.sf(hits - 1, 100_000, 10_000, 20_000)), rel=0.03)


def test_strata_are_weighed_as_by_cochran_mantel_and_haenszel() -> None:
    hits, of = np.array([12.0, 30.0, 9.0]), np.array([40.0, 60.0, 50.0])
    all_hits, all_orders = np.array([30.0, 70.0, 50.0]), np.array([200.0, 150.0, 400.0])
    tables = [np.array([[h, n - h], [hh - h, nn - n - hh + h]]) for h, n, hh, nn in zip(hits, of, all_hits, all_orders)]

    z = significance.stratified_z(hits, of, all_hits, all_orders)

    assert z**2 == pytest.approx(StratifiedTable(tables).test_null_odds(correction=True).statistic)


def test_q_values_are_those_of_benjamini_and_hochberg() -> None:
    p = np.random.default_rng(3).random(50) ** 3

    assert significance.adjusted(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])
    assert significance.adjusted(p[:1], tests=50) == pytest.approx(min(1, p[0] * 50))


def test_three_factors_are_told_exactly_where_one_of_them_is_a_shadow() -> None:
    rng = np.random.default_rng(5)
    a, d = rng.random(50_000) < 0.3, rng.integers(0, 4, 50_000)
    c = rng.random(50_000) < np.array([0.9, 0.1, 0.1, 0.2])[d]  # c follows d and not a
    table = np.zeros((2, 2, 4))
    np.add.at(table, (a.astype(int), c.astype(int), d), 1)

    found = significance.joint(table.sum(axis=2), table.sum(axis=1), table.sum(axis=0))

    assert found == pytest.approx(table, rel=0.05, abs=25)
    assert found.sum(axis=2) == pytest.approx(table.sum(axis=2), rel=1e-3)


# ---- what is declared, and the words ----


def test_personal_factors_are_those_of_the_contract_and_all_are_columns_of_silver() -> None:
    columns = {column.name for column in load_contracts()["orders"].columns}

    assert {factor.name for factor in DECLARED.factors} - columns == {"day_part"}
    assert {factor.name for factor in DECLARED.factors if factor.person} == {
        "order_taker", "dough_prep", "stylist", "oven", "boxer", "deliverer",
    }  # fmt: skip
    assert all(factor.station for factor in DECLARED.factors if factor.person)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"factors": [{"name": "area", "label": "to area {}", "tier": "later"}], "outcomes": []}, "tier is 'later'"),
        ({"factors": [{"name": "area", "label": "to an area"}], "outcomes": []}, "no place for the value"),
        ({"factors": [{"name": "t", "label": "{}", "bands": [2, 1]}], "outcomes": []}, "do not rise"),
        ({"outcomes": [{"name": "late", "words": "were late", "own_clock": ["clock"]}]}, "clock"),
    ],
)
def test_a_declaration_that_says_something_unknown_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        declared({**SETTINGS, **change})


def test_the_evidence_has_count_rate_and_lift_in_one_sentence() -> None:
    words = sentence(
        DECLARED,
        "late_delivery",
        (("area", "E"), ("order_hour", "21")),
        orders=1213,
        hits=213,
        baseline=0.08,
    )

    assert words == (
        "213 of 1,213 orders to area E placed in the hour from 21:00 were too long on the road (17.6%), "
        "2.2 times the usual 8.0%."
    )


def test_a_person_is_named_after_the_station_and_the_shift() -> None:
    words = sentence(
        DECLARED, "complaint: cold", (("stylist", "Marco"), ("size", "Large")), orders=10, hits=5, baseline=0.1
    )

    assert words.startswith("At the topping station, 5 of 10 orders of size Large on Marco's shift brought a complaint")


def test_a_reader_who_does_not_ask_for_people_reads_of_the_station() -> None:
    words = sentence(DECLARED, "complaint", (("size", "Large"), ("stylist", "Marco")), orders=10, hits=5, baseline=0.1,
                     shadows=((("oven", "Curry"),), (("oven_temp_c", "270 to 280"),)), name_people=False)  # fmt: skip

    assert words == (
        "At the topping station, 5 of 10 orders of size Large on one person's shift brought a complaint (50.0%), "
        "5.0 times the usual 10.0%; oven, oven_temp_c 270 to 280 only go along with it."
    )


def test_two_people_are_joined_in_words() -> None:
    words = sentence(DECLARED, "complaint", (("boxer", "Gift"), ("deliverer", "Ravi")), orders=4, hits=2, baseline=0.5)

    assert words.startswith(
        "At the boxing and the delivery stations, 2 of 4 orders on Gift's shift and on Ravi's shift"
    )
