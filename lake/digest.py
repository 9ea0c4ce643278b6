"""The digest: people (a message) and programs (an event) hear that gold is fresh, and what it says.

Each gold run is told once. The claim in the ledger keeps two deliveries of one event from telling at the same time; a
crash after the message and before the mark tells it a second time rather than never.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from lake.flow import Flow
from lake.manifest import GoldResult
from lake.refresh import gold_result_key
from lake.words import clean, count

CLAIM_SECONDS = 60

log = logging.getLogger("lake")


class Digest:
    """Announces gold runs."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Announces the gold run whose end an event tells."""
        detail = event.get("detail") or {}
        if detail.get("jobName") != self.flow.gold.job or detail.get("state") != "SUCCEEDED":
            return {"ignored": clean(str(detail.get("jobName")))}
        run = self.flow.ports.jobs.run(self.flow.gold.job, str(detail["jobRunId"]))
        gold_run_id = run.arguments.get("--gold_run_id") if run else None
        if not gold_run_id:
            return {"ignored": "a run without a gold run id"}
        return {gold_run_id: self.announce(gold_run_id)}

    def announce(self, gold_run_id: str) -> str:
        """Tells a gold run unless it was told: 'told', 'told before', 'being told', or 'no result'."""
        if self.flow.ledger.marked(f"digest {gold_run_id}"):
            return "told before"
        body = self.flow.ports.documents.get(gold_result_key(gold_run_id))
        if body is None:
            log.warning("no result to announce", extra={"gold_run_id": gold_run_id})
            return "no result"
        result = GoldResult.from_json(body)
        now = int(self.flow.clock.now())
        if not self.flow.ledger.claim(f"digest {gold_run_id}", now, now + CLAIM_SECONDS):
            return "being told"
        title, message = words_for(result)
        self.flow.alarm.send(title, message)
        self.flow.ports.events.put("Gold Refreshed", event_detail(result, self.flow.settings.environment))
        self.flow.ledger.mark(f"digest {gold_run_id}", self.flow.clock.now())
        return "told"


def event_detail(result: GoldResult, environment: str) -> dict[str, Any]:
    """The event `Gold Refreshed`, for programs: names and figures as the run reported them, rates as fractions."""
    return {
        "environment": environment,
        "gold_run_id": result.gold_run_id,
        "silver_snapshot_id": None if result.silver_snapshot_id is None else str(result.silver_snapshot_id),
        "months": list(result.months),
        "rows": dict(result.rows),
        "headline": dict(result.headline),
        "published_at": result.published_at,
    }


def words_for(result: GoldResult) -> tuple[str, str]:
    """Subject and text of the message, for people. What is not known is left out, never shown as zero."""
    say = result.headline
    promise = _number(say.get("promise_minutes")) or "30"
    orders = int(say.get("orders") or 0)
    lines = [f"Gold is fresh: {count(orders, 'order')}{_period(say)}."]
    lines += _share(say, "late_order_to_door", f"took longer than {promise} minutes from order to door")
    lines += _share(say, "late_delivery", f"were longer than {promise} minutes with the driver", "late_deliveries")
    lines += _share(say, "complaint", "brought a complaint", "complaints")
    top, worst, stage = say.get("top_complaint"), say.get("worst_area_hour"), say.get("worst_stage")
    if top:
        lines.append(f"Most complaints are about: {top['reason']} ({int(top['complaints']):,}).")
    if worst:
        lines.append(
            f"Worst place and hour: area {worst['area']} at {int(worst['order_hour']):02d}:00, where "
            f"{int(worst['late_order_to_door']):,} of {count(int(worst['orders']), 'order')} came late to the door."
        )
    if stage is None and say.get("longest_stage"):
        lines.append("No stage slows down at peak.")
    if stage:
        lines.append(
            f"The stage that slows down most at peak is {str(stage['stage']).replace('_', ' ')}: "
            f"{_number(stage['peak_avg_minutes'])} minutes against {_number(stage['off_peak_avg_minutes'])}."
        )
    months = [month[:7] for month in result.months]
    lines.append(f"Recomputed: {', '.join(months)}." if months else "No month had to be recomputed.")
    lines.append(f"Published {result.published_at} (run {result.gold_run_id}). More: lake causes, lake query.")
    title = f"Jozi Lake: gold is fresh, {count(orders, 'order')}"
    rate = say.get("late_order_to_door_rate")
    return (f"{title}, {rate:.1%} late to the door" if rate is not None else title), "\n".join(map(clean, lines))


def _period(say: Mapping[str, Any]) -> str:
    first, last = say.get("data_from"), say.get("data_through")
    return f" from {first} to {last}" if first and last else ""


def _share(say: Mapping[str, Any], name: str, words: str, hits: str | None = None) -> list[str]:
    rate, number = say.get(f"{name}_rate"), say.get(hits or name)
    return [] if rate is None or number is None else [f"{int(number):,} ({rate:.1%}) {words}."]


def _number(value: Any) -> str | None:
    return None if value is None else f"{float(value):.2f}".rstrip("0").rstrip(".")
