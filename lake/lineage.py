"""Lineage of the runs in OpenLineage's words: from file versions to silver's tables, from those to the marts.

Pure functions over the records that the stations leave (manifest, results, runs); who writes the events and when is in
lake/lineage_log.py. Names follow OpenLineage's naming of datasets: an object is `s3://bucket` and its key, a table the
`arn:aws:glue:region:account` and `table/database/table`. A run is one try: a repeated batch has one run a fence.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lake.contracts import Contract
from lake.manifest import FileOutcome, GoldResult, Manifest, ManifestFile, SilverResult

Event = dict[str, Any]
Dataset = dict[str, Any]

START, COMPLETE, FAIL = "START", "COMPLETE", "FAIL"
PRODUCER = "urn:jozi-lake"
SPEC = "https://openlineage.io/spec"
SCHEMA_URL = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
SHARED = ("quarantine", "file_loads")  # silver's tables that every feed writes
READ_BY_GOLD = ("orders", "file_loads", "quarantine")
# A batch may have 10,000 files, and Amazon DataZone takes events of 300,000 characters: columns of small batches only.
MOST_FILES_WITH_COLUMNS = 50
_FACETS = {  # name -> version and type of its schema
    "nominalTime": ("1-0-1", "NominalTimeRunFacet"),
    "parent": ("1-0-1", "ParentRunFacet"),
    "externalQuery": ("1-0-2", "ExternalQueryRunFacet"),
    "errorMessage": ("1-0-1", "ErrorMessageRunFacet"),
    "jobType": ("2-0-3", "JobTypeJobFacet"),
    "version": ("1-0-1", "DatasetVersionDatasetFacet"),
    "columnLineage": ("1-0-1", "ColumnLineageDatasetFacet"),
    "outputStatistics": ("1-0-2", "OutputStatisticsOutputDatasetFacet"),
}


@dataclass(frozen=True)
class Places:
    """Where the stack's things are: what datasets and jobs are called after."""

    environment: str
    region: str
    account: str
    silver_database: str
    gold_database: str

    @property
    def namespace(self) -> str:
        """The namespace of the jobs."""
        return f"jozi-lake-{self.environment}"

    def table(self, database: str, name: str) -> Dataset:
        return {
            "namespace": f"arn:aws:glue:{self.region}:{self.account}",
            "name": f"table/{database}/{name}",
        }


@dataclass(frozen=True)
class Attempt:
    """One try of a batch or of a gold refresh: `unit` is the batch id or gold run id. `run_id` is Glue's."""

    job: str
    unit: str
    fence: int
    run_id: str


def event(
    kind: str,
    places: Places,
    attempt: Attempt,
    at: float,
    inputs: Iterable[Dataset] = (),
    outputs: Iterable[Dataset] = (),
    error: str | None = None,
) -> Event:
    """A run event. `at`: seconds since the epoch; `error`: why it failed, for FAIL."""
    nominal = _nominal_time(attempt.unit)
    parent = {
        "run": {"runId": _uuid(places, attempt.unit)},
        "job": {"namespace": places.namespace, "name": "refresh"},
    }
    facets: dict[str, Mapping[str, Any]] = {
        "parent": parent,
        "externalQuery": {"externalQueryId": attempt.run_id, "source": "aws-glue"},
        **({"nominalTime": {"nominalStartTime": nominal}} if nominal else {}),
        **({"errorMessage": {"message": error, "programmingLanguage": "PYTHON"}} if error is not None else {}),
    }
    job_type = {"processingType": "BATCH", "integration": "SPARK", "jobType": "JOB"}
    return {
        "eventType": kind,
        "eventTime": _moment(at),
        "producer": PRODUCER,
        "schemaURL": SCHEMA_URL,
        "run": {
            "runId": _uuid(places, attempt.job, attempt.unit, str(attempt.fence)),
            "facets": {name: _facet(name, values) for name, values in facets.items()},
        },
        "job": {
            "namespace": places.namespace,
            "name": attempt.job,
            "facets": {"jobType": _facet("jobType", job_type)},
        },
        "inputs": list(inputs),
        "outputs": list(outputs),
    }


# ---- silver ----------------------------------------------------------------------------------------------------------


def silver_inputs(batch: Manifest) -> list[Dataset]:
    """The object versions that a batch reads; files inside one archive are one object."""
    objects = {(file.bucket, file.object_key, file.version): None for file in batch.files}
    return [_versioned({"namespace": f"s3://{bucket}", "name": key}, version) for bucket, key, version in objects]


def silver_outputs(
    places: Places, batch: Manifest, contracts: Mapping[str, Contract], result: SilverResult | None = None
) -> list[Dataset]:
    """The tables that a batch writes: with their snapshots and row counts once there is a result."""
    feeds = [contract for name, contract in contracts.items() if any(f.facts.contract == name for f in batch.files)]
    names = list(result.snapshot_ids) if result else [*(feed.table for feed in feeds), *SHARED]
    columns = {feed.table: column_lineage(feed, batch.files) for feed in feeds}
    rows = _rows_written(feeds, batch, result.files) if result else Counter()
    outputs = []
    for name in names:
        table = places.table(places.silver_database, name)
        if result:
            _versioned(table, result.snapshot_ids[name])
        if columns.get(name):
            _with_facet(table, "columnLineage", {"fields": columns[name]})
        if name in rows:
            table["outputFacets"] = {"outputStatistics": _facet("outputStatistics", {"rowCount": rows[name]})}
        outputs.append(table)
    return outputs


def column_lineage(contract: Contract, files: Iterable[ManifestFile]) -> dict[str, Any]:
    """From which header of which file each column of a feed's table comes; empty for a large batch.

    Columns that are derived from others (an hour, a sum of minutes) are left out: the contract tells their logic.
    """
    mine = [file for file in files if file.facts.contract == contract.name]
    if len(mine) > MOST_FILES_WITH_COLUMNS:
        return {}
    in_table = {column.name for column in contract.columns}
    fields: dict[str, Any] = {}
    for file in mine:
        for column in file.facts.columns:
            if column.field in in_table:
                source = {"namespace": f"s3://{file.bucket}", "name": file.object_key, "field": column.source}
                known = fields.setdefault(column.field, {"inputFields": []})["inputFields"]
                if source not in known:
                    known.append(source)
    return fields


def _rows_written(feeds: Iterable[Contract], batch: Manifest, outcomes: Iterable[FileOutcome]) -> Counter[str]:
    """Rows that a batch inserted and changed, by table."""
    table_of = {feed.name: feed.table for feed in feeds}
    feed_of = {(file.key, file.version): file.facts.contract for file in batch.files}
    rows: Counter[str] = Counter(dict.fromkeys([*table_of.values(), "quarantine"], 0))
    for outcome in outcomes:
        table = table_of.get(feed_of.get((outcome.key, outcome.version), ""))
        if table is not None:
            rows[table] += outcome.inserted + outcome.updated
        rows["quarantine"] += outcome.quarantined
    return rows


# ---- gold ------------------------------------------------------------------------------------------------------------


def gold_inputs(places: Places, result: GoldResult | None = None) -> list[Dataset]:
    """The silver tables that gold reads: with the snapshots that were read once there is a result."""
    tables = []
    for name in READ_BY_GOLD:
        table = places.table(places.silver_database, name)
        snapshot = result.silver_snapshot_ids.get(name) if result else None
        tables.append(table if snapshot is None else _versioned(table, snapshot))
    return tables


def gold_outputs(places: Places, result: GoldResult) -> list[Dataset]:
    """The marts that a run published, with their snapshots and the rows that it wrote."""
    outputs = []
    for name, snapshot in result.snapshot_ids.items():
        table = _versioned(places.table(places.gold_database, name), snapshot)
        if name in result.rows:
            table["outputFacets"] = {"outputStatistics": _facet("outputStatistics", {"rowCount": result.rows[name]})}
        outputs.append(table)
    return outputs


# ---- parts -----------------------------------------------------------------------------------------------------------


def _facet(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    version, kind = _FACETS[name]
    return {"_producer": PRODUCER, "_schemaURL": f"{SPEC}/facets/{version}/{kind}.json#/$defs/{kind}", **values}


def _with_facet(dataset: Dataset, name: str, values: Mapping[str, Any]) -> Dataset:
    dataset.setdefault("facets", {})[name] = _facet(name, values)
    return dataset


def _versioned(dataset: Dataset, version: str | int) -> Dataset:
    return _with_facet(dataset, "version", {"datasetVersion": str(version)})


def _uuid(places: Places, *parts: str) -> str:
    """The same id for the same try, whoever tells of it and however often."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join((PRODUCER, places.namespace, *parts))))


def _nominal_time(unit: str) -> str | None:
    """When a batch or refresh was begun, which is in its id (silver-20261123T061400-1a2b3c4d)."""
    found = re.search(r"-(\d{8}T\d{6})-", unit)
    return found and datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC).isoformat()


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
