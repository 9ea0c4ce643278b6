"""CREATE TABLE in Athena's Hive spelling, read into one description."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.athena.errors import InvalidRequest
from sandbox.athena.hivetypes import HiveType, read_type
from sandbox.athena.sqltext import Cursor

_TEXT_IN = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
LAZY_SIMPLE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
# STORED AS: input format, output format, serde. What Athena puts into Glue.
FORMATS = {
    "textfile": (_TEXT_IN, _TEXT_OUT, LAZY_SIMPLE),
    "sequencefile": (
        "org.apache.hadoop.mapred.SequenceFileInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
        LAZY_SIMPLE,
    ),
    "parquet": (
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    ),
    "orc": (
        "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
    ),
    "avro": (
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
        "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
    ),
    "ion": (
        "com.amazon.ionhiveserde.formats.IonInputFormat",
        "com.amazon.ionhiveserde.formats.IonOutputFormat",
        "com.amazon.ionhiveserde.IonHiveSerDe",
    ),
}
_DELIMITED = {
    ("fields", "terminated", "by"): "field.delim",
    ("escaped", "by"): "escape.delim",
    ("collection", "items", "terminated", "by"): "collection.delim",
    ("map", "keys", "terminated", "by"): "mapkey.delim",
    ("lines", "terminated", "by"): "line.delim",
    ("null", "defined", "as"): "serialization.null.format",
}


@dataclass(frozen=True)
class ColumnDef:
    """A column of a new table."""

    name: str
    type: HiveType
    comment: str | None = None

    def glue(self) -> dict[str, str]:
        """As Glue keeps it."""
        made = {"Name": self.name, "Type": self.type.glue}
        return made | ({"Comment": self.comment} if self.comment is not None else {})


@dataclass(frozen=True)
class Transform:
    """A partition of an Iceberg table: a column, or a function of it with perhaps a number."""

    column: str
    function: str | None = None
    number: int | None = None

    def engine(self) -> str:
        """As the engine's `partitioning` property spells it."""
        if self.function is None:
            return self.column
        return f"{self.function}({self.column}{'' if self.number is None else f', {self.number}'})"


@dataclass
class TableDef:
    """A CREATE TABLE statement."""

    external: bool
    if_not_exists: bool
    name: list[str]
    columns: list[ColumnDef] = field(default_factory=list)
    partition_columns: list[ColumnDef] = field(default_factory=list)
    transforms: list[Transform] = field(default_factory=list)
    comment: str | None = None
    location: str | None = None
    formats: tuple[str, str, str] = FORMATS["textfile"]
    serde: str | None = None
    serde_properties: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    buckets: int | None = None
    bucket_columns: list[str] = field(default_factory=list)
    hive_clauses: list[str] = field(default_factory=list)

    @property
    def iceberg(self) -> bool:
        """True for a table of type Iceberg."""
        return self.properties.get("table_type", "").lower() == "iceberg"


def read_create(sql: str) -> TableDef:
    """Read CREATE [EXTERNAL] TABLE. Raises InvalidRequest with the place of what is wrong."""
    cursor = Cursor(sql)
    cursor.expect("create")
    external = cursor.take("external")
    cursor.expect("table")
    table = TableDef(external, cursor.take("if", "not", "exists"), cursor.names())
    if cursor.take("like"):
        raise InvalidRequest(
            "Queries of this type are not supported: CREATE TABLE LIKE", athena_code="UNSUPPORTED_QUERY"
        )
    table.columns = cursor.listed(lambda: _column(cursor))
    while cursor.next is not None:
        _clause(cursor, table)
    if table.location is None:
        raise InvalidRequest(
            "No location was specified for table. An S3 location must be specified", athena_code="MALFORMED_QUERY"
        )
    if not table.external and not table.iceberg:
        raise InvalidRequest("External keyword required for table type HIVE", athena_code="MALFORMED_QUERY")
    if table.external and table.iceberg:
        raise InvalidRequest("External keyword not supported for table type ICEBERG", athena_code="MALFORMED_QUERY")
    if table.transforms and not table.iceberg:
        raise InvalidRequest("A partition column of an external table needs a type.", athena_code="MALFORMED_QUERY")
    return table


def _column(cursor: Cursor) -> ColumnDef:
    name = cursor.name()
    kind = read_type(cursor)
    return ColumnDef(name, kind, cursor.string() if cursor.take("comment") else None)


def _clause(cursor: Cursor, table: TableDef) -> None:
    if cursor.take("comment"):
        table.comment = cursor.string()
    elif cursor.take("partitioned", "by"):
        parts = cursor.listed(lambda: _partition(cursor))
        table.transforms = [part for part in parts if isinstance(part, Transform)]
        table.partition_columns = [part for part in parts if isinstance(part, ColumnDef)]
    elif cursor.take("clustered", "by"):
        table.hive_clauses.append("CLUSTERED BY")
        table.bucket_columns = cursor.listed(cursor.name)
        cursor.expect("into")
        table.buckets = cursor.number()
        cursor.expect("buckets")
    elif cursor.take("row", "format", "delimited"):
        table.hive_clauses.append("ROW FORMAT")
        _delimited(cursor, table)
    elif cursor.take("row", "format", "serde"):
        table.hive_clauses.append("ROW FORMAT")
        table.serde = cursor.string()
        if cursor.next is not None and cursor.take("with", "serdeproperties"):
            table.serde_properties |= cursor.properties()
    elif cursor.take("with", "serdeproperties"):
        table.serde_properties |= cursor.properties()
    elif cursor.take("stored", "as", "inputformat"):
        table.hive_clauses.append("STORED AS/BY")
        reading = cursor.string()
        cursor.expect("outputformat")
        table.formats = (reading, cursor.string(), table.serde or LAZY_SIMPLE)
    elif cursor.take("stored", "as"):
        table.hive_clauses.append("STORED AS/BY")
        table.formats = _format(cursor)
    elif cursor.take("location"):
        table.location = cursor.string()
    elif cursor.take("tblproperties"):
        table.properties |= cursor.properties()
    else:
        raise cursor.wrong(
            "COMMENT, PARTITIONED BY, CLUSTERED BY, ROW FORMAT, STORED AS, LOCATION, TBLPROPERTIES, <EOF>"
        )


def _format(cursor: Cursor) -> tuple[str, str, str]:
    name = cursor.name()
    if name not in FORMATS:
        raise InvalidRequest(
            f"Unrecognized file format in STORED AS clause: '{name.upper()}'", athena_code="MALFORMED_QUERY"
        )
    return FORMATS[name]


def _partition(cursor: Cursor) -> ColumnDef | Transform:
    name = cursor.name()
    if cursor.take("("):
        number = None
        if cursor.next is not None and cursor.next.kind == "number":
            number = cursor.number()
            cursor.expect(",")
        column = cursor.name()
        cursor.expect(")")
        return Transform(column, name, number)
    if cursor.next is not None and cursor.next.text in (",", ")"):
        return Transform(name)
    kind = read_type(cursor)
    return ColumnDef(name, kind, cursor.string() if cursor.take("comment") else None)


def _delimited(cursor: Cursor, table: TableDef) -> None:
    found = True
    while found:
        found = False
        for words, key in _DELIMITED.items():
            if cursor.take(*words):
                table.serde_properties[key] = cursor.string()
                found = True
    if "field.delim" in table.serde_properties:
        table.serde_properties["serialization.format"] = table.serde_properties["field.delim"]


def storage(table: TableDef) -> dict[str, Any]:
    """The storage descriptor of a Hive table."""
    reading, writing, serde = table.formats
    parameters = {"serialization.format": "1"} | table.serde_properties
    return {
        "Columns": [column.glue() for column in table.columns],
        "Location": table.location,
        "InputFormat": reading,
        "OutputFormat": writing,
        "Compressed": False,
        "NumberOfBuckets": table.buckets if table.buckets is not None else -1,
        "BucketColumns": table.bucket_columns,
        "SortColumns": [],
        "StoredAsSubDirectories": False,
        "SerdeInfo": {"SerializationLibrary": table.serde or serde, "Parameters": parameters},
    }
