"""The sandbox itself: `up`, `down`, `status`, `env`."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import context, render, sweep
from cli.errors import NOT_RUNNING, CliError
from cli.options import JsonOption, StackOption, Target, TargetOption

if TYPE_CHECKING:
    from sandbox import UpReport
    from sandbox.progress import Progress


@contextmanager
def watching(stderr: bool = False) -> Iterator[Progress]:
    """A listener for the sandbox's progress: moving bars in a terminal, one line a change in a pipe."""
    stream = sys.stderr if stderr else sys.stdout
    if not render.is_terminal(stream):
        yield _PlainProgress(stderr)
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(finished_text="[green]\u2713[/green]"),
        TextColumn("{task.fields[part]:<12}"),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=render.console(stderr), transient=False) as bars:
        shown = _Bars(bars)
        yield shown
        shown.finish()


class _Bars:
    """One bar a part."""

    def __init__(self, bars: Any) -> None:
        self._bars, self._tasks = bars, {}  # type: ignore[var-annotated]

    def __call__(self, part: str, message: str, fraction: float | None = None) -> None:
        if part not in self._tasks:
            self._tasks[part] = self._bars.add_task(render.safe(message), total=None, part=part)
        # without a known fraction the bar pulses
        known: dict[str, Any] = {} if fraction is None else {"total": 1.0, "completed": fraction}
        self._bars.update(self._tasks[part], description=render.safe(message), **known)

    def finish(self) -> None:
        """All went well: what had no known end is done too."""
        for task in self._tasks.values():
            self._bars.update(task, total=1.0, completed=1.0)


class _PlainProgress:
    """A line for each new message of a part, and one for each further quarter of a long one."""

    def __init__(self, stderr: bool) -> None:
        self._stderr, self._seen, self._started = stderr, {}, time.monotonic()  # type: ignore[var-annotated]

    def __call__(self, part: str, message: str, fraction: float | None = None) -> None:
        quarter = None if fraction is None else int(fraction * 4)
        # messages of a download count bytes: between quarters they are the same message
        now = quarter if quarter is not None else message
        if self._seen.get(part) == now:
            return
        self._seen[part] = now
        done = "" if fraction is None or fraction >= 1 else f" ({fraction:.0%})"
        seconds = time.monotonic() - self._started
        render.say(f"{seconds:6.1f} s  {part:<10} {render.safe(message)}{done}", stderr=self._stderr)


def start(stack: str | None = None, quiet: bool = False) -> UpReport:
    """Starts the sandbox and shows how far it is. `quiet`: on standard error. Ctrl-C leaves nothing running."""
    sandbox = context.make_sandbox(stack)
    with watching(stderr=quiet) as progress:
        return sandbox.up(progress)


def up(target: TargetOption = Target.sandbox, stack: StackOption = None, as_json: JsonOption = False) -> None:
    """Start the sandbox: the whole stack on this machine. A second time it says so and is fine."""
    if target is Target.aws:
        raise CliError("`lake up` starts the sandbox; on AWS, deploy with `sam build && sam deploy`.", code=2)
    started = time.monotonic()
    report = start(stack, quiet=as_json)
    if not report.already_running and not report.deployed:
        sweep.ask(context.connect(target, stack))  # whatever was cut short when it stopped goes on now
    seconds = time.monotonic() - started
    if as_json:
        render.show_json({**asdict(report), "total_seconds": round(seconds, 1)})
    elif report.already_running:
        render.say(f"The sandbox is already running at {report.endpoint}.")
    else:
        deployed = "and deployed" if report.deployed else "; its stack is as it was"
        render.say(f"The sandbox is up {deployed}, after {seconds:.1f} s, at {report.endpoint}.".replace(" ;", ";"))
        render.say('Next: `lake demo`, or `lake drop FILE`. Any AWS client works after: eval "$(lake env)"')


def down(
    wipe: Annotated[bool, typer.Option("--wipe", help="Also remove all state: files, tables, ledger.")] = False,
    target: TargetOption = Target.sandbox,
    as_json: JsonOption = False,
) -> None:
    """Stop the sandbox, and only what it started. State stays, unless --wipe."""
    if target is Target.aws:
        raise CliError("`lake down` stops the sandbox; on AWS, remove the stack with `sam delete`.", code=2)
    stopped = context.make_sandbox().down(wipe=wipe)
    if wipe:
        _forget(context.home())
    if as_json:
        render.show_json({"stopped": stopped, "wiped": wipe})
        return
    render.say(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")
    if wipe:
        render.say("All state of this sandbox is removed.")


def _forget(home: Path) -> None:
    """What commands keep beside the sandbox's own state: the demo's sample, the log of failures."""
    shutil.rmtree(home / "demo", ignore_errors=True)
    (home / "logs" / "cli.log").unlink(missing_ok=True)
    for folder in (home / "logs", home):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def status(target: TargetOption = Target.sandbox, stack: StackOption = None, as_json: JsonOption = False) -> None:
    """What runs, where it listens, and what it uses. On AWS: the state of the stack."""
    if target is Target.aws:
        _stack_status(context.connect(target, stack), as_json)
        return
    sandbox = context.make_sandbox(stack)
    state = sandbox.status()
    if as_json:
        where = {"endpoint": sandbox.env()["AWS_ENDPOINT_URL"], "outputs": sandbox.outputs()} if state.running else {}
        render.show_json({**asdict(state), **where})
    elif state.parts:
        render.show_table(
            ("part", "state", "pid", "port", "memory", "log"),
            [(p.name, p.state, p.pid, p.port, render.size(p.rss) if p.rss else "", p.log) for p in state.parts],
            numeric=("pid", "port", "memory"),
        )
        used = sum(part.rss or 0 for part in state.parts)
        if state.running:
            render.say(f"The sandbox runs and uses {render.size(used)} of memory.")
    if not state.running:
        died = [part for part in state.parts if part.state == "died"]
        if died:
            raise CliError(
                f"{' and '.join(part.name for part in died)} died (see {died[0].log}): start again with `lake up`."
            )
        raise CliError(NOT_RUNNING)


def _stack_status(lake: context.Lake, as_json: bool) -> None:
    state, changed = lake.state
    facts = {"stack": lake.stack, "state": state, "changed": changed, "outputs": lake.outputs}
    if as_json:
        render.show_json(facts)
        return
    render.say(f"Stack {facts['stack']}: {facts['state']}, changed {render.moment(str(facts['changed']))}")
    render.show_table(("output", "value"), sorted(lake.outputs.items()))


def env(target: TargetOption = Target.sandbox, stack: StackOption = None, as_json: JsonOption = False) -> None:
    """Print export lines for a shell: eval "$(lake env)", and any AWS client reaches the stack."""
    variables = context.connect(target, stack).environment()
    if as_json:
        render.show_json(variables)
        return
    for name, value in variables.items():
        render.say(f"export {name}={shlex.quote(value)}")
