"""What the README and the docs tell people to type is typed here, block by block, in the order in which it stands."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from .conftest import REPOSITORY, Lake

NOT_RUN = {
    "make test": "it is what runs this",
    "sam build && sam deploy --config-env staging": "it needs an AWS account; tests/sandbox runs `sam deploy` for real",
    ".venv/bin/lake dashboard": "it serves until Ctrl-C; tests/browser starts and visits it",
    ".venv/bin/lake dashboard --target aws": "it needs an AWS account",
    ".venv/bin/lake down": "the other tests of the session need the lake; tests/sandbox stops one",
}


def blocks(page: Path) -> list[str]:
    """The sh blocks of a page, without the lines that cannot run here (each with its reason above)."""
    found = []
    for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
        lines = [line for line in block.splitlines() if re.sub(r"\s+#.*", "", line).strip() not in NOT_RUN]
        if any(line.strip() for line in lines):
            found.append("\n".join(lines))
    return found


PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}") for page in PAGES for number, block in enumerate(blocks(page), 1)
]


@pytest.mark.parametrize("block", BLOCKS)
def test_the_commands_of_the_page_work(lake: Lake, block: str) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=REPOSITORY,
        env=lake.environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )

    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stdout + done.stderr
