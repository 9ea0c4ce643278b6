"""Copying a service's state while other threads change it."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.emulator import checkpoint


def state_torn_by(*errors: str) -> Any:
    """A service's way to give its state which fails with each of these first."""
    left = list(errors)

    def get_state() -> dict[str, Any]:
        if left:
            raise RuntimeError(left.pop(0))
        return {"one": 1}

    return get_state


@pytest.mark.parametrize(
    "error",
    [
        "dictionary changed size during iteration",
        "dictionary keys changed during iteration",
        "deque mutated during iteration",
    ],
)
def test_a_state_that_changed_while_it_was_copied_is_copied_again(error: str) -> None:
    assert checkpoint._text(state_torn_by(error, error)) == '{"one": 1}'


def test_another_trouble_with_a_state_is_told() -> None:
    with pytest.raises(RuntimeError, match="out of paper"):
        checkpoint._text(state_torn_by("out of paper"))
