"""Logs of functions: the library's own loggers write in the function's structured form, with its correlation id."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


def structured(logger: Logger) -> Logger:
    """Gives the logger `lake` the handler and level of a function's logger; keys are logged, never cell values."""
    from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers

    copy_config_to_registered_loggers(source_logger=logger, include={"lake"})
    return logger
