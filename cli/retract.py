"""`lake retract`: a wrong file is taken back, and the one before it shows again."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import context, following, lookup, render
from cli.errors import CliError
from cli.options import JsonOption, StackOption, Target, TargetOption
from cli.wait import finish


def retract(
    file: Annotated[str, typer.Argument(metavar="KEY", help="A key (its newest version), key@version, or a part.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the ledger.")] = "",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until silver and gold show it.")] = True,
    timeout: Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait at most.")] = 900,
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back the newest version of a key: rows that it brought go, rows that it changed return."""
    from lake.entries import RETRACTED
    from lake.requests import CannotError, take_back, to_take_back

    lake = context.connect(target, stack)
    entry = lookup.find(lake, file)
    if not file.endswith(f"@{entry.version}"):
        newest = to_take_back(lake.ledger.versions(entry.key))
        if newest is None:
            raise CliError(f"Nothing to take back: no version of {render.safe(entry.key)} counts any more.")
        entry = newest
    try:
        moved = take_back(lake.flow, entry, reason)
    except CannotError as error:
        raise CliError(str(error)) from error
    lake.flow.move_on()
    if not as_json:
        done = "is taken back" if moved.state == RETRACTED else "will be taken back by the next silver run"
        render.say(f"{render.safe(moved.key)}, version {moved.version}, {done}.")
    outcome = finish(lake, timeout, quiet=as_json) if wait else None
    entry = lake.ledger.entry(moved.key, moved.version) or moved
    if as_json:
        render.show_json(following.as_dict(entry))
    if wait and (entry.state != RETRACTED or outcome):
        raise typer.Exit(1)
