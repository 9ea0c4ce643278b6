"""A range of a version is a range, and not the whole of it: the front desk reads heads and footers by version."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Box

pytestmark = pytest.mark.sandbox


@pytest.mark.parametrize(("wanted", "given"), [("bytes=2-4", b"234"), ("bytes=8-99", b"89"), ("bytes=-3", b"789")])
def test_a_version_is_read_in_parts(box: Box, wanted: str, given: bytes) -> None:
    s3, version = box.client("s3"), an_old_version(box)

    answer = s3.get_object(Bucket="ranges", Key="digits", VersionId=version, Range=wanted)

    assert (answer["Body"].read(), answer["ResponseMetadata"]["HTTPStatusCode"]) == (given, 206)
    assert answer["ContentRange"].endswith("/10")


def test_a_range_behind_the_end_of_a_version_is_refused(box: Box) -> None:
    s3, version = box.client("s3"), an_old_version(box)

    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(Bucket="ranges", Key="digits", VersionId=version, Range="bytes=10-12")


def an_old_version(box: Box) -> str:
    """Ten digits, of which a newer version has none."""
    s3 = box.client("s3")
    s3.create_bucket(Bucket="ranges")
    s3.put_bucket_versioning(Bucket="ranges", VersioningConfiguration={"Status": "Enabled"})
    version = str(s3.put_object(Bucket="ranges", Key="digits", Body=b"0123456789")["VersionId"])
    s3.put_object(Bucket="ranges", Key="digits", Body=b"none")
    return version
