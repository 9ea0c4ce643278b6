"""Shared by the unit tests: a flow whose world is in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from .cloud import cloud
from .dynamo_fake import FakeDynamo
from .flow_fakes import World

__all__ = ["cloud"]  # a fixture, of more than one module


@pytest.fixture(scope="module")
def aws_names() -> Iterator[None]:
    """Credentials and a region for moto, and no endpoint of a running sandbox."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
            patch.setenv(name, "us-east-1")
        for name in ("AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def dynamodb(aws_names: None) -> Iterator[Any]:
    """A DynamoDB client on moto; one a module, because making it costs more than most tests."""
    with mock_aws():
        yield boto3.client("dynamodb", region_name="us-east-1")


@pytest.fixture
def world() -> World:
    """A world with an empty ledger."""
    return World(FakeDynamo())
