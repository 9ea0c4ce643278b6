"""Start the emulator with everything the sandbox adds to it."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    # The path that found this package is not for the Lambda workers, which inherit this environment: a function must
    # find its library in its layer, or fail as it would on AWS.
    os.environ.pop("PYTHONPATH", None)
    from sandbox.emulator import install

    install.everything(Path(os.environ["LAKE_HOME"]))
    from ministack import app

    sys.argv = sys.argv[:1]  # the emulator reads options of its own
    app.main()


if __name__ == "__main__":
    main()
