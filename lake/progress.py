"""Where everything is right now: for `lake wait` and `lake status`, and for tests that wait until all is settled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from lake.entries import FAILED, HELD, UNSETTLED
from lake.flow import Flow
from lake.freshness import behind
from lake.ports import JobRun

EVENT_SECONDS = 15  # Glue's event of a run's end comes within these, or is taken for lost


@dataclass(frozen=True)
class RunningJob:
    """A run under way. `owner` is its batch or gold run id, `seconds` how long it has been going."""

    job: str
    run_id: str | None
    owner: str
    state: str
    seconds: float


@dataclass(frozen=True)
class Progress:
    """A snapshot of the flow. `settled`: nothing is pending or running, and gold shows what silver holds."""

    pending: list[tuple[str, str, str]]  # key, version, state
    missing: list[tuple[str, str]]  # key and version of objects without an entry yet
    running: list[RunningJob]
    queue_visible: int
    queue_in_flight: int
    crawler_states: dict[str, str]
    crawl_pending: bool
    gold_behind: list[str] | None  # silver tables whose newest snapshot gold has not seen; None: not looked at
    gold_due: bool
    failed: list[tuple[str, str, str, str]]  # key, version, state, reason of files that were set aside
    troubles: list[str]  # sentences about jobs that rest after failures
    rebuild_pending: bool = False

    @property
    def gold_is_fresh(self) -> bool:
        return self.gold_behind == [] and not self.gold_due

    @property
    def gold_is_late(self) -> bool:
        """Whether gold is known to be behind; neither that nor fresh while nobody has looked."""
        return bool(self.gold_behind) or self.gold_due

    @property
    def settled(self) -> bool:
        return not (
            self.pending
            or self.missing
            or self.running
            or self.queue_visible
            or self.queue_in_flight
            or self.crawl_pending
            or self.rebuild_pending
            or any(state != "READY" for state in self.crawler_states.values())
            or not self.gold_is_fresh
        )


def progress(flow: Flow, whole: bool = True) -> Progress:
    """Looks once at everything, or, where not the `whole` is asked for, at what can tell that it is not settled yet.

    Who looks again and again leaves out the dear parts until the rest is quiet: the listing of the bucket always, and
    while files or runs are under way what the tables' metadata say.
    """
    pending = [(entry.key, entry.version, entry.state) for entry in flow.ledger.entries(UNSETTLED)]
    late = cache(lambda: behind(flow.ports.tables, flow.settings.silver_database, flow.settings.gold_database))
    running, troubles = [], []
    caring = flow.leases.read(flow.maintain.name).owner
    for flight in flow.flights:
        lease = flow.leases.read(flight.name)
        if lease.held and (flight is flow.maintain or lease.owner != caring):
            run = flow.ports.jobs.run(flight.job, lease.job_run_id) if lease.job_run_id else None
            if flight is flow.gold and _over(flow, run) and not late():
                continue
            since = run.seconds if run else max(0.0, flow.clock.now() - lease.touched_at)
            state = run.state if run else str(lease.stage).upper()
            running.append(RunningJob(flight.job, lease.job_run_id, str(lease.owner), state, since))
        # Maintenance that rests holds up no file.
        if flight is not flow.maintain and lease.not_before > flow.clock.now():
            rest = int(lease.not_before - flow.clock.now())
            troubles.append(f"{flight.job} rests for {rest} s after {lease.failures} failures: {lease.last_error}")
    visible, in_flight = flow.ports.arrivals.depth() if flow.ports.arrivals else (0, 0)
    name = flow.crawling.name
    return Progress(
        pending=pending,
        missing=_missing(flow) if whole and not pending else [],
        running=running,
        queue_visible=visible,
        queue_in_flight=in_flight,
        crawler_states={name: flow.ports.crawlers.state(name).state},
        crawl_pending=flow.crawling.pending,
        gold_behind=late() if whole or not (pending or running) else None,
        gold_due=flow.gold.due,
        failed=[
            (entry.key, entry.version, entry.state, entry.reason or "") for entry in flow.ledger.entries([HELD, FAILED])
        ],
        troubles=troubles,
        rebuild_pending=flow.ledger.rebuild().pending,
    )


def _over(flow: Flow, run: JobRun | None) -> bool:
    """Whether a run ended well so long ago that its event is lost: its work is there, and the next sweep notes it."""
    return run is not None and run.succeeded and run.started + run.seconds + EVENT_SECONDS < flow.clock.now()


def _missing(flow: Flow) -> list[tuple[str, str]]:
    """Object versions without an entry."""
    missing: list[tuple[str, str]] = []
    cursor: tuple[str, str] | None = None
    while True:
        page, cursor = flow.ports.objects.page(cursor)
        names = [(item.key, item.version) for item in page if not item.is_folder]
        known = flow.ledger.states_of(names)
        missing += [name for name in names if name not in known]
        if cursor is None:
            return missing
