"""What is said about a file as a whole: one batch of files with planted oddities, and samples that have none."""

from __future__ import annotations

import random

import pytest

from lake.sample import generate
from tests.spark.silver_support import SilverLake, order

pytestmark = pytest.mark.spark

MINUTES = {"receipt": (0.7, 0.1), "base": (3.3, 0.1), "styling": (0.5, 0.05), "cooking": (7, 0.3), 
           "boxing": (0.5, 0.05), "delivery": (30, 5)}  # fmt: skip


@pytest.fixture(scope="module")
def lake(spark, tmp_path_factory):
    return SilverLake(spark, tmp_path_factory.mktemp("findings"))


def orders(rng, first, rows, day="05/05/2018", **changes):
    """Ordinary orders; a change is a value, or a function of the chance that gives one."""
    records = []
    for number in range(first, first + rows):
        values = {name: f"{abs(rng.gauss(*usual)):.2f}" for name, usual in MINUTES.items()}
        values["mode"] = rng.choices(("Phone", "App", "Email"), (55, 42, 3))[0]
        values |= {"area": rng.choice("ABCDE"), "size": rng.choice(("Small", "Medium", "Large", "Family")), "day": day}
        values |= {"driver": rng.choice(("Kone", "Jeff", "Mary", "Lebo")), "boxer": rng.choice(("Bongani", "Patrick"))}
        values |= {"taker": rng.choice(("Dineo", "Maria")), "dough": rng.choice(("Tau", "Alexia"))}
        values |= {"stylist": rng.choice(("Jim", "Lindi")), "oven": rng.choice(("Chilli", "Curry"))}
        values |= {"temperature": f"{rng.gauss(270, 19):.1f}", "complaint": rng.choice(("no", "No", "no", "yes"))}
        values |= {"reason": "Late delivery" if values["complaint"] == "yes" and rng.random() < 0.9 else ""}
        values |= {name: value(values, rng) if callable(value) else value for name, value in changes.items()}
        stages = ("receipt", "base", "styling", "cooking", "boxing", "delivery")
        values["total"] = f"{sum(float(values[stage] or 0) for stage in stages):.2f}"
        records.append(order(number, **values))
    return records


def test_each_kind_of_oddity_is_told_in_words_and_ordinary_files_are_left_alone(lake):
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    lake.run(lake.orders("april.csv", *orders(rng, 1, 600, "07/04/2018"), at=1))
    odd = {
        "ordinary.csv": orders(rng, 1000, 300),
        "copied.csv": orders(rng, 2000, 300, boxing=lambda row, _: row["styling"]),
        "constant.csv": orders(rng, 3000, 300, temperature="250.0"),
        "slow.csv": orders(rng, 4000, 300, delivery=lambda _, rng: f"{rng.gauss(41, 5):.2f}"),
        "empty.csv": orders(rng, 5000, 300, driver=lambda row, rng: row["driver"] if rng.random() < 0.6 else ""),
        "modes.csv": orders(rng, 6000, 300, mode=lambda row, rng: rng.choice(("Email", row["mode"]))),
        "spelling.csv": orders(rng, 7000, 300, boxer=lambda row, rng: rng.choice(("Bongni", *[row["boxer"]] * 19))),
        "outside.csv": orders(rng, 8000, 90, area=lambda _, rng: rng.choice("QQR")),
        "night.csv": orders(rng, 9000, 10, time="08:30"),
        "keys.csv": [order("a-1"), order("A-1"), order("A - 1"), order("b-2")],
        "tiny.csv": orders(rng, 9500, 99, boxing="0.5"),
    }  # fmt: skip

    result = lake.run(*(lake.orders(name, *records, at=2) for name, records in odd.items()))

    told = {outcome.key: list(outcome.findings) for outcome in result.files}
    assert told["ordinary.csv"] == told["tiny.csv"] == []
    assert told["copied.csv"] == [
        "boxing_minutes says the same as styling_minutes in 300 of 300 rows: one of the two is probably a copy"
    ]
    assert told["constant.csv"][0] == "oven_temp_c is '250.00' in all 300 rows that have one"
    assert [finding[:30] for finding in told["slow.csv"]] == [
        "delivery_minutes is 4" + told["slow.csv"][0][21:30],
        "order_to_door_minutes is 5" + told["slow.csv"][1][26:30],
    ]
    assert "minutes on average in May 2018; in the months before it was" in told["slow.csv"][0]
    assert len(told["empty.csv"]) == 1
    assert told["empty.csv"][0].startswith("deliverer is empty in ")
    assert len(told["modes.csv"]) == 1
    assert told["modes.csv"][0].startswith(
        "order_mode is spread otherwise in May 2018 than in the months before: Email"
    )
    assert len(told["spelling.csv"]) == 1
    assert told["spelling.csv"][0].startswith("boxer: 'Bongni' (")
    assert len(told["outside.csv"]) == 1
    assert told["outside.csv"][0].startswith("area: 'Q' (")
    assert told["outside.csv"][0].endswith("not among A, B, C, D, E; kept as written, and flagged")
    assert told["night.csv"][0].endswith("(a 12-hour clock without am and pm looks like this): 10 of 10 rows")
    assert told["keys.csv"] == [
        "order_id: 'A - 1' and 'a-1' differ only in case or blanks; they count as different ones"
    ]
    listed = {row.source_file: row.findings for row in lake.table("file_loads").where("batch_id <> ''").collect()}
    assert {name: listed[name] for name in told} == told


def test_samples_are_told_of_by_nothing_but_what_is_planted_in_them(lake):
    seeds = random.SystemRandom().sample(range(2, 90), 4)
    print(f"seeds {seeds}")
    samples = {f"sample{seed}.csv": generate(12_000, seed).content for seed in seeds}

    result = lake.run(*(lake.file(name, data, at=5) for name, data in samples.items()))

    for outcome in result.files:
        assert outcome.state == "LOADED", outcome.reason
        kinds = [finding.split("'")[0] + finding.split("'")[1] for finding in outcome.findings]
        assert sorted(kinds) == ["area: Q", "boxer: Thmba"], outcome.findings
