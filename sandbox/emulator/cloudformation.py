"""Resource types that the emulator's CloudFormation refuses, and properties that it drops.

A type that the emulator can act on is created through the emulator's own API (classifiers, security configurations,
budgets). Lake Formation's are enforced by the engine behind Athena (sandbox.formation). Metric-math alarms have nothing
behind them in the emulator: their stacks' records keep the properties, and that is all a laptop can do with them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core.responses import get_account_id, get_region
from ministack.services import budgets, glue
from ministack.services import cloudformation as stacks
from ministack.services.cloudformation import provisioners

from sandbox.emulator import seams

Properties = dict[str, Any]
Created = tuple[str, dict[str, Any]]
Call = Callable[[Properties], tuple[int, dict[str, str], bytes]]

# Properties of AWS::Glue::Job that the emulator forgets, with the value of an omitted one.
_JOB_PROPERTIES: Properties = {
    "ExecutionProperty": {"MaxConcurrentRuns": 1},
    "ExecutionClass": "STANDARD",
    "LogUri": "",
    "MaintenanceWindow": "",
    "JobMode": "SCRIPT",
    "JobRunQueuingEnabled": False,
    "NotificationProperty": {},
}


def install() -> None:
    """Teach the emulator's CloudFormation these types and properties. Raises SeamMoved."""
    handlers = seams.table(provisioners, "_RESOURCE_HANDLERS")
    handlers.setdefault(
        "AWS::Glue::Classifier",
        {
            "create": _classifier_create,
            "update": _classifier_update,
            "update_with_logical_id": True,
            "delete": lambda physical_id, properties: _gone(glue._delete_classifier, {"Name": physical_id}),
        },
    )
    handlers.setdefault(
        "AWS::Glue::SecurityConfiguration",
        {
            "create": _security_create,
            "delete": lambda physical_id, properties: _gone(glue._delete_security_configuration, {"Name": physical_id}),
        },
    )
    handlers.setdefault(
        "AWS::Budgets::Budget",
        {
            "create": _budget_create,
            "update": _budget_update,
            "delete": lambda physical_id, properties: _gone(budgets._delete_budget, {"BudgetName": physical_id}),
        },
    )
    _metric_math_alarms(handlers)
    seams.wrap(app, "_load_persisted_state", "", _settle_interrupted)
    seams.table(provisioners, "_GLUE_JOB_DEFAULTS").update(_JOB_PROPERTIES)
    seams.wrap(glue, "_create_job", "data", _keep_job_properties)
    seams.wrap(glue, "_update_job", "data", _update_job_properties)


def _settle_interrupted(original: seams.Function) -> seams.Function:
    """A stack that the emulator's end cut off would be busy for ever; so the next deployment can go over it."""

    def load() -> None:
        original()
        for stack in stacks._stacks._data.values():
            status = stack.get("StackStatus", "")
            if status.endswith("_IN_PROGRESS"):
                stack["StackStatus"] = "UPDATE_ROLLBACK_COMPLETE" if status.startswith("UPDATE") else "ROLLBACK_FAILED"

    return load


def _call(call: Call, request: Properties) -> dict[str, Any]:
    """Call a handler of the emulator's API. Raises ValueError, which fails the stack's resource."""
    status, _, body = call(request)
    answer = json.loads(body or b"{}")
    if status >= 400:
        raise ValueError(answer.get("message") or answer.get("Message") or body.decode())
    return dict(answer)


def _gone(call: Call, request: Properties) -> None:
    """Delete what may be gone already: a stack's deletion does not fail on that."""
    status, _, body = call(request)
    if status >= 400 and b"NotFound" not in body:
        raise ValueError(body.decode())


def _name(stack: str, logical_id: str) -> str:
    return str(provisioners._physical_name(stack, logical_id, max_len=255))


def _classifier(name: str, properties: Properties) -> Properties:
    kinds = [
        kind for kind in ("GrokClassifier", "XMLClassifier", "JsonClassifier", "CsvClassifier") if properties.get(kind)
    ]
    if len(kinds) != 1:
        raise ValueError(
            "AWS::Glue::Classifier needs exactly one of GrokClassifier, XMLClassifier, JsonClassifier and CsvClassifier"
        )
    return {kinds[0]: {**properties[kinds[0]], "Name": name}}


def _classifier_name(logical_id: str, properties: Properties, stack: str) -> str:
    named = [value["Name"] for value in properties.values() if isinstance(value, dict) and value.get("Name")]
    return str(named[0]) if named else _name(stack, logical_id)


def _classifier_create(logical_id: str, properties: Properties, stack: str) -> Created:
    name = _classifier_name(logical_id, properties, stack)
    _call(glue._create_classifier, _classifier(name, properties))
    return name, {}


def _classifier_update(physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Created:
    # The emulator has no UpdateClassifier; nothing refers to a classifier but by its name.
    _gone(glue._delete_classifier, {"Name": physical_id})
    return _classifier_create(logical_id, new, stack)


def _security_create(logical_id: str, properties: Properties, stack: str) -> Created:
    name = str(properties.get("Name") or _name(stack, logical_id))
    _call(glue._create_security_configuration, {**properties, "Name": name})
    return name, {}


def _budget(properties: Properties, name: str) -> Properties:
    budget = dict(properties["Budget"], BudgetName=name)
    if limit := budget.get("BudgetLimit"):  # templates give numbers, the API takes text
        budget["BudgetLimit"] = {"Amount": str(limit["Amount"]), "Unit": limit["Unit"]}
    return budget


def _budget_create(logical_id: str, properties: Properties, stack: str) -> Created:
    name = str(properties["Budget"].get("BudgetName") or _name(stack, logical_id))
    _call(
        budgets._create_budget,
        {
            "AccountId": get_account_id(),
            "Budget": _budget(properties, name),
            "NotificationsWithSubscribers": properties.get("NotificationsWithSubscribers") or [],
        },
    )
    return name, {}


def _budget_update(physical_id: str, old: Properties, new: Properties, stack: str) -> Created:
    _call(budgets._update_budget, {"AccountId": get_account_id(), "NewBudget": _budget(new, physical_id)})
    return physical_id, {}


def _metric_math_alarms(handlers: dict[str, Any]) -> None:
    plain = dict(handlers["AWS::CloudWatch::Alarm"])

    def attributes(name: str) -> Created:
        return name, {"Arn": f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"}

    def create(logical_id: str, properties: Properties, stack: str) -> Created:
        if properties.get("Metrics"):
            return attributes(str(properties.get("AlarmName") or _name(stack, logical_id)))
        return plain["create"](logical_id, properties, stack)

    def update(physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Created:
        if new.get("Metrics"):
            if not old.get("Metrics"):
                plain["delete"](physical_id, old)
            return attributes(str(new.get("AlarmName") or physical_id))
        if old.get("Metrics"):
            return plain["create"](logical_id, new, stack)
        return plain["update"](physical_id, old, new, stack, logical_id)

    def delete(physical_id: str, properties: Properties) -> None:
        if not properties.get("Metrics"):
            plain["delete"](physical_id, properties)

    handlers["AWS::CloudWatch::Alarm"] = {
        **plain,
        "create": create,
        "update": update,
        "delete": delete,
        "update_with_logical_id": True,
    }


def _keep_job_properties(original: seams.Function) -> seams.Function:
    def create(data: Properties) -> Any:
        answer = original(data)
        if answer[0] == 200:
            job = glue._jobs[data["Name"]]
            job.update({key: data.get(key, omitted) for key, omitted in _JOB_PROPERTIES.items()})
        return answer

    return create


def _update_job_properties(original: seams.Function) -> seams.Function:
    def update(data: Properties) -> Any:
        answer = original(data)
        if answer[0] == 200:
            change = data.get("JobUpdate", {})
            glue._jobs[data["JobName"]].update({key: change[key] for key in _JOB_PROPERTIES if key in change})
        return answer

    return update
