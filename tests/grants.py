"""Grants against use: what a role may do, what it was seen doing, and what nobody would miss. Plain data, no AWS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Statement = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """One recorded decision: a role (its logical id in the template) asked for an action on a resource."""

    role: str
    action: str
    resource: str
    allowed: bool


def calls(record: Iterable[str], roles: Mapping[str, str]) -> list[Call]:
    """The lines of iam.jsonl that are about roles of the stack. `roles`: name in IAM -> logical id."""
    found = []
    for line in record:
        decision = json.loads(line)
        assumed = re.search(r":(?:assumed-role|role)/([^/]+)", decision["principal"])
        if assumed and assumed[1] in roles:
            allowed = decision["decision"] == "Allow"
            found.append(Call(roles[assumed[1]], decision["action"], decision["resource"], allowed))
    return found


def allows(statement: Statement, call: Call) -> bool:
    """Whether a statement's actions and resources cover a call; conditions are the recorder's business."""
    return call.action in _listed(statement["Action"]) and any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), call.resource, re.DOTALL)
        for pattern in _listed(statement["Resource"])
    )


def actions(statements: Sequence[Statement]) -> set[str]:
    return {action for statement in statements for action in _listed(statement["Action"])}


def without(statements: Sequence[Statement], action: str) -> list[Statement]:
    """The same policies with one action taken out."""
    return [{**one, "Action": [other for other in _listed(one["Action"]) if other != action]} for one in statements]


def missed(statements: Sequence[Statement], made: Iterable[Call]) -> list[Call]:
    """The calls that these policies would not allow."""
    return [call for call in made if not any(allows(statement, call) for statement in statements)]


def idle(statements: Sequence[Statement], made: Iterable[Call]) -> set[str]:
    """Actions whose loss no recorded call would notice: each is taken out in turn, and the calls are made again."""
    made = list(made)
    return {action for action in actions(statements) if not missed(without(statements, action), made)}


def _listed(value: Any) -> list[str]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
