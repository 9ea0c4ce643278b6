"""Lake Formation over real gold: each role sees the rows and columns that governance.yaml gives it, and no others."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from .conftest import Lake, finished
from .orders import export, order
from .test_permissions import as_reader, group_of, with_keys

GOLD = "jozi_dev_gold"
# One driver is late far more often than the others: a cause about a person, which counts for months and for all time.
SLOW, OTHERS = "Sizwe", ("Anele", "Bongi", "Cele")


@pytest.fixture(scope="module")
def causes(lake: Lake) -> Lake:
    """A lake whose gold knows a cause that is a person, and one that is an area."""
    rows = []
    for n in range(240):
        driver, area = (SLOW, *OTHERS)[n % 4], "ABCDEF"[n % 6]
        minutes = "55.00" if driver == SLOW or area == "F" else "12.00"
        day = f"{n % 28 + 1:02d}/09/2019"
        rows.append(
            order(f"G-{n}", **{"Order Date": day, "Deliverer": driver, "Area": area, "Delivery (mins)": minutes})
        )
    lake.load("orders/governed.csv", export(rows))
    return lake


def answer(lake: Lake, role: str, sql: str) -> tuple[str, list[list[str | None]]]:
    """How a role's query ended (empty: well), and its rows."""
    athena = as_reader(lake, role)
    status = finished(athena, sql, group_of(role))
    if status["State"] != "SUCCEEDED":
        return str(status["StateChangeReason"]), []
    pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=status["QueryExecutionId"])
    rows = [[cell.get("VarCharValue") for cell in row["Data"]] for page in pages for row in page["ResultSet"]["Rows"]]
    return "", rows[1:]


def number(lake: Lake, role: str, sql: str) -> int:
    why, rows = answer(lake, role, sql)
    assert not why, why
    return int(str(rows[0][0]))


@pytest.mark.parametrize(
    ("table", "about_persons"),
    [
        ("root_causes", "about_person"),
        ("root_causes", f"evidence LIKE '%{SLOW}%' OR value_1 = '{SLOW}' OR value_2 = '{SLOW}'"),
        ("root_causes", f"contains(explains, 'deliverer = {SLOW}')"),
        ("cause_counts", f"value_1 = '{SLOW}' OR value_2 = '{SLOW}'"),
    ],
)
def test_analysts_see_no_row_about_a_person_and_managers_do(causes: Lake, table: str, about_persons: str) -> None:
    everything = f"SELECT count(*) FROM {GOLD}.{table}"
    sql = f"{everything} WHERE {about_persons}"

    assert number(causes, "AnalystRole", sql) == 0
    assert number(causes, "AnalystRole", everything) > 0
    if (
        "explains" not in about_persons
    ):  # managers are told a name there only where a person's own cause shadows another
        assert number(causes, "ManagerRole", sql) > 0
    assert number(causes, "AnalystRole", everything) < number(causes, "ManagerRole", everything)


def test_analysts_do_not_see_what_may_quote_a_name(causes: Lake) -> None:
    why, _ = answer(causes, "AnalystRole", f"SELECT findings FROM {GOLD}.data_quality")
    _, shown = answer(causes, "AnalystRole", f"SELECT * FROM {GOLD}.data_quality LIMIT 1")
    _, whole = answer(causes, "ManagerRole", f"SELECT * FROM {GOLD}.data_quality LIMIT 1")

    assert "COLUMN_NOT_FOUND: line 1:8: Column 'findings' cannot be resolved or requester is not authorized" in why
    assert len(shown[0]) == len(whole[0]) - 1


def test_analysts_see_orders_without_who_worked_on_them(causes: Lake) -> None:
    sql = f"SELECT count(DISTINCT deliverer) FROM {GOLD}.order_details WHERE order_id LIKE 'G-%'"
    everybody = f"SELECT * FROM {GOLD}.order_details WHERE order_id = 'G-0'"

    assert number(causes, "ManagerRole", sql) == len((SLOW, *OTHERS))
    assert (
        "Column 'deliverer' cannot be resolved or requester is not authorized" in answer(causes, "AnalystRole", sql)[0]
    )
    assert SLOW in answer(causes, "ManagerRole", everybody)[1][0]
    assert SLOW not in answer(causes, "AnalystRole", everybody)[1][0]


@pytest.mark.parametrize("role", ["AnalystRole", "ManagerRole"])
@pytest.mark.parametrize("mart", ["delivery_performance", "stage_bottlenecks", "complaint_summary", "freshness"])
def test_what_is_about_nobody_is_read_whole(causes: Lake, role: str, mart: str) -> None:
    sql = f"SELECT count(*) FROM {GOLD}.{mart}"

    assert str(number(causes, role, sql)) == causes.one(sql)[0]


def test_metadata_of_a_filtered_table_is_closed(causes: Lake) -> None:
    sql = f'SELECT sum(record_count) FROM {GOLD}."root_causes$partitions"'

    assert "Insufficient Lake Formation permission(s)" in answer(causes, "AnalystRole", sql)[0]
    assert number(causes, "ManagerRole", sql) > 0


def test_engineers_and_scientists_read_their_part(causes: Lake) -> None:
    assert (
        number(causes, "EngineerRole", "SELECT count(*) FROM jozi_dev_silver.orders WHERE order_id LIKE 'G-%'") == 240
    )
    assert number(causes, "DataScientistRole", f"SELECT count(*) FROM {GOLD}.delivery_features") >= 240
    for role in ("EngineerRole", "DataScientistRole"):
        assert "not authorized" in answer(causes, role, f"SELECT * FROM {GOLD}.root_causes")[0]


def test_an_identity_that_was_granted_nothing_reads_nothing_of_a_governed_database(causes: Lake) -> None:
    iam = causes.client("iam")
    role = causes.client("cloudformation").describe_stack_resource(
        StackName="jozi-lake-dev", LogicalResourceId="ManagerRole"
    )["StackResourceDetail"]["PhysicalResourceId"]
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    iam.create_role(
        RoleName="stranger", AssumeRolePolicyDocument=trust if isinstance(trust, str) else json.dumps(trust)
    )
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        iam.attach_role_policy(RoleName="stranger", PolicyArn=attached["PolicyArn"])
    document = iam.get_role_policy(RoleName=role, PolicyName="manager")["PolicyDocument"]
    document = document if isinstance(document, str) else json.dumps(document)
    iam.put_role_policy(RoleName="stranger", PolicyName="as-managers", PolicyDocument=document)

    status = finished(with_keys(causes, "stranger"), f"SELECT count(*) FROM {GOLD}.freshness", group_of("ManagerRole"))

    assert status["State"] == "FAILED"
    assert "Insufficient Lake Formation permission(s): Required Select on freshness" in status["StateChangeReason"]


def test_analysts_cannot_fetch_what_managers_asked(causes: Lake) -> None:
    manager = as_reader(causes, "ManagerRole")
    done = finished(manager, f"SELECT * FROM {GOLD}.root_causes", group_of("ManagerRole"))
    assert done["State"] == "SUCCEEDED"

    with pytest.raises(ClientError, match="AccessDenied"):
        as_reader(causes, "AnalystRole").get_query_results(QueryExecutionId=done["QueryExecutionId"])
