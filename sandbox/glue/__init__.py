"""AWS Glue that really runs: jobs, crawlers and their events, inside the emulator's process."""
