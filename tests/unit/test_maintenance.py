"""Table care: which snapshots may go, and that its run and those of silver and gold keep out of each other's way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lake.conductor import Conductor
from lake.flight import holds_lease
from lake.intake import Intake
from lake.leases import GRACE_SECONDS
from lake.maintenance.care import Seen
from lake.maintenance.plan import Limits, Moment, crowded, expire_before, line_of, newest_with
from lake.maintenance.result import MaintenanceResult, TableCare, result_key
from lake.maintenance.run import gold_rules, read_by_gold, silver_rules
from lake.ports import JobRun
from lake.progress import progress
from lake.sweeper import Sweeper

from .flow_fakes import TABLE, World, orders_csv

NIGHT = json.loads((Path(__file__).parents[2] / "events" / "schedule_maintain.json").read_text(encoding="utf-8"))
LINE = [Moment(4, 3, 400, {}), Moment(3, 2, 300, {"mark": "x"}), Moment(2, 1, 200, {}), Moment(1, None, 100, {})]


# ---- which snapshots may go ------------------------------------------------------------------------------------------


def test_the_line_follows_parents_from_the_head_and_leaves_branches_out() -> None:
    branch = Moment(9, 2, 900, {})

    assert line_of([*LINE, branch], 4) == LINE
    assert line_of([branch, *LINE], 9) == [branch, *LINE[2:]]
    assert line_of(LINE, None) == []


def test_the_newest_snapshot_with_a_mark() -> None:
    assert newest_with(LINE, "mark") == LINE[1]
    assert newest_with(LINE, "other") is None


@pytest.mark.parametrize(("cutoff", "keep", "before"), [(250, 3, 250), (10_000, 3, 300), (10_000, 1, 100)])
def test_what_is_old_goes_but_not_what_is_kept_nor_what_came_after_it(cutoff: int, keep: int, before: int) -> None:
    assert expire_before(LINE, cutoff, keep) == before


def test_nothing_goes_when_what_is_kept_is_on_another_line() -> None:
    assert expire_before(LINE, 10_000, 77) is None


def test_a_later_snapshot_with_an_earlier_clock_stays_as_well() -> None:
    assert expire_before([Moment(4, 3, 250, {}), *LINE[1:]], 10_000, 3) == 250


def test_files_are_packed_where_a_partition_has_many() -> None:
    assert not crowded([1, 4, 4], 5)
    assert crowded([1, 5], 5)


@pytest.mark.parametrize("limits", [{"snapshot_days": -1}, {"snapshot_days": 7, "orphan_days": 1}])
def test_ages_that_would_harm_a_run_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="cannot work"):
        Limits(**limits)


MARKED = {"silver-snapshot-id": "7", "silver-file-loads-snapshot-id": "8", "silver-quarantine-snapshot-id": "None"}
FRESHNESS = Seen({"main": 2}, snapshots=[Moment(2, 1, 200, {}), Moment(1, None, 100, MARKED)])


def test_what_gold_has_read_stands_in_its_last_publication_below_snapshots_of_maintenance() -> None:
    assert read_by_gold(FRESHNESS) == {"orders": 7, "file_loads": 8}
    assert read_by_gold(Seen()) == {}


def test_of_the_tables_that_gold_reads_what_it_has_read_last_stays() -> None:
    read = read_by_gold(FRESHNESS)

    assert silver_rules("orders", read, unfinished=False).keep == 7
    assert silver_rules("quarantine", read, unfinished=False).keep_all
    history = silver_rules("orders_history", read, unfinished=False)
    assert (history.keep, history.keep_all) == (None, "")
    assert silver_rules("orders_history", read, unfinished=True).hands_off


def test_golds_last_publication_stays_and_its_marts_go_by_age() -> None:
    assert gold_rules("freshness", FRESHNESS).keep == 1
    assert gold_rules("freshness", Seen()).keep_all
    assert gold_rules("root_causes", FRESHNESS).keep is None


def test_only_branches_of_the_layers_own_runs_are_stale() -> None:
    silver, gold = silver_rules("orders", {"orders": 7}, unfinished=False), gold_rules("root_causes", Seen())

    assert [silver.stale(name) for name in ("run_silver_1", "gold-1", "experiment")] == [True, False, False]
    assert [gold.stale(name) for name in ("run_silver_1", "gold-1", "experiment")] == [False, True, False]


# ---- one run, beside those of silver and gold ------------------------------------------------------------------------


def night(world: World) -> dict[str, Any]:
    return Conductor(world.flow()).handle(NIGHT)


def drop(world: World, key: str) -> None:
    intake = Intake(world.flow())
    intake.finish(intake.take(key, world.objects.put(key, orders_csv(len(key)))))


def run_of(world: World) -> JobRun:
    run = world.live("maintain-job")
    assert run is not None
    return run


def succeeds(world: World, *, rewritten: bool = False) -> dict[str, Any]:
    """The live maintenance ends well; gives the event that Glue would send."""
    run = run_of(world)
    owner = run.arguments["--maintain_run_id"]
    result = MaintenanceResult(owner, (TableCare("silver.orders", 6, 1, rewritten=rewritten),))
    world.documents.put(result_key(owner), result.to_json().encode())
    return world.ends(run, "SUCCEEDED")


def owners(world: World) -> list[str | None]:
    return [world.ledger.lease(name).owner for name in ("silver", "gold", "maintain")]


def test_a_result_survives_its_json() -> None:
    result = MaintenanceResult("m", (TableCare("silver.orders", 6, 1, 600, 100, 4, 2, 1, True, "a note"),))

    assert MaintenanceResult.from_json(result.to_json()) == result
    assert (result.rewritten("silver"), result.rewritten("gold")) == (True, False)


def test_its_run_holds_the_leases_of_silver_and_gold(world: World) -> None:
    assert night(world)["started"] == {"maintain": "started"}

    given = run_of(world).arguments
    assert owners(world) == [given["--maintain_run_id"]] * 3
    for lease, argument in (("silver", "--silver_fence"), ("gold", "--gold_fence"), ("maintain", "--fence")):
        assert holds_lease(TABLE, lease, int(given[argument]), world.client)


def test_a_file_that_comes_meanwhile_waits_and_is_loaded_afterwards(world: World) -> None:
    night(world)
    drop(world, "orders/a.csv")
    assert world.live("silver-job") is None

    done = Conductor(world.flow()).handle(succeeds(world))

    assert (done["maintain"], done["started"]) == ("settled", {"silver": "started"})


def test_a_night_that_finds_silver_at_work_comes_when_silver_and_gold_rest(world: World) -> None:
    drop(world, "orders/a.csv")

    assert night(world)["started"] == {"maintain": "busy"}

    assert Conductor(world.flow()).handle(world.silver_succeeds())["started"] == {"gold": "started"}
    assert Conductor(world.flow()).handle(world.gold_succeeds())["started"] == {"maintain": "started"}


def test_gold_is_asked_for_when_silver_has_new_snapshots_and_only_then(world: World) -> None:
    night(world)
    assert Conductor(world.flow()).handle(succeeds(world))["started"] == {}
    night(world)

    assert Conductor(world.flow()).handle(succeeds(world, rewritten=True))["started"] == {"gold": "started"}


def test_what_gold_was_asked_for_before_is_not_forgotten(world: World) -> None:
    flow = world.flow()
    flow.leases.want("gold")
    assert flow.maintain.start() == "started"

    assert Conductor(world.flow()).handle(succeeds(world))["started"] == {"gold": "started"}


def test_the_last_gold_run_stays_the_one_that_is_announced(world: World) -> None:
    drop(world, "orders/a.csv")
    Conductor(world.flow()).handle(world.silver_succeeds())
    Conductor(world.flow()).handle(world.gold_succeeds())
    before = world.ledger.lease("gold").last_owner

    night(world)
    Conductor(world.flow()).handle(succeeds(world))

    assert world.ledger.lease("gold").last_owner == before


def test_a_run_that_failed_gives_way_is_told_and_comes_again_after_a_rest(world: World) -> None:
    night(world)
    drop(world, "orders/a.csv")

    done = Conductor(world.flow()).handle(world.fails("maintain-job"))

    assert done["maintain"] == "given up"
    assert done["started"] == {"gold": "started", "silver": "started"}
    assert any("maintain-job" in subject for subject, _ in world.alerts.sent)
    Conductor(world.flow()).handle(world.silver_succeeds())
    Conductor(world.flow()).handle(world.gold_succeeds())
    while world.live("gold-job"):
        Conductor(world.flow()).handle(world.gold_succeeds())
    assert world.live("maintain-job") is None
    world.time.seconds += 3600
    Sweeper(world.flow()).sweep()
    assert world.live("maintain-job") is not None


def test_a_run_without_a_result_counts_as_failed(world: World) -> None:
    night(world)

    assert Conductor(world.flow()).handle(world.ends(run_of(world), "SUCCEEDED"))["maintain"] == "given up"
    assert owners(world)[2] is None


def test_a_lost_event_of_its_end_is_made_up_for_by_a_sweep(world: World) -> None:
    night(world)
    succeeds(world)

    assert Sweeper(world.flow()).sweep()["maintain"] == "settled"
    assert owners(world) == [None, None, None]


def test_the_leases_of_a_long_run_are_not_taken_for_abandoned(world: World) -> None:
    night(world)
    before = owners(world)
    world.time.seconds += 2 * GRACE_SECONDS

    Sweeper(world.flow()).sweep()

    assert owners(world) == before


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_a_start_that_died_on_the_way_gives_everything_back_and_comes_again(world: World, taken: int) -> None:
    flow = world.flow()
    lease = flow.leases.acquire("maintain", "maintain-dead", flow.clock.now())
    assert lease is not None
    for name in ("silver", "gold")[:taken]:
        flow.leases.acquire(name, "maintain-dead", flow.clock.now(), keep_wish=True)
    world.time.seconds += GRACE_SECONDS + 1

    Sweeper(world.flow()).sweep()

    started = run_of(world).arguments["--maintain_run_id"]
    assert started != "maintain-dead"
    assert owners(world) == [started] * 3


def test_leases_of_a_maintenance_that_is_over_are_given_back(world: World) -> None:
    flow = world.flow()
    flow.leases.acquire("gold", "maintain-gone", flow.clock.now(), keep_wish=True)
    world.time.seconds += GRACE_SECONDS + 1

    Sweeper(world.flow()).sweep()

    assert world.ledger.lease("gold").owner != "maintain-gone"


def test_a_run_whose_leases_were_lost_gets_fences_that_no_lease_has(world: World) -> None:
    flow = world.flow()
    lease = flow.leases.acquire("maintain", "maintain-x", flow.clock.now())
    assert lease is not None
    flow.leases.acquire("silver", "silver-y", flow.clock.now())

    assert flow.maintain.arguments(lease) == {"--silver_fence": "-1", "--gold_fence": "-1"}
    assert not holds_lease(TABLE, "silver", -1, world.client)


def test_a_night_that_reached_nobody_is_made_up_for(world: World) -> None:
    world.dead_events.send("m1", json.dumps(NIGHT))

    report = Sweeper(world.flow()).sweep()

    assert report["redriven"] == 1
    assert run_of(world)


def test_waiting_people_see_one_run_not_three(world: World) -> None:
    night(world)

    assert [run.job for run in progress(world.flow()).running] == ["maintain-job"]
