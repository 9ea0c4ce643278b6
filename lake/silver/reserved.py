"""Names that silver gives itself, so that no contract may use them. No Spark here: contracts are read everywhere."""

from __future__ import annotations

# Columns that every feed's table and the frames on the way to it carry.
RESERVED = frozenset(
    "flags source_file source_version source_row batch_id loaded_at object_time repairs fate unmapped odd file kind row"
    " note blank reasons raw_row origin shown stands repeated age content newest other first"
    " table_age table_content inner_pad outer_pad".split()
)
TABLES = frozenset(("quarantine", "quarantine_history", "file_loads"))
