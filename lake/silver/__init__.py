"""From records of text to silver: typed and checked by contract, merged by key, proven, and only then published."""
