"""Everything that is added to the emulator, in the order in which it must be added."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from ministack import app
from ministack.services import sqs

from sandbox import athena
from sandbox.emulator import checkpoint, cloudformation, delivery, iam, ranges, seams
from sandbox.formation import seams as formation
from sandbox.glue import api


def everything(home: Path) -> None:
    """Replace the emulator's functions. Raises SeamMoved when its source is not the one we know."""
    iam.install(home / "iam.jsonl")
    delivery.install()
    ranges.install()
    cloudformation.install()
    formation.install(home)
    prepare_engines = api.install(home)
    checkpoint.install()
    _answer_up(prepare_engines)
    # Queue URLs carry a port and are stored in stacks and in functions' environments, so it must stay the one that
    # this home had first, even when somebody else listens there today and the gateway had to take another.
    sqs.DEFAULT_PORT = os.environ.get("SANDBOX_NAME_PORT", sqs.DEFAULT_PORT)
    if address := os.environ.get("SANDBOX_TRINO_URL"):
        athena.install(address)
    else:
        athena.register_types()  # a stack is deployed as it is, with an engine behind its queries or without


def _answer_up(prepare_engines: Callable[[], None]) -> None:
    """What `up` asks: `/_ministack/ready` also answers the token that `up` gave us, which another emulator on our port
    cannot know, and `/_sandbox/TOKEN/deployed` says that it is time to start the warm engines.
    """
    token = os.environ["SANDBOX_TOKEN"]

    def wrapper(original: seams.Function) -> seams.Function:
        def ready(path: str, request_id: str) -> tuple[int, dict[str, str], bytes] | None:
            if path == f"/_sandbox/{token}/deployed":
                prepare_engines()
                return 202, {"Content-Type": "application/json"}, b"{}"
            answer = original(path, request_id)
            if answer is None:
                return None
            status, headers, body = answer
            return status, headers, json.dumps({**json.loads(body), "sandbox": token}).encode()

        return ready

    seams.wrap(app, "_handle_ready_request", "path request_id", wrapper)
