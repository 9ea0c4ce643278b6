"""`WITH (name = value, ...)` of CREATE TABLE AS and UNLOAD, and folders that a statement writes to."""

from __future__ import annotations

from botocore.exceptions import ClientError

from sandbox.athena.catalog import failure
from sandbox.athena.errors import USER, AthenaError, InvalidRequest, QueryFailed
from sandbox.athena.results import split_uri
from sandbox.athena.run import Run
from sandbox.athena.sqltext import Cursor

Value = str | list[str]


def read_with(cursor: Cursor) -> dict[str, Value]:
    """The properties: texts, words and numbers as text, arrays as lists of text. Names in lower case."""
    return dict(cursor.listed(lambda: _property(cursor)))


def _property(cursor: Cursor) -> tuple[str, Value]:
    name = cursor.name()
    cursor.expect("=")
    if cursor.take("array", "["):
        items: list[str] = []
        while not cursor.take("]"):
            items.append(_text(cursor))
            cursor.take(",")
        return name, items
    token = cursor.next
    if token is not None and token.kind in ("word", "number"):
        cursor.at += 1
        return name, token.text
    return name, _text(cursor)


def _text(cursor: Cursor) -> str:
    """A text in the engine's spelling: a doubled quote is one, a backslash is a character."""
    token = cursor.next
    if token is None or token.kind != "string":
        raise cursor.wrong("a quoted text")
    cursor.at += 1
    return token.text[1:-1].replace("''", "'")


def text(values: dict[str, Value], name: str) -> str | None:
    """A property that must be one text. Raises InvalidRequest for a list."""
    value = values.get(name)
    if isinstance(value, list):
        raise InvalidRequest(f"The property {name} takes a text, not an array.", athena_code="INVALID_QUERY")
    return value


def array(values: dict[str, Value], name: str) -> list[str]:
    """A property that must be an array of texts; empty when it is not given."""
    value = values.get(name, [])
    if not isinstance(value, list):
        raise InvalidRequest(f"The property {name} takes an array: {name} = ARRAY['...'].", athena_code="INVALID_QUERY")
    return value


def objects(run: Run, uri: str) -> list[str]:
    """The s3 addresses of everything below `uri`."""
    bucket, key = split_uri(uri)
    prefix = key.rstrip("/") + "/" if key else ""
    try:
        pages = run.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [f"s3://{bucket}/{entry['Key']}" for page in pages for entry in page.get("Contents", [])]
    except ClientError as error:
        raise failure(error) from error


def must_be_empty(run: Run, uri: str, what: str) -> None:
    """Athena does not write into a folder that holds something."""
    if objects(run, uri):
        message = (
            f"HIVE_PATH_ALREADY_EXISTS: Target directory for {what} already exists: {uri}. You may need to manually "
            f"clean the data at location '{uri}' before retrying. Athena will not delete data in your account."
        )
        raise QueryFailed(AthenaError(USER, 1001, message))
