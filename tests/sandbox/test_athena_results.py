"""Result files: written as Athena writes them, read back page by page."""

import io
from typing import Any

import pytest

from sandbox.athena.errors import InvalidRequest
from sandbox.athena.rendering import plain_column
from sandbox.athena.results import CsvFile, metadata, page


class Objects:
    """One object, as an S3 client gives it."""

    def __init__(self) -> None:
        self.body = b""

    def put_object(self, *, Body: Any, **_: Any) -> None:  # noqa: N803 (boto3's names)
        self.body = Body.read()

    def head_object(self, **_: Any) -> dict[str, Any]:
        return {"ContentLength": len(self.body)}

    def get_object(self, *, Range: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        return {"Body": io.BytesIO(self.body[int(Range.removeprefix("bytes=").rstrip("-")) :])}


def written(*rows: list[str | None]) -> Objects:
    s3, file = Objects(), CsvFile(["a", "b"])
    file.write(rows)
    file.upload(s3, "s3://results/x.csv", {})
    return s3


def test_every_value_is_quoted_and_null_is_nothing() -> None:
    assert written(["x", None], ['say "hi"', ""], [None, "two\nlines"]).body == (
        b'"a","b"\n"x",\n"say ""hi""",""\n,"two\nlines"\n'
    )


def test_what_was_written_is_read_back_with_null_and_empty_apart() -> None:
    rows: list[list[str | None]] = [["x", None], ['"', ""], [None, 'a\n"b",c'], [None, None]]

    assert page(written(*rows), "s3://results/x.csv", 1000, None) == ([["a", "b"], *rows], None)


def test_pages_follow_each_other_without_loss() -> None:
    rows: list[list[str | None]] = [[str(n), "é" * (n % 5)] for n in range(25)]
    s3, token, found = written(*rows), None, []

    while True:
        some, token = page(s3, "s3://results/x.csv", 10, token)
        found += some
        if token is None:
            break

    assert found == [["a", "b"], *rows]


def test_a_value_longer_than_a_read_is_read_whole() -> None:
    long = 'x""y' * 700_000

    assert page(written([long, "end"]), "s3://results/x.csv", 10, None)[0][1] == [long, "end"]


def test_a_token_of_somebody_else_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="NextToken"):
        page(written(), "s3://results/x.csv", 10, "bm90IGEgbnVtYmVy")


def test_metadata_names_the_columns_in_protobuf() -> None:
    encoded = metadata([plain_column("a", "string")])

    assert encoded[0] == 4 << 3 | 2
    assert encoded[1] == len(encoded) - 2
    assert b"\x22\x01a\x2a\x01a\x32\x06string" in encoded
