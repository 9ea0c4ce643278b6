"""Custom resource: puts what the jobs run into the lake bucket; `lake replay --all` asks for it by properties alone.

Every way out of here answers CloudFormation, which waits for it. On delete nothing goes: a run may still be reading it.
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import boto3
from aws_lambda_powertools import Logger

from lake.assets import answer, collect, store

logger = Logger(service="assets")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    if "RequestType" not in event:
        return {"Prefix": put(event)}
    try:
        data = {} if event["RequestType"] == "Delete" else {"Prefix": put(event["ResourceProperties"])}
        result = answer(event, data)
    except Exception as failure:
        logger.exception("the jobs' code could not be put into the lake bucket")
        result = answer(event, failure=f"The jobs' code could not be put into the lake bucket: {failure}")
    body = json.dumps(result).encode()
    request = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")  # noqa: S310
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - the address is CloudFormation's own
    return result


def put(properties: dict[str, Any]) -> str:
    """Write the objects and return their prefix. Writing the same release twice changes nothing."""
    assets = collect(properties["Packages"])
    store(boto3.client("s3"), properties["Bucket"], assets)
    logger.info("the jobs' code is in place", extra={"prefix": assets.prefix, "objects": sorted(assets.objects)})
    return assets.prefix
