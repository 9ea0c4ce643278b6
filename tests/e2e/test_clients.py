"""Readers come with the clients that they have: boto3 and the aws CLI, told where by `lake env`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import LAKE, Lake
from .orders import export, order


@pytest.fixture(scope="module", autouse=True)
def some_orders(lake: Lake) -> None:
    lake.load("orders/clients.csv", export([order(f"C-{n}", **{"Order Date": "01/10/2019"}) for n in range(4)]))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select count(*) from jozi_dev_bronze.orders where order_id like 'C-%'", "4"),
        ("select count(*) from jozi_dev_silver.orders where order_id like 'C-%'", "4"),
        ("select sum(orders) from jozi_dev_gold.delivery_performance where order_date = date '2019-10-01'", "4"),
    ],
    ids=["bronze", "silver", "gold"],
)
def test_the_aws_cli_reads_every_layer_through_athena(lake: Lake, sql: str, expected: str) -> None:
    aws = Path(sys.executable).parent / "aws"
    script = f"""
        set -euo pipefail
        eval "$('{LAKE}' env)"
        id=$('{aws}' athena start-query-execution --work-group "$WORKGROUP" --query-string "$SQL" \
             --query QueryExecutionId --output text)
        for _ in $(seq 300); do
          state=$('{aws}' athena get-query-execution --query-execution-id "$id" \
                  --query QueryExecution.Status.State --output text)
          case "$state" in QUEUED|RUNNING) ;; *) break ;; esac
        done
        '{aws}' athena get-query-results --query-execution-id "$id" --output json
    """
    environment = lake.environment | {"WORKGROUP": lake.outputs["AthenaWorkGroup"], "SQL": sql}

    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["ResultSet"]["Rows"]
    assert rows[1]["Data"][0]["VarCharValue"] == expected


def test_lake_query_answers_a_program_in_json(lake: Lake) -> None:
    rows = lake.json("query", "select order_id, area from jozi_dev_silver.orders where order_id = 'C-0'")

    assert rows == [{"order_id": "C-0", "area": "B"}]


def test_wrong_sql_gets_athena_s_words_and_exit_1(lake: Lake) -> None:
    done = lake.run("query", "select nonsense from jozi_dev_silver.orders", check=False)

    assert done.returncode == 1
    assert "COLUMN_NOT_FOUND" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
