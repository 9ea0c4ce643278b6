"""The layer as `sam build` makes it: the same tree gives the same bytes, on any machine and for any processor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .stack import REPOSITORY, properties


def build(target: Path) -> dict[str, bytes]:
    """Run the layer's Makefile as SAM does, in its folder; gives path -> content of what it made."""
    target.mkdir()
    done = subprocess.run(
        ["make", "--silent", "build-LakeLayer", f"ARTIFACTS_DIR={target}", f"PYTHON={sys.executable}"],
        cwd=REPOSITORY / "layer",
        env={name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return build(tmp_path_factory.mktemp("layer") / "first")


def test_an_unchanged_tree_gives_an_unchanged_layer(built: dict[str, bytes], tmp_path: Path) -> None:
    assert build(tmp_path / "second") == built


def test_nothing_compiled_is_in_it(built: dict[str, bytes]) -> None:
    assert not [name for name in built if name.endswith((".so", ".pyc", ".pyd")) or "__pycache__" in name]


def test_nothing_of_the_machine_is_in_it(built: dict[str, bytes]) -> None:
    here = str(REPOSITORY).encode()
    assert not [
        name for name, content in built.items() if here in content or str(Path.home()).encode() + b"/" in content
    ]
    assert not [name for name in built if name.startswith("python/bin/")]


def test_it_holds_the_library_the_scripts_and_what_they_need(built: dict[str, bytes]) -> None:
    folders = {name.split("/")[1] for name in built}
    assert folders >= {*properties("JobAssets")["Packages"], "glue_jobs", "aws_lambda_powertools"}
    assert {"python/contracts/orders.yaml", "python/glue_jobs/silver.py", "python/glue_jobs/gold.py"} <= set(built)


def test_python_can_use_it_without_anything_else(built: dict[str, bytes], tmp_path: Path) -> None:
    for name, content in built.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'python')!r});"
        "import openpyxl, yaml, aws_lambda_powertools; from lake.contracts import load_contracts;"
        "print(sorted(load_contracts()), yaml.__with_libyaml__)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("['orders'] False\n", "")
