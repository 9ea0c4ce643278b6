"""Query executions: accepting a query, running it in a thread of its own, telling how it is, stopping it."""

from __future__ import annotations

import contextvars
import logging
import threading
from typing import Any

from botocore.exceptions import ClientError
from ministack.services import athena

from sandbox.athena import prepared, records, reuse, statements, workgroups
from sandbox.athena.client import Engine
from sandbox.athena.errors import (
    SYSTEM,
    USER,
    AthenaError,
    EngineError,
    EngineGone,
    InvalidRequest,
    QueryCancelled,
    QueryFailed,
)  # fmt: skip
from sandbox.athena.identity import Caller, Clients
from sandbox.athena.parameters import classified, placeholders
from sandbox.athena.results import metadata, put, split_uri
from sandbox.athena.run import CANCELLED, Run, relocate
from sandbox.athena.work import Outcome, Plan
from sandbox.formation import store as formation

Request = dict[str, Any]
logger = logging.getLogger("sandbox.athena")
# Athena runs so many at a time in an account; more wait in the queue.
_AT_ONCE = 20
_LONGEST = 262_144
_NO_LOCATION = (
    "No output location provided. An output location is required either through the Workgroup result configuration "
    "setting or as an API input."
)


class Executions:
    """All executions of the emulator. Records live in the emulator's own store, which it keeps over restarts."""

    def __init__(self, engine: Engine, clients: Clients, start_seconds: float) -> None:
        self._engine = engine
        self._clients = clients
        self._start_seconds = start_seconds
        self._slots = threading.Semaphore(_AT_ONCE)
        self._running: dict[str, Run] = {}
        self._accepting = threading.Lock()

    def start(self, caller: Caller, request: Request) -> dict[str, Any]:
        """StartQueryExecution. Raises InvalidRequest for what Athena refuses on submission."""
        workgroup = workgroups.find(request.get("WorkGroup") or workgroups.PRIMARY)
        if workgroup.get("State") == "DISABLED":
            raise InvalidRequest(f"WorkGroup {workgroup['Name']} is disabled.")
        context = request.get("QueryExecutionContext") or {}
        catalog = context.get("Catalog") or "awsdatacatalog"
        if catalog.lower() != "awsdatacatalog":
            raise InvalidRequest(f"Data catalog {catalog} was not found")
        settings = workgroups.configuration(workgroup)
        results = _results(settings, request.get("ResultConfiguration") or {})
        if len(request["QueryString"].encode()) > _LONGEST:
            raise InvalidRequest(f"Query string is longer than the {_LONGEST} bytes that Athena takes")
        sql, given = prepared.expand(request["QueryString"], workgroup["Name"])
        parameters = given if given is not None else request.get("ExecutionParameters") or []
        plan = statements.plan(sql)
        self._check_output(caller, results["OutputLocation"])
        self._check_syntax(caller, plan, sql)
        with self._accepting:
            known = records.by_token(request)
            if known:
                return {"QueryExecutionId": known}
            record = records.make(request, plan, workgroup["Name"], results) | {"_user": caller.user}
            athena._executions[record["QueryExecutionId"]] = record
        run = Run(
            query_id=record["QueryExecutionId"],
            caller=caller,
            engine=self._engine,
            clients=self._clients,
            database=(context.get("Database") or "default").strip("`").lower(),
            workgroup=workgroup["Name"],
            output=results["OutputLocation"],
            location=record["ResultConfiguration"]["OutputLocation"],
            parameters=parameters if given is not None or placeholders(sql) else [],
            cutoff=settings.get("BytesScannedCutoffPerQuery"),
            enforced=bool(settings["EnforceWorkGroupConfiguration"] and _location(settings)),
            upload=_encryption(results),
        )
        self._running[run.query_id] = run
        work = contextvars.copy_context().run
        wanted = request.get("ResultReuseConfiguration") or {}
        again = reuse.previous(record, wanted.get("ResultReuseByAgeConfiguration") or {}, sql)
        arguments = (self._carry_out, run, plan, record, given is None, again)
        threading.Thread(target=work, args=arguments, daemon=True, name="athena").start()
        records.forget_old()
        return {"QueryExecutionId": run.query_id}

    def get(self, request: Request) -> dict[str, Any]:
        """GetQueryExecution."""
        return {"QueryExecution": self._shown(records.find(request["QueryExecutionId"]))}

    def batch_get(self, request: Request) -> dict[str, Any]:
        """BatchGetQueryExecution."""
        asked = request["QueryExecutionIds"]
        found = [self._shown(athena._executions[i]) for i in asked if i in athena._executions]
        missing = [
            {
                "QueryExecutionId": i,
                "ErrorCode": "INTERNAL_FAILURE",
                "ErrorMessage": f"QueryExecution {i} was not found",
            }
            for i in asked
            if i not in athena._executions
        ]
        return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": missing}

    def stop(self, request: Request) -> dict[str, Any]:
        """StopQueryExecution. Stopping one that has ended changes nothing."""
        record = records.find(request["QueryExecutionId"])
        run = self._running.get(record["QueryExecutionId"])
        if run is not None and record["Status"]["State"] not in records.FINAL:
            run.cancelled.set()
            records.finish(record, run, "CANCELLED", CANCELLED)
        return {}

    def listed(self, request: Request) -> list[str]:
        """ListQueryExecutions, all of them, the newest first."""
        workgroup = request.get("WorkGroup") or workgroups.PRIMARY
        workgroups.find(workgroup)
        found = [e for e in athena._executions.values() if e["WorkGroup"] == workgroup]
        found.sort(key=lambda entry: entry["Status"]["SubmissionDateTime"], reverse=True)
        return [entry["QueryExecutionId"] for entry in found]

    def _check_output(self, caller: Caller, uri: str) -> None:
        bucket, _ = split_uri(uri)
        try:
            self._clients.s3(caller).get_bucket_location(Bucket=bucket)
        except ClientError as error:
            raise InvalidRequest(
                f"Unable to verify/create output bucket {bucket}: {error.response['Error']['Message']}"
            ) from error

    def _check_syntax(self, caller: Caller, plan: Plan, sql: str) -> None:
        """Athena refuses what cannot be read before it is an execution. An engine that is not up yet says it later."""
        if plan.syntax is None or not self._engine.ready():
            return
        try:
            self._engine.statement(f"PREPARE athena FROM\n{plan.syntax}", caller.user).run()
        except EngineError as error:
            if error.name == "SYNTAX_ERROR":
                raise InvalidRequest(relocate(error, 1).text(), athena_code="MALFORMED_QUERY") from error
            raise InvalidRequest(error.text(), athena_code="INVALID_QUERY") from error

    def _carry_out(self, run: Run, plan: Plan, record: dict[str, Any], loose: bool, again: reuse.Previous) -> None:
        """From QUEUED to an end, whatever happens.

        loose: the parameters came with the request, as texts that are perhaps no SQL. again: an earlier execution
        whose result will do, if its reader may have it.
        """
        try:
            with self._slots:
                self._wait_for_engine(run)
                if (governed := formation.current()) is not None:
                    governed.wait_effective(run.cancelled.is_set)
                records.advance(record, "RUNNING")
                if loose and run.parameters:
                    run.parameters = classified(run.engine, run.caller.user, run.parameters)
                if not reuse.taken(run, record, again):
                    outcome = plan.work(run)
                    _leave(run, plan, record, outcome)
            records.finish(record, run, "SUCCEEDED")
        except QueryCancelled as error:
            records.finish(record, run, "CANCELLED", str(error))
        except (QueryFailed, EngineError, EngineGone, InvalidRequest, ClientError) as error:
            records.finish(record, run, "FAILED", error=_athena_error(error))
        except Exception as error:
            logger.exception("Query %s failed inside the sandbox", run.query_id)
            records.finish(
                record,
                run,
                "FAILED",
                error=AthenaError(SYSTEM, 100, f"INTERNAL_ERROR: {type(error).__name__}: {error}"),
            )
        finally:
            self._running.pop(run.query_id, None)

    def _wait_for_engine(self, run: Run) -> None:
        if self._engine.wait_ready(self._start_seconds, run.cancelled.is_set):
            return
        if run.cancelled.is_set():
            raise QueryCancelled(CANCELLED)
        raise EngineGone(f"The query engine did not start within {self._start_seconds:.0f} seconds: see its log.")

    def _shown(self, record: dict[str, Any]) -> dict[str, Any]:
        run = self._running.get(record["QueryExecutionId"])
        shown = {key: value for key, value in record.items() if not key.startswith("_")}
        if run is not None and record["Status"]["State"] not in records.FINAL:
            shown["Statistics"] = records.statistics(record, run)
        return shown


def _results(settings: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Where results go: the workgroup's place when it enforces one, else the caller's, else the workgroup's."""
    ours = dict(settings.get("ResultConfiguration") or {})
    chosen = ours if settings["EnforceWorkGroupConfiguration"] and _location(settings) else ours | dict(asked)
    location = chosen.get("OutputLocation")
    if not location:
        raise InvalidRequest(_NO_LOCATION)
    split_uri(location)
    return chosen | {"OutputLocation": location if location.endswith("/") else location + "/"}


def _location(settings: dict[str, Any]) -> str | None:
    return (settings.get("ResultConfiguration") or {}).get("OutputLocation")


def _encryption(results: dict[str, Any]) -> dict[str, str]:
    asked = results.get("EncryptionConfiguration") or {}
    option = asked.get("EncryptionOption")
    if option == "SSE_S3":
        return {"ServerSideEncryption": "AES256"}
    if option == "SSE_KMS":
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": asked.get("KmsKey", "")}
    return {}


def _leave(run: Run, plan: Plan, record: dict[str, Any], outcome: Outcome) -> None:
    """Write what the result needs besides its rows, and keep what GetQueryResults will tell."""
    if plan.output == "txt":
        text = "".join(f"{line}\n" for line in outcome.lines).encode()
        put(run.s3, run.location, text, "text/plain", run.upload)
    put(run.s3, f"{run.location}.metadata", metadata(outcome.columns), "application/octet-stream", run.upload)
    if outcome.files is not None:
        manifest = f"{run.location}-manifest.csv"
        put(run.s3, manifest, "".join(f"{uri}\n" for uri in outcome.files).encode(), "text/csv", run.upload)
        record["_manifest"] = manifest
    record["_columns"] = outcome.columns
    record["_update_count"] = outcome.update_count


def _athena_error(error: Exception) -> AthenaError:
    if isinstance(error, QueryFailed):
        return error.error
    if isinstance(error, (EngineError, EngineGone)):
        return error.athena()
    if isinstance(error, ClientError):
        return AthenaError(
            USER, 1500, f"{error.response['Error']['Code']}: {error.response['Error'].get('Message', '')}"
        )
    return AthenaError(USER, 1000, str(error))
