"""`lake maintain`: care for the tables now, instead of by night, and say what was done to each."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli import context, following, render
from cli.errors import CliError
from cli.options import JsonOption, StackOption, Target, TargetOption

if TYPE_CHECKING:
    from lake.maintenance.flight import MaintenanceFlight
    from lake.maintenance.result import MaintenanceResult, TableCare

COLUMNS = ("table", "files", "bytes", "snapshots expired", "orphans removed", "branches dropped", "note")


def maintain(
    snapshot_days: Annotated[
        float | None, typer.Option("--snapshot-days", min=0, help="Another age than the stack's SnapshotDays.")
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait at most.")] = 3600,
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pack small files, expire old snapshots, remove what no metadata names. No row changes; files wait meanwhile."""
    lake = context.connect(target, stack)
    result = _run(lake, snapshot_days, time.monotonic() + timeout, quiet=as_json)
    if as_json:
        render.show_json(asdict(result))
        return
    render.show_table(COLUMNS, [_row(care) for care in result.tables], COLUMNS[3:6])


def _run(lake: context.Lake, snapshot_days: float | None, deadline: float, quiet: bool) -> MaintenanceResult:
    """Starts a run as soon as silver and gold rest, and follows it to its result."""
    flight = lake.flow.maintain
    if snapshot_days is not None:
        flight.wishes["--snapshot_days"] = str(snapshot_days)
    with following.showing(quiet) as show:
        while not (flight.clear and _started(flight)):
            show("maintenance", "waits for another run")
            _pause(lake, deadline, "Silver, gold or another maintenance is still at work")
        owner = flight.leases.read(flight.name).owner
        while flight.leases.read(flight.name).owner == owner:
            show("maintenance", f"{owner} runs")
            _pause(lake, deadline, f"Maintenance {owner} is still going")
        show("maintenance", f"{owner} ended", True)
    return _result(lake, flight, str(owner))


def _started(flight: MaintenanceFlight) -> bool:
    told = flight.start()
    if told == "resting":
        flight.ask()  # whoever types the command does not want to wait for the rest to end
        told = flight.start()
    return told == "started"


def _result(lake: context.Lake, flight: MaintenanceFlight, owner: str) -> MaintenanceResult:
    from lake.maintenance.result import MaintenanceResult, result_key

    body = flight.documents.get(result_key(owner))
    if body is None:
        error = flight.leases.read(flight.name).last_error or "it left no result"
        raise CliError(f"Maintenance {owner} failed: {render.safe(error)}. No row changed. See `lake runs`.")
    return MaintenanceResult.from_json(body)


def _pause(lake: context.Lake, deadline: float, why_not: str) -> None:
    if time.monotonic() >= deadline:
        raise CliError(f"{why_not}: see `lake runs`, then `lake maintain` again.")
    following.pause(lake)


def _row(care: TableCare) -> tuple[object, ...]:
    return (
        care.table,
        _change(care.files_before, care.files_after),
        _change(care.bytes_before, care.bytes_after),
        care.snapshots_expired,
        care.orphans_removed,
        care.branches_dropped,
        care.note,
    )


def _change(before: int, after: int) -> str:
    return f"{before:,}" if before == after else f"{before:,} -> {after:,}"
