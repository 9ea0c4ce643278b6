"""Answers kept for as long as gold stands: the page asks each question once for every publication of gold."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

from dashboard.port import Port, trouble
from dashboard.questions import FRESHNESS, SILVER_NOW, Question
from lake.athena import Answer, AthenaError

FRESH_SECONDS = {"sandbox": 3.0, "aws": 30.0}  # how long gold's state may be old; on AWS each look costs money
KEPT = 200
AT_ONCE = 4


@dataclass(frozen=True)
class Told:
    """An answer, or in words why there is none. `missing`: the table is not there (yet)."""

    question: Question
    answer: Answer | None = None
    trouble: str = ""
    missing: bool = False


class Reader:
    """Asks and keeps answers. One for all people who look at the page; safe in several threads."""

    def __init__(self, port: Port) -> None:
        self.port = port
        self._kept: OrderedDict[tuple[str, Question], Told] = OrderedDict()
        self._fresh: tuple[float, tuple[Told, Told]] | None = None
        self._lock = Lock()

    def freshness(self, now: bool = False) -> tuple[Told, Told]:
        """Gold's state, and what silver holds; at most FRESH_SECONDS old, or of this moment with `now`."""
        with self._lock:
            kept = self._fresh
        if kept and not now and time.monotonic() - kept[0] < FRESH_SECONDS.get(self.port.target, 30.0):
            return kept[1]
        with ThreadPoolExecutor(2) as pool:
            gold, silver = pool.map(self._ask, (FRESHNESS, SILVER_NOW))
        if gold.answer:
            with self._lock:
                self._fresh = time.monotonic(), (gold, silver)
        return gold, silver

    def ask(self, questions: Iterable[Question], snapshot: str) -> dict[str, Told]:
        """The answers by the questions' names, for gold as `snapshot` (a gold run's id) published it.

        Troubles are not kept: the next look asks again.
        """
        found: dict[str, Told] = {}
        open_: list[Question] = []
        with self._lock:
            for question in questions:
                kept = self._kept.get((snapshot, question))
                if kept:
                    self._kept.move_to_end((snapshot, question))
                    found[question.name] = kept
                else:
                    open_.append(question)
        if open_:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                found |= {told.question.name: told for told in pool.map(self._ask, open_)}
        with self._lock:
            for question in open_:
                if found[question.name].answer:
                    self._kept[snapshot, question] = found[question.name]
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found

    def _ask(self, question: Question) -> Told:
        try:
            return Told(question, self.port.ask(question))
        except AthenaError as error:
            return Told(question, trouble=trouble(error, self.port.target), missing=error.missing)
        except Exception as error:  # noqa: BLE001 - whatever it is, one section says so in words and the others go on
            return Told(question, trouble=trouble(error, self.port.target))
