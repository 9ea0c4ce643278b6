"""SHOW and DESCRIBE for tables, from Glue, printed as Hive prints them in Athena."""

from __future__ import annotations

from typing import Any

from sandbox.athena.catalog import Table, all_tables, get_table, resolve, semantic
from sandbox.athena.databases import matcher
from sandbox.athena.errors import InvalidRequest
from sandbox.athena.iceberg import read_metadata
from sandbox.athena.permissions import insufficient, is_iceberg
from sandbox.athena.rendering import plain_column
from sandbox.athena.run import Run
from sandbox.athena.sqltext import Cursor
from sandbox.athena.views import definition, is_view
from sandbox.athena.work import UTILITY, Outcome, Plan
from sandbox.formation.store import visible

_COLUMNS = ("col_name", "data_type", "comment")


def show(text: str) -> Plan:
    """SHOW TABLES, VIEWS, COLUMNS, TBLPROPERTIES or CREATE TABLE."""
    cursor = Cursor(text)
    cursor.expect("show")
    for words, reader in _SHOWS.items():
        if cursor.take(*words):
            plan = reader(cursor)
            cursor.end()
            return plan
    raise cursor.wrong("TABLES, VIEWS, COLUMNS, TBLPROPERTIES, CREATE TABLE")


def _tables(cursor: Cursor) -> Plan:
    """SHOW TABLES [IN database] ['pattern']."""
    return _named(cursor, "SHOW_TABLES", "tab_name", lambda table: True)


def _views(cursor: Cursor) -> Plan:
    """SHOW VIEWS [IN database] [LIKE 'pattern']."""
    return _named(cursor, "SHOW_VIEWS", "views", is_view)


def _named(cursor: Cursor, kind: str, column: str, wanted: Any) -> Plan:
    database = cursor.name() if cursor.take("in") or cursor.take("from") else None
    like = cursor.take("like")
    fits = matcher(cursor.string() if like or cursor.is_string() else None)

    def work(run: Run) -> Outcome:
        found = [
            t["Name"]
            for t in all_tables(run, database or run.database)
            if wanted(t) and fits(t["Name"]) and visible(run.caller.user, t)
        ]
        return Outcome(columns=[plain_column(column)], lines=sorted(found))

    return Plan(UTILITY, kind, "txt", work)


def _columns(cursor: Cursor) -> Plan:
    """SHOW COLUMNS {FROM|IN} table [{FROM|IN} database]."""
    if not cursor.take("from"):
        cursor.expect("in")
    name = cursor.names()
    if cursor.take("from") or cursor.take("in"):
        name = [cursor.name(), name[-1]]

    def work(run: Run) -> Outcome:
        table = _shown(run, name)
        if is_view(table):
            return _view(table)
        names = [column["Name"] for column in columns_of(table)]
        width = 0 if is_iceberg(table) else 20
        return Outcome(columns=[plain_column("field")], lines=[f"{name:<{width}}" for name in names])

    return Plan(UTILITY, "SHOW_COLUMNS", "txt", work)


def _properties(cursor: Cursor) -> Plan:
    """SHOW TBLPROPERTIES table [('property')]."""
    name = cursor.names()
    wanted = cursor.listed(cursor.string)[0] if cursor.next is not None else None

    def work(run: Run) -> Outcome:
        table = _shown(run, name)
        found = _iceberg_properties(run, table) if is_iceberg(table) else table.get("Parameters") or {}
        if wanted is not None:
            found = {
                wanted: found.get(wanted, f"Table {'.'.join(resolve(run, name))} does not have property: {wanted}")
            }
        columns = [plain_column("prpt_name"), plain_column("prpt_value")]
        return Outcome(columns=columns, lines=[f"{key}\t{value}" for key, value in sorted(found.items())])

    return Plan(UTILITY, "SHOW_TBLPROPERTIES", "txt", work)


def describe(text: str) -> Plan:
    """DESCRIBE [EXTENDED|FORMATTED] [database.]table or view."""
    cursor = Cursor(text)
    if not cursor.take("describe"):
        cursor.expect("desc")
    detail = "extended" if cursor.take("extended") else "formatted" if cursor.take("formatted") else ""
    for engines in ("input", "output", "database", "schema", "function"):
        if len(cursor.tokens) > cursor.at + 1 and cursor.tokens[cursor.at + 1].kind == "word" and cursor.take(engines):
            raise InvalidRequest(
                f"Queries of this type are not supported: DESCRIBE {engines.upper()}", athena_code="UNSUPPORTED_QUERY"
            )
    if len(cursor.tokens) > cursor.at + 1 and cursor.tokens[cursor.at + 1].kind != "mark" and cursor.take("table"):
        # Hive reads `DESCRIBE TABLE x` as column x of a table named table, and so says Athena.
        return Plan(UTILITY, "DESCRIBE_TABLE", "txt", _no_table)
    name = cursor.names()
    if cursor.next is not None:
        raise InvalidRequest(
            "The sandbox describes whole tables: DESCRIBE without PARTITION and without a column",
            athena_code="UNSUPPORTED_QUERY",
        )

    def work(run: Run) -> Outcome:
        table = _shown(run, name)
        if is_view(table):
            return _view(table)
        lines = _iceberg_lines(run, table) if is_iceberg(table) else _hive_lines(table)
        if detail:
            lines += _detail_lines(table)
        return Outcome(columns=[plain_column(column) for column in _COLUMNS], lines=lines)

    return Plan(UTILITY, "DESCRIBE_TABLE", "txt", work)


def _no_table(run: Run) -> Outcome:
    raise semantic("[Error 10001]: Table not found table")


def _shown(run: Run, name: list[str]) -> Table:
    """A table's entry, with the columns that its reader may see. Raises QueryFailed when that is none."""
    table = get_table(run, *resolve(run, name))
    shown = visible(run.caller.user, table)
    if shown is None:
        raise insufficient(f"Insufficient Lake Formation permission(s): Required Describe on {table['Name']}")
    return shown


def _view(table: Table) -> Outcome:
    """A view's columns with the engine's names of their types."""
    columns = [plain_column("column", "varchar"), plain_column("type", "varchar")]
    return Outcome(columns=columns, lines=[f"{c['name']}\t{c['type']}" for c in definition(table)["columns"]])


def columns_of(table: Table) -> list[dict[str, str]]:
    """All columns of a table, partition columns last."""
    return [*((table.get("StorageDescriptor") or {}).get("Columns") or []), *(table.get("PartitionKeys") or [])]


def _line(*cells: str) -> str:
    return "\t".join(f"{cell:<20}" for cell in cells)


def _column_lines(columns: list[dict[str, str]]) -> list[str]:
    return [_line(c["Name"], c.get("Type", ""), c.get("Comment", "")) for c in columns]


def _hive_lines(table: Table) -> list[str]:
    lines = _column_lines(columns_of(table))
    keys = table.get("PartitionKeys") or []
    if keys:
        lines += ["\t \t ", "# Partition Information\t \t ", _line("# col_name", "data_type", "comment"), "\t \t "]
        lines += _column_lines(keys)
    return lines


def _iceberg_lines(run: Run, table: Table) -> list[str]:
    """An Iceberg table's schema and partition spec, which only its metadata file knows."""
    lines = ["# Table schema:\t\t", "# col_name\tdata_type\tcomment"]
    lines += ["\t".join((c["Name"], _spaced(c.get("Type", "")), c.get("Comment", ""))) for c in columns_of(table)]
    lines += ["\t\t", "# Partition spec:\t\t", "# field_name\tfield_transform\tcolumn_name"]
    metadata = read_metadata(run, table)
    schema = next(s for s in metadata["schemas"] if s["schema-id"] == metadata["current-schema-id"])
    names = {field["id"]: field["name"] for field in schema["fields"]}
    spec = next(s for s in metadata["partition-specs"] if s["spec-id"] == metadata["default-spec-id"])
    return lines + ["\t".join((f["name"], f["transform"], names.get(f["source-id"], "?"))) for f in spec["fields"]]


def _spaced(kind: str) -> str:
    """A type as Iceberg spells it: `decimal(9, 2)`, `map<string, int>`, `struct<a: int>`."""
    return kind.replace(",", ", ").replace(":", ": ")


def _detail_lines(table: Table) -> list[str]:
    storage = table.get("StorageDescriptor") or {}
    serde = storage.get("SerdeInfo") or {}
    pairs = {
        "Database:": table.get("DatabaseName", ""),
        "Owner:": table.get("Owner", ""),
        "Location:": storage.get("Location", ""),
        "Table Type:": table.get("TableType", ""),
        "SerDe Library:": serde.get("SerializationLibrary", ""),
        "InputFormat:": storage.get("InputFormat", ""),
        "OutputFormat:": storage.get("OutputFormat", ""),
    }
    lines = ["\t \t ", "# Detailed Table Information\t \t "] + [_line(k, v, "") for k, v in pairs.items()]
    lines += ["Table Parameters:\t \t "] + [_line("", k, v) for k, v in sorted((table.get("Parameters") or {}).items())]
    return lines


def _create_table(cursor: Cursor) -> Plan:
    """SHOW CREATE TABLE table."""
    name = cursor.names()

    def work(run: Run) -> Outcome:
        table = _shown(run, name)
        lines = _iceberg_ddl(run, table) if is_iceberg(table) else _hive_ddl(table)
        return Outcome(columns=[plain_column("createtab_stmt")], lines=lines)

    return Plan(UTILITY, "SHOW_CREATE_TABLE", "txt", work)


def _hive_ddl(table: Table) -> list[str]:
    storage = table["StorageDescriptor"]
    serde = storage.get("SerdeInfo") or {}
    lines = [f"CREATE EXTERNAL TABLE `{table['Name']}`(", *_defined(storage.get("Columns") or [])]
    if table.get("PartitionKeys"):
        lines += ["PARTITIONED BY ( ", *_defined(table["PartitionKeys"])]
    lines += ["ROW FORMAT SERDE ", f"  '{serde.get('SerializationLibrary', '')}' "]
    if serde.get("Parameters"):
        lines += ["WITH SERDEPROPERTIES ( ", *_pairs(serde["Parameters"])]
    lines += ["STORED AS INPUTFORMAT ", f"  '{storage.get('InputFormat', '')}' ", "OUTPUTFORMAT "]
    lines += [f"  '{storage.get('OutputFormat', '')}'", "LOCATION", f"  '{storage.get('Location', '')}'"]
    return [*lines, "TBLPROPERTIES (", *_pairs(table.get("Parameters") or {})]


def _iceberg_ddl(run: Run, table: Table) -> list[str]:
    spec = [line.split("\t") for line in _iceberg_lines(run, table)]
    start = [cells[0] for cells in spec].index("# field_name") + 1
    lines = [f"CREATE TABLE {table['DatabaseName']}.{table['Name']} ("]
    columns = columns_of(table)
    lines += [f"  {c['Name']} {c['Type']}{')' if c is columns[-1] else ','}" for c in columns]
    if spec[start:]:
        lines.append("PARTITIONED BY (" + ", ".join(_transform(*cells) for cells in spec[start:]) + ")")
    lines += [f"LOCATION '{table['StorageDescriptor']['Location']}'", "TBLPROPERTIES ("]
    return lines + _pairs(_iceberg_properties(run, table))


def _iceberg_properties(run: Run, table: Table) -> dict[str, str]:
    """The properties that Athena shows of an Iceberg table: its own, not the format's."""
    kept = {k: v for k, v in read_metadata(run, table).get("properties", {}).items() if "." not in k}
    return {"table_type": "iceberg"} | kept


def _transform(_: str, transform: str, column: str) -> str:
    if transform == "identity":
        return f"`{column}`"
    function, _, number = transform.rstrip("]").partition("[")
    return f"{function}({number}, `{column}`)" if number else f"{function}(`{column}`)"


def _defined(columns: list[dict[str, str]]) -> list[str]:
    last = len(columns) - 1
    comments = [f" COMMENT '{c['Comment']}'" if c.get("Comment") else "" for c in columns]
    return [
        f"  `{c['Name']}` {c['Type']}{comment}{')' if place == last else ', '}"
        for place, (c, comment) in enumerate(zip(columns, comments, strict=True))
    ]


def _pairs(values: dict[str, str]) -> list[str]:
    items = sorted(values.items())
    return [f"  '{key}'='{value}'{')' if (key, value) == items[-1] else ', '}" for key, value in items]


_SHOWS = {
    ("tables",): _tables,
    ("views",): _views,
    ("columns",): _columns,
    ("tblproperties",): _properties,
    ("create", "table"): _create_table,
}
