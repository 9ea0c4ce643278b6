"""What a file must look like: one ODCS v3.1 YAML a feed, read by `lake.contracts`. A package, so it travels in zips."""
