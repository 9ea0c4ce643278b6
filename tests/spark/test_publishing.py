"""Publishing on branches: what readers of main see, and when."""

from __future__ import annotations

import uuid

import pytest

from lake import publishing
from lake.publishing import ColumnSpec, PublishConflict

pytestmark = pytest.mark.spark

COLUMNS = (ColumnSpec("id", "bigint", "the key, o'clock"), ColumnSpec("day", "date"), ColumnSpec("v", "string"))


@pytest.fixture
def table(spark):
    """An empty table of its own for every test."""
    name = f"glue_catalog.publishing.t_{uuid.uuid4().hex[:8]}"
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.publishing")
    publishing.create_table(spark, name, COLUMNS, partitioned_by="months(day)", comment="it's a table")
    yield name
    spark.sql(f"DROP TABLE {name} PURGE")


def ids(spark, table):
    return sorted(row.id for row in spark.table(table).select("id").collect())


def insert(spark, target, *numbers):
    rows = ", ".join(f"({n}, DATE'2018-03-{n:02d}', 'v{n}')" for n in numbers)
    spark.sql(f"INSERT INTO {target} VALUES {rows}")


def test_what_is_written_to_a_branch_of_an_empty_table_shows_only_after_publish(spark, table):
    target = publishing.branch(spark, table, "batch-1")
    insert(spark, target, 1, 2)
    before = (ids(spark, table), publishing.current_snapshot(spark, table))

    snapshot = publishing.publish(spark, table, "batch-1")

    assert before == ([], None)
    assert ids(spark, table) == [1, 2]
    assert publishing.current_snapshot(spark, table) == snapshot


def test_merge_insert_and_delete_on_a_branch_are_published_together(spark, table):
    insert(spark, table, 1, 2, 3)
    target = publishing.branch(spark, table, "b")
    spark.sql(f"DELETE FROM {target} WHERE id = 1")
    spark.sql(
        f"MERGE INTO {target} t USING "
        "(SELECT 2 id, DATE'2018-04-01' day, 'new' v UNION ALL SELECT 9, DATE'2018-05-01', 'x') s "
        "ON t.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    insert(spark, target, 10)
    seen_meanwhile = ids(spark, table)

    publishing.publish(spark, table, "b")

    assert seen_meanwhile == [1, 2, 3]
    assert ids(spark, table) == [2, 3, 9, 10]


def test_a_branch_that_is_there_is_not_begun_again(spark, table):
    insert(spark, table, 1)
    target = publishing.branch(spark, table, "b")
    insert(spark, target, 2)

    with pytest.raises(Exception, match="b already exists"):
        publishing.branch(spark, table, "b")
    assert ids(spark, target) == [1, 2]


def test_publish_is_refused_when_main_moved_meanwhile(spark, table):
    insert(spark, table, 1)
    insert(spark, publishing.branch(spark, table, "b"), 2)
    insert(spark, table, 3)

    with pytest.raises(PublishConflict, match=r"main of .* moved"):
        publishing.publish(spark, table, "b")
    assert ids(spark, table) == [1, 3]


def test_publish_is_refused_when_somebody_published_first_to_the_empty_table(spark, table):
    insert(spark, publishing.branch(spark, table, "b"), 2)
    insert(spark, table, 3)

    with pytest.raises(PublishConflict):
        publishing.publish(spark, table, "b")
    assert ids(spark, table) == [3]


@pytest.mark.parametrize("moment", ["before the branch began", "while it was written"])
def test_publish_is_refused_when_another_session_published_and_this_one_still_knows_the_old_table(spark, table, moment):
    insert(spark, table, 1)
    assert ids(spark, table) == [1]  # from now on the session keeps what it knows of the table
    if moment == "before the branch began":
        insert(spark.newSession(), table, 3)
    target = publishing.branch(spark, table, "b")
    insert(spark, target, 2)
    if moment == "while it was written":
        insert(spark.newSession(), table, 3)

    with pytest.raises(PublishConflict, match=r"main of .* moved"):
        publishing.publish(spark, table, "b")
    assert ids(spark.newSession(), table) == [1, 3]


def test_publishing_a_branch_without_changes_leaves_main_where_it_is(spark, table):
    insert(spark, table, 1)
    before = publishing.current_snapshot(spark, table)
    publishing.branch(spark, table, "b")

    assert publishing.publish(spark, table, "b") == before
    with pytest.raises(LookupError, match="has no branch b"):
        publishing.publish(spark, table, "b")


def test_a_discarded_branch_is_gone_and_discarding_twice_is_fine(spark, table):
    insert(spark, publishing.branch(spark, table, "b"), 2)

    publishing.discard(spark, table, "b")
    publishing.discard(spark, table, "b")

    assert [row.name for row in spark.table(f"{table}.refs").collect()] == []


def test_a_run_is_found_by_its_property_even_below_the_head_of_main(spark, table):
    target = publishing.branch(spark, table, "b")
    with publishing.snapshot_properties(spark, {"batch-id": "b-1", "fence": 7}):
        insert(spark, target, 1)
    with publishing.snapshot_properties(spark, {"batch-id": "b-2"}):
        spark.sql(f"MERGE INTO {target} t USING (SELECT 1L id) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = 'x'")
        spark.sql(f"DELETE FROM {target} WHERE v = 'x'")
    insert(spark, target, 2)  # on top of the run's delete, which carries no property
    unpublished = publishing.find_snapshot(spark, table, "batch-id", "b-1")
    publishing.publish(spark, table, "b")

    values = [snapshot.summary.get("batch-id") for snapshot in publishing.ancestry(spark, table)]

    assert unpublished is None
    assert [v for v in values if v] == ["b-2", "b-1"]
    assert publishing.find_snapshot(spark, table, "fence", 7) is not None
    assert publishing.find_snapshot(spark, table, "batch-id", "b-3") is None


def test_properties_do_not_outlive_their_block(spark):
    key = publishing.PROPERTY_PREFIX + "batch-id"

    def fail_inside():
        with publishing.snapshot_properties(spark, {"batch-id": "inner"}):
            seen.append(spark.conf.get(key))
            raise ZeroDivisionError

    seen: list[str] = []
    with publishing.snapshot_properties(spark, {"batch-id": "outer"}):
        with pytest.raises(ZeroDivisionError):
            fail_inside()
        seen.append(spark.conf.get(key))
    seen.append(spark.conf.get(key, None))

    assert seen == ["inner", "outer", None]


def test_missing_columns_are_added_once_and_rows_stay(spark, table):
    insert(spark, table, 1)
    wanted = [*COLUMNS, ColumnSpec("minutes", "DECIMAL(9, 2)", "how long"), ColumnSpec("flags", "array<string>")]

    for statement in publishing.additions(spark, table, wanted):
        spark.sql(statement)

    assert publishing.additions(spark, table, wanted) == []

    fields = {field.name: field.dataType.simpleString() for field in spark.table(table).schema.fields}
    assert (fields["minutes"], fields["flags"]) == ("decimal(9,2)", "array<string>")
    assert spark.table(table).collect()[0].minutes is None


def test_a_type_is_not_changed_without_a_migration(spark, table):
    with pytest.raises(ValueError, match=r"column v of .* is string, and INTEGER is wanted"):
        publishing.additions(spark, table, [ColumnSpec("v", "INTEGER")])


def test_tables_are_iceberg_version_2_with_comments(spark, table):
    properties = {row.key: row.value for row in spark.sql(f"SHOW TBLPROPERTIES {table}").collect()}
    comments = {row.col_name: row.comment for row in spark.sql(f"DESCRIBE {table}").collect()}

    assert properties["format-version"] == "2"
    assert comments["id"] == "the key, o'clock"
