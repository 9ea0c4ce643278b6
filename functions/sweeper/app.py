"""Sweeper: compares bucket, ledger, leases, runs and catalog, and heals what differs. Every 15 minutes, or invoked."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from lake.flow import Flow
from lake.logs import structured
from lake.measures import measured
from lake.sweeper import Sweeper

logger = structured(Logger(service="sweeper"))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.EVENT_BRIDGE)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """One sweep; the answer counts what was healed. `detail.again` also tries dead letters that were given up."""
    again = bool((event.get("detail") or {}).get("again"))
    with measured(Flow.from_environment()) as flow:
        return Sweeper(flow, lambda: context.get_remaining_time_in_millis() / 1000, again=again).sweep()
