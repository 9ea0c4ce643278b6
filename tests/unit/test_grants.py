"""How grants are held against what was recorded."""

from __future__ import annotations

import json

from tests.grants import Call, allows, calls, idle, missed, without

BUCKET = "arn:aws:s3:::lake"
STATEMENTS = [
    {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{BUCKET}/runs/*"},
    {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": [BUCKET]},
]
READ = Call("IntakeRole", "s3:GetObject", f"{BUCKET}/runs/silver/1.json", True)
LIST = Call("IntakeRole", "s3:ListBucket", BUCKET, True)


def test_the_record_names_roles_as_the_template_does() -> None:
    record = [
        json.dumps({"principal": f"arn:aws:sts::0:assumed-role/{role}/x", "action": "a:A", "resource": "a",
                    "decision": decision})
        for role, decision in [(name, how) for name in ("stack-IntakeRole-1", "other") for how in ("Allow", "Deny")]
    ]  # fmt: skip

    made = calls(record, {"stack-IntakeRole-1": "IntakeRole"})

    assert [(call.role, call.allowed) for call in made] == [("IntakeRole", True), ("IntakeRole", False)]


def test_a_pattern_covers_what_lies_below_it_and_nothing_beside() -> None:
    assert allows(STATEMENTS[0], READ)
    assert not allows(STATEMENTS[0], Call("r", "s3:GetObject", f"{BUCKET}/warehouse/x", True))
    assert not allows(STATEMENTS[0], Call("r", "s3:DeleteObject", READ.resource, True))


def test_taking_a_grant_that_is_used_away_is_noticed() -> None:
    assert missed(STATEMENTS, [READ, LIST]) == []
    assert missed(without(STATEMENTS, "s3:GetObject"), [READ, LIST]) == [READ]


def test_a_grant_that_no_call_needs_is_idle() -> None:
    assert idle(STATEMENTS, [READ, LIST]) == {"s3:PutObject"}
    assert idle(STATEMENTS, []) == {"s3:GetObject", "s3:PutObject", "s3:ListBucket"}
