"""`maintain`: waits for its turn, follows its run, and says what was done to each table."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from cli import following
from lake.flow import Ports
from lake.leases import Leases
from lake.maintenance.result import MaintenanceResult, TableCare, result_key

from .conftest import Ended, FakeLake

Run = Callable[..., Ended]
CARE = (TableCare("silver.orders", 6, 2, 6_000, 2_500, 4, 1), TableCare("gold.freshness", 1, 1, 900, 900))


class Jobs:
    """A job that ends when it is looked at for the second time. `result` None: it fails."""

    def __init__(self, lake: FakeLake, result: tuple[TableCare, ...] | None) -> None:
        self.lake, self.result = lake, result
        self.stored: dict[str, bytes] = {}
        self.given: list[dict[str, str]] = []
        self.before: Callable[[], Any] | None = None

    def start(self, job: str, arguments: dict[str, str]) -> str:
        self.given.append(arguments)
        return "jr_1"

    def get(self, key: str) -> bytes | None:
        return self.stored.get(key)

    def ends(self, _lake: object) -> None:
        """What happens between two looks."""
        leases = Leases(self.lake.ledger.store)
        if self.before is not None:
            self.before()
            self.before = None
            return
        owner = str(leases.read("maintain").owner)
        if self.result is not None:
            self.stored[result_key(owner)] = MaintenanceResult(owner, self.result).to_json().encode()
        for name in ("silver", "gold", "maintain"):
            leases.release(leases.read(name), last_error=None if self.result else "it broke")


@pytest.fixture
def jobs(lake: FakeLake, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Jobs:
    fake = Jobs(lake, getattr(request, "param", CARE))
    flow, real = lake.flow, lake.flow.ports
    flow.ports = Ports(
        objects=real.objects, documents=real.documents, jobs=fake, crawlers=real.crawlers, alerts=real.alerts,
        events=real.events, tables=real.tables,
    )  # fmt: skip
    flow.maintain.jobs = flow.maintain.documents = fake
    monkeypatch.setattr(following, "pause", fake.ends)
    return fake


def test_each_table_is_told_with_what_was_done(jobs: Jobs, run: Run) -> None:
    ended = run("maintain")

    assert ended.code == 0
    [line] = [line for line in ended.out.splitlines() if "silver.orders" in line]
    assert "6 -> 2" in line
    assert "6,000 -> 2,500" in line
    assert not {"--snapshot_days", "--personal_data_days"} & set(jobs.given[0])


def test_json_has_the_numbers_and_an_age_goes_to_the_run(jobs: Jobs, run: Run) -> None:
    ended = run("maintain", "--snapshot-days", "0", "--personal-data-days", "365", "--json")

    told = json.loads(ended.out)
    assert [table["files_after"] for table in told["tables"]] == [2, 1]
    assert (jobs.given[0]["--snapshot_days"], jobs.given[0]["--personal_data_days"]) == ("0.0", "365")


def test_it_waits_while_silver_is_at_work(jobs: Jobs, lake: FakeLake, run: Run) -> None:
    leases = Leases(lake.ledger.store)
    leases.acquire("silver", "silver-1", time.time())
    jobs.before = lambda: leases.release(leases.read("silver"))

    ended = run("maintain")

    assert ended.code == 0
    assert "waits for another run" in ended.out


def test_it_gives_up_waiting_in_a_sentence(jobs: Jobs, lake: FakeLake, run: Run) -> None:
    Leases(lake.ledger.store).acquire("gold", "gold-1", time.time())

    ended = run("maintain", "--timeout", "0")

    assert ended.code == 1
    assert "still at work" in ended.err
    assert jobs.given == []


@pytest.mark.parametrize("jobs", [None], indirect=True)
def test_a_run_that_failed_says_why(jobs: Jobs, run: Run) -> None:
    ended = run("maintain")

    assert ended.code == 1
    assert "it broke" in ended.err
