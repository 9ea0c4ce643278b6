"""What every statement of the corpus answers, with types and printed values: see corpus/README.md."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.athena.conftest import Cloud
from tests.sandbox.athena.corpus import ALONE, FLOWS, Statement, read

pytestmark = pytest.mark.sandbox


@pytest.mark.parametrize("name", ALONE)
def test_statements_that_stand_alone_answer_as_athena_does(engine: Cloud, name: str) -> None:
    athena = engine.client("athena")

    def different(statement: Statement) -> list[str]:
        return [f"{statement.sql}\n    {what}" for what in statement.differences(engine, athena)]

    with ThreadPoolExecutor(4) as pool:
        found = [what for wrong in pool.map(different, read(name)) for what in wrong]

    assert not found, "\n".join([f"{len(found)} differences", *found])


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_of_statements_answers_as_athena_does(engine: Cloud, name: str) -> None:
    athena = engine.client("athena")

    found = [
        f"{statement.sql}\n    {what}"
        for statement in read(f"flows/{name}")
        for what in statement.differences(engine, athena)
    ]

    assert not found, "\n".join([f"{len(found)} differences", *found])
