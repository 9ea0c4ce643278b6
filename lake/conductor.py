"""The conductor: what Glue says about its runs and crawls becomes the next step of the flow; by night, maintenance.

An event is only a reason to look. What is done depends on the lease, the run and the ledger as they are, so a doubled,
late or foreign event does nothing, and one event makes up for others that were lost:

| event                         | what follows                                                           |
| ----------------------------- | ---------------------------------------------------------------------- |
| a run of ours ended           | settle (or retry, split, hold); gold if silver changed; the next batch |
| the same event again          | the lease has moved on: only what is due is started                    |
| a run that is not ours failed | alert, once                                                            |
| the crawler ended well        | a wish that came meanwhile starts it again                             |
| the crawler failed            | alert, once; the sweeper starts it again                               |
| it is night                   | maintenance is asked for, and started when silver and gold rest        |
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from lake.flight import Flight
from lake.flow import Flow
from lake.ports import LIVE_STATES, JobRun
from lake.words import clean

log = logging.getLogger("lake")


def is_night(event: Mapping[str, Any]) -> bool:
    """Whether the event is the nightly timer's (the sweeper has one of its own), by the name of its rule."""
    rules = [str(arn) for arn in event.get("resources") or ()]
    return event.get("detail-type") == "Scheduled Event" and any(rule.endswith("-maintain") for rule in rules)


class Conductor:
    """Handles the Glue events of the flow's jobs and crawler."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Does what an event makes due and says what that was."""
        kind, detail = event.get("detail-type"), event.get("detail") or {}
        if event.get("source") == "aws.glue" and kind == "Glue Job State Change":
            return self._job_event(detail)
        if event.get("source") == "aws.glue" and kind == "Glue Crawler State Change":
            return self._crawler_event(event, detail)
        if is_night(event):
            self.flow.maintain.ask()
            return {"maintain": "asked", "started": self.flow.move_on()}
        log.warning("ignored an event", extra={"event_source": event.get("source"), "event_id": event.get("id")})
        return {"ignored": str(kind)}

    def _job_event(self, detail: Mapping[str, Any]) -> dict[str, Any]:
        flights: dict[str, Flight] = {flight.job: flight for flight in self.flow.flights}
        flight = flights.pop(str(detail.get("jobName")), None)
        if flight is None:
            return {"ignored": clean(str(detail.get("jobName")))}
        seen = self._seen(flight, detail)
        done: dict[str, Any] = {flight.name: flight.tend(seen)}
        if not seen.live and not seen.succeeded:
            self._tell_failed(flight, seen)
        for other in flights.values():
            done[other.name] = other.tend()
        log.info("tended", extra={"run_id": seen.id, "run_state": seen.state, **done})
        return {**done, "started": self.flow.move_on()}

    def _seen(self, flight: Flight, detail: Mapping[str, Any]) -> JobRun:
        """The run as the event tells it, with what only Glue knows (arguments, the error's text)."""
        run_id, state = str(detail["jobRunId"]), str(detail["state"])
        run = self.flow.ports.jobs.run(flight.job, run_id)
        if run is None:
            return JobRun(run_id, flight.job, state, {}, detail.get("message"))
        state = run.state if state in LIVE_STATES else state
        return JobRun(run_id, flight.job, state, run.arguments, run.error or detail.get("message"), run.started)

    def _tell_failed(self, flight: Flight, run: JobRun) -> None:
        """Every failed run is told, also one that was started by hand or had lost its lease. Once."""
        error = clean(run.error or "Glue gives no reason.", 1000)
        title = f"{flight.job}: a run ended {run.state}"
        if self.flow.alarm.once(f"run {run.id}", title, f"Run {run.id} of {flight.job} ended {run.state}: {error}"):
            self.flow.measures.count("RunsFailed")

    def _crawler_event(self, event: Mapping[str, Any], detail: Mapping[str, Any]) -> dict[str, Any]:
        name, state = clean(str(detail.get("crawlerName"))), str(detail.get("state"))
        if state.lower() == "failed":
            error = clean(str(detail.get("errorMessage") or detail.get("message") or "Glue gives no reason."), 1000)
            what = f"crawl {event.get('id')}"
            self.flow.alarm.once(
                what, f"{name}: the crawl failed", f"Crawler {name} failed: {error} It is tried again."
            )
            return {"crawler": "failed"}
        if name != self.flow.crawling.name:
            return {"ignored": name}
        return {"crawler": "started" if self.flow.crawling.start_if_asked() else "done"}
