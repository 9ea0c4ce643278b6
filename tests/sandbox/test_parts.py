"""Small parts of the sandbox that need nothing started."""

from __future__ import annotations

import os
import types
from pathlib import Path

import pytest

from sandbox import deploy, processes
from sandbox.emulator import seams
from sandbox.emulator.iam import Arns, glue_arns
from sandbox.glue import spark, warm

CATALOG = "spark.sql.catalog.lake"
ENGINE = spark.Engine("/java", (Path("/jars/a.jar"),), "http://127.0.0.1:1", "us-east-1")


def test_glues_conf_argument_holds_many_settings() -> None:
    assert spark.parse_conf("a.b=1 --conf c.d=x=y --conf e=two words") == {"a.b": "1", "c.d": "x=y", "e": "two words"}


def test_a_setting_without_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match="'nonsense' is not key=value"):
        spark.parse_conf("a=1 --conf nonsense")


def test_catalogs_in_glue_are_pointed_at_the_emulator_and_others_are_left_alone(tmp_path: Path) -> None:
    conf = {
        f"{CATALOG}.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
        "spark.sql.catalog.files.type": "hadoop",
        "spark.driver.memory": "10g",
        "spark.sql.ansi.enabled": "true",
    }

    made = spark.settings(ENGINE, conf, tmp_path)

    assert made[f"{CATALOG}.glue.endpoint"] == "http://127.0.0.1:1"
    assert made[f"{CATALOG}.s3.path-style-access"] == "true"
    assert "spark.sql.catalog.files.glue.endpoint" not in made
    assert made["spark.driver.memory"] == "1500m"  # the laptop's memory, not the worker's
    assert made["spark.sql.ansi.enabled"] == "true"


@pytest.mark.parametrize(
    ("action", "body", "resources"),
    [
        ("GetTable", {"DatabaseName": "d", "Name": "t"}, ["table/d/t", "database/d", "catalog"]),
        ("CreateTable", {"DatabaseName": "d", "TableInput": {"Name": "t"}}, ["table/d/t", "database/d", "catalog"]),
        ("GetTables", {"DatabaseName": "d"}, ["table/d/*", "database/d", "catalog"]),
        ("BatchCreatePartition", {"DatabaseName": "d", "TableName": "t"}, ["table/d/t", "database/d", "catalog"]),
        (
            "BatchDeleteTable",
            {"DatabaseName": "d", "TablesToDelete": ["t", "u"]},
            ["table/d/t", "table/d/u", "database/d", "catalog"],
        ),
        ("GetDatabase", {"Name": "d"}, ["database/d", "catalog"]),
        ("GetDatabases", {}, ["database/*", "catalog"]),
        ("DeleteDatabase", {"Name": "d"}, ["database/d", "table/d/*", "userDefinedFunction/d/*", "catalog"]),
        ("StartJobRun", {"JobName": "j"}, ["job/j"]),
        ("StartCrawler", {"Name": "c"}, ["crawler/c"]),
    ],
)
def test_a_glue_call_is_checked_on_all_that_it_touches(
    action: str, body: dict[str, object], resources: list[str]
) -> None:
    assert glue_arns(action, body, "r", "1") == tuple(f"arn:aws:glue:r:1:{each}" for each in resources)


def test_a_denial_names_the_narrowest_resource() -> None:
    arns = Arns("narrow", "wide")

    assert arns == "narrow"
    assert arns.others == ("wide",)


def test_another_emulator_is_noticed() -> None:
    module = types.ModuleType("somewhere")
    module.call = lambda data, extra: None  # type: ignore[attr-defined]

    with pytest.raises(seams.SeamMoved, match=r"takes \(data extra\), not \(data\)"):
        seams.expect(module, "call", "data")
    with pytest.raises(seams.SeamMoved, match=r"has no somewhere\.gone"):
        seams.replace(module, "gone", "data", lambda data: None)


def test_a_process_that_got_an_old_pid_is_not_taken_for_the_old_one() -> None:
    me = processes.ProcessId.of(os.getpid())

    assert me.process() is not None
    assert processes.ProcessId(me.pid, me.created - 100).process() is None


def test_what_is_deployed_is_known_by_its_content(tmp_path: Path) -> None:
    home = tmp_path / ".home"
    for name in ("template.yaml", "code/app.py", "tests/test_app.py", "code/__pycache__/app.pyc", ".home/state.json"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("1")

    def digest() -> str:
        return deploy.digest(tmp_path, (), {"A": "1"}, home)

    first = digest()
    for name in ("tests/test_app.py", "code/__pycache__/app.pyc", ".home/state.json"):
        (tmp_path / name).write_text("2")
    assert digest() == first
    (tmp_path / "code/app.py").write_text("2")
    assert digest() != first
    assert deploy.digest(tmp_path, ("other",), {"A": "1"}, home) != digest()


def test_no_engine_is_kept_for_a_job_whose_runs_nobody_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    job = {"Command": {"Name": "glueetl"}, "Role": "r"}
    cold = {**job, "Role": "s", "DefaultArguments": {"--sandbox-engine": "cold"}}
    monkeypatch.setattr(warm.glue, "_jobs", {"day": job, "night": cold})

    assert [name for name, *_ in warm._spark_jobs().values()] == ["day"]
