"""Athena on a laptop: its wire API inside the emulator, over a real Trino server.

`prepare` and `ready` are for whoever starts the server, `install` is for the emulator's process. Importing the package
does not import the emulator.
"""

from typing import Any

from sandbox.athena.trino import Credentials, Prepared, prepare, ready

__all__ = ["Credentials", "Prepared", "install", "prepare", "ready", "register_types"]


def install(trino_url: str, **options: Any) -> None:
    """Put Athena into the emulator of this process: see `sandbox.athena.seams.install`."""
    from sandbox.athena import seams

    seams.install(trino_url, **options)


def register_types() -> None:
    """Let stacks hold AWS::Athena::NamedQuery, with Athena or without."""
    from sandbox.athena import seams

    seams.register_types()
