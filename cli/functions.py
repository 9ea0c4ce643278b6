"""Functions of the stack, called by commands."""

from __future__ import annotations

import json
from typing import Any

from cli import context, render
from cli.errors import CliError


class FunctionFailed(Exception):  # noqa: N818 - the name says what happened
    """A function ended in an error; the message is its own, printable."""


def name_of(lake: context.Lake, word: str) -> str:
    """The stack's function with that word in its name. Raises CliError where it is missing."""
    prefix = lake.output("SilverJobName").removesuffix("silver")
    pages = lake.client("lambda").get_paginator("list_functions").paginate()
    names = [function["FunctionName"] for page in pages for function in page["Functions"]]
    found = [name for name in names if name.startswith(prefix) and word in name]
    if not found:
        raise CliError(f"The stack {lake.stack} has no {word} function: deploy it again (`lake up`, or `sam deploy`).")
    return str(found[0])


def call(lake: context.Lake, word: str, event: dict[str, Any]) -> Any:
    """The function's answer to `event`. Raises FunctionFailed, and CliError where there is no such function."""
    answer = lake.client("lambda").invoke(FunctionName=name_of(lake, word), Payload=json.dumps(event).encode())
    told = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise FunctionFailed(render.safe(told.get("errorMessage", told) if isinstance(told, dict) else told))
    return told
