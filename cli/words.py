"""Commands as the person at this terminal can type them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def typed(program: str = "lake") -> str:
    """`lake` where the shell finds this very one, else its path, short where it can be.

    `make demo` runs without the environment being activated, and what it says to type next must work then.
    """
    mine = Path(sys.executable).parent / program
    found = shutil.which(program)
    if not mine.exists() or (found and Path(found).resolve() == mine.resolve()):
        return program
    try:
        return str(mine.relative_to(Path.cwd()))
    except ValueError:
        return str(mine)
