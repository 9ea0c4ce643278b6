"""What `lake explain` asks besides the ledger: of the run's result, of silver, of Glue, and of an archive's members."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from cli import athena, context, following, lookup
from cli.errors import CliError
from cli.quarantine import rows_of
from cli.runs import GOING, list_runs

if TYPE_CHECKING:
    from lake.batches import LoadedBatch
    from lake.entries import FileEntry

_RUNS = 200  # of the newest, among which the failed tries of a file's batch are looked for


@dataclass
class Evidence:
    """What is known of one file version. standing: rows by what they are today ('stands', or a fate in history)."""

    versions: list[FileEntry] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    spoilt: list[dict[str, Any]] = field(default_factory=list)
    standing: dict[str, int] | None = None
    failed_tries: list[dict[str, Any]] = field(default_factory=list)
    members: list[FileEntry] = field(default_factory=list)
    batch: LoadedBatch | None = None  # when its last batch was loaded, and which gold run showed it first

    def as_dict(self) -> dict[str, Any]:
        """For `lake explain --json`."""
        return {
            "findings": self.findings,
            "quarantine": self.spoilt,
            "standing": self.standing,
            "failed_tries": self.failed_tries,
            "members": [following.as_dict(member) for member in self.members],
            "batch": asdict(self.batch) if self.batch else None,
        }


def gather(lake: context.Lake, entry: FileEntry) -> Evidence:
    """Asks everything that there is about an entry."""
    return Evidence(
        versions=list(lake.ledger.versions(entry.key)),
        findings=findings_of(lake, entry),
        spoilt=rows_of(lake, entry) if following.counts_of(entry)["quarantined"] else [],
        standing=standing_rows(lake, entry),
        failed_tries=failed_tries(lake, entry),
        members=members_of(lake, entry),
        batch=batch_of(lake, entry),
    )


def batch_of(lake: context.Lake, entry: FileEntry) -> LoadedBatch | None:
    """The file's last batch, once silver has loaded it."""
    from lake.batches import Batches

    return Batches(lake.ledger.store).get(entry.batch_id) if entry.batch_id else None


def findings_of(lake: context.Lake, entry: FileEntry) -> list[str]:
    """What the silver run said about the file as a whole; empty where it was in no run or the result is gone."""
    if not entry.batch_id:
        return []
    result = lookup.batch_result(lake, entry.batch_id)
    files = result.files if result else ()
    return [f for file in files if (file.key, file.version) == entry.name for f in file.findings]


def standing_rows(lake: context.Lake, entry: FileEntry) -> dict[str, int] | None:
    """What silver holds of the file today; None where it holds nothing of it, or cannot be asked just now."""
    if entry.state != "LOADED" or not entry.contract or not following.counts_of(entry)["rows_in"]:
        return None
    from lake.contracts import load_contracts

    contract = load_contracts().get(entry.contract)
    if contract is None:
        return None
    mine = f"source_file = {athena.literal(entry.key)} AND source_version = {athena.literal(entry.version)}"
    sql = f"""
        SELECT 'stands' AS what, count(*) AS number FROM {contract.table} WHERE {mine}
        UNION ALL
        SELECT fate AS what, count(*) AS number FROM {contract.table}_history WHERE {mine} GROUP BY fate
    """  # noqa: S608 - literal() escapes
    try:
        rows = athena.ask(lake, sql, lake.output("SilverDatabase")).dicts()
    except CliError:  # the rest of the story does not need Athena
        return None
    return {str(row["what"]): int(row["number"]) for row in rows}


def failed_tries(lake: context.Lake, entry: FileEntry) -> list[dict[str, Any]]:
    """Runs of the file's last batch that did not end well, the oldest first."""
    if not entry.batch_id:
        return []
    runs = [run for run in list_runs(lake, _RUNS) if run["unit"] == entry.batch_id]
    return [run for run in reversed(runs) if run["state"] not in GOING and run["state"] != "SUCCEEDED"]


def members_of(lake: context.Lake, entry: FileEntry) -> list[FileEntry]:
    """The files inside an archive that was opened."""
    if entry.state not in ("EXPANDED", "RETRACTED"):
        return []
    every = following.all_entries(lake)
    return [other for other in every if other.parent == entry.key and other.version == entry.version]
