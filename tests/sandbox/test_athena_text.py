"""Statements read word by word: what goes where, what is refused, and in which words."""

import pytest

from sandbox.athena.errors import EngineError, InvalidRequest
from sandbox.athena.hiveddl import read_create, storage
from sandbox.athena.literals import to_doubles
from sandbox.athena.prepared import expand
from sandbox.athena.relations import names
from sandbox.athena.run import relocate
from sandbox.athena.sqltext import Cursor, after, one_statement
from sandbox.athena.statements import plan


@pytest.mark.parametrize(
    ("sql", "kind", "sub", "output"),
    [
        ("SELECT 1", "DML", "SELECT", "csv"),
        ("-- why\n/* and */ with a as (select 1 b) select * from a", "DML", "SELECT", "csv"),
        ("(select 1) union (select 2)", "DML", "SELECT", "csv"),
        ("insert into t values (1)", "DML", "INSERT", "data"),
        ("MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", "DML", "MERGE", "data"),
        ("create external table t (a int) location 's3://b/t/'", "DDL", "CREATE_TABLE", "txt"),
        ("create table t with (format='ORC') as select 1 a", "DDL", "CREATE_TABLE_AS_SELECT", "data"),
        ("create or replace view v as select 1 a", "DDL", "CREATE_VIEW", "txt"),
        ("show tables in gold", "UTILITY", "SHOW_TABLES", "txt"),
        ("describe gold.visits", "UTILITY", "DESCRIBE_TABLE", "txt"),
        ("explain select 1", "DML", "EXPLAIN", "txt"),
        ("show functions", "UTILITY", "SHOW_FUNCTIONS", "csv"),
        ("optimize t rewrite data using bin_pack", "DDL", "OPTIMIZE", "txt"),
        ("msck repair table t", "DDL", "MSCK_REPAIR", "txt"),
        ("unload (select 1) to 's3://b/x/' with (format='JSON')", "DML", "UNLOAD", "data"),
    ],
)
def test_a_statement_is_classified(sql: str, kind: str, sub: str, output: str) -> None:
    found = plan(sql)

    assert (found.statement_type, found.substatement_type, found.output) == (kind, sub, output)


@pytest.mark.parametrize(
    "sql",
    [
        "set session x = 1", "call iceberg.system.x()", "grant select on t to role r", "use gold",
        "show catalogs", "analyze t", "start transaction", "truncate table t",
        "comment on table t is 'x'", "show stats for t", "create role r",
        "drop materialized view v", "alter view v rename to w", "explain drop table t",
    ],
)  # fmt: skip
def test_what_athena_has_not_is_refused_by_name(sql: str) -> None:
    with pytest.raises(InvalidRequest, match=f"not supported: .*{sql.split()[0].upper()}"):
        plan(sql)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("create table t (a int) location 's3://b/t/'", "External keyword required for table type HIVE"),
        ("create external table t (a int)", "No location was specified"),
        ("create external table t (a unknown_type) location 's3://b/'", "Unsupported data type 'unknown_type'"),
        ("create external table t\n  (a int) loc 's3://b/'", r"line 2:11: mismatched input 'loc'"),
        ("create external table \"t\" (a int) location 's3://b/'", "line 1:23: mismatched input"),
        ("drop table", "line 1:11: mismatched input '<EOF>'"),
        ("select 1; select 2", "Only one sql statement is allowed"),
        (" -- nothing\n;", "empty or contains only comments"),
        ("create table t with (colour='red') as select 1 a", "Table property 'colour' is not supported"),
        ("unload (select 1) to 's3://b/'", "UNLOAD needs WITH"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(sql: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        plan(sql)


def test_a_semicolon_ends_the_statement_only_outside_texts_and_comments() -> None:
    assert one_statement("select ';' a, \"x;y\" -- ;\n;") == "select ';' a, \"x;y\" -- ;\n"
    assert one_statement(r"select 'a\' ") == r"select 'a\' "


def test_create_external_table_becomes_a_glue_entry() -> None:
    table = read_create(
        "CREATE EXTERNAL TABLE IF NOT EXISTS `shop`.`Orders` (\n"
        "  `Id` INT COMMENT 'it''s the id', tags array<string>,\n"
        "  who struct<name:string, age:decimal(5,1)>, m map<string,double>)\n"
        "PARTITIONED BY (day string) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'\n"
        'WITH SERDEPROPERTIES ("separatorChar" = ",", "escapeChar" = "\\\\")\n'
        "LOCATION 's3://b/orders/' TBLPROPERTIES ('skip.header.line.count'='1')"
    )

    described = storage(table)

    assert table.name == ["shop", "orders"]
    assert table.if_not_exists
    assert [(c["Name"], c["Type"]) for c in described["Columns"]] == [
        ("id", "int"),
        ("tags", "array<string>"),
        ("who", "struct<name:string,age:decimal(5,1)>"),
        ("m", "map<string,double>"),
    ]  # fmt: skip
    assert described["Columns"][0]["Comment"] == "it's the id"
    assert described["SerdeInfo"]["Parameters"] == {
        "serialization.format": "1",
        "separatorChar": ",",
        "escapeChar": "\\",
    }
    assert [c.glue() for c in table.partition_columns] == [{"Name": "day", "Type": "string"}]


def test_an_iceberg_table_keeps_its_transforms_and_gets_the_engines_types() -> None:
    table = read_create(
        "create table t (id int, at timestamp, who struct<a:int>) partitioned by (month(at), bucket(4, id), id) "
        "location 's3://b/t' tblproperties ('table_type'='iceberg')"
    )

    assert [t.engine() for t in table.transforms] == ["month(at)", "bucket(id, 4)", "id"]
    assert [c.type.engine for c in table.columns] == ["integer", "timestamp(6)", 'row("a" integer)']


def test_the_place_of_an_error_is_that_of_the_users_text() -> None:
    sql = "create table t\nwith (format='ORC')\nas select x"
    rewritten, moved = after("CREATE TABLE other WITH (a = 1)", sql, sql.index("as"))

    error = relocate(EngineError("COLUMN_NOT_FOUND", "USER_ERROR", "line 2:11: no x", 2, 11), moved)

    assert rewritten.split("\n")[1] == "as select x"
    assert error.text() == "COLUMN_NOT_FOUND: line 3:11: no x"


def test_names_inside_parentheses_and_texts_do_not_end_a_group() -> None:
    cursor = Cursor("(select ')' from (values 1)) to", hive=False)

    assert cursor.group() == "select ')' from (values 1)"
    assert cursor.take("to")


def test_a_statement_that_is_no_execute_is_left_alone() -> None:
    assert expand("select ?", "primary") == ("select ?", None)


@pytest.mark.parametrize(
    ("sql", "rewritten"),
    [
        ("select 1.5, 2, .5 + 1e3, 1.5e3", "select 1.5E0, 2, .5E0 + 1e3, 1.5e3"),
        ("select 1. + x", "select 1.E0 + x"),
        ("select '1.5', \"1.5\", decimal '1.5' -- 1.5", "select '1.5', \"1.5\", decimal '1.5' -- 1.5"),
        ("select t.a1, x[1].b, cast(a as decimal(9,2))", "select t.a1, x[1].b, cast(a as decimal(9,2))"),
    ],
)
def test_a_number_with_a_point_is_a_double(sql: str, rewritten: str) -> None:
    assert to_doubles(sql)[0] == rewritten


def test_the_place_of_an_error_does_not_see_the_longer_numbers() -> None:
    rewritten, places = to_doubles("select 1.5,\n 2.5 + nope")
    error = EngineError("COLUMN_NOT_FOUND", "USER_ERROR", "line 2:10: Column 'nope' cannot be resolved", 2, 10)

    assert rewritten.split("\n")[1].index("nope") == 9
    assert relocate(error, 0, places).message == "line 2:8: Column 'nope' cannot be resolved"


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("select a.b.c, f(d.e.f) from g.h.i x join (j.k.l) on m.n.o = 1", ["g.h.i", "j.k.l"]),
        ("select extract(day from a.b.c) from t, u where x in (d.e.f)", ["t", "u"]),
        ("select * from table(f.g.h(1)) cross join unnest(i.j.k)", ["f.g.h", "unnest"]),
        ("with a as (select * from b.c) select * from a where exists (select 1 from d.e.f)", ["b.c", "a", "d.e.f"]),
        ("insert into a.b.c select * from d", ["a.b.c", "d"]),
        ("merge into a.b using (select * from c.d.e) s on s.x = 1 when matched then delete", ["a.b", "c.d.e"]),
    ],
)
def test_names_of_tables_are_told_from_names_of_columns(sql: str, found: list[str]) -> None:
    assert [".".join(part.text for part in parts) for parts in names(sql)] == found
