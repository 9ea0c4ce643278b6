"""How a command fails: one sentence that says what to do next. The traceback goes to a log file."""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path


class CliError(Exception):
    """A failure that a person can act on. `str(error)` is the sentence; `code` is 1 (failed) or 2 (wrong use)."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


NOT_RUNNING = "The sandbox is not running: start it with `lake up`."


def explain_exception(error: Exception) -> str | None:
    """The sentence for an exception of a library that we know, or None.

    Looks classes up by name in what is already loaded: an error of botocore can only come when botocore is there,
    and importing it to ask would make every failure slow.
    """
    # These say themselves what to do.
    for module, name in (("sandbox", "SandboxError"), ("lake.ports", "LostMetadata")):
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(error, kind):
            return str(error)
    botocore = sys.modules.get("botocore.exceptions")
    if botocore is None:
        return None
    if isinstance(error, botocore.EndpointConnectionError | botocore.ConnectionClosedError):
        return "The service does not answer: look at `lake status`, then start the sandbox again with `lake up`."
    if isinstance(error, botocore.NoCredentialsError | botocore.PartialCredentialsError):
        return "No AWS credentials were found: sign in (for example with `aws sso login`) or set AWS_PROFILE."
    if isinstance(error, botocore.NoRegionError):
        return "No AWS region is set: set AWS_REGION to the stack's region."
    if isinstance(error, botocore.ClientError):
        details = error.response.get("Error", {})
        code, message = details.get("Code", "?"), details.get("Message", "")
        if code in {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}:
            return f"AWS refused {error.operation_name}: {message} Use an identity that may do it."
        if code in {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}:
            return (
                'The AWS credentials are no longer valid: sign in again, or run `eval "$(lake env)"` for the sandbox.'
            )
        return f"{error.operation_name} failed with {code}: {message}"
    return None


def keep_traceback(error: BaseException, home: Path) -> Path:
    """Appends the traceback to LAKE_HOME/logs/cli.log and returns that path."""
    log = home / "logs" / "cli.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(log, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    text = "".join(traceback.format_exception(error))
    words = sys.argv[1:2] if sys.argv[1:2] == ["forget"] else sys.argv[1:]  # whose id it is must not be kept
    record = logging.LogRecord("lake", logging.ERROR, __file__, 0, f"{words!r}\n{text}", None, None)
    handler.emit(record)
    handler.close()
    return log
