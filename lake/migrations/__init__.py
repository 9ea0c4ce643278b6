"""Upgrades of tables that earlier releases made: numbered, forward only, kept with the table (docs/decisions/0021)."""
