"""The engine's protocol: what is asked again when the server does not know its own node for a moment."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from sandbox.athena.client import Engine
from sandbox.athena.errors import EngineError

URL = "http://127.0.0.1:1"
NEXT = f"{URL}/v1/statement/executing/1"
NO_NODES = {"error": {"errorName": "NO_NODES_AVAILABLE", "errorType": "INTERNAL_ERROR", "message": "No nodes"}}


def engine_answering(*answers: dict[str, Any]) -> tuple[Engine, list[str]]:
    """An engine whose server gives these answers, one a call, and the calls that it got."""
    left, calls = list(answers), []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        return httpx.Response(200, content=json.dumps(left.pop(0)))

    engine = Engine(URL)
    engine._http = httpx.Client(transport=httpx.MockTransport(answer))
    return engine, calls


def test_a_statement_is_asked_again_when_the_server_knew_no_node() -> None:
    engine, calls = engine_answering({"nextUri": NEXT}, NO_NODES, {"nextUri": NEXT}, {"data": [[1]]})

    assert engine.rows("SELECT 1", "ayanda") == [[1]]
    assert calls == ["POST", "GET", "POST", "GET"]


def test_a_statement_that_gave_rows_is_not_asked_again() -> None:
    engine, calls = engine_answering({"nextUri": NEXT, "data": [[1]]}, NO_NODES)

    with pytest.raises(EngineError, match="No nodes"):
        engine.rows("SELECT 1", "ayanda")
    assert calls == ["POST", "GET"]


def test_a_server_without_a_node_for_long_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.athena.client._NODES_SECONDS", 0.0)
    engine, calls = engine_answering(NO_NODES)

    with pytest.raises(EngineError, match="No nodes"):
        engine.rows("SELECT 1", "ayanda")
    assert calls == ["POST"]
