"""Options that several commands share, so that they read alike everywhere."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Target(StrEnum):
    """Where a command works."""

    sandbox = "sandbox"
    aws = "aws"


TargetOption = Annotated[
    Target,
    typer.Option("--target", envvar="LAKE_TARGET", help="The sandbox on this machine, or the stack in an AWS account."),
]
StackOption = Annotated[
    str | None,
    typer.Option(
        "--stack", envvar="LAKE_STACK", help="Stack name. Default: the one in samconfig.toml.", metavar="NAME"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
