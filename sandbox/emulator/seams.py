"""Replacing functions of the emulator, and noticing when they are no longer what we replace.

The emulator is pinned, and extended by replacing functions in its modules before it starts. A function whose
parameters changed would be called wrongly in silence, so each replacement names the parameters it was written for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

Function = Callable[..., Any]


class SeamMoved(SystemExit):
    """The emulator's source is not the one that the sandbox was written for."""


def expect(module: ModuleType, name: str, parameters: str) -> Function:
    """The function `module.name`; `parameters` are its names, separated by blanks.

    Raises SeamMoved when the function is gone or takes other parameters.
    """
    found = getattr(module, name, None)
    if not callable(found):
        raise SeamMoved(f"The emulator has no {module.__name__}.{name}. Install the pinned version of ministack.")
    actual = " ".join(inspect.signature(found).parameters)
    if actual != parameters:
        raise SeamMoved(
            f"The emulator's {module.__name__}.{name} takes ({actual}), not ({parameters}). "
            "Install the pinned version of ministack."
        )
    return found


def replace(module: ModuleType, name: str, parameters: str, replacement: Function) -> Function:
    """Put `replacement` in the place of `module.name` and answer what was there. Raises SeamMoved."""
    original = expect(module, name, parameters)
    setattr(module, name, replacement)
    return original


def wrap(module: ModuleType, name: str, parameters: str, wrapper: Callable[[Function], Function]) -> None:
    """Put `wrapper(original)` in the place of `module.name`. Raises SeamMoved."""
    setattr(module, name, wrapper(expect(module, name, parameters)))


def table(module: ModuleType, name: str) -> dict[str, Any]:
    """The dictionary `module.name`, which callers extend in place. Raises SeamMoved."""
    found = getattr(module, name, None)
    if not isinstance(found, dict):
        raise SeamMoved(f"The emulator has no table {module.__name__}.{name}. Install the pinned version of ministack.")
    return found
