"""The fault injector: what goes wrong at the n-th AWS call of a process, whatever call that is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError


class CrashError(BaseException):
    """The process is gone; nothing may catch it."""


def crash_after(call: Callable[[], Any], name: str) -> Any:
    """The worst moment to die: what the call did is there, and nobody remembers it."""
    try:
        call()
    finally:
        raise CrashError(name)


def throttled(call: Callable[[], Any], name: str) -> Any:
    """AWS refuses the call for good (boto3's own retries are used up); nothing was done."""
    raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, name)


def answer_lost(call: Callable[[], Any], name: str) -> Any:
    """AWS did it and answers with an error of its own all the same."""
    call()
    raise ClientError({"Error": {"Code": "InternalServerError", "Message": "Internal error"}}, name)


FAULTS: dict[str, Callable[[Callable[[], Any], str], Any]] = {
    "dies after": crash_after,
    "is throttled at": throttled,
    "gets an error although it worked at": answer_lost,
}


class Injector:
    """Counts the calls of every port that it wraps, and does to one of them what `fault` says."""

    def __init__(self, point: int = -1, fault: Callable[[Callable[[], Any], str], Any] = crash_after) -> None:
        self.point = point
        self.fault = fault
        self.calls: list[str] = []

    def wrap(self, port: Any) -> Any:
        """The port with its calls counted."""
        injector = self

        class Wrapped:
            def __getattr__(self, name: str) -> Any:
                value = getattr(port, name)
                return injector.counted(value, name) if callable(value) else value

        return Wrapped()

    def counted(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def made(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            if len(self.calls) - 1 == self.point:
                return self.fault(functools.partial(call, *args, **kwargs), name)
            return call(*args, **kwargs)

        return made
