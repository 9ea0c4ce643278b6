"""One emulator with Athena over one Trino server, and a few small tables, for the tests of this folder."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from sandbox.athena import Credentials, prepare, ready
from sandbox.engines import trino_home
from sandbox.java import java

CACHE = Path(os.environ.get("LAKE_CACHE", Path.home() / ".cache" / "jozi-lake"))
REPOSITORY = Path(__file__).parents[3]
ROOT = Credentials("AKIATESTROOTTESTROOT", "a-secret-of-the-tests")
REGION = "us-east-1"
ACCOUNT = "000000000000"
FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")
CSV = 'id,name,"spent, in rand"\n1,"Ayanda, M.",10.50\n2,"the ""quoted""",\n3,Zoë,7\n'


@dataclass
class Answer:
    """A finished execution and its first page."""

    execution: dict[str, Any]
    page: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.execution["QueryExecutionId"])

    @property
    def state(self) -> str:
        return str(self.execution["Status"]["State"])

    @property
    def reason(self) -> str:
        return str(self.execution["Status"].get("StateChangeReason", ""))

    @property
    def error(self) -> dict[str, Any]:
        return dict(self.execution["Status"]["AthenaError"])

    @property
    def output(self) -> str:
        return str(self.execution["ResultConfiguration"]["OutputLocation"])

    @property
    def columns(self) -> list[tuple[str, str]]:
        return [(c["Name"], c["Type"]) for c in self.page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]

    @property
    def rows(self) -> list[list[str | None]]:
        return [[datum.get("VarCharValue") for datum in row["Data"]] for row in self.page["ResultSet"]["Rows"]]

    @property
    def data(self) -> list[list[str | None]]:
        """The rows without the header."""
        return self.rows[1:]

    @property
    def lines(self) -> list[str | None]:
        """The rows of a text result."""
        return [row[0] for row in self.rows]


@dataclass
class Cloud:
    """The emulator's address, and clients for its owner or for roles made on the way."""

    endpoint: str
    trino: str
    home: Path
    processes: dict[str, subprocess.Popen[bytes]]

    def client(self, service: str, credentials: dict[str, str] | None = None) -> Any:
        """A client of the owner, or of whoever has these credentials."""
        keys = credentials or {"aws_access_key_id": ROOT.access_key, "aws_secret_access_key": ROOT.secret_key}
        make: Any = boto3.client
        return make(service, endpoint_url=self.endpoint, region_name=REGION, **keys)

    def environment(self) -> dict[str, str]:
        """What an AWS client on a command line needs to reach the emulator as its owner."""
        aws = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ROOT.access_key,
            "AWS_SECRET_ACCESS_KEY": ROOT.secret_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_PAGER": "",
        }
        return {key: value for key, value in os.environ.items() if not key.startswith("AWS_")} | aws

    def role(self, name: str, *statements: tuple[list[str], list[str]]) -> dict[str, str]:
        """Credentials of a role that is allowed (actions, resources), and nothing else."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        trusted = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)
        allowed = [{"Effect": "Allow", "Action": actions, "Resource": resources} for actions, resources in statements]
        document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        iam.put_role_policy(RoleName=name, PolicyName="only", PolicyDocument=document)
        arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        keys = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="tests")["Credentials"]
        return {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }

    def start(self, sql: str, database: str = "people", athena: Any = None, **request: Any) -> str:
        """Submit a query and say its id."""
        request.setdefault("ResultConfiguration", {"OutputLocation": "s3://results/here/"})
        client = athena or self.client("athena")
        context = {"Database": database}
        started = client.start_query_execution(QueryString=sql, QueryExecutionContext=context, **request)
        return str(started["QueryExecutionId"])

    def ended(self, query_id: str, athena: Any = None) -> Answer:
        """Wait for the end of an execution."""
        client = athena or self.client("athena")

        def last() -> dict[str, Any] | None:
            found = client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            return found if found["Status"]["State"] in FINAL else None

        answer = Answer(until(last))
        if answer.state == "SUCCEEDED":
            answer.page = client.get_query_results(QueryExecutionId=query_id)
        return answer

    def ask(self, sql: str, database: str = "people", athena: Any = None, **request: Any) -> Answer:
        """Submit a query and wait for its end, whatever it is."""
        client = athena or self.client("athena")
        return self.ended(self.start(sql, database, client, **request), client)

    def done(self, sql: str, **request: Any) -> Answer:
        """Submit a query that must succeed."""
        answer = self.ask(sql, **request)
        assert answer.state == "SUCCEEDED", answer.reason
        return answer

    def text(self, uri: str) -> str:
        """An object's text."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return str(self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode())

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """The keys below a prefix."""
        found = self.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for entry in found.get("Contents", [])]


def until(ask: Callable[[], Any], seconds: float = 450) -> Any:
    """The first true answer of `ask`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"nothing after {seconds} seconds")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def start_emulator(home: Path, port: int, trino_url: str, **extra: str) -> subprocess.Popen[bytes]:
    """An emulator of our own on `port`; it keeps its state under `home`."""
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")} | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "STATE_DIR": str(home / "state"),
        "S3_DATA_DIR": str(home / "s3"),
        "TMPDIR": str(home / "tmp"),
        "PERSIST_STATE": "1",
        "S3_PERSIST": "1",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": ROOT.access_key,
        "AWS_SECRET_ACCESS_KEY": ROOT.secret_key,
        "LAKE_HOME": str(home),
        "SANDBOX_TRINO_URL": trino_url,
        **extra,
    }
    log = (home / "emulator.log").open("ab")
    command = [sys.executable, "-m", "tests.sandbox.athena.server"]
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=log, stderr=log)

    def answers() -> bool:
        assert process.poll() is None, (home / "emulator.log").read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/ready", timeout=2):
                return True
        except OSError:
            return False

    until(answers)
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(30)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    home = tmp_path_factory.mktemp("athena")
    port, trino_port = free_port(), free_port()
    endpoint = f"http://127.0.0.1:{port}"
    prepared = prepare(home, trino_home(CACHE), java(CACHE, 24), endpoint, ROOT, trino_port)
    log = (home / "trino.log").open("ab")
    trino = subprocess.Popen(prepared.command, cwd=prepared.cwd, env=os.environ | prepared.env, stdout=log, stderr=log)
    emulator = start_emulator(home, port, prepared.url)
    made = Cloud(endpoint, prepared.url, home, {"trino": trino, "emulator": emulator})
    try:
        _fill(made)
        yield made
    finally:
        stop(trino)
        stop(emulator)


@pytest.fixture
def engine(cloud: Cloud) -> Cloud:
    """The cloud once its engine is up, for tests of what the engine says on submission."""
    until(lambda: ready(cloud.trino))
    return cloud


def _fill(cloud: Cloud) -> None:
    """Buckets, the database `people` with a csv table `raw`, and an Iceberg table `visits` that the engine makes."""
    s3, glue = cloud.client("s3"), cloud.client("glue")
    for bucket in ("results", "raw", "warehouse"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket="raw", Key="people/from the shop.csv", Body=CSV.encode())
    glue.create_database(DatabaseInput={"Name": "people"})
    glue.create_database(DatabaseInput={"Name": "gold"})
    serde = {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
        "Parameters": {"separatorChar": ",", "quoteChar": '"', "escapeChar": "\\"},
    }
    storage = {
        "Columns": [{"Name": name, "Type": "string"} for name in ("id", "name", "spent")],
        "Location": "s3://raw/people/",
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "SerdeInfo": serde,
    }
    parameters = {"classification": "csv", "skip.header.line.count": "1", "EXTERNAL": "TRUE"}
    table = {"Name": "raw", "TableType": "EXTERNAL_TABLE", "Parameters": parameters, "StorageDescriptor": storage}
    glue.create_table(DatabaseName="people", TableInput=table)
    cloud.done(
        "CREATE TABLE gold.visits (person bigint, at timestamp, day date, paid decimal(9,2)) "
        "PARTITIONED BY (month(day)) LOCATION 's3://warehouse/gold/visits' TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    cloud.done(
        "INSERT INTO gold.visits VALUES "
        "(1, TIMESTAMP '2018-03-01 10:11:12.131415', DATE '2018-03-01', DECIMAL '10.5'), "
        "(3, TIMESTAMP '2018-04-02 00:00:00', DATE '2018-04-02', NULL)"
    )
