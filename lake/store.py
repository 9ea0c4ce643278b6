"""A DynamoDB table with plain Python values: the only place that knows DynamoDB's wire types.

Every write of the ledger is conditional, so `put` and `update` answer None when the condition does not hold instead of
raising: that is an ordinary answer here (somebody was quicker, or an event came twice), not an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

Item = dict[str, Any]
_BATCH = 100  # DynamoDB's limit for BatchGetItem


class Store:
    """One table. `client` is a boto3 DynamoDB client; made from the environment when left out. Safe across threads."""

    def __init__(self, table: str, client: Any = None) -> None:
        self.table = table
        self._client = client if client is not None else boto3.client("dynamodb")
        self._pack = TypeSerializer().serialize
        self._unpack = TypeDeserializer().deserialize

    def get(self, pk: str, sk: str) -> Item | None:
        """The item as it is now (consistent read)."""
        answer = self._client.get_item(TableName=self.table, Key=self._wire({"pk": pk, "sk": sk}), ConsistentRead=True)
        return self._plain(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[Mapping[str, str]], attributes: Sequence[str] = ()) -> list[Item]:
        """The items that exist among `keys` (pk and sk each), in no order; consistent reads, 100 a call."""
        found: list[Item] = []
        names = {f"#a{number}": name for number, name in enumerate(attributes)}
        shape = {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names} if names else {}
        waiting = [self._wire(key) for key in keys]
        while waiting:
            request = {self.table: {"Keys": waiting[:_BATCH], "ConsistentRead": True, **shape}}
            answer = self._client.batch_get_item(RequestItems=request)
            found += [self._plain(item) for item in answer["Responses"].get(self.table, ())]
            waiting = answer.get("UnprocessedKeys", {}).get(self.table, {}).get("Keys", []) + waiting[_BATCH:]
        return found

    def put_new(self, item: Item) -> bool:
        """Writes the item unless one with its key exists; says whether it was written."""
        try:
            self._client.put_item(
                TableName=self.table, Item=self._wire(item), ConditionExpression="attribute_not_exists(pk)"
            )
        except ClientError as error:
            if is_condition(error):
                return False
            raise
        return True

    def update(
        self,
        pk: str,
        sk: str,
        *,
        set_: Mapping[str, Any] | None = None,
        append: Mapping[str, list[Any]] | None = None,
        add: Mapping[str, int] | None = None,
        remove: Sequence[str] = (),
        where: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Item | None:
        """Changes one item and gives it as it is afterwards, or None when the condition did not hold.

        `where` is a condition expression in which attributes are written as #name and values as :name (from `values`).
        `append` adds to lists (a missing list counts as empty), `add` to numbers (a missing number counts as 0).
        """
        set_, append, add, values = dict(set_ or {}), dict(append or {}), dict(add or {}), dict(values or {})
        names: dict[str, str] = {}
        wire = {f":{name}": self._pack(value) for name, value in values.items()}
        parts: list[str] = []
        assignments: list[str] = []
        for name, value in set_.items():
            names[f"#{name}"], wire[f":set_{name}"] = name, self._pack(value)
            assignments.append(f"#{name} = :set_{name}")
        for name, extra in append.items():
            names[f"#{name}"], wire[f":app_{name}"], wire[":none"] = name, self._pack(extra), self._pack([])
            assignments.append(f"#{name} = list_append(if_not_exists(#{name}, :none), :app_{name})")
        for name, number in add.items():
            names[f"#{name}"], wire[f":add_{name}"], wire[":zero"] = name, self._pack(number), self._pack(0)
            assignments.append(f"#{name} = if_not_exists(#{name}, :zero) + :add_{name}")
        if assignments:
            parts.append("SET " + ", ".join(assignments))
        if remove:
            names.update({f"#{name}": name for name in remove})
            parts.append("REMOVE " + ", ".join(f"#{name}" for name in remove))
        names.update({word: word[1:] for word in _placeholders(where or "")})
        request: dict[str, Any] = {"UpdateExpression": " ".join(parts), "ExpressionAttributeNames": names}
        if wire:
            request["ExpressionAttributeValues"] = wire
        if where:
            request["ConditionExpression"] = where
        try:
            answer = self._client.update_item(
                TableName=self.table, Key=self._wire({"pk": pk, "sk": sk}), ReturnValues="ALL_NEW", **request
            )
        except ClientError as error:
            if is_condition(error):
                return None
            raise
        return self._plain(answer["Attributes"])

    def delete(self, pk: str, sk: str) -> None:
        """Takes an item away; one that is not there is fine."""
        self._client.delete_item(TableName=self.table, Key=self._wire({"pk": pk, "sk": sk}))

    def query(self, pk: str, index: str | None = None, page: int | None = None) -> Iterator[Item]:
        """All items of a partition, page by page: of the table (consistent), or of the index (a moment behind).

        page: how many items at a time; left out, as many as 1 MB holds, all of which are paid for.
        """
        name = "gsi1pk" if index else "pk"
        request: dict[str, Any] = {
            "TableName": self.table,
            "KeyConditionExpression": "#pk = :pk",
            "ExpressionAttributeNames": {"#pk": name},
            "ExpressionAttributeValues": self._wire({":pk": pk}),
            **({"IndexName": index} if index else {"ConsistentRead": True}),
            **({"Limit": page} if page else {}),
        }
        while True:
            answer = self._client.query(**request)
            for item in answer["Items"]:
                yield self._plain(item)
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _wire(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._pack(value) for name, value in item.items()}

    def _plain(self, item: Mapping[str, Any]) -> Item:
        return {name: _numbers(self._unpack(value)) for name, value in item.items()}


def is_condition(error: ClientError) -> bool:
    """Whether the call was refused because its condition did not hold."""
    return bool(error.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException")


def _placeholders(expression: str) -> set[str]:
    words = expression.replace("(", " ").replace(")", " ").replace(",", " ").split()
    return {word for word in words if word.startswith("#")}


def _numbers(value: Any) -> Any:
    """Decimals as ints (the ledger holds no fractions), down into lists and maps."""
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if isinstance(value, dict):
        return {name: _numbers(item) for name, item in value.items()}
    return value
