"""What functions, jobs, command line and dashboard share: contracts, ledger, manifest, parsing, quality, publishing."""
