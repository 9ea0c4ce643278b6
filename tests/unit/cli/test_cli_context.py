"""What a shell says about the sandbox's stack."""

from __future__ import annotations

import pytest

from cli.context import LAPTOP_PARAMETERS, parameters
from cli.errors import CliError


def test_parameters_of_the_template_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_PARAMETERS", "Governed=true  PromiseMinutes=25")

    assert parameters() == LAPTOP_PARAMETERS | {"Governed": "true", "PromiseMinutes": "25"}


def test_without_any_there_is_only_what_a_laptop_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAKE_PARAMETERS", raising=False)

    assert parameters() == LAPTOP_PARAMETERS


def test_what_is_no_parameter_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_PARAMETERS", "Governed")

    with pytest.raises(CliError, match="NAME=VALUE"):
        parameters()
