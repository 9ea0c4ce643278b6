"""What the jobs run: equal code gives an equal prefix, other code another, and nothing of a machine gets in."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lake.assets import PACKAGES, answer, archive, collect

from .stack import REPOSITORY, properties

EVENT = {
    "RequestType": "Create", "StackId": "stack", "RequestId": "request", "LogicalResourceId": "JobAssets",
    "ResponseURL": "https://answers.invalid/1", "ResourceProperties": {"Bucket": "the-lake", "Packages": ["contracts"]},
}  # fmt: skip


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "dough"
    folder.mkdir()
    (folder / "__init__.py").write_text("RISEN = True\n")
    (folder / "recipe.yaml").write_text("flour: 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    folder = tmp_path / "glue_jobs"
    folder.mkdir()
    (folder / "silver.py").write_text("print('silver')\n")
    return folder


def names(archive_bytes: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(archive_bytes)).namelist()


def test_packages_go_into_one_archive_and_scripts_beside_it(package: Path, scripts: Path) -> None:
    assets = collect(["dough"], scripts)

    assert sorted(assets.objects) == ["lake.zip", "silver.py"]
    assert names(assets.objects["lake.zip"]) == ["dough/__init__.py", "dough/recipe.yaml"]
    assert assets.objects["silver.py"] == b"print('silver')\n"
    assert assets.prefix.startswith("assets/")


def test_compiled_files_stay_out(package: Path, scripts: Path) -> None:
    before = collect(["dough"], scripts)
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "recipe.cpython-313.pyc").write_bytes(b"x")
    (package / "fast.so").write_bytes(b"x")

    assert collect(["dough"], scripts) == before


def test_the_prefix_changes_with_a_line_of_a_package_or_of_a_script(package: Path, scripts: Path) -> None:
    first = collect(["dough"], scripts).prefix
    (package / "recipe.yaml").write_text("flour: 2\n")
    second = collect(["dough"], scripts).prefix
    (scripts / "silver.py").write_text("print('gold')\n")
    third = collect(["dough"], scripts).prefix

    assert len({first, second, third}) == 3


def test_equal_members_make_equal_archives_in_whatever_order_they_come() -> None:
    assert archive({"a": b"1", "b": b"2"}) == archive({"b": b"2", "a": b"1"})


def test_a_missing_package_is_named(scripts: Path) -> None:
    with pytest.raises(LookupError, match="no package tomato_sauce"):
        collect(["tomato_sauce"], scripts)


def test_a_layer_without_scripts_is_refused(package: Path, tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="no job scripts"):
        collect(["dough"], tmp_path / "nowhere")


def test_the_template_names_the_packages_that_a_rebuild_asks_for() -> None:
    assert properties("JobAssets")["Packages"] == list(PACKAGES)


def test_python_imports_the_library_and_its_contracts_from_the_archive(tmp_path: Path) -> None:
    assets = collect(PACKAGES)
    path = tmp_path / "lake.zip"
    path.write_bytes(assets.objects["lake.zip"])
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "import lake, openpyxl; from lake.contracts import load_contracts;"
        "print([module.__file__.startswith(sys.argv[1]) for module in (lake, openpyxl)], sorted(load_contracts()))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.stderr) == ("[True, True] ['orders']\n", "")
    assert {"silver.py", "gold.py"} <= set(assets.objects)


def test_the_physical_id_never_changes() -> None:
    created = answer(EVENT)
    updated = answer({**EVENT, "PhysicalResourceId": created["PhysicalResourceId"]})
    assert created["PhysicalResourceId"] == updated["PhysicalResourceId"]


# ---- the function ----


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What CloudFormation is told."""
    told: list[dict[str, Any]] = []

    def urlopen(request: Any, timeout: float) -> io.BytesIO:
        assert (request.get_method(), request.full_url) == ("PUT", EVENT["ResponseURL"])
        told.append(json.loads(request.data))
        return io.BytesIO()

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    return told


@pytest.fixture
def app() -> ModuleType:
    spec = importlib.util.spec_from_file_location("assets_app", REPOSITORY / "functions" / "assets" / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], set[str]]]:
    """The keys in an empty bucket `the-lake`, asked anew at each call."""
    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="the-lake")
        yield lambda: {one["Key"] for one in s3.list_objects_v2(Bucket="the-lake")["Contents"]}


def test_the_code_lies_under_the_prefix_that_cloudformation_is_told(
    app: ModuleType, answers: list[dict[str, Any]], objects: Callable[[], set[str]]
) -> None:
    app.handler(EVENT, None)

    (told,) = answers
    assert (told["Status"], told["RequestId"]) == ("SUCCESS", "request")
    assert f"{told['Data']['Prefix']}/lake.zip" in objects()


def test_a_rebuild_has_the_code_put_back_without_cloudformation(
    app: ModuleType, answers: list[dict[str, Any]], objects: Callable[[], set[str]]
) -> None:
    told = app.handler(EVENT["ResourceProperties"], None)

    assert f"{told['Prefix']}/lake.zip" in objects()
    assert answers == []


@mock_aws
def test_a_failure_is_told_in_words_and_does_not_leave_cloudformation_waiting(
    app: ModuleType, answers: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    app.handler(EVENT, None)  # there is no such bucket

    (told,) = answers
    assert told["Status"] == "FAILED"
    assert "could not be put" in told["Reason"]


def test_deleting_the_stack_takes_no_code_away(app: ModuleType, answers: list[dict[str, Any]]) -> None:
    app.handler({**EVENT, "RequestType": "Delete", "PhysicalResourceId": "JobAssets-assets"}, None)

    (told,) = answers
    assert (told["Status"], told["PhysicalResourceId"], told["Data"]) == ("SUCCESS", "JobAssets-assets", {})
