"""Functions, their layer, and how a deployment is made."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from .stack import REPOSITORY, for_environment, of_type, properties, written

FUNCTIONS = ["assets", "conductor", "digest", "intake", "sweeper"]
# In the layer for functions only (the last two are Powertools' own needs, and boto3 brings Glue its jmespath).
FOR_FUNCTIONS_ONLY = {"aws_lambda_powertools", "jmespath", "typing_extensions"}


def pins(requirements: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9_.-]+)(?:\[[^\]]*\])?==(\S+)", requirements.read_text(), re.MULTILINE))


def sources(*folders: str) -> str:
    return "\n".join(path.read_text() for folder in folders for path in (REPOSITORY / folder).rglob("*.py"))


def test_the_functions_are_the_ones_of_the_design_and_have_a_handler() -> None:
    functions = {for_environment(item["FunctionName"]): item for item in of_type("AWS::Lambda::Function").values()}

    assert sorted(functions) == [f"jozi-dev-{name}" for name in FUNCTIONS]
    assert {item["Handler"] for item in functions.values()} == {"app.handler"}
    for name in FUNCTIONS:
        code = (REPOSITORY / "functions" / name / "app.py").read_text()
        assert re.search(r"^def handler\(|^handler = ", code, re.MULTILINE)
        assert len(code.splitlines()) <= 40


def test_functions_run_on_one_runtime_and_need_no_build() -> None:
    for name, resource in written()["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            assert resource["Metadata"] == {"SkipBuild": True}, name
    for function in of_type("AWS::Lambda::Function").values():
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])


def test_functions_know_every_name_that_the_library_reads_from_the_environment() -> None:
    given = set(written()["Globals"]["Function"]["Environment"]["Variables"])
    asked = set(re.findall(r"""environ(?:\.get\(|\[)["']([A-Z_]+)["']""", sources("lake", "functions")))
    assert {name for name in asked if not name.startswith(("AWS_", "LAKE_", "SPARK_"))} <= given


def test_the_layer_is_made_of_the_versions_that_the_tests_run_with() -> None:
    layer, tested = pins(REPOSITORY / "layer" / "requirements.txt"), pins(REPOSITORY / "requirements" / "dev.lock")
    assert layer
    assert {name: tested.get(name) for name in layer} == layer


def test_the_layer_is_pinned_by_hash_and_names_no_index() -> None:
    text = (REPOSITORY / "layer" / "requirements.txt").read_text()
    assert text.count("==") <= text.count("--hash=sha256:")
    assert "://" not in text
    assert "index" not in text


def test_the_jobs_get_every_package_of_the_layer_that_is_not_for_functions_only() -> None:
    distributions = packages_distributions()
    wanted = set(pins(REPOSITORY / "layer" / "requirements.txt"))
    importable = {
        package
        for package, owners in distributions.items()
        if {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners} & wanted and not package.startswith("_")
    }

    packages = set(properties("JobAssets")["Packages"])

    assert packages == {"lake", "contracts", "marts"} | (importable - FOR_FUNCTIONS_ONLY)


@pytest.mark.parametrize("script", ["silver", "gold"])
def test_jobs_start_without_what_is_for_functions_only(script: str) -> None:
    program = (
        "import runpy, sys;"
        "sys.modules['aws_lambda_powertools'] = None;"
        f"runpy.run_path('glue_jobs/{script}.py', run_name='imported')"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_another_layer_makes_the_jobs_code_anew() -> None:
    assert properties("JobAssets")["Layer"]["Ref"].startswith("LakeLayer")


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_every_environment_can_be_built_and_deployed_by_its_name(environment: str) -> None:
    config = tomllib.loads((REPOSITORY / "samconfig.toml").read_text())[environment]
    deploy = config["deploy"]["parameters"]

    assert config["build"]["parameters"]["build_in_source"] is True
    assert deploy["stack_name"] == f"jozi-lake-{environment}"
    assert f"Environment={environment}" in deploy["parameter_overrides"]
    assert deploy["resolve_s3"] is True
    assert {"project=jozi-lake", f"environment={environment}"} <= set(deploy["tags"])
    assert deploy["confirm_changeset"] is (environment != "dev")
    assert {one.split("=")[0] for one in deploy["parameter_overrides"]} <= set(written()["Parameters"])


def test_who_names_no_environment_gets_dev() -> None:
    config = tomllib.loads((REPOSITORY / "samconfig.toml").read_text())
    assert config["default"] == config["dev"]
