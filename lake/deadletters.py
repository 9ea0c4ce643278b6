"""Dead letters: what could not be handled is tried again by every sweep, at most TRIES times, and never dropped.

A message is deleted only after its event was handled. The try is counted before it is made, so that a message that
kills the process is not tried for ever. After the last try it stays in its queue, and people are told once.

| message                                                  | handled by                    |
| -------------------------------------------------------- | ----------------------------- |
| an S3 event that intake failed on, or that found no queue | intake                        |
| a Glue event that found no function                      | conductor (gold: digest too)  |
| what Lambda set aside: the event is in `requestPayload`  | the same                      |
| the timer's event                                        | nothing to do: this is a sweep |
| the night's event                                        | conductor                     |
| an alert that SNS could not deliver by mail               | sent once more, then it stays  |
| anything else                                            | nobody: it stays              |
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lake.conductor import Conductor, is_night
from lake.digest import Digest
from lake.flow import Flow
from lake.intake import Intake, arrival
from lake.ports import Message, Queue
from lake.words import clean

TRIES = 3
MOST = 500  # messages of one queue that one sweep looks at

log = logging.getLogger("lake")


class NobodyHandlesError(Exception):
    """The message holds no event that any function of the lake handles."""


class UndeliveredError(Exception):
    """Mail does not reach whoever is to be told."""


@dataclass
class Redriven:
    """What became of the messages of a sweep."""

    handled: int = 0
    failed: int = 0
    given_up: int = 0


class DeadLetters:
    """Tries the messages of the dead-letter queues again. `again`: also those that were given up."""

    def __init__(self, flow: Flow, intake: Intake, time_is_up: Callable[[], bool], again: bool = False) -> None:
        self.flow = flow
        self.intake = intake
        self.entries: list[Any] = []  # what intake answered, for its `finish`
        self._time_is_up = time_is_up
        self._again = again

    def redrive(self) -> Redriven:
        """One round over both queues; what was not handled is visible again afterwards."""
        done = Redriven()
        for queue in (self.flow.ports.dead_letters, self.flow.ports.dead_events):
            if queue is not None:
                self._redrive(queue, done)
        return done

    def _redrive(self, queue: Queue, done: Redriven) -> None:
        kept: list[Message] = []
        try:
            for _ in range(MOST // 10):
                messages = [] if self._time_is_up() else queue.receive()
                if not messages:
                    return
                for message in messages:
                    if not self._try(queue, message, done):
                        kept.append(message)
        finally:
            for message in kept:
                queue.give_back(message)

    def _try(self, queue: Queue, message: Message, done: Redriven) -> bool:
        """Whether the message was handled (and is gone)."""
        what = f"dead letter {message.id}"
        ledger = self.flow.ledger
        if self._again:
            ledger.forget_tries(what)
        if ledger.tries(what) >= TRIES:
            done.given_up += 1
            return False
        tried = ledger.count_try(what)
        try:
            self.handle(json.loads(message.body))
        except Exception as error:  # whatever it is, the message stays
            log.warning("dead letter not handled", extra={"message_id": message.id, "tried": tried}, exc_info=True)
            done.failed += 1
            if tried >= TRIES:
                self._tell(what, message, error)
            return False
        queue.delete(message)
        ledger.forget_tries(what)
        done.handled += 1
        return True

    def handle(self, event: Mapping[str, Any]) -> None:
        """Does what the function would have done. Raises what that raises, NobodyHandlesError for a foreign event."""
        event = event.get("requestPayload", event)
        came, kind = arrival(event), event.get("detail-type")
        if came is not None and came.bucket == self.flow.ports.objects.bucket:
            self.entries += self.intake.accept(event)
        elif is_night(event):
            Conductor(self.flow).handle(event)
        elif event.get("source") == "aws.glue" and "ignored" not in Conductor(self.flow).handle(event):
            Digest(self.flow).handle(event)  # looks itself whether this is the end of a gold run
        elif event.get("Type") == "Notification":
            self._send_again(event)
        elif kind != "Scheduled Event":
            raise NobodyHandlesError(f"No function handles an event of this kind ({kind}).")

    def _send_again(self, alert: Mapping[str, Any]) -> None:
        """Once for each text: what comes back a second time would come back for ever."""
        title, text = str(alert.get("Subject") or ""), str(alert.get("Message") or "")
        what = f"resent {hashlib.sha256(json.dumps([title, text]).encode()).hexdigest()}"
        if self.flow.ledger.marked(what) and not self._again:
            raise UndeliveredError(f"An alert was sent twice and reached nobody by mail: {title}")
        self.flow.alarm.send(title, text)
        self.flow.ledger.mark(what, self.flow.clock.now())

    def _tell(self, what: str, message: Message, error: Exception) -> None:
        why = clean(f"{type(error).__name__}: {error}", 500)
        self.flow.alarm.once(
            what,
            "A dead letter stays",
            f"Message {message.id} could not be handled in {TRIES} tries and stays in its dead-letter queue. {why} "
            "Mend the cause, then run: lake sweep --again",
        )
