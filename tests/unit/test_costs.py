"""Costs: arithmetic that a reader can follow with a pencil."""

from __future__ import annotations

import pytest
import yaml

from lake.costs import DAYS_A_MONTH, Book, Load, dpu_hours, month, of_runs, total
from tests.unit.stack import REPOSITORY

ASSUMED = {
    "dpus_a_worker": 1, "glue_start_seconds": 5, "seconds_a_million_rows": 20, "trading_hours_a_day": 12,
    "lambda_gb": 0.5, "lambda_seconds_a_file": 0.5, "lambda_seconds_a_run": 2, "sweeps_a_month": 0,
    "lambda_seconds_a_sweep": 2, "crawls_a_day": 0, "crawl_seconds": 60, "crawler_dpus": 2, "statements_a_day": 0,
}  # fmt: skip
PRICES = {
    "glue_dpu_hour": 0.44, "crawler_dpu_hour": 0.44, "lambda_gb_second": 1e-5, "lambda_request": 2e-7,
    "s3_gb_month": 0.02, "athena_tb": 5.0, "kms_key_month": 1.0, "s3_write": 5e-6,
}  # fmt: skip
BOOK = Book("2026-11-25", "us-east-1", PRICES, {"s3_write": {"file": 3, "run": 100}}, ASSUMED)
DAY = 12 * 3600


def load(files: float, rows: float = 100, workers: int = 2) -> Load:
    return Load(files, rows, silver_seconds=30, gold_seconds=90, workers=workers, gigabytes=50)


def test_a_short_run_is_billed_a_minute_and_a_long_one_by_the_second() -> None:
    assert dpu_hours([10, 90], dpus=2) == pytest.approx((60 + 90) * 2 / 3600)


def test_a_run_that_glue_scaled_is_billed_by_its_own_dpu_seconds() -> None:
    (line,) = of_runs(BOOK, [{"seconds": 600.0, "dpu_seconds": 1800.0}, {"seconds": 60.0}], workers=2)

    assert line.quantity == pytest.approx(0.5 + 2 / 60)
    assert line.usd == pytest.approx(line.quantity * 0.44)


def test_a_few_files_a_day_make_a_run_each() -> None:
    assert load(10).silver_runs(BOOK) == 10
    assert load(10).run_seconds(BOOK) == pytest.approx(30, abs=0.01)


def test_files_that_come_faster_than_runs_end_share_runs() -> None:
    many = load(10_000)

    runs = many.silver_runs(BOOK)

    assert runs == pytest.approx((DAY - 10) / 35)  # a million rows of the day take 10 s of two workers
    assert runs * (many.run_seconds(BOOK) + 5) == pytest.approx(DAY)  # one after the other, all day


def test_more_rows_than_the_day_holds_are_refused_until_there_are_workers_for_them() -> None:
    with pytest.raises(ValueError, match="more workers"):
        month(BOOK, load(1_000_000, rows=10_000))

    assert load(1_000_000, rows=10_000, workers=50).silver_runs(BOOK) > 0


def test_a_month_of_ten_files_a_day() -> None:
    lines = {line.price: line for line in month(BOOK, load(10))}

    pairs = 10 * DAYS_A_MONTH
    assert lines["glue_dpu_hour"].usd == pytest.approx(pairs * (60 + 90) * 2 / 3600 * 0.44)
    assert lines["s3_write"].quantity == pytest.approx(pairs * 3 + pairs * 100)
    assert lines["s3_gb_month"].usd == pytest.approx(1.0)
    assert lines["lambda_gb_second"].quantity == pytest.approx(pairs * (0.5 + 2 * 2) * 0.5)
    assert total(list(lines.values())) == pytest.approx(sum(line.usd for line in lines.values()))


def test_the_dearest_line_comes_first() -> None:
    amounts = [line.usd for line in month(BOOK, load(10))]

    assert amounts == sorted(amounts, reverse=True)


def test_the_price_list_is_dated_names_its_sources_and_has_every_price_that_is_asked_for() -> None:
    told = yaml.safe_load((REPOSITORY / "cli" / "prices.yaml").read_text(encoding="utf-8"))

    assert told["as_of"]
    assert told["counted"], "a file's and a run's calls are not counted"
    assert all(price["source"].startswith("aws.amazon.com/") for price in told["prices"].values())
    assert {line.price for line in month(Book.of(told), load(10))} <= told["prices"].keys()
