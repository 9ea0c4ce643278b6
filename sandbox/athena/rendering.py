"""How Athena names types and prints values, from how Trino sends them.

Trino sends a value as JSON next to its type's signature ({"rawType": "array", "arguments": [...]}). Athena prints text:
`[a, b]` for an array, `{k=v}` for a map (its keys in order) or a row, bytes in hexadecimal, and no text for null.
"""

import base64
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from sandbox.athena.client import Column

Signature = dict[str, Any]
Renderer = Callable[[Any], str]

# Athena's word where it is not Trino's, for a result's column.
_NAMES = {"real": "float"}
_PRECISIONS = {
    "boolean": (0, 0),
    "tinyint": (3, 0),
    "smallint": (5, 0),
    "integer": (10, 0),
    "bigint": (19, 0),
    "float": (17, 0),
    "double": (17, 0),
    "timestamp": (3, 0),
    "timestamp with time zone": (3, 0),
    "time": (3, 0),
    "varbinary": (1073741824, 0),
}
_NUMBERS = ("tinyint", "smallint", "integer", "bigint", "decimal")
_TEXT_LIMIT = 2147483647


def type_name(signature: Signature) -> str:
    """The type as ColumnInfo names it: no lengths, precisions or element types."""
    raw = signature["rawType"]
    return _NAMES.get(raw, raw.lower())


def column_info(column: Column) -> dict[str, Any]:
    """A result column as GetQueryResults describes it."""
    name = type_name(column.signature)
    precision, scale = _precision(name, column.signature)
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": column.name,
        "Label": column.name,
        "Type": name,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": name in ("varchar", "char", "string"),
    }


def plain_column(name: str, kind: str = "string") -> dict[str, Any]:
    """A column of a statement that answers text, such as SHOW TABLES."""
    return column_info(Column(name, kind, {"rawType": kind, "arguments": []}))


def _precision(name: str, signature: Signature) -> tuple[int, int]:
    numbers = [a["value"] for a in signature.get("arguments", []) if a.get("kind") == "LONG"]
    if name == "decimal":
        return (numbers[0], numbers[1]) if len(numbers) == 2 else (38, 0)
    if name in ("varchar", "char"):
        return (min(numbers[0], _TEXT_LIMIT) if numbers else _TEXT_LIMIT, 0)
    if name == "string":
        return (0, 0)
    return _PRECISIONS.get(name, (0, 0))


def row_renderer(columns: Sequence[Column]) -> Callable[[Iterable[Any]], list[str | None]]:
    """A function from a row of JSON values to the row's texts; None stays None."""
    renderers = [renderer(column.signature) for column in columns]

    def render(row: Iterable[Any]) -> list[str | None]:
        return [None if value is None else one(value) for one, value in zip(renderers, row, strict=True)]

    return render


def renderer(signature: Signature) -> Renderer:
    """The function that prints a non-null value of this type."""
    raw = signature["rawType"]
    inner = [a["value"] for a in signature.get("arguments", []) if a.get("kind") in ("TYPE", "TYPE_SIGNATURE")]
    if raw == "array":
        return _array(_nested(inner[0]))
    if raw == "map":
        return _map(inner[0], _nested(inner[1]))
    if raw == "row":
        return _row(_row_fields(signature))
    if raw == "varbinary":
        return lambda value: base64.b64decode(value).hex(" ")
    if raw == "boolean":
        return lambda value: "true" if value else "false"
    return str


def _nested(signature: Signature) -> Renderer:
    """Inside another value null is a word, and a number keeps the server's writing."""
    one = renderer(signature)
    return lambda value: "null" if value is None else one(value)


def _array(one: Renderer) -> Renderer:
    return lambda value: "[" + ", ".join(one(item) for item in value) + "]"


def _map(key: Signature, one: Renderer) -> Renderer:
    """Athena prints a map in the order of its keys: numbers by value, everything else by text."""
    order = Decimal if key["rawType"] in _NUMBERS else str

    def render(value: dict[str, Any]) -> str:
        return "{" + ", ".join(f"{name}={one(value[name])}" for name in sorted(value, key=order)) + "}"

    return render


def _row_fields(signature: Signature) -> list[tuple[str, Renderer]]:
    """What stands before each of a row's fields, and its renderer; a field without a name is a value alone."""
    fields = []
    for argument in signature.get("arguments", []):
        value = argument["value"]
        name = (value.get("fieldName") or {}).get("name")
        fields.append((f"{name}=" if name else "", _nested(value["typeSignature"])))
    return fields


def _row(fields: list[tuple[str, Renderer]]) -> Renderer:
    def render(value: Sequence[Any]) -> str:
        return "{" + ", ".join(f"{name}{one(item)}" for (name, one), item in zip(fields, value, strict=True)) + "}"

    return render
