"""Keeps the lineage of every run in the lake bucket: one OpenLineage event an object, in one line.

They lie at `lineage/<silver or gold>/<batch or gold run>/<fence>-<START, COMPLETE or FAIL>.json`. The functions write
them, not the jobs: so a run that was killed has its FAIL too. Written again, an event replaces itself.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

from botocore.exceptions import ClientError

from lake import lineage
from lake.batch import manifest_key, result_key
from lake.contracts import Contract
from lake.lineage import COMPLETE, Attempt, Dataset, Places
from lake.manifest import GoldResult, Manifest, SilverResult
from lake.ports import Documents
from lake.refresh import gold_result_key

PREFIX = "lineage"

log = logging.getLogger("lake")


def event_key(flight: str, unit: str, fence: int, kind: str) -> str:
    """Where an event lies. Those of one unit sort by their tries."""
    return f"{PREFIX}/{flight}/{unit}/{fence:08d}-{kind}.json"


class LineageLog:
    """Writes events through a port. What it tells is read from the run's own records: manifest and result."""

    def __init__(self, documents: Documents, places: Places, contracts: Mapping[str, Contract]) -> None:
        self._documents = documents
        self._places = places
        self._contracts = contracts

    def tell(self, flight: str, kind: str, attempt: Attempt, at: float, error: str | None = None) -> bool:
        """Writes one event. AWS refusing it is logged and never stops the flow: the run's records stay."""
        try:
            inputs, outputs = (self._silver if flight == "silver" else self._gold)(attempt.unit, kind == COMPLETE)
            told = lineage.event(kind, self._places, attempt, at, inputs, outputs, error)
            body = json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n"
            self._documents.put(event_key(flight, attempt.unit, attempt.fence, kind), body.encode())
        except ClientError as refused:
            code = refused.response.get("Error", {}).get("Code")
            log.warning("lineage not written", extra={"unit": attempt.unit, "run_id": attempt.run_id, "error": code})
            return False
        return True

    def _silver(self, batch_id: str, ended_well: bool) -> tuple[list[Dataset], list[Dataset]]:
        body = self._documents.get(manifest_key(batch_id))
        if body is None:
            return [], []
        batch = Manifest.from_json(body)
        said = self._documents.get(result_key(batch_id)) if ended_well else None
        result = SilverResult.from_json(said) if said is not None else None
        return lineage.silver_inputs(batch), lineage.silver_outputs(self._places, batch, self._contracts, result)

    def _gold(self, gold_run_id: str, ended_well: bool) -> tuple[list[Dataset], list[Dataset]]:
        said = self._documents.get(gold_result_key(gold_run_id)) if ended_well else None
        if said is None:
            return lineage.gold_inputs(self._places), []
        result = GoldResult.from_json(said)
        return lineage.gold_inputs(self._places, result), lineage.gold_outputs(self._places, result)
