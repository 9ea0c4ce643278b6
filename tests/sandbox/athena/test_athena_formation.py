"""Lake Formation: what a stack grants decides which tables, rows and columns a query of a role gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.athena.conftest import ACCOUNT, REGION, Answer, Cloud, until
from tests.sandbox.athena.test_athena_rights import BUCKET, WORKGROUP

pytestmark = pytest.mark.sandbox
LIST = (["s3:ListBucket"], ["arn:aws:s3:::results", "arn:aws:s3:::warehouse"])
RESULTS = (["s3:PutObject", "s3:GetObject"], ["arn:aws:s3:::results/*"])
READ = ([f"glue:Get{what}" for what in ("Table", "Tables", "Database", "Databases", "Partitions")],
        [f"arn:aws:glue:{REGION}:{ACCOUNT}:{name}" for name in ("catalog", "database/*", "table/*/*")])  # fmt: skip
MAKE = (["glue:CreateTable", "glue:UpdateTable", "glue:DeleteTable"], READ[1])
DATA = (["s3:GetObject", "s3:PutObject"], ["arn:aws:s3:::warehouse/*"])
FORMATION = (["lakeformation:GetDataAccess"], ["*"])
METADATA = ([f"athena:{call}" for call in ("GetTableMetadata", "ListTableMetadata")],
            [f"arn:aws:athena:{REGION}:{ACCOUNT}:datacatalog/AwsDataCatalog"])  # fmt: skip
EVERYTHING = [WORKGROUP, BUCKET, LIST, RESULTS, READ, MAKE, DATA, FORMATION, METADATA]
COUNT = "SELECT count(*) FROM guarded.causes"


def principal(name: str) -> dict[str, str]:
    return {"DataLakePrincipalIdentifier": f"arn:aws:iam::{ACCOUNT}:role/{name}"}


def permission(role: str, resource: dict[str, Any], *permissions: str) -> dict[str, Any]:
    properties = {"Principal": principal(role), "Resource": resource, "Permissions": list(permissions) or ["SELECT"],
                  "PermissionsWithGrantOption": []}  # fmt: skip
    return {"Type": "AWS::LakeFormation::PrincipalPermissions", "Properties": properties}


def tagged(resource: dict[str, Any], value: str) -> dict[str, Any]:
    tags = [{"CatalogId": ACCOUNT, "TagKey": "sensitivity", "TagValues": [value]}]
    return {"Type": "AWS::LakeFormation::TagAssociation", "Properties": {"Resource": resource, "LFTags": tags}}


def policy(*values: str) -> dict[str, Any]:
    expression = [{"TagKey": "sensitivity", "TagValues": list(values)}]
    return {"LFTagPolicy": {"CatalogId": ACCOUNT, "ResourceType": "TABLE", "Expression": expression}}


def table(name: str) -> dict[str, Any]:
    return {"Table": {"CatalogId": ACCOUNT, "DatabaseName": "guarded", "Name": name}}


CELLS = {"TableCatalogId": ACCOUNT, "DatabaseName": "guarded", "TableName": "causes", "Name": "no-persons"}
FILTER = {
    "RowFilter": {"FilterExpression": "about_person = false"},
    "ColumnWildcard": {"ExcludedColumnNames": ["note"]},
}
STACK = {
    "Settings": {"Type": "AWS::LakeFormation::DataLakeSettings", "Properties": {"Admins": [principal("lf-admin")]}},
    "Location": {
        "Type": "AWS::LakeFormation::Resource",
        "Properties": {"ResourceArn": "arn:aws:s3:::warehouse/guarded", "UseServiceLinkedRole": True},
    },
    "Tag": {
        "Type": "AWS::LakeFormation::Tag",
        "Properties": {"TagKey": "sensitivity", "TagValues": ["public", "personal"]},
    },
    "Guarded": tagged({"Database": {"CatalogId": ACCOUNT, "Name": "guarded"}}, "personal"),
    "Plain": tagged(table("plain"), "public"),
    "Filter": {"Type": "AWS::LakeFormation::DataCellsFilter", "Properties": CELLS | FILTER},
    "AnalystPublic": permission("lf-analyst", policy("public")),
    "AnalystCauses": {**permission("lf-analyst", {"DataCellsFilter": CELLS}), "DependsOn": "Filter"},
    "Manager": permission("lf-manager", policy("public", "personal")),
    "Scientist": permission("lf-scientist", table("plain")),
}


class Guarded:
    """The database `guarded` under the stack's grants; `ask` puts a question with the rights of a role."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.clients: dict[str, Any] = {}

    def athena(self, role: str) -> Any:
        if role not in self.clients:
            self.clients[role] = self.cloud.client("athena", self.cloud.role(role, *EVERYTHING))
        return self.clients[role]

    def ask(self, role: str, sql: str, **request: Any) -> Answer:
        return self.cloud.ask(sql, athena=self.athena(role), **request)

    def rows(self, role: str, sql: str, **request: Any) -> list[list[str | None]]:
        answer = self.ask(role, sql, **request)
        assert answer.state == "SUCCEEDED", answer.reason
        return answer.data

    def denied(self, role: str, sql: str) -> str:
        answer = self.ask(role, sql)
        assert (answer.state, answer.error["ErrorCategory"]) == ("FAILED", 2), f"{role}: {sql}: {answer.page}"
        return answer.reason


@pytest.fixture(scope="module")
def guarded(cloud: Cloud) -> Iterator[Guarded]:
    glue, stacks = cloud.client("glue"), cloud.client("cloudformation")
    for database in ("guarded", "free"):
        glue.create_database(DatabaseInput={"Name": database})
    for name, columns in {
        "causes": "id bigint, about_person boolean, note string",
        "plain": "id bigint",
        "secret": "id bigint",
    }.items():
        cloud.done(
            f"CREATE TABLE guarded.{name} ({columns}) LOCATION 's3://warehouse/guarded/{name}' "
            "TBLPROPERTIES ('table_type'='ICEBERG')"
        )
    cloud.done("INSERT INTO guarded.causes VALUES (1, false, 'a'), (2, true, 'Thandi'), (3, false, 'c')")
    cloud.done("INSERT INTO guarded.plain VALUES (1), (2)")
    cloud.done("INSERT INTO guarded.secret VALUES (9)")
    stacks.create_stack(StackName="governed", TemplateBody=json.dumps({"Resources": STACK}))
    until(lambda: stacks.describe_stacks(StackName="governed")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE", 60)
    made = Guarded(cloud)
    yield made
    stacks.delete_stack(StackName="governed")
    until(lambda: _gone(stacks), 60)
    assert made.rows("lf-nobody", COUNT) == [["3"]]  # without the stack, IAM is all there is


def _gone(stacks: Any) -> bool:
    try:
        return str(stacks.describe_stacks(StackName="governed")["Stacks"][0]["StackStatus"]) == "DELETE_COMPLETE"
    except ClientError:
        return True


def test_a_filter_hides_rows_and_columns(guarded: Guarded) -> None:
    assert guarded.rows("lf-analyst", "SELECT * FROM guarded.causes ORDER BY id") == [["1", "false"], ["3", "false"]]
    assert guarded.rows("lf-analyst", COUNT) == [["2"]]
    assert guarded.rows("lf-manager", COUNT) == [["3"]]
    assert guarded.rows("lf-manager", "SELECT note FROM guarded.causes WHERE about_person") == [["Thandi"]]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM guarded.causes a JOIN guarded.causes b ON a.about_person = b.about_person",
        "WITH c AS (SELECT * FROM guarded.causes) SELECT count(*) * 2 FROM c",
        "SELECT (SELECT count(*) FROM guarded.causes) * 2",
        "SELECT count(*) FROM guarded.plain p, guarded.causes c WHERE c.id <= p.id + 100",
        'SELECT 2 * count(*) FROM "guarded"."causes" WHERE id > 0 OR about_person',
    ],
)
def test_whatever_the_query_the_hidden_rows_do_not_count(guarded: Guarded, sql: str) -> None:
    assert guarded.rows("lf-analyst", sql) == [["4"]]
    assert guarded.rows("lf-manager", sql) != [["4"]]


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("SELECT note FROM guarded.causes", "1:8"),
        ("SELECT id\nFROM guarded.causes c WHERE c.note = 'Thandi'", "2:31"),
        ("EXPLAIN SELECT note FROM guarded.causes", "1:16"),
        ("SELECT count(*) FROM guarded.causes ORDER BY max(note)", "1:50"),
    ],
)
def test_a_column_that_is_left_out_is_not_found(guarded: Guarded, sql: str, place: str) -> None:
    reason = guarded.denied("lf-analyst", sql)

    told = "cannot be resolved or requester is not authorized to access requested resources"
    assert reason == f"COLUMN_NOT_FOUND: line {place}: Column 'note' {told}"


@pytest.mark.parametrize("role", ["lf-analyst", "lf-scientist", "lf-nobody"])
@pytest.mark.parametrize("form", ["SELECT count(*) FROM {}", "EXPLAIN SELECT * FROM {}", "SELECT 1 FROM {} LIMIT 1"])
def test_a_table_that_is_not_granted_is_denied(guarded: Guarded, role: str, form: str) -> None:
    reason = guarded.denied(role, form.format("guarded.secret"))

    assert "Insufficient Lake Formation permission(s): Required Select on secret" in reason


def test_who_is_granted_one_table_reads_that_one(guarded: Guarded) -> None:
    assert guarded.rows("lf-scientist", "SELECT count(*) FROM guarded.plain") == [["2"]]
    assert "Lake Formation" in guarded.denied("lf-scientist", COUNT)
    assert "Lake Formation" in guarded.denied("lf-nobody", "SELECT * FROM guarded.plain")


def test_a_tag_of_a_table_counts_before_that_of_its_database(guarded: Guarded) -> None:
    assert guarded.rows("lf-analyst", "SELECT count(*) FROM guarded.plain") == [["2"]]
    assert guarded.rows("lf-manager", "SELECT id FROM guarded.secret") == [["9"]]


@pytest.mark.parametrize("part", ["partitions", "snapshots", "files", "history", "manifests", "refs"])
def test_metadata_tables_are_for_those_who_read_the_whole_table(guarded: Guarded, part: str) -> None:
    sql = f'SELECT count(*) FROM guarded."causes${part}"'

    assert guarded.rows("lf-manager", sql) != []
    assert "Insufficient Lake Formation permission(s)" in guarded.denied("lf-analyst", sql)


def test_the_past_is_filtered_too(guarded: Guarded) -> None:
    newest = 'SELECT max_by(snapshot_id, committed_at) FROM guarded."causes$snapshots"'
    ((version,),) = guarded.rows("lf-manager", newest)
    sql = f"SELECT count(*) FROM guarded.causes FOR VERSION AS OF {version}"

    assert guarded.rows("lf-manager", sql) == [["3"]]
    assert guarded.rows("lf-analyst", sql) == [["2"]]


def test_the_names_of_what_is_hidden_are_hidden(guarded: Guarded) -> None:
    def told(role: str) -> set[str | None]:
        sql = "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'guarded'"
        return {row[0] for row in guarded.rows(role, sql)}

    visible = {"causes.id", "causes.about_person", "plain.id"}
    assert told("lf-analyst") == visible
    assert told("lf-manager") == visible | {"causes.note", "secret.id"}
    assert told("lf-nobody") == set()
    assert guarded.ask("lf-analyst", "SHOW TABLES IN guarded").lines == ["causes", "plain"]
    assert "note" not in "".join(map(str, guarded.ask("lf-analyst", "DESCRIBE guarded.causes").lines))
    assert "Required Describe on secret" in guarded.denied("lf-analyst", "SHOW COLUMNS IN guarded.secret")
    listed = guarded.athena("lf-analyst").list_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="guarded")
    shown = {entry["Name"]: [c["Name"] for c in entry["Columns"]] for entry in listed["TableMetadataList"]}
    assert shown == {"causes": ["id", "about_person"], "plain": ["id"]}


def test_a_copy_holds_what_its_maker_sees(guarded: Guarded) -> None:
    made = "CREATE TABLE free.copied WITH (external_location = 's3://results/copied/') AS SELECT * FROM guarded.causes"
    answer = guarded.ask("lf-analyst", made)
    assert answer.state == "SUCCEEDED", answer.reason

    assert guarded.rows("lf-manager", "SELECT * FROM free.copied ORDER BY id") == [["1", "false"], ["3", "false"]]


def test_no_table_of_another_database_reads_the_same_files(guarded: Guarded) -> None:
    guarded.cloud.done(
        "CREATE EXTERNAL TABLE free.around (id bigint, about_person boolean, note string) STORED AS PARQUET "
        "LOCATION 's3://warehouse/guarded/causes/data/'"
    )

    assert guarded.cloud.done("SELECT count(*) FROM free.around").data == [["3"]]
    for role in ("lf-analyst", "lf-manager", "lf-nobody"):
        assert "Lake Formation" in guarded.denied(role, "SELECT count(*) FROM free.around")


def test_a_view_shows_each_reader_their_own_part(guarded: Guarded) -> None:
    guarded.cloud.done("CREATE VIEW free.seen AS SELECT id, about_person FROM guarded.causes")

    assert guarded.rows("lf-manager", "SELECT count(*) FROM free.seen") == [["3"]]
    assert guarded.rows("lf-analyst", "SELECT count(*) FROM free.seen") == [["2"]]
    assert "Lake Formation" in guarded.denied("lf-scientist", "SELECT count(*) FROM free.seen")


def test_a_result_is_not_used_again_by_another_reader(guarded: Guarded) -> None:
    again = {"ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 10}}}

    assert guarded.rows("lf-manager", COUNT, **again) == [["3"]]
    assert guarded.rows("lf-analyst", COUNT, **again) == [["2"]]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO guarded.causes VALUES (4, false, 'd')",
        "DELETE FROM guarded.causes",
        "UPDATE guarded.causes SET about_person = false",
        "DROP TABLE guarded.plain",
        "CREATE VIEW guarded.mine AS SELECT 1 AS n",
    ],
)
@pytest.mark.parametrize("role", ["lf-analyst", "lf-manager", "lf-nobody"])
def test_reading_is_not_writing(guarded: Guarded, role: str, sql: str) -> None:
    guarded.denied(role, sql)

    assert guarded.cloud.done(COUNT).data == [["3"]]


def test_functions_that_read_past_a_filter_are_closed(guarded: Guarded) -> None:
    ids = guarded.rows("lf-manager", 'SELECT snapshot_id FROM guarded."causes$snapshots" ORDER BY committed_at')
    for catalog in ("iceberg", "awsdatacatalog"):
        sql = f"SELECT * FROM TABLE({catalog}.system.table_changes('guarded', 'causes', {ids[0][0]}, {ids[-1][0]}))"
        guarded.denied("lf-analyst", sql)


def test_administrators_and_the_owner_of_the_account_are_not_limited(guarded: Guarded) -> None:
    assert guarded.rows("lf-admin", "SELECT count(note) FROM guarded.causes") == [["3"]]
    assert guarded.cloud.done("SELECT count(note) FROM guarded.causes").data == [["3"]]


@pytest.mark.parametrize("name", ["root", "sandbox"])
def test_nobody_becomes_the_owner_by_a_name(guarded: Guarded, name: str) -> None:
    assert "Lake Formation" in guarded.denied(name, COUNT)


def test_iam_still_counts(guarded: Guarded) -> None:
    with_iam = [one for one in EVERYTHING if one is not FORMATION]
    client = guarded.cloud.client("athena", guarded.cloud.role("lf-manager-2", *with_iam))
    stacks = guarded.cloud.client("cloudformation")
    body = json.dumps({"Resources": {"Second": permission("lf-manager-2", policy("public", "personal"))}})
    stacks.create_stack(StackName="second", TemplateBody=body)
    until(lambda: stacks.describe_stacks(StackName="second")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE", 60)

    answer = guarded.cloud.ask(COUNT, athena=client)

    assert answer.state == "FAILED"
    assert "not authorized to perform: lakeformation:GetDataAccess" in answer.reason


def test_other_databases_are_not_touched(guarded: Guarded) -> None:
    assert guarded.rows("lf-nobody", "SELECT count(*) FROM gold.visits") == [["2"]]


def test_a_grant_that_cannot_be_enforced_fails_its_stack(guarded: Guarded) -> None:
    stacks = guarded.cloud.client("cloudformation")
    everybody = permission("x", table("plain"))
    everybody["Properties"]["Principal"] = {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}
    stacks.create_stack(StackName="unknown", TemplateBody=json.dumps({"Resources": {"Everybody": everybody}}))
    until(lambda: "ROLLBACK" in stacks.describe_stacks(StackName="unknown")["Stacks"][0]["StackStatus"], 60)

    events = stacks.describe_stack_events(StackName="unknown")["StackEvents"]

    assert any("does not enforce grants to IAM_ALLOWED" in e.get("ResourceStatusReason", "") for e in events)
