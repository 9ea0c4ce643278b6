"""What several folders of tests share: one whole lake for the session, never two."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A running lake, used as its users do. tests/e2e and tests/browser work on the same one."""
    from tests.e2e.conftest import started

    with started(tmp_path_factory.mktemp("lake-home")) as running:
        yield running


@pytest.fixture(scope="session")
def port(lake: Any) -> Any:
    """The page's way to that lake."""
    import boto3

    from dashboard.port import AwsPort

    environment = lake.json("env")
    session = boto3.Session(
        environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], None, environment["AWS_REGION"]
    )
    return AwsPort("sandbox", "30", lake.outputs, session, environment["AWS_ENDPOINT_URL"])
