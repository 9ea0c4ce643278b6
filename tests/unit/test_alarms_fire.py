"""Each alarm fires when what it is for happens, on the numbers that the code really emits, and is quiet otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lake.entries import HELD
from lake.flow import Flow

from .alarm_evaluator import ALARM, INSUFFICIENT, OK, Point, calculate, state
from .flow_fakes import World
from .watched_stack import WatchedStack, alarms


@pytest.fixture
def stack(world: World, monkeypatch: pytest.MonkeyPatch) -> WatchedStack:
    """The real handlers over a flow in memory."""
    monkeypatch.setattr(Flow, "from_environment", world.flow)
    return WatchedStack(world)


class Denied:
    """A port whose calls AWS refuses; its plain attributes are there."""

    def __init__(self, port: object) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        if not callable(getattr(self._port, name)):
            return getattr(self._port, name)

        def refused(*_: object, **__: object) -> None:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, name)

        return refused


def refuse(stack: WatchedStack, port: object) -> None:
    """From now on AWS refuses every call of this port."""
    stack.world.wrap = lambda asked: Denied(asked) if asked is port else asked


def arrivals_are_lost(stack: WatchedStack) -> None:
    refuse(stack, stack.world.objects)
    stack.drop("orders/a.csv")
    stack.tick()


def events_are_lost(stack: WatchedStack) -> None:
    stack.drop("orders/a.csv")
    event = stack.world.silver_succeeds()
    refuse(stack, stack.world.documents)
    stack.call_again("conductor", event)
    stack.tick()


def arrivals_wait(stack: WatchedStack) -> None:
    stack.arrive("orders/a.csv")
    stack.pass_time(17 * 60)


def a_file_breaks_its_runs(stack: WatchedStack) -> None:
    stack.drop("orders/a.csv")
    while stack.world.live("silver-job"):
        stack.fail("silver-job")
    assert stack.world.ledger.any_in(HELD)
    stack.pass_time(900)


def a_run_fails(stack: WatchedStack) -> None:
    stack.drop("orders/a.csv")
    stack.fail("silver-job")


def gold_stays_behind(stack: WatchedStack) -> None:
    stack.drop("orders/a.csv")
    stack.silver()
    stack.pass_time(45 * 60)  # the gold run does not end


def rows_are_set_aside(stack: WatchedStack) -> None:
    stack.drop("orders/a.csv")
    stack.silver(quarantined=6, rows=100)


def files_are_refused(stack: WatchedStack) -> None:
    stack.drop(*(f"orders/{number}.csv" for number in range(4)))
    stack.pass_time(20 * 60)
    stack.drop("orders/menu.pdf", "orders/photo.pdf", body=b"%PDF-1.7")


def no_file_comes(stack: WatchedStack) -> None:
    stack.drop("orders/a.csv")
    stack.pass_time(24 * 3600 + 60)


def the_sweeper_is_silent(stack: WatchedStack) -> None:
    stack.sweep()
    stack.pass_time(61 * 60, sweeps=False)


HAPPENS: Mapping[str, Callable[[WatchedStack], None]] = {
    "ArrivalsLostAlarm": arrivals_are_lost,
    "EventsLostAlarm": events_are_lost,
    "ArrivalsWaitAlarm": arrivals_wait,
    "FilesHeldAlarm": a_file_breaks_its_runs,
    "RunsFailedAlarm": a_run_fails,
    "GoldStaleAlarm": gold_stays_behind,
    "QuarantineAlarm": rows_are_set_aside,
    "RejectRateAlarm": files_are_refused,
    "NoArrivalsAlarm": no_file_comes,
    "SweeperSilentAlarm": the_sweeper_is_silent,
}


def test_there_is_an_incident_for_every_alarm() -> None:
    assert set(HAPPENS) == set(alarms())


@pytest.mark.parametrize("name", sorted(HAPPENS))
def test_an_alarm_fires_when_it_happens_and_people_are_told(stack: WatchedStack, name: str) -> None:
    HAPPENS[name](stack)

    assert stack.state(name) == ALARM
    assert alarms()[name]["AlarmActions"] == [{"Ref": "AlertsTopic"}]
    assert alarms()[name].get("ActionsEnabled", True) is True


def test_gold_counts_as_stale_while_a_tables_metadata_is_gone(stack: WatchedStack) -> None:
    stack.day_as_usual(hours=0.2)
    stack.world.tables.unreadable.add(("silver", "orders"))

    stack.pass_time(45 * 60)

    assert stack.state("GoldStaleAlarm") == ALARM


def test_a_day_as_usual_leaves_every_alarm_quiet(stack: WatchedStack) -> None:
    stack.day_as_usual(hours=1.2)
    seen: list[dict[str, str]] = []

    for _ in range(4):
        stack.day_as_usual(hours=0.5)
        seen.append(stack.states())

    assert seen == [dict.fromkeys(alarms(), OK)] * 4


HELPS: Mapping[str, Callable[[WatchedStack], None]] = {
    "ArrivalsLostAlarm": WatchedStack.sweep,
    "EventsLostAlarm": WatchedStack.sweep,
    "ArrivalsWaitAlarm": WatchedStack.deliver,
    "RunsFailedAlarm": WatchedStack.silver,  # the run is tried again by itself
    "GoldStaleAlarm": WatchedStack.gold,
    "SweeperSilentAlarm": WatchedStack.sweep,
}


@pytest.mark.parametrize("name", sorted(HELPS))
def test_an_alarm_goes_back_by_itself_when_its_cause_is_gone(stack: WatchedStack, name: str) -> None:
    HAPPENS[name](stack)
    stack.world.wrap = lambda port: port

    HELPS[name](stack)
    stack.pass_time(900)

    assert stack.state(name) == OK


@pytest.mark.parametrize("name", sorted(set(HAPPENS) - {"NoArrivalsAlarm", "SweeperSilentAlarm"}))
@pytest.mark.parametrize("wrong", ["name", "namespace", "dimension"])
def test_an_alarm_on_what_nobody_emits_would_be_found(stack: WatchedStack, name: str, wrong: str) -> None:
    HAPPENS[name](stack)
    spoilt = [
        Point(
            point.namespace + ("?" if wrong == "namespace" else ""),
            point.name + ("?" if wrong == "name" else ""),
            point.dimensions | ({("function", "intake")} if wrong == "dimension" else set()),
            point.at,
            point.value,
            point.unit,
        )
        for point in stack.points
    ]

    assert state(alarms()[name], spoilt, stack.world.time.now()) != ALARM


@pytest.mark.parametrize(
    ("arrived", "rejected", "percent"), [(10, 3, 30), (10, None, 0), (4, 4, 0), (None, None, None), (0, None, 0)]
)
def test_the_reject_rate_as_metric_math(arrived: float | None, rejected: float | None, percent: float | None) -> None:
    [formula] = [one["Expression"] for one in alarms()["RejectRateAlarm"]["Metrics"] if "Expression" in one]

    assert calculate(formula, {"arrived": arrived, "rejected": rejected}) == percent


def test_m_of_n_windows_and_missing_data() -> None:
    alarm = {
        "Namespace": "N", "MetricName": "m", "Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 0,
    }  # fmt: skip
    points = [
        Point("N", "m", frozenset(), at, value, "Count") for at, value in ((10.0, 1.0), (70.0, 0.0), (130.0, 5.0))
    ]

    assert state(alarm, points, 180) == ALARM
    assert state(alarm, points[:2], 180) == OK
    assert state(alarm, [], 180) == INSUFFICIENT
    assert state({**alarm, "TreatMissingData": "breaching"}, points[:1], 180) == ALARM
    assert state({**alarm, "TreatMissingData": "notBreaching"}, [], 180) == OK
