"""A lake for the page: answers by the question's name, entries by name, uploads kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from dashboard.port import FOLDER, Name
from dashboard.questions import Question
from lake.athena import Answer
from lake.entries import FileEntry
from lake.situation import BAD


def answer(*rows: dict[str, Any], scanned: int = 1000) -> Answer:
    """Rows as Athena's answer; the columns are those of the first."""
    columns = tuple(rows[0]) if rows else ()
    return Answer(columns, ("varchar",) * len(columns), [tuple(row.values()) for row in rows], scanned, 120)


def entry(key: str, state: str, reason: str | None = None, version: str = "v1", **more: Any) -> FileEntry:
    at = "2026-03-05T12:00:00.000000Z"
    return FileEntry(key, version, state, 10, "etag", at, at, reason=reason, contract="orders", **more)


def performance(month: str, area: str | None, hour: int | None, orders: int, late: int, to_door: int) -> dict[str, Any]:
    return {
        "month": month, "area": area, "order_hour": hour, "orders": orders, "complaints": 1,
        "late_deliveries": late, "deliveries_timed": orders, "late_order_to_door": to_door,
        "order_to_door_timed": orders, "delivery_minutes": 20.0 * orders, "order_to_door_minutes": 40.0 * orders,
    }  # fmt: skip


def cause(
    rank: int,
    outcome: str,
    first: tuple[str, str],
    second: tuple[str | None, str | None] = (None, None),
    **more: Any,
) -> dict[str, Any]:
    return {
        "outcome": outcome, "rank": rank, "dimension_1": first[0], "value_1": first[1], "dimension_2": second[0],
        "value_2": second[1], "orders": 100, "hits": 60, "rate": 0.6, "baseline_rate": 0.2, "lift": 3.0,
        "excess_hits": 40.0, "q_value": 1e-9, "about_person": False,
        "evidence": f"60 of 100 orders with {first[1]} were late (60.0%), 3.0 times the usual 20.0%.", "explains": "[]",
        **more,
    }  # fmt: skip


NASTY = "<script>alert(1)</script> $x^2$ **bold** [link](http://x.example) :red[no] :material/home:"


@dataclass
class FakePort:
    """Answers what it was given, or what a function says; an Exception among the answers is raised."""

    answers: dict[str, Answer | Exception | Callable[[Question], Answer]] = field(default_factory=dict)
    target: str = "sandbox"
    promise_minutes: str = "30"
    entries: list[FileEntry] = field(default_factory=list)
    asked: list[Question] = field(default_factory=list)
    dropped: list[tuple[str, bytes]] = field(default_factory=list)
    down: Exception | None = None

    def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        found = self.down or self.answers[question.name]
        if isinstance(found, Exception):
            raise found
        return found(question) if callable(found) else found

    def set_aside(self) -> list[FileEntry]:
        if self.down:
            raise self.down
        return [entry for entry in self.entries if entry.state in BAD]

    def entries_of(self, names: Sequence[Name]) -> dict[Name, FileEntry]:
        if self.down:
            raise self.down
        return {entry.name: entry for entry in self.entries if entry.name in names}

    def members(self, archive: str) -> list[FileEntry]:
        return [entry for entry in self.entries if entry.parent == archive]

    def drop(self, name: str, body: BinaryIO) -> Name:
        if self.down:
            raise self.down
        self.dropped.append((name, body.read()))
        return FOLDER + name, "v1"


def full(**changes: Answer | Exception) -> FakePort:
    """A lake with two months, two areas, causes, complaints and a file in quarantine."""
    answers: dict[str, Answer | Exception] = {
        "freshness": answer(
            {
                "gold_run_id": "gold-1",
                "published_at": "2026-03-05 14:00:00.000",
                "data_through": "2018-04-30",
                "silver_snapshot_id": 7,
            }
        ),
        "what silver holds": answer({"snapshot_id": 7}),
        "clocks and places": answer(
            performance("2018-03", "A", 12, 100, 5, 20),
            performance("2018-03", "E", 21, 100, 60, 80),
            performance("2018-04", "A", 12, 200, 10, 30),
            performance("2018-04", None, None, 40, 1, 2),
        ),
        "stages": answer(
            {"month": "2018-03", "stage": "base_prep", "is_peak": True, "orders": 10, "minutes": 50.0},
            {"month": "2018-03", "stage": "base_prep", "is_peak": False, "orders": 10, "minutes": 30.0},
        ),
        "complaints": answer(
            {"month": "2018-03", "reason": "Wrong size", "complaints": 9, "in_time": 4, "orders": 200},
            {"month": "2018-04", "reason": NASTY, "complaints": 2, "in_time": 2, "orders": 240},
        ),
        "quality of the files": answer(
            {
                "files": 2,
                "rows_in": 500,
                "quarantined": 5,
                "flagged": 0,
                "files_with_quarantine": 1,
                "files_that_do_not_add_up": 0,
            }
        ),
        "rows in quarantine": answer(
            {
                "source_file": f"orders/{NASTY}.csv",
                "source_version": "v1",
                "rows_in": 500,
                "quarantined": 5,
                "reasons": "[\"order_date 'x' is no date: 3\", \"order_date 'y' is no date: 2\"]",
                "loaded_at": "2026-03-05 13:00:00",
            }
        ),
        "causes": answer(
            cause(1, "late_order_to_door", ("area", "E"), ("order_hour", "21")),
            cause(2, "late_order_to_door", ("deliverer", "Wian"), about_person=True),
            cause(1, f"complaint: {NASTY}", ("stylist", NASTY)),
        ),
        "orders behind a cause": answer(
            {
                "order_id": "o-1",
                "ordered": "2018-04-02 21:10",
                "area": "E",
                "size": NASTY,
                "order_to_door_minutes": 44.5,
                "delivery_minutes": None,
                "complaint_reason": None,
                "source_file": "orders/a.csv",
                "source_row": 5,
            }
        ),
        "file in gold": answer({"files": 1}),
    }
    return FakePort({**answers, **{name.replace("_", " "): value for name, value in changes.items()}})
