"""The shape of an object: what it is, which columns it has and how a reader must read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sandbox.crawler.types import Type, widen

#: Two objects belong to one table when they share this much of their columns.
SIMILAR = 0.7

TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
JSON_SERDE = "org.openx.data.jsonserde.JsonSerDe"
TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"


@dataclass(frozen=True)
class Column:
    """type None: no value was seen."""

    name: str
    type: Type | None


@dataclass(frozen=True)
class Shape:
    """How one object, or all objects of a table, must be read.

    classification: csv, json or parquet. parameters: of the table. serde_parameters: of its reader.
    record_bytes: mean size of a record as it is stored. declared: the columns were named by a custom classifier.
    """

    classification: str
    columns: tuple[Column, ...]
    serde: str
    input_format: str = TEXT_INPUT
    output_format: str = TEXT_OUTPUT
    serde_parameters: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    record_bytes: float = 0.0
    declared: bool = False

    def is_like(self, other: Shape) -> bool:
        """Whether one table can hold both."""
        if not self.reads_like(other) or self.declared != other.declared:
            return False
        if self.parameters.get("skip.header.line.count") != other.parameters.get("skip.header.line.count"):
            return False
        mine, others = ({column.name for column in shape.columns} for shape in (self, other))
        return len(mine & others) >= SIMILAR * max(len(mine), len(others), 1)

    def reads_like(self, other: Shape) -> bool:
        """Whether one reader reads both, whatever their columns."""
        return (self.classification, self.serde, self.serde_parameters) == (
            other.classification,
            other.serde,
            other.serde_parameters,
        )


def merge(shapes: Iterable[Shape]) -> Shape:
    """One shape with the columns of all, types widened; the reader is the first one's."""
    first, *others = shapes
    columns = {column.name: column.type for column in first.columns}
    for shape in others:
        for column in shape.columns:
            columns[column.name] = widen(columns.get(column.name), column.type)
    everyone = (first, *others)
    compressed = {shape.parameters.get("compressionType", "none") for shape in everyone}
    return replace(
        first,
        columns=tuple(Column(name, kind) for name, kind in columns.items()),
        parameters={**first.parameters, "compressionType": compressed.pop() if len(compressed) == 1 else "none"},
        record_bytes=sum(shape.record_bytes for shape in everyone) / len(everyone),
    )


def unique(names: Iterable[str]) -> list[str]:
    """Lower-case column names, each once: the catalog's names know no case."""
    result: list[str] = []
    for number, name in enumerate(names):
        base = name.strip().lower() or f"col{number}"
        candidate, count = base, 0
        while candidate in result:
            count += 1
            candidate = f"{base}_{count}"
        result.append(candidate)
    return result
