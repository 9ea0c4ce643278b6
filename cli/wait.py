"""`lake wait`: until files are settled, gold is fresh and the crawler has finished."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import context, following, render
from cli.options import JsonOption, StackOption, Target, TargetOption

if TYPE_CHECKING:
    from lake.ports import JobRun
    from lake.progress import Progress

MOST_FILES_BY_NAME = 12  # more than these are shown as one line of counts
STUCK_LOOKS = 3  # nothing moves and a job rests after failures: so many looks in a row, and waiting longer is no use


@dataclass
class Outcome:
    """How the waiting ended. `failures` are sentences about what failed meanwhile, `open` about what is not done."""

    settled: bool
    seconds: float
    failures: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)


def wait(
    timeout: Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait at most.")] = 900,
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Wait until nothing is pending or running and gold is fresh; shows what is happening. 1 when something failed."""
    outcome = until_settled(context.connect(target, stack), timeout, quiet=as_json)
    if as_json:
        render.show_json({**asdict(outcome), "ok": outcome.settled and not outcome.failures})
    else:
        for line in conclusion(outcome, timeout):
            render.say(line)
    if outcome.failures or not outcome.settled:
        raise typer.Exit(1)


def finish(lake: context.Lake, timeout: float, quiet: bool) -> bool:
    """Waits until all is settled and says how it ended. True when something failed, or is not settled."""
    outcome = until_settled(lake, timeout, quiet=quiet)
    for line in conclusion(outcome, timeout):
        render.say(line, stderr=quiet)
    return bool(outcome.failures) or not outcome.settled


def conclusion(outcome: Outcome, timeout: float) -> list[str]:
    """The last lines: what failed, what is still open, and what to do."""
    lines = [f"Failed: {render.safe(failure)}" for failure in outcome.failures]
    if outcome.settled:
        done = f"All is settled after {outcome.seconds:.1f} s: no file is on its way and gold is fresh."
        return [*lines, done if not lines else f"{done} See `lake files` for what failed."]
    lines += [f"Still open: {render.safe(line)}" for line in outcome.open]
    why = f"Not settled after {outcome.seconds:.0f} s" if outcome.seconds >= timeout else "Nothing moves any more"
    return [*lines, f"{why}: see `lake runs` and `lake files`, then `lake doctor`."]


def until_settled(
    lake: context.Lake, timeout: float, quiet: bool = False, dropped: Sequence[following.Dropped] = ()
) -> Outcome:
    """Shows what happens until all is settled, nothing moves any more, or `timeout` seconds are over.

    `dropped` names files whose way is shown from the moment they were uploaded.
    """
    watch = _Watch(lake, dropped)
    with following.showing(quiet) as show:
        while True:
            now = watch.look(show)
            if now.settled or watch.stuck >= STUCK_LOOKS or watch.seconds >= timeout:
                break
            following.pause(lake)
    return Outcome(now.settled, round(watch.seconds, 1), watch.failures(now), [] if now.settled else _open(now))


class _Watch:
    """Looks again and again, and shows what changed: files, runs, the crawler, gold."""

    def __init__(self, lake: context.Lake, dropped: Sequence[following.Dropped]) -> None:
        self._lake, self._flow = lake, lake.flow
        self._began, self._began_at = time.monotonic(), time.time()
        self._dropped = {(file.key, file.version) for file in dropped}
        self._files: set[tuple[str, str]] = set(self._dropped)
        self._seen: set[tuple[str, str]] = set()
        self._shown: set[str] = set()
        self._runs: dict[str, str] = {}  # run id -> job, of runs that go on
        self._failed_before: set[tuple[str, str]] | None = None
        self.stuck = 0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def look(self, show: Any) -> Progress:
        """One look. All of it is looked at only when what is cheap to see is quiet."""
        from lake.progress import progress

        now = progress(self._flow, whole=False)
        if now.settled:
            now = progress(self._flow)
        if self._failed_before is None:
            self._failed_before = {(key, version) for key, version, _, _ in now.failed} - self._dropped
        self._show_files(now, show)
        self._show_runs(now, show)
        self._show_rest(now, show)
        moves = now.pending and not now.troubles
        quiet = not (moves or now.running or now.missing or now.queue_visible or now.queue_in_flight)
        self.stuck = self.stuck + 1 if now.troubles and quiet and not now.settled else 0
        return now

    def _show_files(self, now: Progress, show: Any) -> None:
        """Each file by name while they are few; counts by state when they are many."""
        self._files |= {(key, version) for key, version, _ in now.pending} | set(now.missing)
        called = following.labels(self._seen | self._files)
        self._seen |= self._files
        if len(self._files) > MOST_FILES_BY_NAME:
            states = Counter(state for _, _, state in now.pending)
            states.update({"without an entry": len(now.missing)} if now.missing else {})
            words = ", ".join(f"{amount:,} {state}" for state, amount in sorted(states.items())) or "none on its way"
            for name in self._files:
                show(called[name], None)
            show("files", words, not states)
            return
        entries = self._lake.ledger.entries_of(sorted(self._files))
        for name in sorted(self._files):
            entry = entries.get(name)
            done = entry is not None and entry.state in following.SETTLED
            show(called[name], following.situation(entry), done)
            if done:
                self._files.discard(name)

    def _show_runs(self, now: Progress, show: Any) -> None:
        going = {run.run_id: run for run in now.running if run.run_id}
        for run_id, run in going.items():
            self._runs[run_id] = run.job
            state = "starting" if run.state == "STARTING" else "running"
            show(self._run_name(run.job, run_id), f"{state}, for {run.owner}", False, run.seconds)
        for run_id in [run_id for run_id in self._runs if run_id not in going]:
            job = self._runs.pop(run_id)
            ended = self._flow.ports.jobs.run(job, run_id)
            if ended is not None:
                why = f": {render.safe(ended.error)}" if ended.error else ""
                show(self._run_name(job, run_id), f"{ended.state} after {ended.seconds:.1f} s{why}", True)

    def _run_name(self, job: str, run_id: str) -> str:
        layers = {flight.job: flight.name for flight in self._flow.flights}
        return f"{layers.get(job, job)} run {run_id[:11]}"

    def _show_rest(self, now: Progress, show: Any) -> None:
        """What has no run or file of its own. A line that is over is taken away."""
        lines = {}
        if now.queue_visible or now.queue_in_flight:
            lines["arrivals"] = f"{now.queue_visible:,} waiting, {now.queue_in_flight:,} at intake"
        for crawler, state in now.crawler_states.items():
            if state != "READY" or now.crawl_pending:
                lines[f"crawler {crawler}"] = "asked for" if state == "READY" else state.lower()
        if now.gold_is_late and not now.running and not now.pending:
            lines["gold"] = "behind silver; its run comes next"
        for trouble in now.troubles:
            lines[trouble.split(" ", 1)[0]] = trouble.split(" for ", 1)[0] + " after failures"
        for name in self._shown - set(lines):
            show(name, None)
        self._shown = set(lines)
        for name, words in lines.items():
            show(name, words)

    def failures(self, now: Progress) -> list[str]:
        """What failed while this watched: files set aside, jobs whose newest run failed, jobs that rest."""
        before = self._failed_before or set()
        found = [
            f"{key} is {state}: {reason or 'no reason was kept'}"
            for key, version, state, reason in now.failed
            if (key, version) not in before
        ]
        for job in (flight.job for flight in self._flow.flights):
            newest = next(iter(self._flow.ports.jobs.recent(job)), None)
            if newest is not None and not newest.live and not newest.succeeded and self._ended_meanwhile(newest):
                found.append(f"{job} run {newest.id} ended {newest.state}: {newest.error or 'it gave no reason'}")
        return found + list(now.troubles)

    def _ended_meanwhile(self, run: JobRun) -> bool:
        return run.started + run.seconds >= self._began_at - 1  # Glue's clock and ours may differ a little


def _open(now: Progress) -> list[str]:
    """What is not settled, in sentences."""
    lines = [f"{key} is {state}" for key, _, state in now.pending[:MOST_FILES_BY_NAME]]
    lines += [f"{key} has no entry in the ledger yet" for key, _ in now.missing[:MOST_FILES_BY_NAME]]
    more = len(now.pending) + len(now.missing) - len(lines)
    if more > 0:
        lines.append(f"{render.count(more, 'more file')}")
    lines += [f"{run.job} run {run.run_id or '(not started)'} is {run.state.lower()}" for run in now.running]
    if now.queue_visible or now.queue_in_flight:
        lines.append(f"{render.count(now.queue_visible + now.queue_in_flight, 'event')} at intake's door")
    if now.crawl_pending or any(state != "READY" for state in now.crawler_states.values()):
        lines.append("the bronze crawler has not finished")
    if now.rebuild_pending:
        lines.append("a rebuild of silver has not ended")
    if now.gold_is_late:
        lines.append("gold is behind silver")
    return lines
