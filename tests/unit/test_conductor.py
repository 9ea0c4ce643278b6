"""The conductor: which event leads to what (the ways a run ends are in test_flight)."""

from __future__ import annotations

from lake.conductor import Conductor
from lake.intake import Intake

from .flow_fakes import World, job_event, object_event, orders_csv


def crawler_event(state: str, name: str = "bronze-crawler") -> dict[str, object]:
    detail = {"crawlerName": name, "state": state, "errorMessage": "no access"}
    return {"id": "c1", "source": "aws.glue", "detail-type": "Glue Crawler State Change", "detail": detail}


def drop(world: World, key: str) -> None:
    intake = Intake(world.flow())
    intake.finish(intake.accept(object_event(key, world.objects.put(key, orders_csv(len(key))))))


def test_silver_then_gold_then_rest(world: World) -> None:
    drop(world, "orders/a.csv")

    first = Conductor(world.flow()).handle(world.silver_succeeds())
    second = Conductor(world.flow()).handle(world.gold_succeeds())

    assert (first["silver"], first["started"]) == ("settled", {"gold": "started"})
    assert (second["gold"], second["started"]) == ("settled", {})
    assert not world.ledger.lease("gold").held
    assert world.ledger.lease("gold").last_owner == world.jobs.recent("gold-job")[0].arguments["--gold_run_id"]


def test_a_run_that_loaded_nothing_new_still_refreshes_what_gold_says_about_the_file(world: World) -> None:
    drop(world, "orders/a.csv")

    done = Conductor(world.flow()).handle(world.silver_succeeds(changed=False))

    assert done["started"] == {"gold": "started"}


def test_a_failed_run_that_is_not_ours_is_told_once(world: World) -> None:
    run_id = world.jobs.start("silver-job", {"--batch_id": "by-hand"})
    world.jobs.end(run_id, "FAILED", "it broke")
    event = job_event("silver-job", run_id, "FAILED", "it broke")

    Conductor(world.flow()).handle(event)
    Conductor(world.flow()).handle(event)

    assert [message for _, message in world.alerts.sent] == [f"Run {run_id} of silver-job ended FAILED: it broke"]


def test_an_event_makes_up_for_a_lost_one_of_the_other_job(world: World) -> None:
    drop(world, "orders/a.csv")
    Conductor(world.flow()).handle(world.silver_succeeds())
    world.gold_succeeds()  # its event is lost
    drop(world, "orders/b.csv")

    done = Conductor(world.flow()).handle(world.silver_succeeds())

    assert done["gold"] == "settled"
    assert len(world.jobs.recent("gold-job")) == 2


def test_events_of_other_jobs_and_sources_are_ignored(world: World) -> None:
    conductor = Conductor(world.flow())

    assert conductor.handle(job_event("another-job", "jr_1", "FAILED")) == {"ignored": "another-job"}
    assert conductor.handle({"source": "aws.s3", "detail-type": "Object Created"}) == {"ignored": "Object Created"}
    assert world.alerts.sent == []


def test_a_crawl_that_was_wanted_meanwhile_starts_when_the_crawler_is_done(world: World) -> None:
    drop(world, "orders/a.csv")
    drop(world, "orders/2026/b.csv")
    assert world.crawlers.starts == 1
    world.crawlers.running = False

    assert Conductor(world.flow()).handle(crawler_event("Succeeded")) == {"crawler": "started"}
    world.crawlers.running = False
    assert Conductor(world.flow()).handle(crawler_event("Succeeded")) == {"crawler": "done"}


def test_a_failed_crawl_is_told_once_and_not_repeated_at_once(world: World) -> None:
    conductor = Conductor(world.flow())

    assert conductor.handle(crawler_event("Failed")) == {"crawler": "failed"}
    conductor.handle(crawler_event("Failed"))

    assert len(world.alerts.sent) == 1
    assert "no access" in world.alerts.sent[0][1]
    assert world.crawlers.starts == 0
