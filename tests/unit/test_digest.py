"""The digest: each gold run told once, in words that say only what is known."""

from __future__ import annotations

import pytest

from lake.conductor import Conductor
from lake.digest import Digest, words_for
from lake.intake import Intake
from lake.manifest import GoldResult

from .flow_fakes import World, job_event, orders_csv

HEADLINE = {
    "promise_minutes": 30.0,
    "orders": 12_773,
    "late_deliveries": 4_000,
    "late_delivery_rate": 0.3132,
    "late_order_to_door": 9_000,
    "late_order_to_door_rate": 0.7046,
    "complaints": 900,
    "complaint_rate": 0.0705,
    "top_complaint": {"reason": "Cold", "complaints": 300},
    "worst_area_hour": {"area": "E", "order_hour": 9, "orders": 1_200, "late_order_to_door": 1_100},
    "worst_stage": {"stage": "base_prep", "peak_avg_minutes": 4.5, "off_peak_avg_minutes": 3.0},
    "data_from": "2018-03-05",
    "data_through": "2018-06-30",
}


def result(headline: dict[str, object]) -> GoldResult:
    return GoldResult("gold-1", 7, ("2018-03-01", "2018-04-01"), {"freshness": 4}, headline, "2026-11-23T08:00:00")


def refreshed(world: World) -> dict[str, object]:
    """The event of a gold run that ended well."""
    intake = Intake(world.flow())
    intake.finish(intake.take("orders/a.csv", world.objects.put("orders/a.csv", orders_csv(1))))
    Conductor(world.flow()).handle(world.silver_succeeds())
    return world.gold_succeeds()


def test_people_and_programs_hear_of_a_refresh_once(world: World) -> None:
    event = refreshed(world)

    for _ in range(3):
        Digest(world.flow()).handle(event)

    [(subject, message)] = world.alerts.sent
    assert subject == "Jozi Lake: gold is fresh, 12 orders, 25.0% late to the door"
    assert message.startswith("Gold is fresh: 12 orders.")
    [(kind, detail)] = world.events.sent
    assert kind == "Gold Refreshed"
    assert detail["months"] == ["2026-03-01"]
    assert detail["environment"] == "dev"


def test_two_deliveries_at_the_same_time_tell_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    event = refreshed(world)
    other: list[dict[str, object]] = []

    def send(subject: str, message: str) -> None:
        other.append(Digest(world.flow()).handle(event))  # the second delivery, in the middle of the first

    monkeypatch.setattr(world.alerts, "send", send)
    Digest(world.flow()).handle(event)

    assert [list(answer.values()) for answer in other] == [["being told"]]
    assert len(world.events.sent) == 1


def test_a_crash_before_the_event_is_made_up_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    event = refreshed(world)
    with monkeypatch.context() as patch:
        patch.setattr(world.events, "put", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Digest(world.flow()).handle(event)
    world.time.seconds += 61

    Digest(world.flow()).handle(event)

    assert len(world.events.sent) == 1


def test_runs_of_other_jobs_and_without_a_result_are_not_told(world: World) -> None:
    run_id = world.jobs.start("gold-job", {"--gold_run_id": "gold-x"})
    world.jobs.end(run_id, "SUCCEEDED")

    assert Digest(world.flow()).handle(job_event("gold-job", run_id, "SUCCEEDED")) == {"gold-x": "no result"}
    assert Digest(world.flow()).handle(job_event("silver-job", run_id, "SUCCEEDED")) == {"ignored": "silver-job"}
    assert Digest(world.flow()).handle(job_event("gold-job", run_id, "FAILED")) == {"ignored": "gold-job"}
    assert world.alerts.sent == []


def test_the_message_says_where_and_at_which_stage() -> None:
    subject, message = words_for(result(HEADLINE))

    assert subject == "Jozi Lake: gold is fresh, 12,773 orders, 70.5% late to the door"
    for sentence in (
        "12,773 orders from 2018-03-05 to 2018-06-30",
        "9,000 (70.5%) took longer than 30 minutes from order to door.",
        "4,000 (31.3%) were longer than 30 minutes with the driver.",
        "Most complaints are about: Cold (300).",
        "area E at 09:00, where 1,100 of 1,200 orders came late to the door",
        "base prep: 4.5 minutes against 3.",
        "Recomputed: 2018-03, 2018-04.",
    ):
        assert sentence in message


def test_what_is_not_known_is_left_out() -> None:
    _, message = words_for(result({"orders": 0, "late_delivery_rate": None, "top_complaint": None}))

    assert "None" not in message
    assert "%" not in message
