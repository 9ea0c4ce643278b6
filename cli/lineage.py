"""`lake lineage`: from a file to the tables that show it, or from a table back to what it was made from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import context, lookup, render
from cli.errors import CliError
from cli.evidence import batch_of
from cli.options import JsonOption, StackOption, Target, TargetOption
from cli.runs import list_runs

if TYPE_CHECKING:
    from lake.lineage import Event

RUNS_LOOKED_AT = 200
MOST_DATASETS = 20


def lineage(
    what: Annotated[
        str, typer.Argument(help="A file (key, key@version or a part of a key), or gold.TABLE, silver.TABLE.")
    ],
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """The runs on the way of a file, or the newest run that wrote a table: what each read and wrote."""
    lake = context.connect(target, stack)
    layer, _, table = what.partition(".")
    events = of_table(lake, layer, table) if layer in ("silver", "gold") and table else of_file(lake, what)
    if as_json:
        render.show_json(events)
        return
    for number, event in enumerate(events):
        if number:
            render.say()
        for line in told(event):
            render.say(line)


def of_file(lake: context.Lake, file: str) -> list[Event]:
    """How the last try of the file's batch ended, and that of the gold run which showed it first."""
    entry = lookup.find(lake, file)
    if not entry.batch_id:
        raise CliError(f"{render.safe(entry.key)} was in no run: it is {entry.state}. See `lake explain`.")
    batch = batch_of(lake, entry)
    units = [("silver", entry.batch_id)]
    if batch is not None and batch.gold_run_id:
        units.append(("gold", batch.gold_run_id))
    found = [last for layer, unit in units if (last := last_event(lake, layer, unit)) is not None]
    if not found:
        raise CliError(f"No lineage is kept of batch {entry.batch_id}.")
    return found


def of_table(lake: context.Lake, layer: str, table: str) -> list[Event]:
    """The newest run that wrote a table."""
    name = f"table/{lake.output(f'{layer.title()}Database')}/{table}"
    for run in list_runs(lake, RUNS_LOOKED_AT):
        if run["layer"] == layer and run["state"] == "SUCCEEDED" and run["unit"]:
            event = last_event(lake, layer, run["unit"])
            if event and event["eventType"] == "COMPLETE" and name in (one["name"] for one in event["outputs"]):
                return [event]
    raise CliError(f"None of the last {RUNS_LOOKED_AT} runs wrote {render.safe(layer)}.{render.safe(table)}.")


def last_event(lake: context.Lake, layer: str, unit: str) -> Event | None:
    """The last thing that is known of a batch or a gold run: how its last try ended, or that it began."""
    from lake.lineage_log import PREFIX

    s3, bucket = lake.client("s3"), lake.output("LakeBucketName")
    answer = s3.list_objects_v2(Bucket=bucket, Prefix=f"{PREFIX}/{layer}/{unit}/")
    keys = sorted((one["Key"] for one in answer.get("Contents", ())), key=_age)
    if not keys:
        return None
    event: Event = json.loads(s3.get_object(Bucket=bucket, Key=keys[-1])["Body"].read())
    return event


def _age(key: str) -> tuple[str, bool]:
    """Orders <fence>-START, -COMPLETE and -FAIL as they happened."""
    attempt, _, kind = key.rpartition("-")
    return attempt, kind != "START.json"


def told(event: Event) -> list[str]:
    """An event in words: what was read, by which run, what was written."""
    facets = event["run"]["facets"]
    run = f"{event['job']['name']}, run {facets['externalQuery']['externalQueryId']}"
    error = facets.get("errorMessage", {}).get("message")
    lines = [*_datasets(event["inputs"]), f"  -> {run}: {event['eventType']} at {render.moment(event['eventTime'])}"]
    if error:
        lines.append(f"     {render.safe(error)}")
    return lines + [f"     -> {line}" for line in _datasets(event["outputs"])]


def _datasets(datasets: Iterable[dict[str, Any]]) -> list[str]:
    named = [_named(one) for one in datasets]
    more = [f"... and {len(named) - MOST_DATASETS} more (--json has all)"] if len(named) > MOST_DATASETS else []
    return named[:MOST_DATASETS] + more


def _named(dataset: dict[str, Any]) -> str:
    version = dataset.get("facets", {}).get("version", {}).get("datasetVersion")
    rows = dataset.get("outputFacets", {}).get("outputStatistics", {}).get("rowCount")
    table = dataset["name"].removeprefix("table/").replace("/", ".")
    name = f"{dataset['namespace']}/{dataset['name']}" if dataset["namespace"].startswith("s3:") else table
    kind = "version" if dataset["namespace"].startswith("s3:") else "snapshot"
    parts = [f"{kind} {version}" if version else "", f"{render.count(rows, 'row')} written" if rows is not None else ""]
    return ", ".join([render.safe(name), *filter(None, parts)])
