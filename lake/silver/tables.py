"""The silver tables: a table and its history a feed, and those that all feeds share."""

from __future__ import annotations

from dataclasses import dataclass

from lake.contracts import Column, Contract
from lake.manifest import COUNTS
from lake.publishing import ColumnSpec

CATALOG = "glue_catalog"
PERSONAL = "Personal data."  # what the catalog says beside a column that the contract marks as personal

# The time as text: Athena can write a struct to Hive tables (CTAS, UNLOAD) only when no fine timestamp is inside it.
REPAIRS = ColumnSpec(
    "repairs",
    "struct<source_file:string,source_version:string,source_row:bigint,object_time:string>",
    "The record that the row repairs, if any; it counts as if it had come in that record's place.",
)

# Who said it: what every row of a feed's table carries besides the contract's columns.
LINEAGE = (
    ColumnSpec("flags", "array<string>", "Soft findings that did not stop the row, in words."),
    ColumnSpec("source_file", "string", "The key of the file that the row came in."),
    ColumnSpec("source_version", "string", "The version of that file."),
    ColumnSpec("source_row", "bigint", "The record in that file; 1 is the first after the header."),
    ColumnSpec("batch_id", "string", "The run that loaded the row."),
    ColumnSpec("loaded_at", "timestamp_ntz", "When that run began, local time."),
    ColumnSpec(
        "object_time", "timestamp_ntz", "When the file was written, local time: the newest claim on a key wins."
    ),
    REPAIRS,
    ColumnSpec("unmapped", "map<string,string>", "What stood in columns that the contract does not know, by name."),
)
FATE = ColumnSpec("fate", "string", "unchanged, superseded, duplicate, or replaced (it stood in the table before).")

QUARANTINE = (
    ColumnSpec("source_file", "string", "The key of the file that the row came in."),
    ColumnSpec("source_version", "string", "The version of that file."),
    ColumnSpec("source_row", "bigint", "The record in that file; 1 is the first after the header."),
    ColumnSpec("raw_row", "string", f"The record as it came. {PERSONAL}"),
    ColumnSpec("reasons", "array<string>", "Everything that is wrong with it, in words."),
    ColumnSpec("contract", "string", "The contract it was checked against."),
    ColumnSpec("batch_id", "string", "The run that read it."),
    ColumnSpec("loaded_at", "timestamp_ntz", "When that run began, local time."),
    ColumnSpec("object_time", "timestamp_ntz", "When the file was written, local time."),
    REPAIRS,
)
FILE_LOADS = (
    ColumnSpec("source_file", "string", "The key of the file."),
    ColumnSpec("source_version", "string", "The version of the file."),
    ColumnSpec("contract", "string", "The contract it was taken for."),
    ColumnSpec("batch_id", "string", "The run that read it."),
    *(
        ColumnSpec(name, "bigint", comment)
        for name, comment in zip(
            COUNTS,
            (
                "Data records: the sum of the six fates that follow.",
                "Rows whose key was new.",
                "Rows that changed what was known.",
                "Rows that said what was known already.",
                "Rows older than what was known.",
                "Rows whose key came again later in the same file.",
                "Rows that could not be used, kept in quarantine.",
                "Records that held nothing; outside rows_in.",
                "Rows that carry a soft finding, whatever their fate.",
            ),
        )
    ),
    ColumnSpec("loaded_at", "timestamp_ntz", "When that run began, local time."),
    ColumnSpec("object_time", "timestamp_ntz", "When the file was written, local time."),
    ColumnSpec("state", "string", "LOADED; HELD: set aside, nothing of it was published; RETRACTED: taken back."),
    ColumnSpec("reason", "string", "Why it was held or taken back."),
    ColumnSpec("findings", "array<string>", "Findings about the file as a whole, in words."),
)
SHARED_OWNER = "Data engineering"
# What each of the tables that all feeds share is for, as the catalog says it.
SHARED = {
    "quarantine": "Rows that wait to be repaired, with every reason.",
    "quarantine_history": (
        "Rows that were in quarantine until others repaired them, and those others (without reasons)."
    ),
    "file_loads": "One row a file version and load, with its arithmetic.",
}


SHARED_COLUMNS = {"quarantine": QUARANTINE, "quarantine_history": QUARANTINE, "file_loads": FILE_LOADS}


@dataclass(frozen=True)
class Names:
    """Where the tables of one silver database are, as whole identifiers."""

    database: str

    def of(self, table: str) -> str:
        return f"{CATALOG}.{self.database}.{table}"

    def rows(self, contract: Contract) -> str:
        return self.of(contract.table)

    def history(self, contract: Contract) -> str:
        """Claims that do not stand in the table: older, confirming, repeated or replaced ones."""
        return self.of(f"{contract.table}_history")

    @property
    def quarantine(self) -> str:
        return self.of("quarantine")

    @property
    def quarantine_history(self) -> str:
        """Rows that were in quarantine until a newer file repaired them, and the rows that did it."""
        return self.of("quarantine_history")

    @property
    def file_loads(self) -> str:
        return self.of("file_loads")


def row_columns(contract: Contract) -> tuple[ColumnSpec, ...]:
    """The columns of a feed's table, in order."""
    own = (ColumnSpec(column.name, column.type, _comment(column)) for column in contract.columns)
    return (*own, *LINEAGE)


def history_of(contract: Contract) -> str:
    """What a feed's history is, as the catalog says it."""
    return f"Claims on the keys of {contract.table} that do not stand there."


def history_columns(contract: Contract) -> tuple[ColumnSpec, ...]:
    return (*row_columns(contract), FATE)


def _comment(column: Column) -> str:
    """What the catalog shows beside a column: its description, unit, and whether it is about a person."""
    described = f"{column.description} ({column.unit})" if column.unit else column.description
    return f"{described} {PERSONAL}" if column.pii else described
