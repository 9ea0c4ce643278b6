"""CloudWatch's evaluation of an alarm as the template declares it, over data points that were really emitted.

After AWS's guide "Evaluating an alarm": the last EvaluationPeriods windows that end now, one value a window, M of N of
them breaching (DatapointsToAlarm), windows without data as TreatMissingData says. A metric is its namespace, name and
exactly these dimensions. What the template does not use (percentiles, anomaly bands, metrics of other accounts) raises.
Not imitated: that CloudWatch looks some windows further back for data before it calls a window missing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ALARM, OK, INSUFFICIENT = "ALARM", "OK", "INSUFFICIENT_DATA"
Value = float | None  # None: no data in the window

_STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Sum": sum,
    "Minimum": min,
    "Maximum": max,
    "SampleCount": len,
    "Average": lambda values: sum(values) / len(values),
}
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
_UNDERSTOOD = {
    "AlarmName", "AlarmDescription", "AlarmActions", "ActionsEnabled", "Namespace", "MetricName", "Dimensions",
    "Statistic", "Period", "Unit", "Metrics", "EvaluationPeriods", "DatapointsToAlarm", "ComparisonOperator",
    "Threshold", "TreatMissingData",
}  # fmt: skip


@dataclass(frozen=True)
class Point:
    """One data point. `at`: seconds since the epoch."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]
    at: float
    value: float
    unit: str


def state(alarm: Mapping[str, Any], points: Iterable[Point], now: float) -> str:
    """The alarm's state now. `alarm`: its properties, with every reference resolved."""
    unknown = set(alarm) - _UNDERSTOOD
    assert not unknown, f"the evaluator does not know {unknown}"
    known = list(points)
    number = alarm["EvaluationPeriods"]
    seen = [_value(alarm, known, now, back) for back in range(number)]
    treat = alarm.get("TreatMissingData", "missing")
    breaching = _COMPARISONS[alarm["ComparisonOperator"]]
    if all(value is None for value in seen) and treat == "missing":
        return INSUFFICIENT
    assert treat in ("missing", "breaching", "notBreaching"), f"TreatMissingData {treat} needs the state before"
    hits = sum(treat == "breaching" if value is None else breaching(value, alarm["Threshold"]) for value in seen)
    return ALARM if hits >= alarm.get("DatapointsToAlarm", number) else OK


def _value(alarm: Mapping[str, Any], points: Sequence[Point], now: float, back: int) -> Value:
    """The alarm's value in the window that ended `back` windows ago."""
    if "Metrics" not in alarm:
        return _statistic(alarm, alarm["Statistic"], alarm["Period"], points, now, back)
    values: dict[str, Value] = {}
    for one in alarm["Metrics"]:
        if "MetricStat" in one:
            of = one["MetricStat"]
            values[one["Id"]] = _statistic({**of["Metric"], **of}, of["Stat"], of["Period"], points, now, back)
    [formula] = [one for one in alarm["Metrics"] if one.get("ReturnData", True)]
    return calculate(formula["Expression"], values)


def _statistic(
    metric: Mapping[str, Any], statistic: str, period: int, points: Sequence[Point], now: float, back: int
) -> Value:
    dimensions = frozenset((one["Name"], one["Value"]) for one in metric.get("Dimensions", ()))
    start, end = now - (back + 1) * period, now - back * period
    found = [
        point.value
        for point in points
        if (point.namespace, point.name, point.dimensions) == (metric["Namespace"], metric["MetricName"], dimensions)
        and metric.get("Unit", point.unit) == point.unit
        and start < point.at <= end
    ]
    return _STATISTICS[statistic](found) if found else None


def calculate(expression: str, values: Mapping[str, Value]) -> Value:
    """Metric math over one window: arithmetic, comparisons, IF and FILL. Missing data stays missing, but for FILL."""
    return _calculated(ast.parse(expression, mode="eval").body, values)


_ARITHMETIC: Mapping[type, Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Gt: lambda a, b: float(a > b),
    ast.GtE: lambda a, b: float(a >= b),
    ast.Lt: lambda a, b: float(a < b),
    ast.LtE: lambda a, b: float(a <= b),
}


def _combined(operator: ast.operator | ast.cmpop, one: Value, other: Value) -> Value:
    if one is None or other is None:
        return None
    if isinstance(operator, ast.Div):
        return one / other if other else None
    return _ARITHMETIC[type(operator)](one, other)


def _calculated(node: ast.expr, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=operator, right=right):
            return _combined(operator, _calculated(left, values), _calculated(right, values))
        case ast.Compare(left=left, ops=[comparison], comparators=[right]):
            return _combined(comparison, _calculated(left, values), _calculated(right, values))
        case ast.Call(func=ast.Name(id="FILL"), args=[filled, default]):
            value = _calculated(filled, values)
            return _calculated(default, values) if value is None else value
        case ast.Call(func=ast.Name(id="IF"), args=[condition, yes, no]):
            met = _calculated(condition, values)
            return None if met is None else _calculated(yes if met else no, values)
    raise AssertionError(f"the evaluator does not know {ast.unparse(node)}")
