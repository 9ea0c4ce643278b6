"""Who called: the caller's ARN, its rights, and AWS clients that act with exactly those rights.

Athena works for its caller, so everything that it does to S3 and Glue for a statement is done with the caller's own
keys, through the emulator's front door. What the engine itself reads is checked beforehand by the same policies.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.config import Config
from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import extract_access_key_id

from sandbox.formation.declared import OWNER, user_of

_CLIENTS_KEPT = 64
_CONFIG = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}, max_pool_connections=20, proxies={})


@dataclass(frozen=True)
class Caller:
    """One identity in one account and region."""

    access_key: str
    arn: str
    account: str
    region: str

    @property
    def root(self) -> bool:
        """The account's owner, whom no policy limits; so is everybody where the emulator checks nothing."""
        return not app.AUTH or self.arn.endswith(":root")

    @property
    def user(self) -> str:
        """The name that the engine knows the caller by: role/NAME, user/NAME, or root."""
        return OWNER if self.root else user_of(self.arn)


class Clients:
    """AWS clients on the emulator at `endpoint`, kept per identity. Safe to share between threads."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._session = botocore.session.Session()
        self._made: OrderedDict[tuple[str, str, str], Any] = OrderedDict()
        self._lock = threading.Lock()

    def s3(self, caller: Caller) -> Any:
        """An S3 client with the caller's rights."""
        return self._client("s3", caller)

    def glue(self, caller: Caller) -> Any:
        """A Glue client with the caller's rights."""
        return self._client("glue", caller)

    def _client(self, service: str, caller: Caller) -> Any:
        key = (service, caller.access_key, caller.region)
        with self._lock:
            client = self._made.get(key)
            if client is None:
                client = self._make(service, caller)
                self._made[key] = client
                if len(self._made) > _CLIENTS_KEPT:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
        return client

    def _make(self, service: str, caller: Caller) -> Any:
        found = iam_evaluator.resolve_credential(caller.access_key, caller.account)
        if isinstance(found, iam_evaluator.CredentialResolutionError):
            if app.AUTH:
                raise PermissionError(found.message)
            secret, token = "test", None
        else:
            secret, token = found.secret_access_key, found.session_token
        return self._session.create_client(
            service,
            region_name=caller.region,
            endpoint_url=self.endpoint,
            aws_access_key_id=caller.access_key or "test",
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=_CONFIG,
        )


def caller_of(headers: dict[str, str], query: dict[str, Any]) -> Caller:
    """The caller of the request that is being served."""
    key = extract_access_key_id(headers, query) or ""
    return Caller(key, iam_evaluator.request_caller_arn(headers, query), get_account_id(), get_region())
