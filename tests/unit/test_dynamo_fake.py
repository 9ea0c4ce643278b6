"""The ledger's store says the same on DynamoDB in memory as on moto's: one contract, run against both."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from lake.store import Store

from .dynamo_fake import FakeDynamo
from .flow_fakes import TABLE, make_table

INDEX = "by_state"


@pytest.fixture(params=["moto", "memory"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "memory":
        yield Store(TABLE, FakeDynamo(page_size=3))
        return
    client = request.getfixturevalue("dynamodb")
    make_table(client)
    yield Store(TABLE, client)
    client.delete_table(TableName=TABLE)


def test_an_item_is_new_only_once_and_comes_back_as_it_was_put(store: Store) -> None:
    item = {"pk": "a", "sk": "1", "text": "º ü", "number": 7, "flag": True, "list": [{"x": 1}], "map": {"y": [2]}}

    assert store.put_new(item)
    assert not store.put_new({**item, "text": "another"})
    assert store.get("a", "1") == item
    assert store.get("a", "2") is None


def test_an_update_sets_appends_adds_and_removes_in_one_step(store: Store) -> None:
    first = store.update("a", "1", set_={"s": "x", "r": 1}, append={"l": ["one"]}, add={"n": 2})
    second = store.update("a", "1", set_={"s": "y"}, append={"l": ["two"]}, add={"n": 3}, remove=["r", "never"])

    assert first == {"pk": "a", "sk": "1", "s": "x", "r": 1, "l": ["one"], "n": 2}
    assert second == {"pk": "a", "sk": "1", "s": "y", "l": ["one", "two"], "n": 5} == store.get("a", "1")


@pytest.mark.parametrize(
    ("where", "values", "holds"),
    [
        ("#state = :old", {"old": "A"}, True),
        ("#state = :old", {"old": "B"}, False),
        ("#state = :old AND attribute_not_exists(#batch)", {"old": "A"}, True),
        ("#state = :old AND attribute_not_exists(#state)", {"old": "A"}, False),
        ("#gone = :old", {"old": "A"}, False),
        ("attribute_not_exists(#until) OR #until < :now", {"now": 11}, True),
        ("attribute_not_exists(#until) OR #until < :now", {"now": 10}, False),
        ("attribute_not_exists(#gone) OR #until < :now", {"now": 1}, True),
        ("#owner = :owner AND #until = :until", {"owner": "me", "until": 10}, True),
        ("#owner = :owner AND #until = :until", {"owner": "you", "until": 10}, False),
        ("attribute_exists(#owner)", {}, True),
    ],
)
def test_a_change_is_made_only_while_its_condition_holds(
    store: Store, where: str, values: dict[str, Any], holds: bool
) -> None:
    item = {"pk": "a", "sk": "1", "state": "A", "until": 10, "owner": "me"}
    store.put_new(item)

    changed = store.update("a", "1", set_={"new": 1}, where=where, values=values)

    assert (changed is not None) == holds
    assert store.get("a", "1") == ({**item, "new": 1} if holds else item)


def test_a_partition_is_read_in_order_over_all_its_pages(store: Store) -> None:
    for number in range(8):
        store.put_new({"pk": "p", "sk": f"{number * 3 % 8}"})
    store.put_new({"pk": "other", "sk": "0"})
    store.delete("p", "4")
    store.delete("p", "never")

    assert [item["sk"] for item in store.query("p")] == ["0", "1", "2", "3", "5", "6", "7"]


def test_the_index_follows_every_move(store: Store) -> None:
    for number in range(9):
        store.put_new({"pk": f"f{number}", "sk": "v", "gsi1pk": "A", "gsi1sk": f"{9 - number}"})
    store.put_new({"pk": "not in it", "sk": "v"})
    for number in (2, 5):
        store.update(f"f{number}", "v", set_={"gsi1pk": "B"})
    store.update("f7", "v", remove=["gsi1pk"])

    assert [item["pk"] for item in store.query("A", INDEX)] == ["f8", "f6", "f4", "f3", "f1", "f0"]
    assert [item["pk"] for item in store.query("B", INDEX)] == ["f5", "f2"]


def test_many_items_are_read_in_few_calls_whole_or_in_part(store: Store) -> None:
    for number in range(120):
        store.put_new({"pk": f"f{number}", "sk": "v", "state": "A", "more": number})
    keys = [{"pk": f"f{number}", "sk": "v"} for number in range(130)]

    whole, part = store.get_many(keys), store.get_many(keys, attributes=("pk", "state"))

    assert sorted(item["more"] for item in whole) == list(range(120))
    assert all(item == {"pk": item["pk"], "state": "A"} for item in part)
    assert len(part) == 120


def test_a_random_history_ends_the_same_on_both(dynamodb: Any) -> None:
    seed = random.randrange(10_000)
    print(f"seed {seed}")
    make_table(dynamodb)
    try:
        ends = []
        for client in (dynamodb, FakeDynamo(page_size=2)):
            dice, store, answers = random.Random(seed), Store(TABLE, client), []
            for _ in range(150):
                pk, state = f"k{dice.randrange(6)}", dice.choice("ABC")
                match dice.randrange(4):
                    case 0:
                        answers.append(store.put_new({"pk": pk, "sk": "v", "gsi1pk": state, "gsi1sk": pk, "n": 0}))
                    case 1:
                        known = {"old": dice.choice("ABC")}
                        changes: Any = {"set_": {"gsi1pk": state, "gsi1sk": pk}, "append": {"h": [state]}}
                        answers.append(store.update(pk, "v", where="#gsi1pk = :old", values=known, **changes))
                    case 2:
                        less = {"limit": dice.randrange(5)}
                        where = "attribute_not_exists(#n) OR #n < :limit"
                        answers.append(store.update(pk, "v", add={"n": 1}, where=where, values=less))
                    case _ if dice.random() < 0.3:
                        store.delete(pk, "v")
                    case _:
                        answers.append([item["pk"] for item in store.query(state, INDEX)])
            ends.append((answers, [store.get(f"k{number}", "v") for number in range(6)]))
    finally:
        dynamodb.delete_table(TableName=TABLE)

    assert ends[0] == ends[1], f"seed {seed}"
