"""The page: what gold answers, for people who do not write SQL. Reads through Athena; files' states from the ledger."""
