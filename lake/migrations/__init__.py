"""Upgrades of tables that an earlier release made: numbered, forward only, kept with the table (docs/decisions/0021)."""
