"""The emulator with Athena and the IAM seams only: `python -m tests.sandbox.athena.server`."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    from sandbox import athena
    from sandbox.emulator import iam
    from sandbox.formation import seams as formation

    iam.install(Path(os.environ["LAKE_HOME"]) / "iam.jsonl")
    formation.install(Path(os.environ["LAKE_HOME"]))
    athena.install(os.environ["SANDBOX_TRINO_URL"], start_seconds=float(os.environ.get("START_SECONDS", "400")))
    from ministack import app

    sys.argv = sys.argv[:1]  # the emulator reads options of its own
    app.main()
