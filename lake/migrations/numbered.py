"""Every migration there is, oldest first. One that was released is never changed nor taken out."""

from __future__ import annotations

from lake.migrations.plan import Migration
from lake.migrations.steps import Recompute, ReplacePartition

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        1,
        "Marts of few rows keep a year a file",  # docs/decisions/0016
        ("gold.complaint_summary", "gold.monthly_performance", "gold.stage_bottlenecks"),
        (ReplacePartition("month", "years(month)"), Recompute()),
    ),
)
