"""`lake maintain`: care for the tables now, instead of by night, and say what was done to each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli import context, following, render
from cli.errors import CliError
from cli.options import JsonOption, StackOption, Target, TargetOption

if TYPE_CHECKING:
    from lake.maintenance.flight import MaintenanceFlight
    from lake.maintenance.result import MaintenanceResult, TableCare

COLUMNS = (
    "table", "files", "bytes", "snapshots expired", "orphans removed", "branches dropped", "rows forgotten", "note"
)  # fmt: skip


def maintain(
    snapshot_days: Annotated[
        float | None, typer.Option("--snapshot-days", min=0, help="Another age than the stack's SnapshotDays.")
    ] = None,
    personal_data_days: Annotated[
        int | None, typer.Option("--personal-data-days", min=1, help="Another age than the stack's PersonalDataDays.")
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait at most.")] = 3600,
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pack small files, expire old snapshots, remove what no metadata names; files wait meanwhile.

    Rows change only where they tell of persons and are older than PersonalDataDays.
    """
    lake = context.connect(target, stack)
    wishes = {"--snapshot_days": snapshot_days, "--personal_data_days": personal_data_days}
    result = _run(lake, wishes, time.monotonic() + timeout, quiet=as_json)
    if as_json:
        render.show_json(asdict(result))
        return
    render.show_table(COLUMNS, [_row(care) for care in result.tables], COLUMNS[3:7])


def _run(lake: context.Lake, wishes: Mapping[str, float | None], deadline: float, quiet: bool) -> MaintenanceResult:
    """Starts a run as soon as silver and gold rest, and follows it to its result."""
    flight = lake.flow.maintain
    flight.wishes |= {name: str(value) for name, value in wishes.items() if value is not None}
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
        raise CliError(f"Maintenance {owner} failed: {render.safe(error)}. No order is lost. See `lake runs`.")
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
        care.rows_forgotten,
        care.note,
    )


def _change(before: int, after: int) -> str:
    return f"{before:,}" if before == after else f"{before:,} -> {after:,}"
