"""Result files, as Athena leaves them in S3, and pages read back from them.

A SELECT leaves `<id>.csv`: every value in double quotes, a quote doubled, nothing at all for null, the column names
first. Everything else leaves `<id>.txt`, one line a row. Beside each lies `.metadata`, the columns in protobuf.
"""

import base64
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from botocore.exceptions import ClientError

from sandbox.athena.errors import SYSTEM, USER, AthenaError, InvalidRequest, QueryFailed

Row = Sequence[str | None]
_CHUNK = 1 << 20
# A quoted value or nothing, and what ends it. The quantifier does not give back: no value is tried twice.
_FIELD = re.compile(rb'(?:"((?:[^"]|"")*+)")?([,\n])')
_NULLABLE = {"NOT_NULL": 1, "NULLABLE": 2, "UNKNOWN": 3}
# Small results never touch the disk.
_IN_MEMORY = 4 << 20


def split_uri(uri: str) -> tuple[str, str]:
    """`s3://bucket/key` as bucket and key. Raises InvalidRequest for anything else."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme not in ("s3", "s3a", "s3n") or not bucket:
        raise InvalidRequest(f"{uri!r} is not an S3 location (s3://bucket/prefix/).")
    return bucket, key


class CsvFile:
    """A result on its way to S3: rows in, bytes spooled, one upload at the end."""

    def __init__(self, header: Row) -> None:
        # Closed by upload, or with the object when the query fails.
        self._file: BinaryIO = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # type: ignore[assignment] # noqa: SIM115
        self.write([header])

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows; None is null."""
        for row in rows:
            self._file.write(
                ",".join("" if v is None else '"' + v.replace('"', '""') + '"' for v in row).encode() + b"\n"
            )

    def upload(self, s3: Any, uri: str, extra: dict[str, str]) -> int:
        """Put the file at `uri` and say its bytes. Raises QueryFailed when the caller may not write there."""
        size = self._file.tell()
        self._file.seek(0)
        put(s3, uri, self._file, "application/octet-stream", extra)
        self._file.close()
        return size


def put(s3: Any, uri: str, body: Any, content_type: str, extra: dict[str, str]) -> None:
    """Write one object for the caller. Raises QueryFailed in Athena's words when S3 refuses."""
    bucket, key = split_uri(uri)
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type, **extra)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "NoSuchBucket":
            raise QueryFailed(
                AthenaError(USER, 1306, f"The S3 bucket of the output location does not exist: {uri}")
            ) from error
        if code in ("AccessDenied", "403"):
            reason = (
                f"Access denied when writing output to url: {uri} . "
                "Please ensure you are allowed to access the S3 bucket."
            )
            raise QueryFailed(AthenaError(USER, 1501, f"{reason} {error.response['Error']['Message']}")) from error
        raise QueryFailed(AthenaError(SYSTEM, 401, f"Writing the result to {uri} failed: {error}", True)) from error


def metadata(columns: Sequence[dict[str, Any]]) -> bytes:
    """The `.metadata` object: field 4 repeated, one message a column."""
    return b"".join(_bytes(4, _column(column)) for column in columns)


def _column(info: dict[str, Any]) -> bytes:
    texts = {1: info["CatalogName"], 4: info["Name"], 5: info["Label"], 6: info["Type"]}
    numbers = {7: info["Precision"], 8: info["Scale"], 9: _NULLABLE[info["Nullable"]], 10: int(info["CaseSensitive"])}
    return b"".join(_bytes(n, t.encode()) for n, t in texts.items()) + b"".join(
        _varint(n << 3) + _varint(v) for n, v in numbers.items()
    )


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def page(s3: Any, uri: str, limit: int, token: str | None) -> tuple[list[Row], str | None]:
    """Up to `limit` rows of the result at `uri`, from where `token` says, and the token of the next page.

    The column names count as a row of a csv, as in Athena. Raises InvalidRequest for a token that is none, and for a
    result that is gone or that the caller may not read.
    """
    start = _offset(token)
    bucket, key = split_uri(uri)
    try:
        size = s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
        if start >= size:
            return [], None
        body = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={start}-")["Body"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ("404", "NoSuchKey", "NoSuchBucket"):
            raise InvalidRequest(f"Could not find results at {uri}") from error
        raise InvalidRequest(
            f"You do not seem to have access to the S3 location of your query results: {uri}"
        ) from error
    with body:
        records = _csv_records(body) if uri.endswith(".csv") else _text_records(body)
        rows: list[Row] = []
        for row, length in records:
            rows.append(row)
            start += length
            if len(rows) == limit:
                break
    # A full page has a next one, which may be empty: so it is in Athena.
    return rows, (_token(start) if start < size or len(rows) == limit else None)


def _csv_records(body: BinaryIO) -> Iterator[tuple[Row, int]]:
    """Rows and their length in bytes."""
    data, place, row, length = b"", 0, [], 0
    while True:
        found = _FIELD.match(data, place)
        if found is None:
            more = body.read(_CHUNK)
            if not more:
                return
            data, place = data[place:] + more, 0
            continue
        value, end = found.groups()
        row.append(None if value is None else value.replace(b'""', b'"').decode())
        length += found.end() - place
        place = found.end()
        if end == b"\n":
            yield row, length
            row, length = [], 0


def _text_records(body: BinaryIO) -> Iterator[tuple[Row, int]]:
    data = body.read()
    for line in data.split(b"\n")[:-1]:
        yield [line.decode()], len(line) + 1


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"{offset}".encode()).decode()


def _offset(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token.encode()))
    except ValueError as error:
        raise InvalidRequest("Invalid NextToken") from error
