"""The question of each gold table, asked through Athena as docs/questions.md tells."""

from __future__ import annotations

import pytest

from lake.gold.marts import load_marts
from lake.sample import generate

from .conftest import Lake

MARTS = load_marts()


@pytest.fixture(scope="module", autouse=True)
def some_orders(lake: Lake) -> None:
    lake.load("orders/questions.csv", generate(1500, seed=31).content)


@pytest.mark.parametrize("name", MARTS)
def test_the_question_of_the_table_has_an_answer(lake: Lake, name: str) -> None:
    assert lake.json("query", MARTS[name].question.sql), MARTS[name].question.ask


def test_lake_causes_names_what_the_sample_has_planted(lake: Lake) -> None:
    answer = lake.json("causes", "--outcome", "late_order_to_door", "--period", "2025-08")

    found = {row["factor"] for row in answer["causes"]}
    assert "size = Family" in found
    assert not [factor for factor in found if "oven" in factor]
    assert all(row["evidence"].endswith(".") for row in answer["causes"])
    assert answer["cannot_say"]
