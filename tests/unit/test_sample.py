"""The generator: layout and habits of the real export, a true answer key, causes that are really there."""

from __future__ import annotations

import csv
import io
import re
import time
from datetime import date, datetime

import pytest

from lake.sample import AREAS, BLANK_RECORDS, FLAG_KINDS, QUARANTINE_KINDS, Sample, Spec, generate, split, write


def records(sample: Sample) -> tuple[list[str], list[dict[str, str]], int]:
    """Header, data records and the number of comma-only records, read with nothing but the csv module."""
    header, *body = csv.reader(io.StringIO(sample.content.decode("utf-8-sig"), newline=""))
    data = [dict(zip(header, row)) for row in body if any(row)]
    return header, data, len(body) - len(data)


@pytest.fixture(scope="module")
def big() -> tuple[Sample, list[dict[str, str]]]:
    sample = generate(20_000, seed=5)
    return sample, records(sample)[1]


def spoilt_ids(sample: Sample) -> set[int]:
    return {spoilt.record for spoilt in sample.facts.quarantined}


def good(sample: Sample, data: list[dict[str, str]]) -> list[dict[str, str]]:
    bad = spoilt_ids(sample)
    return [row for number, row in enumerate(data, 1) if number not in bad]


def share(rows: list[dict[str, str]], hit: object) -> float:
    return sum(map(hit, rows)) / len(rows)  # type: ignore[arg-type, call-overload]


def test_the_file_has_the_habits_of_the_export() -> None:
    sample = generate(2000, seed=3)
    header, data, blank = records(sample)
    assert sample.content.startswith(b"\xef\xbb\xbfPizza No.,")
    assert b"\r" not in sample.content
    assert len(header) == 29
    assert header[22:] == [""] * 7
    assert " Base prep (mins)" in header
    assert "Oven Temp \u00baC" in header
    assert blank == BLANK_RECORDS
    assert sample.content.endswith(b"," * 28 + b"\n")
    assert {row["Cust. complaint"] for row in data} >= {"yes", "No", "no"}
    assert all(re.fullmatch(r"\d\d/\d\d/\d{4}|yesterday", row["Order Date"]) for row in data)
    assert len({row["Reason"] for row in data}) > len({row["Reason"].lower() for row in data})


def test_some_records_are_out_of_order_and_none_is_lost() -> None:
    sample = generate(2000, seed=3, spoilt_share=0)
    numbers = [int(row["Pizza No."]) for row in records(sample)[1]]
    assert numbers != sorted(numbers)
    assert sorted(numbers) == list(range(min(numbers), min(numbers) + 2000))


def test_same_arguments_same_bytes_and_another_seed_another_file() -> None:
    assert generate(500, seed=9, customers=True) == generate(500, seed=9, customers=True)
    assert generate(500, seed=9).content != generate(500, seed=10).content


@pytest.mark.parametrize("orders", [1, 9, 10, 100, 1234])
def test_every_record_is_counted(orders: int) -> None:
    sample = generate(orders)
    _, data, blank = records(sample)
    assert len(data) == orders == sample.facts.records
    assert sample.facts.good + len(sample.facts.quarantined) == orders
    assert sample.facts.blank == blank


def test_every_way_to_spoil_a_record_is_there_and_said_with_its_record_number() -> None:
    sample = generate(5000, seed=2)
    data = records(sample)[1]
    planted = {spoilt.kind: data[spoilt.record - 1] for spoilt in (*sample.facts.quarantined, *sample.facts.flagged)}
    assert set(planted) == {*QUARANTINE_KINDS, *FLAG_KINDS}
    assert planted["missing id"]["Pizza No."] == ""
    assert planted["negative minutes"]["Delivery (mins)"].startswith("-")
    assert planted["unknown area"]["Area"] not in AREAS
    assert not planted["minutes not a number"][" Base prep (mins)"].replace(".", "").isdigit()
    with pytest.raises(ValueError, match=r"time data|day is out of range|unconverted"):
        datetime.strptime(planted["unreadable date"]["Order Date"], "%d/%m/%Y")


def test_a_clean_file_has_nothing_spoilt() -> None:
    sample = generate(1000, spoilt_share=0.0)
    assert not sample.facts.quarantined
    assert not sample.facts.flagged
    assert all(row["Area"] in AREAS for row in records(sample)[1])


def test_the_answer_key_agrees_with_a_count_over_the_file(big: tuple[Sample, list[dict[str, str]]]) -> None:
    sample, data = big
    rows, facts = good(sample, data), sample.facts
    assert facts.late_deliveries == sum(float(row["Delivery (mins)"]) > 30 for row in rows)
    assert facts.late_order_to_door == sum(float(row["Ord - Del time"]) > 30 for row in rows)
    assert facts.complaints == sum(row["Cust. complaint"].lower() == "yes" for row in rows)
    assert facts.reasons["Wrong size"] == sum(row["Reason"].lower() == "wrong size" for row in rows)
    assert sum(facts.reasons.values()) == facts.complaints
    days = [datetime.strptime(row["Order Date"], "%d/%m/%Y").date() for row in rows]
    assert (facts.first_day, facts.last_day) == (min(days), max(days)) == (min(days), date(2025, 8, 31))
    assert sum(facts.orders_by_month.values()) == facts.good


def test_the_total_is_the_sum_of_the_stages_to_the_rounding(big: tuple[Sample, list[dict[str, str]]]) -> None:
    stages = ("Order Receipt (mins)", " Base prep (mins)", " Styling (mins)", " Cooking Time (mins)", "Boxing (mins)",
              "Delivery (mins)")  # fmt: skip
    for row in good(*big):
        assert abs(float(row["Ord - Del time"]) - sum(float(row[stage]) for stage in stages)) < 0.13


def test_each_planted_cause_makes_its_outcome_much_more_frequent(big: tuple[Sample, list[dict[str, str]]]) -> None:
    sample, rows = big[0], good(*big)
    columns = {"area": "Area", "size": "Size", "stylist": "Stylist", "order_mode": "Order Mode"}

    def holds(row: dict[str, str], factors: dict[str, tuple[object, ...]]) -> bool:
        hour = int(row["Order Time"][:2])
        return all(
            (hour if factor == "order_hour" else row[columns[factor]]) in values for factor, values in factors.items()
        )

    outcomes = {
        "late_delivery": lambda row: float(row["Delivery (mins)"]) > 30,
        "late_order_to_door": lambda row: float(row["Ord - Del time"]) > 30,
        "complaint: Wrong topping": lambda row: row["Reason"].lower() == "wrong topping",
        "complaint: Wrong size": lambda row: row["Reason"].lower() == "wrong size",
    }
    assert len(sample.facts.causes) == 5
    for cause in sample.facts.causes:
        with_it = [row for row in rows if holds(row, cause.factors)]
        without = [row for row in rows if not holds(row, cause.factors)]
        hit = outcomes[cause.outcome]
        assert len(with_it) > 200, cause.name
        assert share(with_it, hit) > 1.4 * share(without, hit), cause.name


def test_the_shadow_follows_the_size_and_says_nothing_more(big: tuple[Sample, list[dict[str, str]]]) -> None:
    rows = good(*big)
    wasabi = [row for row in rows if row["Oven"] == "Wasabi"]
    assert {row["Size"] for row in wasabi} == {"Family"}
    family_elsewhere = [row for row in rows if row["Size"] == "Family" and row["Oven"] != "Wasabi"]
    late = lambda row: float(row["Ord - Del time"]) > 30  # noqa: E731
    assert len(family_elsewhere) > 100
    assert abs(share(wasabi, late) - share(family_elsewhere, late)) < 0.1


def test_without_causes_outcomes_do_not_depend_on_them() -> None:
    sample = generate(20_000, seed=4, causes=False)
    rows = good(sample, records(sample)[1])
    late = lambda row: float(row["Ord - Del time"]) > 30  # noqa: E731
    family = [row for row in rows if row["Size"] == "Family"]
    assert abs(share(family, late) - share(rows, late)) < 0.03
    assert sample.facts.causes == ()


def test_customers_come_back_and_live_in_one_area() -> None:
    sample = generate(5000, seed=6, customers=True, spoilt_share=0.0)
    header, data, _ = records(sample)
    assert header[22] == "Customer"
    assert len(header) == 30
    homes: dict[str, set[str]] = {}
    for row in data:
        homes.setdefault(row["Customer"], set()).add(row["Area"])
    nobody = sum(not row["Customer"] for row in data)
    assert 0.02 < nobody / len(data) < 0.08
    homes.pop("")
    assert all(len(areas) == 1 for areas in homes.values())
    assert 0.3 < len(homes) / len(data) < 0.6


def test_split_by_month_gives_each_month_its_file() -> None:
    whole, parts = generate(3000, seed=8), split(Spec(3000, seed=8))
    assert list(parts) == ["orders-2025-08.csv"] or len(parts) > 1
    for name, part in parts.items():
        months = set(part.facts.orders_by_month)
        assert months == {name.removeprefix("orders-").removesuffix(".csv")}
    assert sum(part.facts.records for part in parts.values()) == whole.facts.records
    assert sum(part.facts.late_deliveries for part in parts.values()) == whole.facts.late_deliveries


def test_split_in_many_files_keeps_every_record_once() -> None:
    parts = split(Spec(1000, seed=8, spoilt_share=0.0), files=7)
    assert len(parts) == 7
    numbers = [int(row["Pizza No."]) for part in parts.values() for row in records(part)[1]]
    assert sorted(numbers) == list(range(min(numbers), min(numbers) + 1000))


def test_first_id_moves_the_numbers() -> None:
    data = records(generate(10, first_id=500, spoilt_share=0.0))[1]
    assert {int(row["Pizza No."]) for row in data} == set(range(500, 510))


@pytest.mark.parametrize(
    "wrong", [{"orders": 0}, {"orders": 10, "spoilt_share": 0.5}, {"orders": 10, "spoilt_share": -1}]
)
def test_senseless_requests_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"sample|share"):
        Spec(**wrong)  # type: ignore[arg-type]


def test_it_streams_fast_enough_for_a_benchmark(tmp_path) -> None:  # type: ignore[no-untyped-def]
    started = time.perf_counter()
    facts = write(tmp_path / "big.csv", Spec(50_000))
    assert facts.records == 50_000
    assert time.perf_counter() - started < 20  # about 1 s; the bound is for a busy machine


def test_samples_of_different_seeds_do_not_share_numbers() -> None:
    first, second = (records(generate(50, seed=seed, spoilt_share=0.0))[1] for seed in (1, 2))

    assert not {row["Pizza No."] for row in first} & {row["Pizza No."] for row in second}
