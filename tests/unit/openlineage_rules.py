"""What OpenLineage 2-0-2 asks of a run event and of the facets that we use: required fields, types and formats."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

EVENT_TYPES = {"START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"}
# Facet -> where it may stand, and its required fields.
FACETS: Mapping[str, tuple[str, Mapping[str, type]]] = {
    "parent": ("run", {"run": dict, "job": dict}),
    "nominalTime": ("run", {"nominalStartTime": str}),
    "errorMessage": ("run", {"message": str, "programmingLanguage": str}),
    "externalQuery": ("run", {"externalQueryId": str, "source": str}),
    "jobType": ("job", {"processingType": str, "integration": str}),
    "version": ("dataset", {"datasetVersion": str}),
    "columnLineage": ("dataset", {"fields": dict}),
    "outputStatistics": ("output", {"rowCount": int}),
}

_SPEC = r"https://openlineage\.io/spec"


def check(event: Mapping[str, Any]) -> None:
    """Raises AssertionError naming what an event lacks."""
    assert event["eventType"] in EVENT_TYPES
    _moment(event["eventTime"])
    _uri(event["producer"])
    assert re.fullmatch(rf"{_SPEC}/2-0-2/OpenLineage\.json#/\$defs/RunEvent", event["schemaURL"])
    _run(event["run"])
    _facets(event["run"].get("facets", {}), "run")
    _job(event["job"])
    _facets(event["job"].get("facets", {}), "job")
    for dataset in (*event.get("inputs", ()), *event.get("outputs", ())):
        _named(dataset)
        _facets(dataset.get("facets", {}), "dataset")
    for dataset in event.get("outputs", ()):
        _facets(dataset.get("outputFacets", {}), "output")
    error = "errorMessage" in event["run"].get("facets", {})
    assert error == (event["eventType"] == "FAIL")


def _facets(facets: Mapping[str, Mapping[str, Any]], place: str) -> None:
    for name, facet in facets.items():
        _uri(facet["_producer"])
        expected, required = FACETS[name]
        assert expected == place, f"{name} is no facet of a {place}"
        kind = re.fullmatch(
            r"https://openlineage\.io/spec/facets/\d-\d-\d/(\w+)\.json#/\$defs/(\w+)", facet["_schemaURL"]
        )
        assert kind, facet["_schemaURL"]
        assert kind[1] == kind[2]
        assert kind[1].lower().startswith(name.lower()) or kind[1] == "DatasetVersionDatasetFacet"
        for field, of_type in required.items():
            assert isinstance(facet[field], of_type), f"{name}.{field}"
    if "parent" in facets:
        _run(facets["parent"]["run"])
        _job(facets["parent"]["job"])
    if "nominalTime" in facets:
        _moment(facets["nominalTime"]["nominalStartTime"])
    for field in facets.get("columnLineage", {}).get("fields", {}).values():
        for source in field["inputFields"]:
            _named(source)
            assert source["field"]


def _run(run: Mapping[str, Any]) -> None:
    assert str(uuid.UUID(run["runId"])) == run["runId"]


def _job(job: Mapping[str, Any]) -> None:
    _named(job)


def _named(thing: Mapping[str, Any]) -> None:
    assert isinstance(thing["namespace"], str)
    assert thing["namespace"]
    assert isinstance(thing["name"], str)
    assert thing["name"]


def _moment(text: str) -> None:
    assert datetime.fromisoformat(text).tzinfo is not None, f"{text} has no zone"


def _uri(text: str) -> None:
    assert urlsplit(text).scheme, f"{text} is no URI"
