"""The company's own export, dropped by a plain S3 upload, against an oracle that reads the raw file."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from dashboard import questions
from dashboard.port import AwsPort

from .conftest import REAL_EXPORT, Lake
from .oracle import Answers, answers
from .raw_factors import raw_orders

KEY = "Raw drops/März 2018 – pizza data (final) #1.csv"
IN_EXPORT = "source_file = '" + KEY.replace("'", "''") + "'"
MONTHS = "month between date '2018-03-01' and date '2018-06-01'"
DAYS = "order_date between date '2018-03-01' and date '2018-06-30'"

pytestmark = pytest.mark.skipif(
    not REAL_EXPORT.exists(), reason="the company's export is not part of the repository and not beside this checkout"
)


@pytest.fixture(scope="module")
def oracle() -> Answers:
    return answers(REAL_EXPORT.read_bytes())


@pytest.fixture(scope="module")
def entry(lake: Lake) -> dict[str, Any]:
    return lake.load(KEY, REAL_EXPORT.read_bytes())


def test_every_order_of_the_export_is_one_row_of_silver(lake: Lake, entry: dict[str, Any], oracle: Answers) -> None:
    assert (entry["state"], entry["rows_in"], entry["inserted"], entry["blank"]) == (
        "LOADED",
        oracle.rows,
        oracle.rows,
        oracle.blank,
    )
    assert lake.one(f"select count(*), count(distinct order_id) from jozi_dev_silver.orders where {IN_EXPORT}") == [
        str(oracle.rows),
        str(oracle.rows),
    ]


def test_late_deliveries_and_complaints_equal_the_oracle_s(lake: Lake, entry: dict[str, Any], oracle: Answers) -> None:
    figures = lake.one(
        "select sum(orders), sum(late_deliveries), sum(late_order_to_door), sum(complaints)"
        f" from jozi_dev_gold.delivery_performance where {DAYS}"
    )

    assert [int(figure or 0) for figure in figures] == [
        oracle.rows,
        oracle.late_delivery,
        oracle.late_order_to_door,
        oracle.complaints,
    ]


def test_complaint_reasons_equal_the_oracle_s(lake: Lake, entry: dict[str, Any], oracle: Answers) -> None:
    rows = lake.athena(
        f"select reason, sum(complaints) from jozi_dev_gold.complaint_summary where {MONTHS} group by reason"
    )

    counted = Counter({str(reason).lower(): int(count or 0) for reason, count in rows})
    assert counted == oracle.complaints_by_reason


def test_stage_means_equal_the_oracle_s(lake: Lake, entry: dict[str, Any], oracle: Answers) -> None:
    rows = lake.athena(
        "select stage, sum(avg_minutes * orders) / sum(orders), sum(orders)"
        f" from jozi_dev_gold.stage_bottlenecks where {MONTHS} group by stage"
    )

    means = {stage: Decimal(str(mean)) for stage, mean, _ in rows}
    assert means.keys() == oracle.stage_means.keys()
    for stage, mean in oracle.stage_means.items():
        assert abs(means[stage] - mean) < Decimal("0.000001"), stage
    assert {int(count or 0) for *_, count in rows} == {oracle.rows}


def test_orders_by_month_hour_and_area_equal_the_oracle_s(lake: Lake, entry: dict[str, Any], oracle: Answers) -> None:
    def counted(column: str) -> dict[str, int]:
        rows = lake.athena(
            f"select cast({column} as varchar), sum(orders) from jozi_dev_gold.delivery_performance"
            f" where {DAYS} group by 1"
        )
        return {str(value): int(count or 0) for value, count in rows}

    assert counted("date_format(order_date, '%Y-%m')") == oracle.orders_by_month
    assert counted("order_hour") == {str(hour): count for hour, count in oracle.orders_by_hour.items()}
    assert counted("area") == oracle.orders_by_area


def test_what_stands_out_in_it_is_told_in_words(lake: Lake, entry: dict[str, Any]) -> None:
    copied = "boxing_minutes says the same as styling_minutes in 12,771 of 12,773 rows"

    told = lake.run("explain", f"{KEY}@{entry['version']}").stdout
    listed = lake.one(f"select array_join(findings, '; ') from jozi_dev_gold.data_quality where {IN_EXPORT}")

    assert copied in told
    assert copied in str(listed[0])
    assert "'Bongni' (814 rows) may be 'Bongani'" in told


def test_behind_a_cause_a_day_is_read_a_hundredth_of_the_export(
    port: AwsPort, entry: dict[str, Any], oracle: Answers
) -> None:
    everybody = {"outcome": "late_order_to_door", "dimension_1": "area", "value_1": "E"}

    days = ("2018-03-05", "2018-03-24", "2018-04-20", "2018-05-01", "2018-06-10")
    answers = [port.ask(questions.orders_behind(everybody, day, "30")) for day in days]

    assert all(answer.rows for answer in answers)
    assert max(answer.scanned for answer in answers) * 100 <= REAL_EXPORT.stat().st_size


def test_dropping_it_again_changes_nothing(lake: Lake, entry: dict[str, Any], oracle: Answers) -> None:
    marts = ("delivery_performance", "stage_bottlenecks", "complaint_summary")

    def gold() -> list[list[list[str | None]]]:
        return [sorted(lake.athena(f"select * from jozi_dev_gold.{mart}"), key=str) for mart in marts]

    before = gold()

    again = lake.load(KEY, REAL_EXPORT.read_bytes())

    assert (again["state"], again["unchanged"], again["inserted"], again["updated"]) == ("LOADED", oracle.rows, 0, 0)
    assert gold() == before
    assert lake.one(f"select count(distinct source_version) from jozi_dev_silver.orders where {IN_EXPORT}") == ["1"]


def test_every_listed_cause_is_counted_the_same_from_the_raw_file(lake: Lake, entry: dict[str, Any]) -> None:
    """An independent count: positions in the raw file and plain Python, no SQL and no code of the lake."""
    rows = lake.athena(
        "select period, outcome, dimension_1, value_1, dimension_2, value_2, orders, hits"
        " from jozi_dev_gold.root_causes where period between '2018-03' and '2018-06'"
    )

    assert len(rows) > 40
    orders = raw_orders(REAL_EXPORT.read_bytes())
    for period, outcome, dimension_1, value_1, dimension_2, value_2, count, hits in rows:
        wanted = [(str(d), str(v).partition(" (")[0]) for d, v in ((dimension_1, value_1), (dimension_2, value_2)) if d]
        here = [o for o in orders if o.month == period and all(o.has(d, v) for d, v in wanted)]
        hit = sum(str(outcome).lower() in o.outcomes for o in here)
        assert (len(here), hit) == (int(str(count)), int(str(hits))), (period, outcome, wanted)


def test_what_the_findings_say_is_what_gold_lists(lake: Lake, entry: dict[str, Any]) -> None:
    rows = lake.athena(
        "select period, outcome, rank, dimension_1, value_1, dimension_2, value_2 from jozi_dev_gold.root_causes"
        " where period between '2018-03' and '2018-06'"
    )

    first = {(period, outcome): factors for period, outcome, rank, *factors in rows if rank == "1"}
    months = ("2018-03", "2018-04", "2018-05", "2018-06")
    assert [first[month, "late_delivery"] for month in months] == [["area", "E", None, None]] * 4
    assert all(first[month, "complaint: Late delivery"][:2] == ["day_part", "evening (17 to 19)"] for month in months)
    assert not [row for row in rows if row[1] in ("late_order_to_door", "complaint: Wrong topping")]
    dough = [row[3:] for row in rows if row[1] == "complaint: Too doughy"]
    assert ["size", "Large", "oven", "Chilli"] in dough
    assert ["size", "Family", "oven", "Chilli"] in dough
