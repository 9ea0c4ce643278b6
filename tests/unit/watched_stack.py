"""The stack with its metrics: handlers over a flow in memory, and every data point that comes out of them.

What the functions print in CloudWatch's embedded format becomes data points as CloudWatch makes them. What AWS measures
by itself (invocations, queues) is measured here on the same fakes; which queue a message ends in and after how many
tries is read from the template.
"""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from types import ModuleType
from typing import Any

from botocore.exceptions import ClientError

from lake.manifest import FileOutcome

from .alarm_evaluator import Point, state
from .cloud import CONTEXT, function, log_into, sample
from .flow_fakes import FakeQueue, World, object_event, orders_csv
from .stack import for_environment, of_type, properties, written

MINUTE, SWEEP_EVERY = 60, 900


def resolved(value: Any) -> Any:
    """A value of the template with its references as what they stand for: names of queues and functions."""
    if isinstance(value, list):
        return [resolved(one) for one in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": "Environment"}:
            return "dev"
        case {"Ref": name} if name in of_type("AWS::Lambda::Function"):
            return for_environment(properties(name)["FunctionName"])
        case {"Fn::GetAtt": [name, "QueueName"]}:
            return for_environment(properties(name)["QueueName"])
        case {"Fn::Sub": _}:
            return for_environment(value)
        case {"Fn::If": ["IsProd", yes, _]}:
            return resolved(yes)
    return {name: resolved(one) for name, one in value.items()}


@functools.cache
def alarms() -> dict[str, dict[str, Any]]:
    """Every alarm as prod has it, by logical id; its actions stay references."""
    return {
        name: {**resolved(alarm), "AlarmActions": alarm["AlarmActions"]}
        for name, alarm in of_type("AWS::CloudWatch::Alarm").items()
    }


class WatchedStack:
    """A stack that runs; `tick` lets a minute pass and AWS measure."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.points: list[Point] = []
        self._functions: dict[str, ModuleType] = {}
        self._began = world.time.now()
        self._queues = {  # the fakes by what the functions are told about them
            _queue_of(variable): queue
            for variable, queue in (
                ("ARRIVALS_QUEUE_URL", world.arrivals),
                ("ARRIVALS_DLQ_URL", world.dead_letters),
                ("EVENTS_DLQ_URL", world.dead_events),
            )
        }
        self._sent: dict[str, float] = {}

    # ---- calling functions ---------------------------------------------------------------------------------------

    def call(self, name: str, event: dict[str, Any]) -> Any:
        """Calls a function once; what it printed becomes data points, whether it failed or not."""
        told = io.StringIO()
        with redirect_stdout(told):
            module = self._functions.setdefault(name, function(name))
            log_into(module, io.StringIO())
            self._add("AWS/Lambda", "Invocations", {"FunctionName": _function_name(name)}, 1, "Count")
            try:
                return module.handler(event, CONTEXT)
            finally:
                self._embedded(told.getvalue())

    def call_again(self, name: str, event: dict[str, Any]) -> None:
        """An event as Lambda gives it: again after a failure, and at last into the queue that the template names."""
        settings = _settings_of(name)["EventInvokeConfig"]
        for _ in range(1 + settings["MaximumRetryAttempts"]):
            try:
                self.call(name, event)
            except ClientError:
                self.tick()
            else:
                return
        [dead] = settings["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][:1]
        self._send(dead, str(event["id"]), {"requestPayload": event})

    def _embedded(self, printed: str) -> None:
        for line in printed.splitlines():
            told = json.loads(line)
            for directive in told["_aws"]["CloudWatchMetrics"]:
                for names in directive["Dimensions"]:
                    dimensions = {name: told[name] for name in names}
                    for metric in directive["Metrics"]:
                        for value in told[metric["Name"]]:
                            self._add(directive["Namespace"], metric["Name"], dimensions, value, metric["Unit"])

    def _add(self, namespace: str, name: str, dimensions: dict[str, str], value: float, unit: str) -> None:
        where = frozenset(dimensions.items())
        self.points.append(Point(namespace, name, where, self.world.time.now(), value, unit))

    # ---- time ----------------------------------------------------------------------------------------------------

    def tick(self, seconds: float = MINUTE) -> None:
        """A minute passes; SQS says how deep its queues are and how old their oldest message is."""
        self.world.time.seconds += seconds
        for logical_id, queue in self._queues.items():
            which = {"QueueName": for_environment(properties(logical_id)["QueueName"])}
            self._add("AWS/SQS", "ApproximateNumberOfMessagesVisible", which, queue.depth()[0], "Count")
            if queue.messages:
                age = self.world.time.now() - min(self._sent[one.id] for one in queue.messages)
                self._add("AWS/SQS", "ApproximateAgeOfOldestMessage", which, age, "Seconds")

    def sweep(self) -> None:
        """The timer's event."""
        self.call("sweeper", sample("schedule_sweep"))

    def pass_time(self, seconds: float, sweeps: bool = True, each_minute: Callable[[], object] | None = None) -> None:
        """Minutes go by, with a sweep every quarter of an hour."""
        until = self.world.time.now() + seconds
        while self.world.time.now() < until:
            self.tick()
            if sweeps and int(self.world.time.now() - self._began) % SWEEP_EVERY == 0:
                self.sweep()
            if each_minute is not None:
                each_minute()

    # ---- what happens --------------------------------------------------------------------------------------------

    def arrive(self, key: str, body: bytes | None = None) -> str:
        """An object lands in bronze, and its event in the arrivals queue; gives the message's id."""
        version = self.world.objects.put(key, orders_csv(len(key)) if body is None else body)
        message_id = f"m-{key}-{version}"
        self._send("ArrivalsQueue", message_id, object_event(key, version))
        return message_id

    def _send(self, queue: str, message_id: str, body: dict[str, Any]) -> None:
        self._queues[queue].send(message_id, json.dumps(body))
        self._sent[message_id] = self.world.time.now()

    def deliver(self) -> None:
        """The arrivals queue gives its messages to intake; what fails as often as the template says is set aside."""
        queue, redrive = self._queues["ArrivalsQueue"], properties("ArrivalsQueue")["RedrivePolicy"]
        dead = self._queues[redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]]
        for _ in range(redrive["maxReceiveCount"]):
            self._receive(queue)
        for message in list(queue.messages):
            queue.messages.remove(message)
            dead.messages.append(message)

    def _receive(self, queue: FakeQueue) -> None:
        messages = queue.receive()
        if not messages:
            return
        form = sample("arrivals_object_created")["Records"][0]
        records = [{**form, "messageId": one.id, "body": one.body} for one in messages]
        answer = self.call("intake", {"Records": records})
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        for message in messages:
            (queue.give_back if message.id in failed else queue.delete)(message)

    def drop(self, *keys: str, body: bytes | None = None) -> None:
        """Files arrive and are taken."""
        for key in keys:
            self.arrive(key, body)
        self.deliver()

    def silver(self, quarantined: int = 0, rows: int = 10) -> None:
        """The live silver run ends well; so many rows of each file are set aside."""
        run = self.world.live("silver-job")
        assert run is not None
        outcomes = [
            FileOutcome(
                file.key, file.version, "LOADED", rows_in=rows, inserted=rows - quarantined, quarantined=quarantined
            )
            for file in self.world.manifest(run).files
        ]
        self.call("conductor", self.world.silver_succeeds(*outcomes))

    def gold(self) -> None:
        """The live gold run ends well."""
        event = self.world.gold_succeeds()
        self.call("conductor", event)
        self.call("digest", event)

    def fail(self, job: str) -> None:
        """The live run of a job fails."""
        self.call("conductor", self.world.fails(job))

    def day_as_usual(self, hours: float) -> None:
        """A file every ten minutes; each is loaded and shown. Once an hour some rows are set aside, a file refused."""
        for _ in range(round(hours * 6)):
            moment = int(self.world.time.now())
            on_the_hour = (moment - int(self._began)) % 3600 == 0
            if on_the_hour:
                self.drop(f"notes/{moment}.pdf", body=b"%PDF-1.7")
            self.drop(f"orders/{moment}.csv")
            self.silver(quarantined=3 if on_the_hour else 0, rows=100)
            self.gold()
            self.pass_time(600)

    # ---- alarms --------------------------------------------------------------------------------------------------

    def state(self, name: str) -> str:
        """An alarm's state now."""
        return state(alarms()[name], self.points, self.world.time.now())

    def states(self) -> dict[str, str]:
        return {name: self.state(name) for name in alarms()}


def _queue_of(variable: str) -> str:
    """The logical id of the queue whose address the functions get in this variable."""
    return str(written()["Globals"]["Function"]["Environment"]["Variables"][variable]["Ref"])


def _settings_of(name: str) -> dict[str, Any]:
    """The properties of the function in this folder, as the template has them."""
    [found] = [
        one["Properties"]
        for one in written()["Resources"].values()
        if one.get("Properties", {}).get("CodeUri") == f"functions/{name}/"
    ]
    return dict(found)


def _function_name(name: str) -> str:
    return for_environment(_settings_of(name)["FunctionName"])
