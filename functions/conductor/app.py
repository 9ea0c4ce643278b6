"""Conductor: what Glue says about its runs and crawls becomes the next step of the flow."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from lake.conductor import Conductor
from lake.flow import Flow
from lake.logs import structured
from lake.measures import measured

logger = structured(Logger(service="conductor"))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.EVENT_BRIDGE)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handles a Glue state-change event; an error makes Lambda give it again."""
    with measured(Flow.from_environment()) as flow:
        return Conductor(flow).handle(event)
