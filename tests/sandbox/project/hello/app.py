"""Writes what arrived into a table, and which copy of the library it was given."""

import json
import os

import boto3
import httpx

TABLE = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    for record in event.get("Records", []):
        arrived = json.loads(record["body"])
        TABLE.put_item(
            Item={
                "pk": arrived["detail"]["object"]["key"],
                "event": record["body"],
                "library": getattr(httpx, "WHERE", "elsewhere"),
                "greeting": os.environ["GREETING"],
            }
        )
    return {"batchItemFailures": []}
