"""Intake: one answer for every object version, whatever the events do."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from lake.entries import LOADED, PENDING, RECEIVED, REJECTED, FileEntry, timestamp
from lake.intake import Intake
from lake.ports import ObjectGoneError

from .flow_fakes import COLUMNS, World, object_event, orders_csv


def accept(world: World, *events: dict[str, object]) -> list[FileEntry]:
    intake = Intake(world.flow())
    entries = [entry for event in events for entry in intake.accept(event)]
    intake.finish(entries)
    return entries


def test_a_good_file_is_taken_told_and_tagged(world: World) -> None:
    version = world.objects.put("orders/März ºC.csv", orders_csv(1, 2))

    [entry] = Intake(world.flow()).accept(object_event("orders/März ºC.csv", version))

    assert (entry.state, entry.contract) == (PENDING, "orders")
    assert entry.facts is not None
    assert entry.reason == "Taken as orders: 14 columns recognised."
    assert world.objects.tags[entry.name] == {
        "lake-status": "ACCEPTED",
        "lake-reason": "Taken as orders: 14 columns recognised.",
    }


def test_a_wrong_file_is_refused_told_and_tagged_and_starts_nothing(world: World) -> None:
    version = world.objects.put("orders/menu.pdf", b"%PDF-1.7")

    [entry] = accept(world, object_event("orders/menu.pdf", version))

    assert entry.state == REJECTED
    assert world.jobs.runs == []
    [(subject, message)] = world.alerts.sent
    assert subject == "1 file was rejected"
    assert "PDF document" in message
    assert world.objects.tags[entry.name]["lake-status"] == "REJECTED"


def test_many_refusals_of_one_batch_are_one_alert(world: World) -> None:
    events = [object_event(f"x{number}", world.objects.put(f"x{number}", b"%PDF")) for number in range(5)]

    accept(world, *events)
    accept(world, *events)

    assert [subject for subject, _ in world.alerts.sent] == ["5 files were rejected"]


def test_an_event_that_comes_three_times_makes_one_entry_and_one_run(world: World) -> None:
    event = object_event("orders/a.csv", world.objects.put("orders/a.csv", orders_csv(1)))

    for _ in range(3):
        accept(world, event)

    assert len(list(world.ledger.entries())) == 1
    assert len(world.jobs.runs) == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_versions_of_one_second_keep_their_order_however_their_events_come(
    world: World, order: tuple[int, ...]
) -> None:
    versions = [world.objects.put("orders/a.csv", orders_csv(number)) for number in range(3)]

    for place in order:
        accept(world, object_event("orders/a.csv", versions[place]))

    assert [entry.version for entry in world.ledger.versions("orders/a.csv")] == versions


def test_an_event_without_a_version_brings_every_version_that_has_no_entry(world: World) -> None:
    versions = [world.objects.put("orders/a.csv", orders_csv(number)) for number in range(3)]

    accept(world, object_event("orders/a.csv"))
    world.objects.put("orders/a.csv", orders_csv(9))
    accept(world, object_event("orders/a.csv"))

    entries = world.ledger.versions("orders/a.csv")
    assert [entry.version for entry in entries][:3] == versions
    assert len(entries) == 4


def test_the_same_content_under_another_name_is_taken_and_told(world: World) -> None:
    first = world.objects.put("orders/a.csv", orders_csv(1))
    second = world.objects.put("orders/b.csv", orders_csv(1))
    third = world.objects.put("orders/a.csv", orders_csv(1))

    [entry] = accept(world, object_event("orders/a.csv", first))
    assert "same content" not in (entry.reason or "")
    [entry] = accept(world, object_event("orders/b.csv", second))
    assert "The same content came before as 'orders/a.csv'." in (entry.reason or "")
    assert entry.state == PENDING
    [entry] = accept(world, object_event("orders/a.csv", third))
    assert "as an earlier version of this file" in (entry.reason or "")


def test_what_intake_noted_stays_on_a_loaded_file(world: World) -> None:
    accept(world, object_event("elsewhere/a.csv", world.objects.put("elsewhere/a.csv", orders_csv(1))))
    world.silver_succeeds()
    world.flow().silver.tend()

    [entry] = world.ledger.entries([LOADED])
    assert "outside orders/" in (entry.reason or "")


def test_columns_that_nobody_knows_are_told_once_for_each_layout(world: World) -> None:
    more = COLUMNS + ",loyalty card"
    bodies = [orders_csv(1, header=more).replace(b"no,\n", b"no,,7\n"), orders_csv(2, header=more.upper())]
    entries = [
        accept(world, object_event(f"orders/{n}.csv", world.objects.put(f"orders/{n}.csv", body)))[0]
        for n, body in enumerate(bodies)
    ]

    told = [str(entry.reason).lower() for entry in entries]
    assert all("not known, kept beside the rows: 'loyalty card'" in reason for reason in told)
    [(subject, message)] = world.alerts.sent
    assert subject == "orders: new columns"
    assert "'loyalty card'" in message
    accept(world, object_event("orders/c", world.objects.put("orders/c", orders_csv(3, header=COLUMNS + ",tip"))))
    assert len(world.alerts.sent) == 2


def test_the_answer_on_a_file_of_a_gigabyte_takes_its_first_64_kb(world: World) -> None:
    version = world.objects.put("orders/huge.csv", orders_csv(*range(2_000)))
    [(item, body)] = world.objects.stored["orders/huge.csv"]
    world.objects.stored["orders/huge.csv"] = [(replace(item, size=1 << 30), body)]

    [entry] = accept(world, object_event("orders/huge.csv", version))

    assert (entry.state, entry.size) == (PENDING, 1 << 30)
    assert world.objects.reads == [(0, 64 * 1024)]


def test_folder_markers_and_foreign_events_need_no_entry(world: World) -> None:
    version = world.objects.put("orders/", b"")
    other = object_event("orders/a.csv", "v", bucket="another")
    deleted = {**object_event("orders/a.csv", "v"), "detail-type": "Object Deleted"}

    assert accept(world, object_event("orders/", version), other, deleted) == []
    assert list(world.ledger.entries()) == []


def test_a_version_that_was_deleted_before_its_event_needs_no_entry(world: World) -> None:
    version = world.objects.put("orders/a.csv", orders_csv(1))
    world.objects.delete("orders/a.csv")

    assert accept(world, object_event("orders/a.csv", version)) == []


def test_a_file_deleted_while_it_is_read_gets_an_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    version = world.objects.put("orders/a.csv", orders_csv(1))

    def gone(*_: object) -> bytes:
        raise ObjectGoneError("orders/a.csv")

    monkeypatch.setattr(world.objects, "read", gone)
    [entry] = accept(world, object_event("orders/a.csv", version))

    assert entry.state == REJECTED
    assert "deleted before it could be read" in (entry.reason or "")


def test_only_the_head_of_a_large_file_is_read(world: World) -> None:
    version = world.objects.put("orders/big.csv", orders_csv(*range(20_000)))

    accept(world, object_event("orders/big.csv", version))

    assert world.objects.reads == [(0, 64 * 1024)]


def test_a_message_that_failed_half_way_is_finished_when_it_comes_again(world: World) -> None:
    version = world.objects.put("orders/a.csv", orders_csv(1))
    received = FileEntry("orders/a.csv", version, RECEIVED, 999, "e", timestamp(0.0), timestamp(0.0), digest="d")
    world.ledger.receive(received)

    [entry] = accept(world, object_event("orders/a.csv", version))

    assert entry.state == PENDING
    assert len(world.jobs.runs) == 1


def test_tagging_that_fails_is_no_failure(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise ObjectGoneError("orders/a.csv")

    monkeypatch.setattr(world.objects, "tag", gone)
    [entry] = accept(world, object_event("orders/a.csv", world.objects.put("orders/a.csv", orders_csv(1))))

    assert entry.state == PENDING


def test_the_crawler_runs_for_new_layouts_and_folders_only(world: World) -> None:
    def arrive(key: str, body: bytes) -> int:
        accept(world, object_event(key, world.objects.put(key, body)))
        world.crawlers.running = False
        return world.crawlers.starts

    assert arrive("orders/a.csv", orders_csv(1)) == 1
    assert arrive("orders/b.csv", orders_csv(2)) == 1
    assert arrive("orders/2026/c.csv", orders_csv(3)) == 2
    assert arrive("orders/d.csv", orders_csv(4).replace(b",", b";")) == 3
    assert arrive("elsewhere/e.csv", orders_csv(5)) == 3


def test_a_crawl_that_is_refused_stays_wanted(world: World) -> None:
    world.crawlers.running = True

    accept(world, object_event("orders/a.csv", world.objects.put("orders/a.csv", orders_csv(1))))

    assert world.flow().crawling.pending
    world.crawlers.running = False
    assert world.flow().crawling.start_if_asked()
    assert not world.flow().crawling.pending


def test_a_file_that_repairs_rows_is_told_so(world: World) -> None:
    lines = orders_csv(1).decode().splitlines()
    ours = ("lake_source_file,lake_source_version,lake_source_row,lake_reasons,", "orders/a.csv,v1,3,no date,")
    data = "\n".join(front + line for front, line in zip(ours, lines)).encode()

    [entry] = accept(world, object_event("orders/mended.csv", world.objects.put("orders/mended.csv", data)))

    assert entry.state == PENDING
    assert entry.reason == (
        "Taken as orders: 14 columns recognised. It repairs rows: what its rows name leaves quarantine when they load."
    )
    assert entry.facts is not None
    assert entry.facts.repairs
