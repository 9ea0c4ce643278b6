"""Single flight: one run of a job at a time, whoever asks and however often, and every way it can end.

A flight is tended, not driven: `tend` looks at the lease and at Glue, and does the next step that is missing. The
conductor calls it for a Glue event, the sweeper every quarter of an hour, so a lost event, a doubled one or a crash
between any two calls ends in the same place:

| what was found                                 | what is done                                                     |
|------------------------------------------------|------------------------------------------------------------------|
| lease free                                     | nothing (start takes it)                                          |
| taken, still collecting, younger than GRACE    | nothing: its holder is at work                                    |
| taken, still collecting, older                 | the holder died: unload what it took, give the lease back         |
| ready, a run with this batch and fence exists  | the holder died before it noted the run: note it, go on           |
| ready, no such run, older than GRACE           | the holder died before StartJobRun: start it now                  |
| blocked (Glue had no room)                     | try StartJobRun again                                             |
| run live                                       | nothing; past the lease's expiry it is stopped first              |
| run SUCCEEDED, its result holds                | settle, give the lease back                                       |
| run SUCCEEDED without a result that holds      | as failed                                                         |
| run failed, timed out, was stopped, vanished   | alert; the same batch once more under a new fence; then give up   |

Two tenders at once do no harm: every change of the lease is conditional on owner and fence, entries move conditionally,
Glue lets one run go at a time, and a run publishes only while its fence is the current one.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lake.alerting import Alarm
from lake.leases import BLOCKED, COLLECTING, GRACE_SECONDS, READY, RUNNING, Lease, Leases, holds_lease
from lake.lineage import COMPLETE, FAIL, START, Attempt
from lake.measures import Measures
from lake.ports import JobBusyError, JobRun, Jobs
from lake.words import clean, count

__all__ = ["FORCED_TRIES", "TRIES", "Clock", "Flight", "holds_lease", "new_id"]

TRIES = 2  # ordinary failures of one batch before it is given up
# The same for runs that were stopped or killed, lost their engine, or are of too old a release (lake.migrations.plan):
FORCED_TRIES = 5  # that says nothing about files
_FORCED = re.compile(
    r"\b(killed|sigkill|sigterm|terminated|exit(ed)?( code| status)?:? ?(-9|-15|137|143)|was stopped while|"
    r"statuscode\.unavailable|connection (refused|reset)|could not connect to the endpoint|socket closed|"
    r"internal service error|resource unavailable|service ?unavailable|slow ?down|was changed by a newer release)\b",
    re.I,
)
log = logging.getLogger("lake")

_ROOM_WAITS = (1.0, 2.0, 4.0, 8.0)  # seconds; Glue frees the place of an ended run some seconds after its event


@dataclass(frozen=True)
class Clock:
    """Time, to be replaced in tests: `now` in seconds since the epoch, `wait` lets seconds pass."""

    now: Callable[[], float] = time.time
    wait: Callable[[float], None] = time.sleep


def new_id(prefix: str, now: float) -> str:
    """A name that sorts by time and is never given twice: silver-20261123T061400-1a2b3c4d."""
    return f"{prefix}-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"


class Flight:
    """The engine. A job's own part (what to load, how to settle, what to give up) is in the subclasses."""

    name: str  # the lease's name
    job: str  # the Glue job
    id_argument: str  # the job argument that carries the owner of the lease
    tries = TRIES
    forced_tries = FORCED_TRIES

    def __init__(self, job: str, jobs: Jobs, leases: Leases, alarm: Alarm, clock: Clock) -> None:
        self.job = job
        self.jobs = jobs
        self.leases = leases
        self.alarm = alarm
        self.clock = clock
        self.measures = Measures()
        # what is kept of every run's lineage: START, COMPLETE or FAIL, the try, and the error (see lake/lineage_log.py)
        self.told: Callable[[str, Attempt, str | None], object] = lambda *_: None
        self.occupied: Callable[[Lease], bool] = lambda _: False  # whether a crawler or maintenance is at the tables

    # ---- the job's own part --------------------------------------------------------------------------------------

    def load(self, lease: Lease) -> bool:
        """Takes what the run shall work on; False when there is nothing to do."""
        raise NotImplementedError

    def unload(self, lease: Lease) -> None:
        """Puts back what `load` took, all of it or the part that it got to."""
        raise NotImplementedError

    def arguments(self, lease: Lease) -> Mapping[str, str]:
        """The run's arguments besides owner and fence."""
        raise NotImplementedError

    def settle(self, lease: Lease, run: JobRun) -> str | None:
        """Notes what a run that ended well did; a sentence when its result is missing or does not hold."""
        raise NotImplementedError

    def give_up(self, lease: Lease, error: str) -> None:
        """What becomes of the batch after its last try."""
        raise NotImplementedError

    def rest(self, failures: int) -> int:
        """Seconds to leave the job alone after so many batches in a row were given up."""
        raise NotImplementedError

    def waits_for(self, lease: Lease) -> str:
        """What waits while this batch is retried, for the alert: '12 files'."""
        raise NotImplementedError

    # ---- asking --------------------------------------------------------------------------------------------------

    @property
    def due(self) -> bool:
        """Whether somebody asked for a run and none is under way."""
        lease = self.leases.read(self.name)
        return lease.waiting and not lease.held

    def ask(self) -> None:
        """A run is due as soon as it may start, and whatever broke the last one may be over."""
        self.leases.want(self.name, soon=True)

    # ---- starting ------------------------------------------------------------------------------------------------

    def start(self) -> str:
        """Starts a run if there is work and no run is under way: 'started', 'busy', 'blocked', 'nothing', 'resting'.

        Found busy, it leaves the wish on the lease, so that whoever gives the lease back looks again.
        """
        for _ in range(3):
            if self.leases.read(self.name).not_before > self.clock.now():
                return "resting"
            owner = new_id(self.name, self.clock.now())
            lease = self.leases.acquire(self.name, owner, self.clock.now())
            if lease is None:
                if self.leases.want(self.name).held:
                    return "busy"
                continue  # it was given back between the two calls: try again
            if self.load(lease):
                return self.launch(lease)
            released = self.leases.release(lease)
            if released is None or not released.waiting:
                return "nothing"
        return "nothing"

    def launch(self, lease: Lease) -> str:
        """Calls StartJobRun for a loaded batch and notes the run: 'started', 'blocked', or 'busy' when overtaken."""
        ready = self.leases.change(lease, stage=READY)
        if ready is None:
            return "busy"
        arguments = {
            f"--{self.id_argument}": str(ready.owner),
            "--fence": str(ready.fence),
            **self.arguments(ready),
        }
        run_id = self._start_job(ready, arguments)
        if run_id is None:
            self.leases.change(ready, stage=BLOCKED)
            return "blocked"
        self._began(ready, run_id)
        self.leases.change(ready, stage=RUNNING, job_run_id=run_id)
        return "started"

    def _start_job(self, lease: Lease, arguments: Mapping[str, str]) -> str | None:
        """The new run's id, or None when Glue has no room. Waits a little only while no live run explains that."""
        for pause in (*_ROOM_WAITS, None):
            try:
                return self.jobs.start(self.job, arguments)
            except JobBusyError:
                live = [run for run in self.jobs.recent(self.job) if run.live]
                ours = next((run.id for run in live if self._belongs(lease, run)), None)
                if ours or live or pause is None:
                    return ours  # a call that was repeated on the way: its run is the one that took the room
                self.clock.wait(pause)
        return None

    # ---- tending -------------------------------------------------------------------------------------------------

    def tend(self, seen: JobRun | None = None) -> str:
        """Does the next step that is missing (see the table above) and says what was found or done.

        `seen` is a run as an event told it: its end is believed even where GetJobRun is a moment behind.
        """
        lease = self.leases.read(self.name)
        if not lease.held:
            return "free"
        run = self._find_run(lease, seen)
        if run is None:
            return self._tend_without_run(lease)
        if lease.job_run_id != run.id:
            self._began(lease, run.id)
            noted = self.leases.change(lease, stage=RUNNING, job_run_id=run.id)
            if noted is None:
                return "overtaken"
            lease = noted
        if run.live:
            return self._tend_live(lease, run)
        if run.succeeded:
            error = self.settle(lease, run)
            if error is None:
                if run.started:
                    self.measures.note(f"{self.name.title()}RunSeconds", max(self.clock.now() - run.started, 0.0))
                self._log("run settled", lease, run.id)
                self.told(COMPLETE, self._attempt(lease, run.id), None)
                self.leases.release(lease, failures=0, not_before=0, last_error=None)
                return "settled"
            run = JobRun(run.id, run.job, "FAILED", run.arguments, error, run.started, run.seconds)
        return self._failed(lease, run)

    def _began(self, lease: Lease, run_id: str) -> None:
        """A run is known to go: said before the lease notes it, so that a crash between the two says it once more."""
        self._log("run started", lease, run_id)
        self.told(START, self._attempt(lease, run_id), None)

    def _attempt(self, lease: Lease, run_id: str) -> Attempt:
        return Attempt(self.job, str(lease.owner), lease.fence, run_id)

    def _log(self, message: str, lease: Lease, run_id: str, **more: Any) -> None:
        """One line with the ids that lead on: from the batch or gold run to Glue's run, whose log is a stream of it."""
        log.info(message, extra={"job": self.job, self.id_argument: lease.owner, "run_id": run_id, **more})

    def _find_run(self, lease: Lease, seen: JobRun | None) -> JobRun | None:
        if seen is not None and not seen.live and self._belongs(lease, seen):
            return seen
        if lease.job_run_id is not None:
            return self.jobs.run(self.job, lease.job_run_id)
        if lease.stage == COLLECTING:
            return None
        return next((run for run in self.jobs.recent(self.job) if self._belongs(lease, run)), None)

    def _belongs(self, lease: Lease, run: JobRun) -> bool:
        """Whether a run was started for this very lease: the same batch under the same fence."""
        given = run.arguments
        return given.get(f"--{self.id_argument}") == lease.owner and given.get("--fence") == str(lease.fence)

    def _tend_without_run(self, lease: Lease) -> str:
        if lease.job_run_id is not None:
            vanished = JobRun(lease.job_run_id, self.job, "FAILED", {}, "Glue does not know this run any more.")
            return self._failed(lease, vanished)
        if lease.stage == BLOCKED:
            return self.launch(lease)
        if lease.touched_at + GRACE_SECONDS > self.clock.now():
            return "starting"
        if self.occupied(lease):
            return "repairing"
        if lease.stage == COLLECTING:
            self.unload(lease)
            self.leases.release(lease, waiting=True)
            return "undone"
        return self.launch(lease)

    def _tend_live(self, lease: Lease, run: JobRun) -> str:
        if self.clock.now() < lease.expires_at:
            return "running"
        if run.state != "STOPPING":
            self.jobs.stop(self.job, run.id)
            self.alarm.once(
                f"stopped {run.id}",
                f"{self.job}: a run took too long",
                f"Run {run.id} of {self.job} ({lease.owner}) was still going when its lease ran out. It is being "
                "stopped; its work is tried again after that.",
            )
        return "stopping"

    def _failed(self, lease: Lease, run: JobRun) -> str:
        """A run that did not end well: once more with the same batch, or give the batch up."""
        error = clean(run.error or f"Glue says {run.state} and gives no reason.", 1000)
        forced = run.state == "STOPPED" or bool(_FORCED.search(error))
        again = lease.forced + 1 < self.forced_tries if forced else lease.attempt < self.tries
        what_next = "It is tried again." if again else "It was the last try of this batch."
        self._log("run failed", lease, run.id, run_state=run.state, error=error, again=again)
        self.told(FAIL, self._attempt(lease, run.id), error)
        told = self.alarm.once(
            f"run {run.id}",
            f"{self.job}: a run ended {run.state}",
            f"Run {run.id} of {self.job} ({lease.owner}, try {lease.attempt + lease.forced}) ended {run.state}: "
            f"{error} {what_next} Waiting: {self.waits_for(lease)}.",
        )
        if told:
            self.measures.count("RunsFailed")
        if again:
            counted = {"forced": lease.forced + 1} if forced else {"attempt": lease.attempt + 1}
            renewed = self.leases.renew(lease, self.clock.now(), **counted, last_error=error)
            return "overtaken" if renewed is None else f"retry {self.launch(renewed)}"
        self.give_up(lease, error)
        failures = lease.failures + 1
        rest = self.rest(failures)
        if rest:
            self.alarm.once(
                f"rest {lease.owner}",
                f"{self.job} rests",
                f"{count(failures, 'batch', 'batches')} of {self.job} in a row could not be run, whatever was in them. "
                f"The next try is in {count(rest // 60, 'minute')}. The last error: {error}",
            )
        self.leases.release(
            lease,
            failures=failures,
            waiting=True,
            last_error=error,
            not_before=int(self.clock.now()) + rest if rest else 0,
        )
        return "given up"
