"""From drop to gold: which gold run is the first to show a batch, and how long its files had waited."""

from __future__ import annotations

from lake.batches import Batches
from lake.conductor import Conductor
from lake.intake import Intake
from lake.ledger import Ledger
from lake.measures import Measures
from lake.sweeper import Sweeper

from .flow_fakes import TABLE, World, object_event, orders_csv


def drop(world: World, key: str) -> None:
    intake = Intake(world.flow())
    intake.finish(intake.accept(object_event(key, world.objects.put(key, orders_csv(len(key))))))


def conduct(world: World, event: dict[str, object]) -> Measures:
    flow = world.flow()
    Conductor(flow).handle(event)
    return flow.measures


def batches(world: World) -> Batches:
    return Batches(Ledger(TABLE, world.client).store)


def test_the_lag_is_from_the_oldest_file_of_the_batch_to_the_publication_of_gold(world: World) -> None:
    world.objects.put("orders/early.csv", orders_csv(1))
    world.time.seconds += 50
    drop(world, "orders/late.csv")
    Sweeper(world.flow()).sweep()  # the early one's event was lost
    world.time.seconds += 30
    conduct(world, world.silver_succeeds())
    if world.live("silver-job"):
        conduct(world, world.silver_succeeds())
    world.time.seconds += 20

    measures = conduct(world, world.gold_succeeds())

    assert max(measures.values["DropToGoldSeconds"]) == 100


def test_a_batch_that_was_settled_while_gold_ran_counts_with_the_next_run(world: World) -> None:
    drop(world, "orders/a.csv")
    conduct(world, world.silver_succeeds())
    world.time.seconds += 5
    drop(world, "orders/b.csv")
    world.time.seconds += 5
    second = world.live("silver-job")
    assert second is not None
    conduct(world, world.silver_succeeds())

    first_gold = conduct(world, world.gold_succeeds()).values["DropToGoldSeconds"]
    world.time.seconds += 60
    second_gold = conduct(world, world.gold_succeeds()).values["DropToGoldSeconds"]

    assert (first_gold, second_gold) == ([10], [65])
    noted = batches(world).get(second.arguments["--batch_id"])
    assert noted is not None
    assert noted.gold_run_id == world.jobs.recent("gold-job")[0].arguments["--gold_run_id"]
    assert noted.gold_snapshot_id == world.tables.snapshots["gold", "freshness"].id
    assert batches(world).unshown() == []


def test_the_same_end_of_gold_is_measured_once(world: World) -> None:
    drop(world, "orders/a.csv")
    conduct(world, world.silver_succeeds())
    event = world.gold_succeeds()

    first, again = conduct(world, event), conduct(world, event)

    assert len(first.values["DropToGoldSeconds"]) == 1
    assert "DropToGoldSeconds" not in again.values


def test_a_gold_run_that_failed_shows_nothing(world: World) -> None:
    drop(world, "orders/a.csv")
    conduct(world, world.silver_succeeds())

    conduct(world, world.fails("gold-job"))
    assert len(batches(world).unshown()) == 1
    world.time.seconds += 40
    measures = conduct(world, world.gold_succeeds())

    assert measures.values["DropToGoldSeconds"] == [40]


def test_a_file_that_is_read_again_is_shown_but_is_no_drop(world: World) -> None:
    drop(world, "orders/a.csv")
    conduct(world, world.silver_succeeds())
    conduct(world, world.gold_succeeds())
    world.ledger.ask_for_rebuild()
    world.time.seconds += 1000
    world.flow().move_on()

    conduct(world, world.silver_succeeds())
    measures = conduct(world, world.gold_succeeds())

    assert "DropToGoldSeconds" not in measures.values
    assert batches(world).unshown() == []
