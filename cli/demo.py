"""`lake demo`: the whole thing once, from nothing to answers."""

from __future__ import annotations

import os
import platform
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import context, following, render
from cli.errors import CliError
from cli.options import JsonOption, StackOption, Target, TargetOption

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lake.entries import FileEntry

FILE_NAME = "sample-orders.csv"
INTERRUPTED = "Stopped; what is done stays. Go on with `lake demo`, or stop the sandbox with `lake down`."


@dataclass
class Clock:
    """Seconds of each step, for the last line."""

    started: float = field(default_factory=time.monotonic)
    steps: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        at = time.monotonic()
        yield
        self.steps[name] = round(time.monotonic() - at, 1)

    @property
    def total(self) -> float:
        return time.monotonic() - self.started


def demo(
    orders: Annotated[int, typer.Option("--orders", min=100, help="How many orders to make.")] = 10_000,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same orders.")] = 1,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds to wait for gold at most.")] = 900,
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """See the whole thing: a sample file dropped, its way live, and the answers from gold."""
    clock = Clock()
    try:
        report = _play(clock, orders, seed, timeout, target, stack, quiet=as_json)
    except KeyboardInterrupt:
        raise CliError(INTERRUPTED, code=130) from None
    if as_json:
        render.show_json(report)


def _play(
    clock: Clock, orders: int, seed: int, timeout: float, target: Target, stack: str | None, quiet: bool
) -> dict[str, Any]:
    from cli.answers import all_sections, show

    def say(line: str = "", style: str = "") -> None:
        render.say(line, stderr=quiet, style=style)

    say("1. The stack", style="bold")
    with clock.step("stack up"):
        lake = _stack(target, stack, quiet)
    say("2. A file of orders", style="bold")
    with clock.step("sample made"):
        path = _sample(orders, seed, say)
    say("3. Its way, from bronze to gold", style="bold")
    with clock.step("file to gold"):
        entry = _drop(lake, path, timeout, quiet, say)
    for line in stations(lake, entry):
        say(f"   {line}")
    say("4. The answers, asked of gold through Athena", style="bold")
    with clock.step("answers"):
        sections = all_sections(lake, entry)
    if not quiet:
        for section in sections:
            show(section)
    say()
    parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in clock.steps.items())
    say(f"Start to answers: {clock.total:.1f} s ({parts}) on {machine()}.", style="bold")
    say()
    say("Five things to type next:", style="bold")
    things = next_things(entry.key)
    width = max(len(command) for command, _ in things)
    for command, why in things:
        say(f"  {command:<{width}}  {why}")
    return {
        "seconds": round(clock.total, 1),
        "steps": clock.steps,
        "machine": machine(),
        "file": following.as_dict(entry),
        "answers": {section.question: {"sentence": section.sentence, **section.figures} for section in sections},
    }


def _stack(target: Target, stack: str | None, quiet: bool) -> context.Lake:
    if target is Target.sandbox:
        from cli.local import start

        report = start(stack, quiet)
        done = "runs already" if report.already_running else "is up"
        render.say(
            f"   The sandbox {done} at {report.endpoint}: the template's own stack, no AWS account.", stderr=quiet
        )
    return context.connect(target, stack)


def _sample(orders: int, seed: int, say: Any) -> Path:
    from cli.sample import tell
    from lake.sample import Spec, write

    path = context.home() / "demo" / FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = write(path, Spec(orders, seed))
    for line in tell(path, facts):
        say(f"   {line}")
    return path


def _drop(lake: context.Lake, path: Path, timeout: float, quiet: bool, say: Any) -> FileEntry:
    """Drops the file and waits until gold is fresh. Raises CliError when it does not get there."""
    from cli.drop import FOLDER, put
    from cli.wait import until_settled

    key, at = FOLDER + path.name, time.monotonic()
    version = put(lake.client("s3"), lake.output("BronzeBucketName"), key, path)
    say(f"   Dropped in the bronze bucket as {key}; everything from here on happens by itself.")
    outcome = until_settled(lake, timeout, quiet, [following.Dropped(key, version, at)])
    entry = lake.ledger.entry(key, version)
    if entry is None or entry.state not in following.SETTLED or not outcome.settled:
        raise CliError(
            f"Gold is not fresh after {timeout:.0f} s: see `lake files` and `lake runs`, then `lake doctor`."
        )
    if entry.state != "LOADED":
        raise CliError(f"{key} was not loaded: {following.situation(entry)}. Read more with `lake explain {key}`.")
    if outcome.failures:
        raise CliError(f"{outcome.failures[0]} See `lake runs`, then `lake doctor`.")
    say(f"   {following.situation(entry)}", style="green")
    return entry


def stations(lake: context.Lake, entry: FileEntry) -> list[str]:
    """Each station of the file's way with the seconds since the drop, from the ledger and the runs."""
    from datetime import datetime

    from cli.runs import list_runs

    meanings = {
        "RECEIVED": "intake saw it",
        "PENDING": f"intake took it as {entry.contract}",
        "LOADING": "it went into a silver batch",
        "LOADED": "the ledger was settled",
    }
    arrived = datetime.fromisoformat(entry.arrived_at)
    moments = [
        (datetime.fromisoformat(change.at), meanings.get(change.state, change.state)) for change in entry.history
    ]
    for run in list_runs(lake, 10):
        started = datetime.fromisoformat(run["started"])
        if started < arrived:
            continue
        moments.append((started, f"{run['layer']} run started"))
        if run["completed"]:
            moments.append((datetime.fromisoformat(run["completed"]), f"{run['layer']} run {run['state'].lower()}"))
    dropped = min([datetime.fromisoformat(entry.object_time), *(moment for moment, _ in moments)])
    return [f"{(moment - dropped).total_seconds():6.1f} s  {words}" for moment, words in sorted(moments)]


def machine() -> str:
    """The machine in a few words, beside every figure that depends on it."""
    import psutil

    memory = render.size(psutil.virtual_memory().total)
    return (
        f"{render.count(os.cpu_count() or 1, 'core')}, {memory} of memory, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}"
    )


def next_things(key: str) -> tuple[tuple[str, str], ...]:
    """What to try after the demo, as it can be typed in this shell."""
    from cli.words import typed

    lake, aws = typed("lake"), typed("aws")
    return (
        (f"{lake} drop YOUR-FILE.csv --wait", "your own orders; a wrong file is told why"),
        (f"{lake} explain {key}", "the file's story, with the arithmetic"),
        (f"{lake} quarantine --file {key}", "the rows set aside, as they came"),
        (f'{lake} query "SHOW TABLES"', "ask gold yourself, in SQL"),
        (f'eval "$({lake} env)" && {aws} athena list-work-groups', "any AWS client reaches the same stack"),
    )
