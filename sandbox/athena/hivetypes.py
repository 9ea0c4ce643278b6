"""Column types in Hive's words, as Glue keeps them, and in the engine's."""

import re
from dataclasses import dataclass

from sandbox.athena.errors import InvalidRequest
from sandbox.athena.sqltext import Cursor, quoted

_SIMPLE = {
    "boolean": "boolean",
    "tinyint": "tinyint",
    "smallint": "smallint",
    "int": "integer",
    "integer": "integer",
    "bigint": "bigint",
    "float": "real",
    "double": "double",
    "string": "varchar",
    "binary": "varbinary",
    "date": "date",
    "timestamp": "timestamp(6)",
}
_SIZED = ("decimal", "char", "varchar")


@dataclass(frozen=True)
class HiveType:
    """A type: its Glue spelling, and the engine's spelling for a new Iceberg table."""

    glue: str
    engine: str


def read_type(cursor: Cursor) -> HiveType:
    """The type that stands at the cursor. Raises InvalidRequest for a type that Athena has not."""
    start = cursor.next
    name = cursor.name()
    if name in _SIMPLE:
        return HiveType("int" if name == "integer" else name, _SIMPLE[name])
    if name in _SIZED:
        return _sized(cursor, name)
    if name == "array":
        cursor.expect("<")
        item = read_type(cursor)
        cursor.expect(">")
        return HiveType(f"array<{item.glue}>", f"array({item.engine})")
    if name == "map":
        cursor.expect("<")
        key = read_type(cursor)
        cursor.expect(",")
        value = read_type(cursor)
        cursor.expect(">")
        return HiveType(f"map<{key.glue},{value.glue}>", f"map({key.engine}, {value.engine})")
    if name == "struct":
        return _struct(cursor)
    raise InvalidRequest(
        f"Unsupported data type '{start.text if start else name}' in a table's columns.", athena_code="MALFORMED_QUERY"
    )


def _sized(cursor: Cursor, name: str) -> HiveType:
    if not cursor.take("("):
        sizes = [10, 0] if name == "decimal" else [1]
    else:
        sizes = [cursor.number()]
        if cursor.take(","):
            sizes.append(cursor.number())
        elif name == "decimal":
            sizes.append(0)
        cursor.expect(")")
    text = f"{name}({','.join(map(str, sizes))})"
    # Iceberg knows one kind of text.
    return HiveType(text, text if name == "decimal" else "varchar")


def _struct(cursor: Cursor) -> HiveType:
    cursor.expect("<")
    fields = [_field(cursor)]
    while cursor.take(","):
        fields.append(_field(cursor))
    cursor.expect(">")
    glue = ",".join(f"{name}:{kind.glue}" for name, kind in fields)
    engine = ", ".join(f"{quoted(name)} {kind.engine}" for name, kind in fields)
    return HiveType(f"struct<{glue}>", f"row({engine})")


def _field(cursor: Cursor) -> tuple[str, HiveType]:
    name = cursor.name()
    cursor.expect(":")
    return name, read_type(cursor)


def glue_type(iceberg: str) -> str:
    """A Glue type as DESCRIBE prints it."""
    return re.sub(r"\s+", "", iceberg.lower())
