"""The page's way to the lake: questions to Athena, files' states from the ledger, uploads to bronze. Nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from dashboard.questions import SILVER, Question
from lake import athena
from lake.athena import Answer, AthenaError

if TYPE_CHECKING:
    from lake.entries import FileEntry

SETTINGS = "LAKE_PAGE"  # the variable in which `lake dashboard` hands over what it knows of the stack
FOLDER = "orders/"
Name = tuple[str, str]  # key and version


class Port(Protocol):
    """What the page needs of a lake. Tests give a fake with the same few members."""

    target: str
    promise_minutes: str

    def ask(self, question: Question) -> Answer:
        """Raises AthenaError, and botocore's errors where the lake does not answer."""

    def set_aside(self) -> list[FileEntry]:
        """Files that were refused, held or failed, newest first."""

    def entries_of(self, names: Sequence[Name]) -> dict[Name, FileEntry]:
        """What the ledger knows of these file versions."""

    def members(self, archive: str) -> list[FileEntry]:
        """The files that came out of an archive with this key."""

    def drop(self, name: str, body: BinaryIO) -> Name:
        """Uploads a file to bronze; its key and version."""


@dataclass
class AwsPort:
    """A deployed stack, in the sandbox or on AWS alike: boto3 with whatever the environment says."""

    target: str
    promise_minutes: str
    outputs: Mapping[str, str]
    session: Any
    endpoint: str | None = None

    def __post_init__(self) -> None:
        from botocore.config import Config

        # A page answers soon or says why not; the sandbox is one host, so a bucket's name cannot be part of it.
        config = Config(
            retries={"mode": "standard", "total_max_attempts": 2},
            connect_timeout=5,
            max_pool_connections=16,
            s3={"addressing_style": "path"} if self.endpoint else None,
        )
        self._clients = {
            service: self.session.client(service, endpoint_url=self.endpoint, config=config)
            for service in ("athena", "s3", "dynamodb")
        }

    def ask(self, question: Question) -> Answer:
        database = self.outputs["SilverDatabase" if question.database == SILVER else "GoldDatabase"]
        workgroup = self.outputs["AthenaWorkGroup"]
        return athena.ask(self._clients["athena"], question.sql, database, workgroup, question.parameters)

    def set_aside(self) -> list[FileEntry]:
        from lake.situation import BAD

        return sorted(self._ledger().entries(sorted(BAD)), key=lambda entry: entry.arrived_at, reverse=True)

    def entries_of(self, names: Sequence[Name]) -> dict[Name, FileEntry]:
        return self._ledger().entries_of(names)

    def members(self, archive: str) -> list[FileEntry]:
        return [entry for entry in self._ledger().entries() if entry.parent == archive]

    def drop(self, name: str, body: BinaryIO) -> Name:
        key = FOLDER + (name.replace("\\", "/").rsplit("/", 1)[-1] or "file")
        done = self._clients["s3"].put_object(Bucket=self.outputs["BronzeBucketName"], Key=key, Body=body)
        return key, done.get("VersionId", "null")

    def _ledger(self) -> Any:
        from lake.ledger import Ledger

        return Ledger(self.outputs["LedgerTableName"], self._clients["dynamodb"])


def settings(target: str, promise_minutes: str, outputs: Mapping[str, str]) -> str:
    """What `from_environment` reads back."""
    return json.dumps({"target": target, "promise_minutes": promise_minutes, "outputs": dict(outputs)})


def from_environment(environment: Mapping[str, str] = os.environ) -> AwsPort:
    """The stack that `lake dashboard` names in the environment, with boto3's own way to credentials."""
    import boto3

    told = json.loads(environment[SETTINGS])
    endpoint = environment.get("AWS_ENDPOINT_URL")
    return AwsPort(told["target"], told["promise_minutes"], told["outputs"], boto3.Session(), endpoint)


def trouble(error: Exception, target: str) -> str:
    """Why there is no answer, in words for a person who looks at the page."""
    kind = type(error).__name__
    if isinstance(error, AthenaError):
        return f"Athena could not answer: {error}"
    if kind in {"EndpointConnectionError", "ConnectionClosedError", "ConnectTimeoutError", "ReadTimeoutError"}:
        again = "start it with `lake up`" if target == "sandbox" else "check the network"
        return f"The lake does not answer: {again}, then reload this page."
    if kind in {"NoCredentialsError", "PartialCredentialsError", "TokenRetrievalError", "SSOTokenLoadError"}:
        return "There are no AWS credentials: sign in (for example with `aws sso login`) and start the page again."
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        code, message = response.get("Error", {}).get("Code", "?"), response.get("Error", {}).get("Message", "")
        if "AccessDenied" in code:
            return f"AWS refused: {message} Start the page with an identity that may do it."
        return f"AWS answered {code}: {message}"
    return f"Something went wrong ({kind}: {error}). Reload the page; when it stays, run `lake doctor`."
