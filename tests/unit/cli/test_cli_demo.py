"""`lake demo` and `lake doctor`, over fakes: order of things, last lines, exit codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli import answers, context, demo, doctor, wait
from cli.errors import CliError
from cli.options import Target
from cli.wait import Outcome

from .cause_rows import cause, cause_rows
from .conftest import NOON, Ended, FakeLake, counts

Run = Callable[..., Ended]

ANSWERS: dict[str, Any] = {
    "avg_order_to_door_minutes\n": (
        [("orders", "bigint"), ("late_deliveries", "bigint"), ("late_order_to_door", "bigint"),
         ("avg_delivery_minutes", "double"), ("avg_order_to_door_minutes", "double")],
        [["1000", "100", "450", "18.24", "30.5"]],
    ),
    "HAVING sum(orders)": (
        [("area", "varchar"), ("order_hour", "integer"), ("orders", "bigint"), ("late", "bigint"), ("rate", "double")],
        [["E", "21", "50", "33", "0.66"]],
    ),
    "ORDER BY order_hour": (
        [("order_hour", "integer"), ("orders", "bigint"), ("rate", "double")], [["18", "90", "0.9"], ["12", "50", "0"]],
    ),
    "FROM stage_bottlenecks": (
        [("stage", "varchar"), ("minutes", "double"), ("share", "double"), ("peak_ratio", "double"),
         ("worst_hour", "integer")],
        [["delivery", "18.2", "0.6", "1.01", "20"], ["base_prep", "3.9", "0.12", "1.52", "18"]],
    ),
    "FROM complaint_summary": (
        [("reason", "varchar"), ("complaints", "bigint"), ("in_time", "bigint")],
        [["Wrong topping", "30", "25"], ["Late delivery", "10", "0"]],
    ),
    "UNNEST(reasons)": (
        [("reason", "varchar"), ("rows", "bigint"), ("files", "bigint"), ("example", "varchar"),
         ("newest_file", "varchar")],
        [["order_date ... is not a date", "5", "1", "order_date 'x' is not a date", "orders/x.csv"]],
    ),
    "FROM freshness": (
        [("marts", "bigint"), ("published_at", "varchar"), ("data_through", "varchar")],
        [["5", "2026-03-05 14:00:30.123456", "2025-08-31"]],
    ),
}  # fmt: skip


@pytest.fixture
def played(lake: FakeLake, monkeypatch: pytest.MonkeyPatch) -> FakeLake:
    """A lake in which the sandbox runs, and every dropped file is loaded and gold fresh at once."""
    lake.athena.answers.update(ANSWERS)
    report = SimpleNamespace(already_running=True, endpoint="http://127.0.0.1:1")
    monkeypatch.setattr("cli.local.start", lambda stack=None, quiet=False: report)

    def settle(at: FakeLake, timeout: float, quiet: bool, dropped: Any) -> Outcome:
        for file in dropped:
            received = {"contract": "orders"}
            done = {"counts": counts(inserted=996, quarantined=4, blank=7), "run_id": "jr"}
            at.add(file.key, "PENDING", "LOADING", "LOADED", version=file.version, received=received, **done)
        at.glue.add("silver", minutes=0.1)
        at.glue.add("gold", minutes=0.5)
        return Outcome(True, 1.0)

    monkeypatch.setattr(wait, "until_settled", settle)
    return lake


def test_the_demo_goes_from_a_file_to_answers_and_says_what_to_type_next(run: Run, played: FakeLake) -> None:
    ended = run("demo", "--orders", "1000")
    text = ended.out
    assert ended.code == 0, ended.err
    assert (context.home() / "demo" / "sample-orders.csv").exists()
    order = ["The stack", "A file of orders", "Its way", "silver run started", "gold run succeeded", "How late",
             "Where and when", "At which stage", "complain about", "quarantined, and why", "How fresh",
             "Start to answers", "Five things"]  # fmt: skip
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert "450 (45.0%)" in text
    assert "100 (10.0%)" in text
    assert "Area E at 21:00: 33 of 50" in text
    assert "Base prep: in peak hours it takes 1.52 times" in text
    assert "most about: Wrong topping" in text
    assert "996 inserted + 4 quarantined" in text
    assert len(text.split("Five things to type next:\n")[1].splitlines()) == 5
    assert "Why?" not in text


def test_the_causes_are_shown_as_soon_as_gold_has_them(run: Run, played: FakeLake) -> None:
    played.athena.answers["FROM root_causes"] = cause_rows(
        cause("late_delivery", 1, ("area", "E"), ("order_hour", "21"), hits=33, orders=50, lift=6.6),
        cause("complaint", 1, ("size", "Large"), ("stylist", "Marco"), hits=18, orders=54, lift=3.3, person=True),
    )
    text = run("demo", "--orders", "1000").out
    assert "Why?" in text
    assert "late_delivery\tarea = E and order_hour = 21\tx 6.6\t33 of 50\t" in text
    assert "size = Large and stylist = (a person)" in text
    assert "At the topping station, 18 of 54 orders of size Large on one person's shift" in text
    assert "Marco" not in text


def test_the_demo_as_json(run: Run, played: FakeLake) -> None:
    report = run("demo", "--orders", "1000", "--json").json
    assert report["answers"]["How late are deliveries?"]["late_order_to_door"] == 450
    assert report["file"]["state"] == "LOADED"
    assert set(report["steps"]) == {"stack up", "sample made", "file to gold", "answers"}


def test_ctrl_c_says_how_to_go_on_and_ends_with_130(
    run: Run, played: FakeLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(wait, "until_settled", interrupted)
    ended = run("demo", "--orders", "1000")
    assert (ended.code, ended.err) == (130, demo.INTERRUPTED + "\n")


def test_a_demo_that_does_not_get_there_fails_in_one_sentence(
    run: Run, played: FakeLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wait, "until_settled", lambda *_, **__: Outcome(False, 5.0, [], ["gold is behind silver"]))
    ended = run("demo", "--orders", "1000", "--timeout", "5")
    assert ended.code == 1
    assert ended.err.startswith("Gold is not fresh after 5 s")


def test_an_empty_gold_has_no_figures_to_show(lake: FakeLake) -> None:
    empty = {part: (columns, []) for part, (columns, _) in ANSWERS.items()}
    empty["avg_order_to_door_minutes\n"] = (ANSWERS["avg_order_to_door_minutes\n"][0], [[None] * 5])
    empty["FROM freshness"] = (ANSWERS["FROM freshness"][0], [["0", None, None]])
    lake.athena.answers.update(empty)
    sentences = [section.sentence for section in answers.all_sections(lake, lake.add("a.csv", "LOADED"))]
    assert "Nobody complained." in sentences
    assert "Gold was never published." in sentences


def test_a_real_failure_of_a_question_is_not_hidden(lake: FakeLake) -> None:
    lake.athena.answers["delivery_performance"] = "GENERIC_INTERNAL_ERROR: worker lost"
    with pytest.raises(CliError, match="worker lost"):
        answers.all_sections(lake, lake.add("a.csv", "LOADED"))


class FakeCloudFormation:
    def __init__(self, state: str = "CREATE_COMPLETE") -> None:
        self.state = state

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        return {"Stacks": [{"StackStatus": self.state, "CreationTime": NOON, "Outputs": []}]}


@pytest.fixture
def healthy(lake: FakeLake, monkeypatch: pytest.MonkeyPatch) -> FakeLake:
    part = SimpleNamespace(name="emulator", state="running", pid=1, port=2, log=Path("/x"), rss=1)
    status = SimpleNamespace(running=True, parts=(part,))
    monkeypatch.setattr(context, "make_sandbox", lambda stack=None: SimpleNamespace(status=lambda: status))
    lake.clients["cloudformation"] = FakeCloudFormation()
    lake.athena.answers["SELECT 1"] = ([("one", "integer")], [["1"]])
    url = lake.client("sqs").create_queue(QueueName="dlq")["QueueUrl"]
    lake.outputs["ArrivalsDlqUrl"] = url
    return lake


def problems(ended: Ended) -> list[str]:
    return [check["name"] for check in ended.json["checks"] if not check["ok"]]


def test_doctor_finds_nothing_wrong_in_a_healthy_lake(run: Run, healthy: FakeLake) -> None:
    ended = run("doctor", "--json")
    assert problems(ended) == []
    assert ended.code == 0
    names = [check["name"] for check in ended.json["checks"]]
    assert {
        "python",
        "disk",
        "LAKE_HOME",
        "java spark",
        "java trino",
        "emulator",
        "stack",
        "outputs",
        "athena",
        "runs",
    } <= {*names}
    assert run("doctor").out.splitlines()[-1] == "Everything is fine."


@pytest.mark.parametrize(
    ("environment", "protected", "ok"),
    [("prod", True, True), ("prod", False, False), ("staging", False, False), ("dev", False, True)],
)
def test_doctor_wants_staging_and_prod_protected_from_deletion(
    lake: FakeLake, environment: str, protected: bool, ok: bool
) -> None:
    class Described:
        def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
            parameters = [{"ParameterKey": "Environment", "ParameterValue": environment}]
            stack = {"StackStatus": "UPDATE_COMPLETE", "CreationTime": NOON, "Parameters": parameters}
            return {"Stacks": [stack | {"EnableTerminationProtection": protected}]}

    lake.clients["cloudformation"] = Described()
    lake.target = Target.aws

    found = doctor._stack_state(lake)

    assert found.ok == ok
    assert ok or "update-termination-protection" in found.remedy


def test_doctor_finds_tables_that_the_catalog_lost_and_entries_that_lead_nowhere(run: Run, healthy: FakeLake) -> None:
    metadata = f"warehouse/{healthy.outputs['GoldDatabase']}/freshness/metadata/1.metadata.json"
    healthy.client("s3").put_object(Bucket="lake", Key=metadata, Body=b"{}")
    lost = run("doctor", "--json")

    healthy.glue.tables["freshness"] = f"s3://lake/{metadata}-gone"
    nowhere = run("doctor", "--json")

    [words] = [check["words"] for check in lost.json["checks"] if not check["ok"]]
    assert words == f"the catalog has lost {healthy.outputs['GoldDatabase']}.freshness"
    [words] = [check["words"] for check in nowhere.json["checks"] if not check["ok"]]
    assert "freshness points to metadata that is gone" in words
    assert "aws glue delete-table" in words


def test_doctor_names_each_problem_with_what_to_do(run: Run, healthy: FakeLake) -> None:
    healthy.clients["cloudformation"].state = "UPDATE_ROLLBACK_FAILED"
    del healthy.outputs["GoldJobName"]
    healthy.athena.answers["SELECT 1"] = "GENERIC_INTERNAL_ERROR: no nodes"
    healthy.add("a.csv", "HELD")
    healthy.client("sqs").send_message(QueueUrl=healthy.outputs["ArrivalsDlqUrl"], MessageBody="x")
    ended = run("doctor", "--json")
    assert ended.code == 1
    assert problems(ended) == ["stack", "outputs", "athena", "tables", "runs", "files", "dead letters"]
    assert all(check["remedy"] for check in ended.json["checks"] if not check["ok"])
    plain = run("doctor").out
    assert "problem  files        1 HELD -> see `lake files --state HELD" in plain


def test_doctor_without_a_sandbox_looks_at_the_machine_and_says_how_to_start(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    status = SimpleNamespace(running=False, parts=())
    monkeypatch.setattr(context, "make_sandbox", lambda stack=None: SimpleNamespace(status=lambda: status))
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("LAKE_CACHE", str(blocked))
    ended = run("doctor", "--json")
    assert ended.code == 1
    assert set(problems(ended)) >= {"LAKE_CACHE", "sandbox"}


def test_doctor_says_when_the_newest_run_failed(run: Run, healthy: FakeLake) -> None:
    healthy.glue.add("silver", minutes=0)
    healthy.glue.add("silver", "FAILED", minutes=5, ErrorMessage="out of memory")
    ended = run("doctor", "--json")
    assert problems(ended) == ["runs"]
    assert "out of memory" in ended.out
