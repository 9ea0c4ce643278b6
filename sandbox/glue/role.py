"""Work under a role: Glue assumes a job's or a crawler's role, and so do we."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import iam, sts


class RoleError(Exception):
    """The role does not exist, or does not trust Glue."""


@dataclass(frozen=True)
class Credentials:
    """Temporary keys of a role, and where the emulator listens."""

    access_key: str
    secret_key: str
    token: str
    endpoint: str
    region: str

    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.token,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }

    def client(self, service: str) -> Any:
        """A boto3 client that acts as the role, over HTTP, so that the role's policies are enforced."""
        session: Any = boto3.Session(
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            aws_session_token=self.token,
            region_name=self.region,
        )
        return session.client(
            service,
            endpoint_url=self.endpoint,
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}),
        )


def assume(role: str, session_name: str, endpoint: str, region: str) -> Credentials:
    """Keys of `role` (an ARN or a name) in the account of the current request.

    Raises RoleError when Glue may not have the role.
    """
    name = role.rsplit("/", 1)[-1]
    found = iam._roles.get(name)
    if found is None:
        raise RoleError(f"The role {role or '(none)'} does not exist.")
    if not _trusts(found.get("AssumeRolePolicyDocument") or "{}", "glue.amazonaws.com"):
        raise RoleError(f"Role {role} should be given assume role permissions for Glue Service.")
    keys = Credentials(
        "ASIA" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30), secrets.token_urlsafe(60), endpoint, region
    )
    sts.register_session(
        keys.access_key,
        {
            "Arn": f"arn:aws:sts::{get_account_id()}:assumed-role/{name}/{session_name}",
            "UserId": f"{name}:{session_name}",
            "SecretAccessKey": keys.secret_key,
            "SessionToken": keys.token,
        },
    )
    return keys


def _trusts(document: str | dict[str, Any], service: str) -> bool:
    """Whether a trust policy lets the service assume the role (conditions name the caller's account: it is ours)."""
    policy = json.loads(document) if isinstance(document, str) else document
    statements = policy.get("Statement") or []
    for statement in [statements] if isinstance(statements, dict) else statements:
        actions = statement.get("Action") or []
        named = [actions] if isinstance(actions, str) else actions
        if (
            statement.get("Effect") == "Allow"
            and iam_evaluator._action_matches("sts:AssumeRole", named, [])
            and iam_evaluator._service_principal_matches(statement.get("Principal"), service)
        ):
            return True
    return False
