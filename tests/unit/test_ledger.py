"""The ledger: every write conditional, every answer the same however often it is asked."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import pytest

from lake.entries import LOADED, LOADING, PENDING, RECEIVED, REJECTED, FileEntry, from_item, timestamp, to_item
from lake.ledger import HISTORY_LIMIT
from lake.manifest import ColumnMapping, FileFacts

from .flow_fakes import World

FACTS = FileFacts("orders", "csv", (ColumnMapping(0, "Pizza No.", "order_id"),), ("Loyalty",), "cp1252", ";")


def entry(key: str = "orders/a.csv", version: str = "v1", second: int = 0, **values: object) -> FileEntry:
    given = FileEntry(key, version, RECEIVED, 10, "etag", timestamp(1_000.0 + second), timestamp(2_000.0))
    return replace(given, **values)  # type: ignore[arg-type]


def test_an_entry_comes_back_as_it_was_written(world: World) -> None:
    given = entry(key="orders/März º.csv", facts=FACTS, reason="Taken.", contract="orders", digest="d", batch_cap=4)

    assert from_item(to_item(given)) == given
    assert world.ledger.receive(given)
    found = world.ledger.entry(given.key, given.version)
    assert found is not None
    assert replace(found, history=()) == given


def test_a_version_is_received_once(world: World) -> None:
    assert world.ledger.receive(entry())
    assert not world.ledger.receive(entry(state=PENDING))

    found = world.ledger.entry("orders/a.csv", "v1")
    assert found is not None
    assert found.state == RECEIVED


def test_a_move_is_made_only_from_the_state_that_was_seen(world: World) -> None:
    seen = entry()
    world.ledger.receive(seen)

    assert world.ledger.transition(seen, PENDING, at=3_000.0, reason="Taken.") is not None
    assert world.ledger.transition(seen, REJECTED, at=3_001.0) is None

    found = world.ledger.entry("orders/a.csv", "v1")
    assert found is not None
    assert (found.state, found.reason) == (PENDING, "Taken.")
    assert [(change.state, change.reason) for change in found.history] == [(RECEIVED, None), (PENDING, "Taken.")]


def test_a_move_is_not_made_when_the_entry_went_into_another_batch_meanwhile(world: World) -> None:
    world.ledger.receive(entry(state=PENDING))
    seen = world.ledger.entry("orders/a.csv", "v1")
    assert seen is not None
    in_one = world.ledger.transition(seen, LOADING, at=1.0, set_={"batch_id": "one"})
    assert in_one is not None
    back = world.ledger.transition(in_one, PENDING, at=2.0)
    assert back is not None
    in_two = world.ledger.transition(back, LOADING, at=3.0, set_={"batch_id": "two"})
    assert in_two is not None

    assert world.ledger.transition(in_one, LOADED, at=4.0) is None
    assert world.ledger.transition(in_two, LOADED, at=4.0) is not None


def test_entries_are_found_by_state_oldest_object_first(world: World) -> None:
    world.ledger.receive(entry("b", second=2))
    world.ledger.receive(entry("a", second=3))
    world.ledger.receive(entry("c", second=1, state=REJECTED))

    assert [found.key for found in world.ledger.entries([RECEIVED])] == ["b", "a"]
    assert [found.key for found in world.ledger.entries()] == ["b", "a", "c"]
    assert world.ledger.any_in(REJECTED)
    assert not world.ledger.any_in(PENDING, LOADED)


def test_the_oldest_entry_of_a_state_is_found_without_reading_the_others(world: World) -> None:
    for number in range(20):
        world.ledger.receive(entry(f"k{number}", second=20 - number))
    answered: list[int] = []
    query = world.client.query

    def counted(**request: Any) -> dict[str, Any]:
        answer = query(**request)
        answered.append(len(answer["Items"]))
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.client, "query", counted)
        found = world.ledger.oldest(RECEIVED)

    assert found is not None
    assert found.key == "k19"
    assert answered == [1]
    assert world.ledger.oldest(PENDING) is None


def test_a_layout_that_is_known_is_looked_up_once(world: World) -> None:
    world.ledger.remember_layout("orders/", "d1", "orders/a.csv", 0.0)
    assert world.ledger.layout_known("orders/", "d1")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.client, "get_item", None)
        assert copy(world.ledger).layout_known("orders/", "d1")

    assert not world.ledger.layout_known("orders/", "d2")


def test_the_versions_of_a_key_come_oldest_first(world: World) -> None:
    world.ledger.receive(entry(version="v9", second=1))
    world.ledger.receive(entry(version="v1", second=2))
    world.ledger.receive(entry(key="orders/a.csv2", version="v3"))

    assert [found.version for found in world.ledger.versions("orders/a.csv")] == ["v9", "v1"]


def test_states_of_many_versions_come_in_few_calls(world: World) -> None:
    names = [(f"k{number}", "v") for number in range(230)]
    for key, version in names[:150]:
        world.ledger.receive(entry(key, version))

    assert world.ledger.states_of(names) == dict.fromkeys(names[:150], RECEIVED)


def test_the_history_stays_bounded_and_keeps_its_beginning(world: World) -> None:
    world.ledger.receive(entry())
    seen = world.ledger.entry("orders/a.csv", "v1")
    assert seen is not None
    for number in range(HISTORY_LIMIT + 60):
        moved = world.ledger.transition(seen, (PENDING, LOADING)[number % 2], at=float(number), reason=f"{number}")
        assert moved is not None
        seen = moved

    assert len(seen.history) <= HISTORY_LIMIT
    assert seen.history[0].state == RECEIVED
    assert seen.history[-1].reason == str(HISTORY_LIMIT + 59)


def test_reasons_are_kept_safe_and_bounded(world: World) -> None:
    world.ledger.receive(entry())

    moved = world.ledger.transition(entry(), REJECTED, at=1.0, reason="\x1b[31mred\n" + "long " * 1_000)

    assert moved is not None
    assert moved.reason is not None
    assert moved.reason.isprintable()
    assert len(moved.reason) <= 600


def test_the_first_with_a_content_stays_the_first(world: World) -> None:
    assert world.ledger.first_holder("digest", "a", "v1") == ("a", "v1")
    assert world.ledger.first_holder("digest", "b", "v2") == ("a", "v1")
    assert world.ledger.first_holder("digest", "a", "v1") == ("a", "v1")


def test_marks_and_claims_are_given_once(world: World) -> None:
    assert not world.ledger.marked("x")
    assert world.ledger.mark("x", 1.0)
    assert not world.ledger.mark("x", 2.0)
    assert world.ledger.marked("x")
    assert world.ledger.claim("y", 100, 160)
    assert not world.ledger.claim("y", 120, 180)
    assert world.ledger.claim("y", 161, 221)


def test_wishes_for_a_crawl_are_counted_so_that_none_is_lost(world: World) -> None:
    first = world.ledger.ask_for_crawl("bronze")
    world.ledger.ask_for_crawl("bronze")  # comes while the first one is being started
    world.ledger.crawl_started("bronze", first.asked)

    assert world.ledger.crawler("bronze").pending
    world.ledger.crawl_started("bronze", 2)
    world.ledger.crawl_started("bronze", 1)  # late
    assert not world.ledger.crawler("bronze").pending


def test_everything_about_an_entry_is_plain_for_programs() -> None:
    values = entry(facts=FACTS).as_dict()

    assert values["rows_in"] == values["blank"] == 0
    assert values["facts"]["columns"][0]["source"] == "Pizza No."
    assert values["history"] == []
