"""What `lake contract check` says of a file's rows is what a silver run would do with them."""

from __future__ import annotations

import pytest

from lake.propose.contract import propose
from lake.propose.table import read_table
from lake.trial import trial
from tests.feeds import customers_csv
from tests.spark.silver_support import SilverLake, order

pytestmark = pytest.mark.spark


def test_a_trial_tells_what_would_be_set_aside_and_why_and_a_proposal_takes_its_file(spark, tmp_path):
    lake = SilverLake(spark, tmp_path)
    file = lake.orders(
        "a.csv", order(1), order(2, day="soon"), order(3, day="later", delivery="x"), order(4, size="XL")
    )

    tried = trial(spark, lake.contracts["orders"], tmp_path / "v1" / "a.csv", file.facts)

    assert (tried.rows_in, tried.good, tried.quarantined, tried.blank, tried.held) == (4, 2, 2, 0, None)
    first = tried.reasons[0]
    assert (first.rows, first.record, "'soon'" in first.example, "'" in first.words) == (2, 2, True, False)
    assert any("size" in flag.words for flag in tried.flags)

    club = tmp_path / "club.csv"
    club.write_bytes(customers_csv(*(f"C-{n};Zoë {n};{n % 28 + 1:02}/03/2018;{n};yes" for n in range(40))))
    from lake.contracts import parse_contract

    lake.contracts = {"club": parse_contract(propose(read_table(club), "club").text)}
    facts = lake.file("club.csv", club.read_bytes()).facts

    tried = trial(spark, lake.contracts["club"], club, facts)

    assert (tried.rows_in, tried.good, tried.quarantined, tried.flagged) == (40, 40, 0, 0)
