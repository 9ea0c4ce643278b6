"""Results used again: a query that says so takes the result of an earlier execution that is not too old.

The conditions are Athena's: the same text and parameters in the same workgroup and database, the same result
configuration, nothing in the query that answers differently every time, and a caller who may read both the tables and
the earlier result; where Lake Formation filters, it is the caller's own. When one of them does not hold the query
simply runs.
"""

from __future__ import annotations

import time
from typing import Any

from botocore.exceptions import ClientError
from ministack.services import athena

from sandbox.athena.results import split_uri
from sandbox.athena.run import Run
from sandbox.athena.sqltext import one_statement, tokens
from sandbox.formation.store import declared

Record = dict[str, Any]
Previous = Record | None
_DEFAULT_MINUTES = 60
_DIFFERENT_EVERY_TIME = (
    "rand", "random", "shuffle", "uuid", "now", "current_date", "current_time", "current_timestamp", "localtime",
    "localtimestamp", "tablesample", "arbitrary", "any_value",
)  # fmt: skip
_SAME = ("Query", "WorkGroup", "QueryExecutionContext", "ExecutionParameters")


def previous(record: Record, asked: dict[str, Any], sql: str) -> Previous:
    """The newest execution whose result `record` may have, None when it asks for none or there is none."""
    if not asked.get("Enabled") or record["SubstatementType"] != "SELECT" or not _settled(sql):
        return None
    if record["Query"] != sql:  # an EXECUTE
        return None
    minutes = asked.get("MaxAgeInMinutes", _DEFAULT_MINUTES)
    oldest = time.time() - 60 * minutes
    fits = [
        one
        for one in athena._executions.values()
        if one["Status"]["State"] == "SUCCEEDED"
        and one["Status"]["CompletionDateTime"] >= oldest
        and not one.get("_reused")
        and all(one.get(key) == record.get(key) for key in _SAME)
        # What Lake Formation shows to one reader, it may hide from another.
        and (not declared().databases or one.get("_user") == record["_user"])
        and _place(one) == _place(record)
    ]
    return max(fits, key=lambda one: one["Status"]["CompletionDateTime"], default=None)


def taken(run: Run, record: Record, again: Previous) -> bool:
    """Give `record` the earlier result, if its caller may read it and all tables. False: the query has to run."""
    if again is None:
        return False
    run.check(one_statement(record["Query"]))
    location = again["ResultConfiguration"]["OutputLocation"]
    bucket, key = split_uri(location)
    try:
        run.s3.head_object(Bucket=bucket, Key=key)
    except ClientError:  # gone, or not this caller's to read
        return False
    record["ResultConfiguration"] = record["ResultConfiguration"] | {"OutputLocation": location}
    record["_columns"], record["_update_count"] = again["_columns"], again["_update_count"]
    record["_reused"] = True
    return True


def _settled(sql: str) -> bool:
    """True when the query answers the same on the same data."""
    words = {token.lower for token in tokens(sql) if token.kind == "word"}
    ordered = "order" in words or not words & {"limit", "fetch"}
    return ordered and not words & set(_DIFFERENT_EVERY_TIME)


def _place(record: Record) -> dict[str, Any]:
    """The result configuration, with the folder instead of the file."""
    results = record["ResultConfiguration"]
    return results | {"OutputLocation": results["OutputLocation"].rpartition("/")[0]}
