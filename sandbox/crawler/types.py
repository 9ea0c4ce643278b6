"""Column types as Glue's catalog writes them, and how two become one that holds both."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Struct:
    """A record with named fields, in order; a type is None where no value was seen."""

    fields: tuple[tuple[str, Type | None], ...]


@dataclass(frozen=True)
class Array:
    """A list of one type; None where no element was seen."""

    element: Type | None


@dataclass(frozen=True)
class Map:
    """Keys and values."""

    key: Type
    value: Type


#: A simple type is its name, e.g. `bigint` or `decimal(9,2)`.
Type = str | Struct | Array | Map

_WIDER = ("tinyint", "smallint", "int", "bigint", "float", "double")

_ARROW = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_int8, "tinyint"),
    (pa.types.is_int16, "smallint"),
    (pa.types.is_uint8, "smallint"),
    (pa.types.is_int32, "int"),
    (pa.types.is_uint16, "int"),
    (pa.types.is_uint64, "decimal(20,0)"),
    (pa.types.is_integer, "bigint"),
    (pa.types.is_float16, "float"),
    (pa.types.is_float32, "float"),
    (pa.types.is_float64, "double"),
    (pa.types.is_date, "date"),
    (pa.types.is_timestamp, "timestamp"),
    (pa.types.is_binary, "binary"),
    (pa.types.is_large_binary, "binary"),
    (pa.types.is_fixed_size_binary, "binary"),
)


def render(kind: Type | None) -> str:
    """The catalog's spelling. A value that was never seen is a string, as Glue has it."""
    if isinstance(kind, Struct):
        fields = ",".join(f"{name}:{render(inner)}" for name, inner in kind.fields)
        return f"struct<{fields}>" if fields else "string"
    if isinstance(kind, Array):
        return f"array<{render(kind.element)}>"
    if isinstance(kind, Map):
        return f"map<{render(kind.key)},{render(kind.value)}>"
    return kind or "string"


def widen(one: Type | None, other: Type | None) -> Type | None:
    """The type that holds the values of both; a string holds everything."""
    if one is None or other is None or one == other:
        return one if other is None else other
    if isinstance(one, Struct) and isinstance(other, Struct):
        fields = dict(one.fields)
        for name, kind in other.fields:
            fields[name] = widen(fields.get(name), kind)
        return Struct(tuple(fields.items()))
    if isinstance(one, Array) and isinstance(other, Array):
        return Array(widen(one.element, other.element))
    if one in _WIDER and other in _WIDER:
        return max(one, other, key=lambda kind: _WIDER.index(str(kind)))
    return "string"


def from_arrow(kind: pa.DataType) -> Type:
    """The catalog's type of a Parquet column. What the catalog has no type for is read as a string."""
    if pa.types.is_dictionary(kind):
        return from_arrow(kind.value_type)
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_struct(kind):
        fields = (kind.field(number) for number in range(kind.num_fields))
        return Struct(tuple((field.name.lower(), from_arrow(field.type)) for field in fields))
    if pa.types.is_map(kind):
        return Map(from_arrow(kind.key_type), from_arrow(kind.item_type))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return Array(from_arrow(kind.value_type))
    return next((name for matches, name in _ARROW if matches(kind)), "string")
