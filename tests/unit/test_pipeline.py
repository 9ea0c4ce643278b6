"""The workflow and samconfig: how a change reaches prod, and what stands in between."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
import yaml

from .stack import REPOSITORY

TEXT = (REPOSITORY / ".github" / "workflows" / "deploy.yaml").read_text(encoding="utf-8")
JOBS: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["jobs"]
CONFIG = tomllib.loads((REPOSITORY / "samconfig.toml").read_text(encoding="utf-8"))


def commands(job: str) -> list[str]:
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def test_a_change_reaches_prod_by_way_of_every_station() -> None:
    assert set(JOBS["build"]["needs"]) == {"check", "test"}
    assert JOBS["staging"]["needs"] == "build"
    assert JOBS["prod"]["needs"] == "staging"
    assert "make check" in commands("check")
    assert "make test" in commands("test")


def test_make_test_leaves_no_folder_of_tests_out() -> None:
    recipe = re.search(r"^test: .*\n((?:\t.*\n)+)", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))

    assert recipe is not None
    assert re.findall(r"tests/\w+", recipe[1]) == project["tool"]["pytest"]["ini_options"]["testpaths"]


@pytest.mark.parametrize("stage", ["staging", "prod"])
def test_a_deployment_is_followed_by_the_smoke_test(stage: str) -> None:
    said = commands(stage)
    deployed = next(number for number, one in enumerate(said) if f"sam deploy --config-env {stage}" in one)
    smoke = next(number for number, one in enumerate(said) if "lake doctor --target aws" in one)
    assert deployed < smoke
    assert f"--stack jozi-lake-{stage}" in said[smoke]
    assert any("--enable-termination-protection" in one and f"jozi-lake-{stage}" in one for one in said)


@pytest.mark.parametrize("stage", ["staging", "prod"])
def test_only_a_push_to_main_deploys_and_only_into_its_environment(stage: str) -> None:
    assert JOBS[stage]["if"] == "github.event_name == 'push'"
    assert JOBS[stage]["environment"] == stage  # prod's has required reviewers: docs/deploy.md
    assert yaml.safe_load(TEXT)[True]["push"] == {"branches": ["main"]}  # YAML 1.1 reads the key "on" as true


def test_the_pipeline_holds_no_keys() -> None:
    assert "secrets." not in TEXT
    assert "AKIA" not in TEXT
    assert not re.search(r"aws[-_](access|secret)", TEXT, re.IGNORECASE)
    assert yaml.safe_load(TEXT)["permissions"] == {"contents": "read"}
    trusted = {name for name, job in JOBS.items() if "id-token" in job.get("permissions", {})}
    assert trusted == {"staging", "prod", "drift"}


def test_actions_are_pinned_by_commit_and_say_their_version() -> None:
    used = re.findall(r"uses: *(.*)", TEXT)
    loose = [one for one in used if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)]

    assert used
    assert loose == []
    assert len({one.partition("@")[0] for one in used}) == len(set(used)), "one action, two versions"


def test_keys_come_by_openid_connect_for_the_environments_one_role() -> None:
    for name, job in JOBS.items():
        asked = [step["with"] for step in job["steps"] if "configure-aws-credentials" in step.get("uses", "")]
        trusted = job.get("permissions") == {"contents": "read", "id-token": "write"}
        assert trusted == bool(asked) == ("environment" in job), name
        for given in asked:
            assert set(given) == {"role-to-assume", "aws-region"}
            assert re.fullmatch(r"\$\{\{ vars\.\w+_ROLE_ARN \}\}", given["role-to-assume"])


def test_what_is_checked_out_keeps_no_credentials() -> None:
    steps = [step for job in JOBS.values() for step in job["steps"] if "actions/checkout" in step.get("uses", "")]

    assert steps
    assert all(step["with"]["persist-credentials"] is False for step in steps)


def test_every_job_ends_by_itself() -> None:
    assert [name for name, job in JOBS.items() if not job.get("timeout-minutes")] == []


def test_what_is_deployed_is_what_was_checked_and_its_parts_are_listed() -> None:
    kept = {step["with"]["name"] for job in ("check", "build") for step in JOBS[job]["steps"] if "upload" in str(step)}

    assert kept == {"sbom", "build"}
    assert "make audit sbom" in commands("check")
    for stage in ("staging", "prod"):
        assert [step["with"]["name"] for step in JOBS[stage]["steps"] if "download" in str(step)] == ["build"]
        assert not any("sam build" in one for one in commands(stage))


def test_the_three_environments_are_stacks_of_their_own() -> None:
    stacks = {stage: CONFIG[stage]["deploy"]["parameters"]["stack_name"] for stage in ("dev", "staging", "prod")}

    assert stacks == {"dev": "jozi-lake-dev", "staging": "jozi-lake-staging", "prod": "jozi-lake-prod"}


def test_nothing_from_outside_is_put_into_a_shell() -> None:
    for job in JOBS:
        for command in commands(job):
            assert "${{" not in command, command


def test_drift_is_looked_for_every_day_in_both_stacks() -> None:
    assert yaml.safe_load(TEXT)[True]["schedule"]
    assert JOBS["drift"]["strategy"]["matrix"]["stage"] == ["staging", "prod"]
    assert "detect-stack-drift" in commands("drift")[0]


@pytest.mark.parametrize("stage", ["staging", "prod"])
def test_a_person_sees_the_change_set_first(stage: str) -> None:
    deploy = CONFIG[stage]["deploy"]["parameters"]
    assert deploy["confirm_changeset"] is True
    assert deploy["stack_name"] == f"jozi-lake-{stage}"
    assert f"Environment={stage}" in deploy["parameter_overrides"]


def test_prod_cannot_be_deleted_by_a_habit() -> None:
    assert "delete" not in CONFIG["prod"]
