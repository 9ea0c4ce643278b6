"""`lake sweep`: compare everything now and heal what differs, instead of at the next quarter of an hour."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cli import context, following, render
from cli.errors import CliError
from cli.functions import FunctionFailed, call, name_of
from cli.options import JsonOption, StackOption, Target, TargetOption

EVENT_SECONDS = 10  # Glue's event of a run that ended is given so long to come by itself


def sweep(
    again: Annotated[bool, typer.Option("--again", help="Also try dead letters that were given up.")] = False,
    once: Annotated[bool, typer.Option("--once", help="One sweep only; do not follow the runs it leaves.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds to follow runs.", min=0)] = 600,
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find what got lost or stuck and heal it; sweeps again after runs whose end nobody tells."""
    lake = context.connect(target, stack)
    reports = [_sweep(lake, again, as_json)]
    deadline = time.monotonic() + timeout
    while not once and _ended_untold(lake, deadline):
        reports.append(_sweep(lake, False, as_json))
    if as_json:
        render.show_json({"sweeps": reports})
    if any(report["failed"] or report.get("lost_metadata") for report in reports[-1:]):
        raise typer.Exit(1)


def ask(lake: context.Lake) -> None:
    """Has the sweeper look, without waiting for what it finds."""
    payload = json.dumps(_timer_event(False)).encode()
    lake.client("lambda").invoke(FunctionName=name_of(lake, "sweeper"), InvocationType="Event", Payload=payload)


def _timer_event(again: bool) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "resources": [],
        "detail": {"again": True} if again else {},
    }


def _sweep(lake: context.Lake, again: bool, quiet: bool) -> dict[str, Any]:
    """Invokes the sweeper as its timer does and says what it did."""
    from lake.healing import healed, still_open

    try:
        report = call(lake, "sweeper", _timer_event(again))
    except FunctionFailed as error:
        raise CliError(f"The sweep failed ({error}): see the sweeper's log, then sweep again.") from error
    if not quiet:
        for line in healed(report) or ["Nothing had to be healed."]:
            render.say(line)
        for line in still_open(report):
            render.say(line)
    return dict(report)


def _ended_untold(lake: context.Lake, deadline: float) -> bool:
    """Waits while runs go on; True when one ended and its event does not come, False when nothing runs any more."""
    flow = lake.flow
    ended_at: float | None = None
    while time.monotonic() < deadline:
        leases = [(flight, flow.leases.read(flight.name)) for flight in (flow.silver, flow.gold)]
        held = [(flight, lease) for flight, lease in leases if lease.held and lease.job_run_id]
        if not held:
            return False
        runs = [flow.ports.jobs.run(flight.job, str(lease.job_run_id)) for flight, lease in held]
        if all(run is not None and run.live for run in runs):
            ended_at = None
        elif ended_at is None:
            ended_at = time.monotonic()
        elif time.monotonic() - ended_at > EVENT_SECONDS:
            return True
        following.pause(lake)
    return False
