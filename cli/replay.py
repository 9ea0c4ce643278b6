"""`lake replay`: files are read again from bronze, one of them or all."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import context, following, lookup, render
from cli.errors import CliError
from cli.functions import FunctionFailed, call
from cli.options import JsonOption, StackOption, Target, TargetOption
from cli.wait import finish


def replay(
    file: Annotated[
        str | None, typer.Option("--file", metavar="KEY", help="One file: a key (its newest version), or key@version.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Rebuild silver and gold from bronze.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until silver and gold show it.")] = True,
    timeout: Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait at most.")] = 3600,
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a file again (HELD, or its contract changed), or rebuild silver and gold beside what readers see."""
    if everything == (file is not None):
        raise CliError("Say which: --file KEY for one file, or --all for everything.", code=2)
    lake = context.connect(target, stack)
    names = _everything(lake, as_json) if file is None else [_one(lake, file, as_json)]
    failed = finish(lake, timeout, quiet=as_json) if wait else False
    entries = list(lake.ledger.entries_of(names).values())
    if as_json:
        render.show_json([following.as_dict(entry) for entry in entries])
    elif wait and file is not None:
        for entry in entries:
            render.say(f"{render.safe(entry.key)}: {following.situation(entry)}")
    if wait and (failed or any(entry.state in following.BAD for entry in entries)):
        raise typer.Exit(1)


def _one(lake: context.Lake, text: str, quiet: bool) -> tuple[str, str]:
    from lake.requests import CannotError, read_again

    entry = lookup.find(lake, text)
    try:
        moved = read_again(lake.flow, entry)
    except CannotError as error:
        raise CliError(str(error)) from error
    if not quiet:
        render.say(f"{render.safe(moved.key)}, version {moved.version}: {following.situation(moved)}")
    return moved.name


def _put_code_back(lake: context.Lake) -> None:
    """What the jobs run lies in the lake bucket: a rebuild may be needed because that was emptied."""
    from lake.assets import PACKAGES

    try:
        call(lake, "assets", {"Bucket": lake.output("LakeBucketName"), "Packages": PACKAGES})
    except FunctionFailed as error:
        raise CliError(f"The jobs' code could not be put into the lake bucket ({error}).") from error


def _everything(lake: context.Lake, quiet: bool) -> list[tuple[str, str]]:
    from lake.entries import LOADED

    _put_code_back(lake)
    names = [entry.name for entry in following.all_entries(lake, [LOADED])]
    lake.ledger.ask_for_rebuild()
    started = lake.flow.move_on().get("silver")
    if not quiet:
        now = "now" if started == "started" else "as soon as the run under way has ended"
        render.say(
            f"Silver and gold are rebuilt from {render.count(len(names), 'file version')}, {now}. "
            "Readers keep what they have until the rebuild has proven itself."
        )
    return names
