"""The catalog's tables as AWS answers for them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from lake.aws import GlueTables
from lake.ports import LostMetadata

LOCATION = "s3://lake/warehouse/silver/orders/metadata/00001.metadata.json"


class Glue:
    def get_table(self, **_: str) -> dict[str, Any]:
        return {"Table": {"Parameters": {"metadata_location": LOCATION}}}


class S3:
    """Answers every read with one error."""

    def __init__(self, code: str) -> None:
        self.code = code

    def get_object(self, **_: str) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "GetObject")


def test_an_entry_that_points_to_metadata_that_is_gone_says_what_to_do() -> None:
    with pytest.raises(LostMetadata, match=r"silver\.orders points to metadata that is gone .* lake sweep"):
        GlueTables(Glue(), S3("NoSuchKey")).snapshot("silver", "orders")


def test_metadata_that_may_not_be_read_is_not_called_lost() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        GlueTables(Glue(), S3("AccessDenied")).snapshot("silver", "orders")
