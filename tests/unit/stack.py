"""The template as tests read it: as it is written, and as CloudFormation gets it from SAM."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

REPOSITORY = Path(__file__).resolve().parents[2]
TEMPLATE = REPOSITORY / "template.yaml"
Resource = dict[str, Any]


@functools.cache
def written() -> dict[str, Any]:
    """template.yaml with its short tags (!Ref, !Sub) as the functions they stand for."""
    return dict(yaml_parse(TEMPLATE.read_text(encoding="utf-8")))


@functools.cache
def expanded() -> dict[str, Resource]:
    """The resources that SAM makes of the template: what the emulator partly drops, AWS gets whole."""
    template = copy.deepcopy(written())
    template["Transform"] = "AWS::Serverless-2016-10-31"
    for resource in template["Resources"].values():
        for place in ("CodeUri", "ContentUri"):
            if place in resource.get("Properties", {}):
                resource["Properties"][place] = "s3://artifacts/uploaded"
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
    return dict(translator.translate(template, {"Environment": "dev"})["Resources"])


def of_type(kind: str) -> dict[str, Resource]:
    """Logical id -> properties of all resources of a type, SAM's own included."""
    return {name: item.get("Properties", {}) for name, item in expanded().items() if item["Type"] == kind}


def properties(logical_id: str) -> Resource:
    return dict(expanded()[logical_id]["Properties"])


def text(value: Any) -> str:
    """A value with its functions as one text, the way a person reads it: "arn:aws:s3:::${Bucket}/x"."""
    if not isinstance(value, dict):
        return str(value)
    (function, argument), *_ = value.items()
    if function == "Ref":
        return "${" + str(argument) + "}"
    if function == "Fn::GetAtt":
        return "${" + (argument if isinstance(argument, str) else ".".join(argument)) + "}"
    if function == "Fn::Sub":
        return str(argument if isinstance(argument, str) else argument[0])
    raise AssertionError(f"not a text: {value}")


def for_environment(value: Any, environment: str = "dev") -> str:
    return text(value).replace("${Environment}", environment)


def statements(policies: list[Any]) -> Iterator[Resource]:
    for policy in policies:
        yield from policy["PolicyDocument"]["Statement"]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def grants(role: str) -> list[Resource]:
    """Every statement of a role: its own policies and the managed ones of this stack."""
    found = list(statements(properties(role).get("Policies", [])))
    for policy in properties(role).get("ManagedPolicyArns", []):
        found += properties(policy["Ref"])["PolicyDocument"]["Statement"]
    return found


def references(value: Any) -> Iterator[str]:
    """The logical ids that a value refers to by Ref, GetAtt or Sub."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("Ref", "Fn::GetAtt", "Fn::Sub"):
                yield from re.findall(r"[A-Za-z0-9]+(?=[.}])|^[A-Za-z0-9]+$", text({key: inner}).replace("AWS::", ""))
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)
