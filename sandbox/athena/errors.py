"""Failures, in Athena's words: what the engine says, turned into AthenaError and StateChangeReason.

The numbers are those of Athena's published error catalogue: category 1 is the system's fault, 2 the user's, 3 other.
"""

import re
from dataclasses import dataclass
from typing import Any

SYSTEM, USER, OTHER = 1, 2, 3


@dataclass(frozen=True)
class AthenaError:
    """Why an execution failed, as GetQueryExecution tells it."""

    category: int
    type: int
    message: str
    retryable: bool = False

    def wire(self) -> dict[str, Any]:
        """The AthenaError structure of the API."""
        return {
            "ErrorCategory": self.category,
            "ErrorType": self.type,
            "Retryable": self.retryable,
            "ErrorMessage": self.message,
        }


class QueryFailed(Exception):  # noqa: N818 (the state's name)
    """An execution ends FAILED, with this reason."""

    def __init__(self, error: AthenaError) -> None:
        super().__init__(error.message)
        self.error = error


class QueryCancelled(Exception):  # noqa: N818 (the state's name)
    """An execution ends CANCELLED, with this reason."""


class InvalidRequest(Exception):  # noqa: N818 (the API's name)
    """A call is refused before an execution exists: InvalidRequestException, or `code` where the API has another."""

    def __init__(self, message: str, code: str = "InvalidRequestException", athena_code: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.athena_code = athena_code


class EngineGone(Exception):  # noqa: N818 (names a state, not a mistake)
    """The engine does not answer."""

    def athena(self) -> AthenaError:
        """Not the user's fault, and worth another try."""
        return AthenaError(SYSTEM, 200, str(self), retryable=True)


class EngineError(Exception):
    """The engine refused or failed a statement: its own name of the error, its kind, its place and its text."""

    def __init__(self, name: str, kind: str, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.name, self.kind, self.message, self.line, self.column = name, kind, message, line, column
        self.advice = ""

    @classmethod
    def of(cls, error: dict[str, Any]) -> "EngineError":
        """From the `error` member of the engine's answer."""
        place = error.get("errorLocation") or {}
        return cls(
            error.get("errorName", "GENERIC_INTERNAL_ERROR"),
            error.get("errorType", "INTERNAL_ERROR"),
            error.get("message", "The query engine failed without a message"),
            place.get("lineNumber"),
            place.get("columnNumber"),
        )

    def athena(self) -> AthenaError:
        """As Athena words and numbers it."""
        category, number = _numbers(self.name, self.kind)
        return AthenaError(category, number, self.text(), retryable=category == SYSTEM)

    def with_advice(self, advice: str) -> "EngineError":
        """The same error; Athena says after it what a failed write may have left behind."""
        stop = "" if self.message.rstrip().endswith(".") else "."
        made = EngineError(self.name, self.kind, self.message, self.line, self.column)
        made.advice = f"{stop} {advice}"
        return made

    def text(self) -> str:
        """`NAME: line L:C: message`, without the engine's own catalog names."""
        message = _public(self.message)
        if self.name == "SYNTAX_ERROR":
            return message
        if self.name == "COLUMN_NOT_FOUND" and message.endswith("cannot be resolved"):
            message += " or requester is not authorized to access requested resources"
        return f"{self.name}: {message}{self.advice}"


# Error types that tell more than "user error".
_TYPES = {
    "SYNTAX_ERROR": 1006,
    "TABLE_NOT_FOUND": 1301,
    "SCHEMA_NOT_FOUND": 1301,
    "CATALOG_NOT_FOUND": 1006,
    "COLUMN_NOT_FOUND": 1006,
    "TYPE_MISMATCH": 1002,
    "FUNCTION_NOT_FOUND": 1303,
    "INVALID_FUNCTION_ARGUMENT": 1106,
    "INVALID_ARGUMENTS": 1100,
    "INVALID_TABLE_PROPERTY": 1103,
    "INVALID_VIEW": 1107,
    "VIEW_IS_STALE": 1107,
    "NOT_SUPPORTED": 1200,
    "PERMISSION_DENIED": 1500,
    "USER_CANCELED": 1011,
    "DIVISION_BY_ZERO": 1001,
    "INVALID_CAST_ARGUMENT": 1100,
    "NUMERIC_VALUE_OUT_OF_RANGE": 1001,
    "EXCEEDED_TIME_LIMIT": 206,
    "ICEBERG_COMMIT_ERROR": 233,
    "ICEBERG_INVALID_METADATA": 233,
    "HIVE_METASTORE_ERROR": 204,
}


def _numbers(name: str, kind: str) -> tuple[int, int]:
    """Category and type of an engine error."""
    if kind == "USER_ERROR":
        return USER, _TYPES.get(name, 1000)
    if kind == "INSUFFICIENT_RESOURCES":
        return USER, _TYPES.get(name, 1)
    if name.startswith(("HIVE_", "ICEBERG_")) and name not in ("HIVE_METASTORE_ERROR", "HIVE_UNKNOWN_ERROR"):
        # What Trino calls external is, in Athena's book, mostly data that does not fit its table.
        return USER, _TYPES.get(name, 1001)
    return SYSTEM, _TYPES.get(name, 200)


def _public(message: str) -> str:
    """The engine's second catalog is a detail of the sandbox: callers know one."""
    return re.sub(r"(?<![\w.])iceberg\.(?=[\w\"]+\.)", "awsdatacatalog.", message)


def not_supported(what: str) -> QueryFailed:
    """An execution fails because the sandbox's Athena cannot do `what`."""
    return QueryFailed(AthenaError(USER, 1200, f"NOT_SUPPORTED: {what}"))


def denied(message: str, s3: bool = False) -> QueryFailed:
    """An execution fails for want of a permission of its caller."""
    return QueryFailed(AthenaError(USER, 1501 if s3 else 1500, message))
