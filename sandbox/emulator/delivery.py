"""Deliveries that the emulator lacks: the batching window of a queue's function, and Glue as a schedule's target."""

from __future__ import annotations

import json
import time
from typing import Any

from ministack.services import eventbridge, glue, lambda_svc, sqs

from sandbox.emulator import seams

_GLUE_TARGET = "arn:aws:scheduler:::aws-sdk:glue:startJobRun"


def install() -> None:
    seams.wrap(sqs, "_receive_messages_for_esm", "queue_url max_number", _batch_window)
    seams.wrap(eventbridge, "_invoke_target", "target event rule view", _glue_target)


def _batch_window(original: seams.Function) -> seams.Function:
    """Hold messages back until the window has passed or a batch is full, as the event source mapping says."""

    def receive(queue_url: str, max_number: int) -> list[dict[str, Any]]:
        queue = sqs._get_q(queue_url)
        window = _window(queue["attributes"]["QueueArn"])
        if window:
            now = time.time()
            waiting = [message["sent_at"] for message in queue["messages"] if message.get("visible_at", 0) <= now]
            if not waiting or (len(waiting) < min(int(max_number), 10) and now - min(waiting) < window):
                return []
        return original(queue_url, max_number)

    return receive


def _window(queue_arn: str) -> float:
    """The longest MaximumBatchingWindowInSeconds of the queue's mappings."""
    windows = [
        mapping.get("MaximumBatchingWindowInSeconds") or 0
        for mapping in lambda_svc._esms.values()
        if mapping.get("EventSourceArn") == queue_arn
    ]
    return float(max(windows, default=0))


def _glue_target(original: seams.Function) -> seams.Function:
    """EventBridge Scheduler's universal target for Glue: the schedule's input is the StartJobRun request."""

    def invoke(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> Any:
        if str(target.get("Arn", "")).startswith(_GLUE_TARGET):
            return glue._start_job_run(json.loads(target.get("Input") or "{}"))
        return original(target, event, rule, view)

    return invoke
