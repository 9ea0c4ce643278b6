"""What every command needs: where things are (paths, stack) and how to reach them (clients, outputs, ledger)."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.errors import NOT_RUNNING, CliError
from cli.options import Target

if TYPE_CHECKING:
    from lake.flow import Flow
    from lake.ledger import Ledger
    from sandbox import Sandbox

PROJECT = Path(__file__).resolve().parents[1]
SANDBOX_STACK = "jozi-lake-dev"
SANDBOX_REGION = "us-east-1"
# A laptop that is on at night shall not start a JVM by itself: `lake maintain` does it when it is wanted.
LAPTOP_PARAMETERS = {"MaintenanceSchedule": "DISABLED"}


def home() -> Path:
    """LAKE_HOME: state, logs and ports of one sandbox. Default `.lake` in the checkout."""
    return Path(os.environ.get("LAKE_HOME") or PROJECT / ".lake").expanduser().absolute()


def cache() -> Path:
    """LAKE_CACHE: engines and jars, shared by all sandboxes of this user."""
    return Path(os.environ.get("LAKE_CACHE") or "~/.cache/jozi-lake").expanduser().absolute()


def parameters() -> dict[str, str]:
    """Parameters of the sandbox's stack: LAKE_PARAMETERS, `NAME=VALUE` parted by blanks, over the laptop's own.

    Raises CliError.
    """
    given = os.environ.get("LAKE_PARAMETERS", "").split()
    if wrong := [one for one in given if "=" not in one]:
        raise CliError(f"LAKE_PARAMETERS takes NAME=VALUE, parted by blanks, not {wrong[0]}.", code=2)
    return LAPTOP_PARAMETERS | dict(one.split("=", 1) for one in given)


def make_sandbox(stack: str | None = None) -> Sandbox:
    """The sandbox of LAKE_HOME, whether it runs or not."""
    from sandbox import Sandbox, SandboxConfig

    return Sandbox(
        SandboxConfig(
            home=home(),
            cache=cache(),
            project=PROJECT,
            stack_name=stack or SANDBOX_STACK,
            parameters=parameters(),
            region=SANDBOX_REGION,
            sources=("functions", "layer", "lake", "contracts", "marts", "glue_jobs"),
            warm=True,
        )
    )


@dataclass(frozen=True)
class SamDefaults:
    """What samconfig.toml says of the environment to use: the stack's name and region, where given."""

    stack: str | None
    region: str | None

    @classmethod
    def read(cls, environment: str | None = None, path: Path = PROJECT / "samconfig.toml") -> SamDefaults:
        """`environment` is a table of samconfig (default: LAKE_ENV, else `default`, else `dev`)."""
        if not path.exists():
            return cls(None, None)
        config = tomllib.loads(path.read_text(encoding="utf-8"))
        wanted = environment or os.environ.get("LAKE_ENV")
        if wanted is not None and wanted not in config:
            known = ", ".join(name for name, value in config.items() if isinstance(value, dict))
            raise CliError(f"samconfig.toml has no environment {wanted}: set LAKE_ENV to one of {known}.", code=2)
        table = config.get(wanted) if wanted else config.get("default", config.get("dev"))
        values: dict[str, Any] = {}
        for command in ("global", "deploy"):
            values |= (table or {}).get(command, {}).get("parameters", {})
        return cls(values.get("stack_name"), values.get("region"))


class Lake:
    """One deployed stack. Subclasses say how to reach it; tests give a fake with the same few members."""

    target: Target
    stack: str

    def client(self, service: str) -> Any:
        """A boto3 client of the target, made once."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """The variables that make any AWS client reach the target."""
        raise NotImplementedError

    def resource(self, logical_id: str) -> str:
        """The physical name of a resource of the stack."""
        detail = self.client("cloudformation").describe_stack_resource(
            StackName=self.stack, LogicalResourceId=logical_id
        )["StackResourceDetail"]
        return str(detail["PhysicalResourceId"])

    def as_role(self, logical_id: str) -> Lake:
        """The same stack with the rights of one of its roles, for an hour."""
        raise NotImplementedError

    @cached_property
    def _described(self) -> dict[str, Any]:
        """What CloudFormation says of the stack. Raises CliError where there is no such stack."""
        cloudformation = self.client("cloudformation")
        try:
            stacks = cloudformation.describe_stacks(StackName=self.stack)["Stacks"]
        except cloudformation.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            stacks = []
        if not stacks:
            on_aws = "deploy it (`sam deploy`) or name it with --stack"
            raise CliError(
                f"There is no stack {self.stack}: {'run `lake up`' if self.target is Target.sandbox else on_aws}."
            )
        return dict(stacks[0])

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs by name."""
        return {output["OutputKey"]: output["OutputValue"] for output in self._described.get("Outputs", ())}

    @property
    def state(self) -> tuple[str, str]:
        """CloudFormation's word for the stack's state, and when it last changed."""
        changed = self._described.get("LastUpdatedTime", self._described["CreationTime"])
        return self._described["StackStatus"], str(changed)

    @property
    def may_be_deleted(self) -> bool:
        """Whether one command deletes a stack that people rely on: staging or prod, without termination protection."""
        relied_on = self._parameters.get("Environment") in ("staging", "prod")
        return relied_on and not self._described.get("EnableTerminationProtection")

    @cached_property
    def promise_minutes(self) -> str:
        """The delivery promise that the stack was deployed with."""
        return self._parameters.get("PromiseMinutes", "30")

    @property
    def _parameters(self) -> dict[str, str]:
        return {item["ParameterKey"]: item["ParameterValue"] for item in self._described.get("Parameters", ())}

    def output(self, name: str) -> str:
        """One output. Raises CliError where the stack is of another release and lacks it."""
        if name not in self.outputs:
            raise CliError(
                f"The stack {self.stack} has no output {name}: bring it up to date (`lake up`, or `sam deploy`)."
            )
        return self.outputs[name]

    @cached_property
    def ledger(self) -> Ledger:
        from lake.ledger import Ledger

        return Ledger(self.output("LedgerTableName"), self.client("dynamodb"))

    @cached_property
    def flow(self) -> Flow:
        """The stack's flow, to look at: the same code that its functions run, with this target's clients."""
        from lake import aws
        from lake.flow import Flow, Ports, Settings

        name, client = self.output, self.client
        settings = Settings(
            ledger_table=name("LedgerTableName"),
            bronze_bucket=name("BronzeBucketName"),
            lake_bucket=name("LakeBucketName"),
            silver_job=name("SilverJobName"),
            gold_job=name("GoldJobName"),
            maintain_job=name("MaintainJobName"),
            bronze_crawler=name("BronzeCrawlerName"),
            alerts_topic_arn=name("AlertsTopicArn"),
            silver_database=name("SilverDatabase"),
            gold_database=name("GoldDatabase"),
            arrivals_queue_url=name("ArrivalsQueueUrl"),
            arrivals_dlq_url=name("ArrivalsDlqUrl"),
        )
        ports = Ports(
            objects=aws.S3Objects(settings.bronze_bucket, client("s3")),
            documents=aws.S3Documents(settings.lake_bucket, client("s3")),
            jobs=aws.GlueJobs(client("glue")),
            crawlers=aws.GlueCrawlers(client("glue")),
            alerts=aws.SnsAlerts(settings.alerts_topic_arn, client("sns")),
            events=aws.BusEvents(client("events")),
            tables=aws.GlueTables(client("glue"), client("s3")),
            arrivals=aws.SqsQueue(settings.arrivals_queue_url, client("sqs")),
            dead_letters=aws.SqsQueue(settings.arrivals_dlq_url, client("sqs")),
        )
        return Flow(settings, ports, self.ledger)


class _Session(Lake):
    """A Lake over a boto3 session."""

    def __init__(self, target: Target, stack: str, session: Any, endpoint: str | None = None) -> None:
        self.target, self.stack, self._session, self._endpoint = target, stack, session, endpoint
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            from botocore.config import Config

            # the sandbox is one host: a bucket's name cannot be part of it
            config = Config(retries={"mode": "standard"}, s3={"addressing_style": "path"} if self._endpoint else None)
            if service == "lambda":  # a sweep may take minutes, and must not be started again meanwhile
                config = config.merge(Config(read_timeout=330, retries={"total_max_attempts": 1}))
            self._clients[service] = self._session.client(service, endpoint_url=self._endpoint, config=config)
        return self._clients[service]

    def environment(self) -> dict[str, str]:
        credentials = self._session.get_credentials()
        if credentials is None:
            raise CliError(
                "No AWS credentials were found: sign in (for example with `aws sso login`) or set AWS_PROFILE."
            )
        frozen = credentials.get_frozen_credentials()
        found = {
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_ACCESS_KEY_ID": frozen.access_key,
            "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
            "AWS_SESSION_TOKEN": frozen.token,
            "AWS_REGION": self._session.region_name,
            "AWS_DEFAULT_REGION": self._session.region_name,
        }
        return {name: value for name, value in found.items() if value}

    def as_role(self, logical_id: str) -> Lake:
        import boto3

        account = self.client("sts").get_caller_identity()["Account"]
        keys = self.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{account}:role/{self.resource(logical_id)}", RoleSessionName="lake"
        )["Credentials"]
        session = boto3.Session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            region_name=self._session.region_name,
        )
        return _Session(self.target, self.stack, session, self._endpoint)


class SandboxLake(_Session):
    """The stack in the running sandbox, as the account's owner."""

    def __init__(self, sandbox: Sandbox, stack: str) -> None:
        import boto3

        self.sandbox = sandbox
        self._environment = sandbox.env()
        session = boto3.Session(
            aws_access_key_id=self._environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self._environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self._environment["AWS_REGION"],
        )
        super().__init__(Target.sandbox, stack, session, self._environment["AWS_ENDPOINT_URL"])

    def environment(self) -> dict[str, str]:
        return self._environment


def connect(target: Target = Target.sandbox, stack: str | None = None) -> Lake:
    """Reaches the stack. Raises CliError when the sandbox is not running or AWS cannot be asked."""
    if target is Target.sandbox:
        sandbox = make_sandbox(stack)
        status = sandbox.status()
        if not status.running:
            died = [part.name for part in status.parts if part.state == "died"]
            raise CliError(f"{' and '.join(died)} died: start again with `lake up`." if died else NOT_RUNNING)
        return SandboxLake(sandbox, stack or SANDBOX_STACK)
    import boto3

    defaults = SamDefaults.read()
    name = stack or defaults.stack
    if name is None:
        raise CliError("Which stack? Name it with --stack: samconfig.toml does not say.", code=2)
    session = boto3.Session()
    if session.region_name is None and defaults.region:
        session = boto3.Session(region_name=defaults.region)
    return _Session(Target.aws, name, session)
