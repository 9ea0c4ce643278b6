"""Alarms: each measures something that is really measured, and says where its way out is written."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cli.main import COMMANDS
from lake.measures import NAMESPACE, SERVICE, UNITS

from .stack import REPOSITORY, of_type, properties, text

RUNBOOK = (REPOSITORY / "docs" / "runbook.md").read_text(encoding="utf-8")
OURS = [{"Name": "environment", "Value": {"Ref": "Environment"}}, {"Name": "service", "Value": SERVICE}]


def alarms() -> dict[str, dict[str, Any]]:
    return of_type("AWS::CloudWatch::Alarm")


def sources(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics that an alarm looks at, those of its formula too."""
    return [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one] or [alarm]


def section(heading: str) -> str:
    found = re.search(rf"^### {heading}\n(.+?)(?=^#|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert found, f"docs/runbook.md has no heading {heading}"
    return found[1]


@pytest.mark.parametrize("name", sorted(alarms()))
def test_an_alarm_links_to_a_heading_of_the_runbook_that_names_a_command(name: str) -> None:
    linked = re.search(r"docs/runbook\.md#(\w+)$", alarms()[name]["AlarmDescription"])

    assert linked
    assert linked[1] == name.lower()
    commands = re.findall(r"`lake (\w+)", section(name))
    assert commands
    assert set(commands) <= set(COMMANDS)


@pytest.mark.parametrize("name", sorted(alarms()))
def test_an_alarm_of_ours_looks_at_a_number_that_functions_publish(name: str) -> None:
    for source in sources(alarms()[name]):
        if source["Namespace"] == NAMESPACE:
            assert source["MetricName"] in UNITS
            assert source["Dimensions"] == OURS


def test_the_runbook_has_no_heading_of_an_alarm_that_is_gone() -> None:
    headings = re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE)
    assert set(headings) == set(alarms()) | {"Budget"}


@pytest.mark.parametrize(
    ("watched", "namespace", "metric"),
    [
        ("files that broke their run", NAMESPACE, "FilesHeldNow"),
        ("failed runs", NAMESPACE, "RunsFailed"),
        ("gold older than silver", NAMESPACE, "GoldBehindNow"),
        ("refused files", NAMESPACE, "FilesRejected"),
        ("rows set aside", NAMESPACE, "QuarantineRate"),
        ("days without a file", NAMESPACE, "FilesArrived"),
        ("dead letters", "AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        ("a sweeper that does not run", "AWS/Lambda", "Invocations"),
    ],
)
def test_somebody_is_told_of(watched: str, namespace: str, metric: str) -> None:
    seen = {(one["Namespace"], one["MetricName"]) for alarm in alarms().values() for one in sources(alarm)}
    assert (namespace, metric) in seen, watched


def test_gold_counts_as_stale_after_more_than_half_an_hour() -> None:
    alarm = properties("GoldStaleAlarm")
    # A sweep every 15 minutes: the first, the second and the third time span 30 minutes.
    assert alarm["Period"] == 900
    assert (alarm["EvaluationPeriods"] - 1) * alarm["Period"] >= 30 * 60
    assert alarm["Statistic"] == "Minimum"


def test_silence_is_an_alarm_where_something_has_to_come() -> None:
    breaching = {name for name, alarm in alarms().items() if alarm["TreatMissingData"] == "breaching"}
    assert breaching == {"NoArrivalsAlarm", "SweeperSilentAlarm"}
    assert properties("NoArrivalsAlarm")["ActionsEnabled"] == {"Fn::If": ["IsProd", True, False]}


def test_the_reject_rate_is_of_files_that_arrived() -> None:
    (formula, *_) = properties("RejectRateAlarm")["Metrics"]
    assert formula["Expression"] == "IF(arrived >= 5, 100 * FILL(rejected, 0) / arrived, 0)"


def test_a_budget_tells_before_the_money_is_spent() -> None:
    (budget,) = of_type("AWS::Budgets::Budget").values()
    told = {
        (one["Notification"]["NotificationType"], one["Notification"]["Threshold"])
        for one in budget["NotificationsWithSubscribers"]
    }
    assert told == {("ACTUAL", 80), ("FORECASTED", 100)}
    assert budget["Budget"]["BudgetLimit"] == {"Amount": {"Ref": "MonthlyBudgetUsd"}, "Unit": "USD"}
    publishers = [
        one["Principal"]["Service"]
        for one in properties("AlertsTopicPolicy")["PolicyDocument"]["Statement"]
        if one["Effect"] == "Allow"
    ]
    assert publishers == [["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]]


def test_the_dashboard_shows_only_what_is_measured_and_all_of_it() -> None:
    body = json.loads(re.sub(r"\$\{[^}]+\}", "x", text(properties("Dashboard")["DashboardBody"])))
    shown = [metric for widget in body["widgets"] for metric in widget["properties"]["metrics"]]
    assert all([one[0], *one[2::2]] == [NAMESPACE, "environment", "service"] for one in shown)
    assert {one[1] for one in shown} == set(UNITS) - {"RowsIn"}  # the fates add up to it
