"""Digest: tells people and programs that gold is fresh, and what it says."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from lake.digest import Digest
from lake.flow import Flow
from lake.logs import structured

logger = structured(Logger(service="digest"))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.EVENT_BRIDGE)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handles the event of a gold run that succeeded; an error makes Lambda give it again."""
    return Digest(Flow.from_environment()).handle(event)
