"""DynamoDB in memory, for the calls that `lake.store` makes: the same answers as moto's, hundreds of times faster.

Items are kept as they come over the wire and are replaced, never changed, so that an answer stays what it was. One call
is atomic, as in DynamoDB. `tests/unit/test_dynamo_fake.py` holds it to what moto answers.
"""

from __future__ import annotations

import re
import threading
from bisect import insort
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

Wire = Mapping[str, Any]
_TOKEN = re.compile(r"\s*(attribute_not_exists|attribute_exists|AND|OR|NOT|<=|>=|<>|<|>|=|\(|\)|,|[#:]?\w+)")


class FakeDynamo:
    """One table with the index `by_state`. `page_size`: items a query answers at a time (DynamoDB counts bytes)."""

    def __init__(self, page_size: int = 500) -> None:
        self.page_size = page_size
        self._items: dict[tuple[str, str], Wire] = {}
        self._table: dict[str, list[tuple[str, str, str]]] = {}  # pk -> (sk, pk, sk), sorted
        self._index: dict[str, list[tuple[str, str, str]]] = {}  # gsi1pk -> (gsi1sk, pk, sk), sorted
        self._lock = threading.RLock()

    # ---- the calls ---------------------------------------------------------------------------------------------------

    def get_item(self, *, TableName: str, Key: Wire, ConsistentRead: bool = False) -> dict[str, Any]:  # noqa: N803
        with self._lock:
            found = self._items.get(_name(Key))
        return {} if found is None else {"Item": found}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        ((table, request),) = RequestItems.items()
        names = request.get("ExpressionAttributeNames", {})
        wanted = [names[part.strip()] for part in request.get("ProjectionExpression", "").split(",") if part.strip()]
        keys = [_name(key) for key in request["Keys"]]
        if len(keys) > 100 or len(set(keys)) < len(keys):
            raise _error("ValidationException", "BatchGetItem")
        with self._lock:
            found = [self._items[key] for key in keys if key in self._items]
        if wanted:
            found = [{name: item[name] for name in wanted if name in item} for item in found]
        return {"Responses": {table: found}, "UnprocessedKeys": {}}

    def put_item(self, *, TableName: str, Item: Wire, ConditionExpression: str) -> dict[str, Any]:  # noqa: N803
        with self._lock:
            old = self._items.get(_name(Item))
            if not _holds(ConditionExpression, old or {}, {}, {}):
                raise _error("ConditionalCheckFailedException", "PutItem")
            self._replace(_name(Item), dict(Item))
        return {}

    def update_item(
        self,
        *,
        TableName: str,  # noqa: N803
        Key: Wire,  # noqa: N803
        UpdateExpression: str,  # noqa: N803
        ReturnValues: str,  # noqa: N803
        ExpressionAttributeNames: Mapping[str, str],  # noqa: N803
        ExpressionAttributeValues: Wire | None = None,  # noqa: N803
        ConditionExpression: str | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        names, values = ExpressionAttributeNames, ExpressionAttributeValues or {}
        with self._lock:
            old = self._items.get(_name(Key), {})
            if ConditionExpression and not _holds(ConditionExpression, old, names, values):
                raise _error("ConditionalCheckFailedException", "UpdateItem")
            new = {**old, **Key}
            for clause, body in re.findall(r"(SET|REMOVE) (.*?)(?= REMOVE |$)", UpdateExpression):
                for part in re.split(r", (?=#)", body):
                    if clause == "REMOVE":
                        new.pop(names[part], None)
                    else:
                        target, _, expression = part.partition(" = ")
                        new[names[target]] = _value(expression, old, names, values)
            self._replace(_name(Key), new)
        return {"Attributes": new}

    def delete_item(self, *, TableName: str, Key: Wire) -> dict[str, Any]:  # noqa: N803
        with self._lock:
            self._replace(_name(Key), None)
        return {}

    def query(
        self,
        *,
        ExpressionAttributeValues: Wire,  # noqa: N803
        IndexName: str | None = None,  # noqa: N803
        ExclusiveStartKey: Wire | None = None,  # noqa: N803
        Limit: int | None = None,  # noqa: N803
        **_: Any,
    ) -> dict[str, Any]:
        partition = ExpressionAttributeValues[":pk"]["S"]
        size = min(Limit or self.page_size, self.page_size)
        with self._lock:
            rows = (self._index if IndexName else self._table).get(partition, [])
            start = 0
            if ExclusiveStartKey:
                after = _place(ExclusiveStartKey, IndexName is not None)
                start = next((at for at, row in enumerate(rows) if row > after), len(rows))
            page = rows[start : start + size]
            items = [self._items[row[1], row[2]] for row in page]
            more = start + size < len(rows)
        keys = ("pk", "sk", "gsi1pk", "gsi1sk") if IndexName else ("pk", "sk")
        last = {"LastEvaluatedKey": {name: items[-1][name] for name in keys}} if more else {}
        return {"Items": items, **last}

    # ---- keeping both orders -----------------------------------------------------------------------------------------

    def _replace(self, name: tuple[str, str], new: Wire | None) -> None:
        old = self._items.pop(name, None)
        for item, act in ((old, _take), (new, _add)):
            if item is not None:
                act(self._table, item["pk"]["S"], _place(item, False))
                if "gsi1pk" in item and "gsi1sk" in item:
                    act(self._index, item["gsi1pk"]["S"], _place(item, True))
        if new is not None:
            self._items[name] = new


def _name(item: Wire) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _place(item: Wire, index: bool) -> tuple[str, str, str]:
    return item["gsi1sk" if index else "sk"]["S"], item["pk"]["S"], item["sk"]["S"]


def _add(order: dict[str, list[Any]], partition: str, row: tuple[str, str, str]) -> None:
    insort(order.setdefault(partition, []), row)


def _take(order: dict[str, list[Any]], partition: str, row: tuple[str, str, str]) -> None:
    order[partition].remove(row)


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


def _value(expression: str, old: Wire, names: Mapping[str, str], values: Wire) -> Any:
    """The right side of an assignment: a value, list_append of two, or a sum."""
    inner = r"if_not_exists\((#\w+), (:\w+)\)"
    if appended := re.fullmatch(rf"list_append\({inner}, (:\w+)\)", expression):
        name, default, extra = appended.groups()
        before = old.get(names[name], values[default])
        return {"L": [*before["L"], *values[extra]["L"]]}
    if added := re.fullmatch(rf"{inner} \+ (:\w+)", expression):
        name, default, extra = added.groups()
        return {"N": str(int(old.get(names[name], values[default])["N"]) + int(values[extra]["N"]))}
    return values[expression]


def _holds(expression: str, item: Wire, names: Mapping[str, str], values: Wire) -> bool:
    """A condition of comparisons and attribute_(not_)exists, joined by AND and OR (AND binds tighter)."""
    tokens = _TOKEN.findall(expression)
    at = 0

    def take() -> str:
        nonlocal at
        at += 1
        return str(tokens[at - 1])

    def operand(token: str) -> Any:
        found = values.get(token) if token.startswith(":") else item.get(names.get(token, token))
        return None if found is None else _plain(found)

    def one() -> bool:
        token = take()
        if token == "(":
            answer = either()
            take()
            return answer
        if token.startswith("attribute_"):
            take()
            there = names.get(name := take(), name) in item
            take()
            return there == (token == "attribute_exists")
        left, sign, right = operand(token), take(), operand(take())
        if sign == "<>":
            return bool(left != right)
        return left is not None and right is not None and bool(_SIGNS[sign](left, right))

    def both() -> bool:
        answer = one()
        while at < len(tokens) and tokens[at] == "AND":
            take()
            answer = one() and answer
        return answer

    def either() -> bool:
        answer = both()
        while at < len(tokens) and tokens[at] == "OR":
            take()
            answer = both() or answer
        return answer

    return either()


_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: one == other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


def _plain(value: Wire) -> Any:
    ((kind, content),) = value.items()
    return int(content) if kind == "N" else content
