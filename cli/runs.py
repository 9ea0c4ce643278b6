"""`lake runs`: what the Glue jobs did."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cli import context, render
from cli.options import JsonOption, StackOption, Target, TargetOption

UNITS = ("--batch_id", "--gold_run_id", "--maintain_run_id")
GOING = frozenset({"STARTING", "RUNNING", "STOPPING", "WAITING"})


def runs(
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many of the newest runs.")] = 20,
    as_timeline: Annotated[
        bool, typer.Option("--timeline", help="Where each batch's seconds went, from bronze to gold.")
    ] = False,
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Runs of the silver, gold and maintenance jobs, newest first."""
    lake = context.connect(target, stack)
    if as_timeline:
        from cli import timeline

        batches = timeline.timelines(lake, limit)
        if as_json:
            render.show_json(timeline.as_dicts(batches))
        elif not batches:
            render.say("No batch was loaded yet: drop a file with `lake drop FILE`.")
        else:
            timeline.show(batches)
        return
    found = list_runs(lake, limit)
    if as_json:
        render.show_json(found)
    elif not found:
        render.say("No run yet: drop a file with `lake drop FILE`.")
    else:
        render.show_table(
            ("layer", "state", "started", "seconds", "for", "run", "error"), [_row(run) for run in found], ("seconds",)
        )


def _row(run: dict[str, Any]) -> tuple[object, ...]:
    # on a screen the beginning of the long id is enough; a pipe and --json have all of it
    run_id = f"{run['run_id'][:11]}\u2026" if render.is_terminal() and len(run["run_id"]) > 12 else run["run_id"]
    started, seconds = render.moment(run["started"]), f"{run['seconds']:.1f}"
    return run["layer"], run["state"], started, seconds, run["unit"], run_id, run["error"]


def list_runs(lake: context.Lake, limit: int = 20) -> list[dict[str, Any]]:
    """The newest runs of all jobs as plain data. `unit` is the batch, gold run or maintenance that it worked for."""
    glue = lake.client("glue")
    found = []
    for layer, output in (("silver", "SilverJobName"), ("gold", "GoldJobName"), ("maintain", "MaintainJobName")):
        pages = glue.get_paginator("get_job_runs").paginate(
            JobName=lake.output(output), PaginationConfig={"MaxItems": limit, "PageSize": min(limit, 200)}
        )
        found += [_as_dict(layer, run) for page in pages for run in page["JobRuns"]]
    found.sort(key=lambda run: run["started"], reverse=True)
    return found[:limit]


def _as_dict(layer: str, run: dict[str, Any]) -> dict[str, Any]:
    arguments = run.get("Arguments", {})
    started: datetime = run["StartedOn"]
    going = run["JobRunState"] in GOING
    ended: datetime = datetime.now(UTC) if going else run.get("CompletedOn") or run.get("LastModifiedOn") or started
    return {
        "layer": layer,
        "job": run["JobName"],
        "run_id": run["Id"],
        "state": run["JobRunState"],
        "started": started.isoformat(),
        "completed": None if going else ended.isoformat(),
        "seconds": round(max(0.0, (ended - started).total_seconds()), 1),
        "dpu_seconds": run.get("DPUSeconds"),  # of runs that Glue scaled by itself
        "unit": next((arguments[name] for name in UNITS if name in arguments), None),
        "attempt": run.get("Attempt", 0),
        "error": run.get("ErrorMessage"),
    }
