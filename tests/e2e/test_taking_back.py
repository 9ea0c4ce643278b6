"""A wrong file is taken back, a file is read again, everything is rebuilt: by the commands, and seen through Athena."""

from __future__ import annotations

import random

from .conftest import Lake
from .orders import export, order

KEY = "orders/shared list.csv"
STATE = (
    "select order_id, area, source_version, cast(source_row as varchar) from jozi_dev_silver.orders"
    " where order_id like 'R-%' order by order_id"
)
GOLD = (
    "select order_date, area, orders, complaints from jozi_dev_gold.delivery_performance"
    " where order_date = date '2019-09-09' order by area"
)


def expected(versions: list[tuple[str, dict[str, str]]]) -> list[list[str]]:
    """The newest version says what a row holds, the oldest of its unbroken line is its source."""
    rows: dict[str, list[str]] = {}
    for version, areas in versions:
        for place, (number, area) in enumerate(areas.items(), 1):
            if number not in rows or rows[number][1] != area:
                rows[number] = [number, area, version, str(place)]
    return [rows[number] for number in sorted(rows)]


def by_area(rows: list[list[str]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for _, area, _, _ in rows:
        found[area] = found.get(area, 0) + 1
    return found


def test_versions_are_taken_back_one_by_one_and_a_rebuild_gives_the_same(lake: Lake) -> None:
    seed = random.randrange(10_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    versions = []
    for _ in range(6):
        areas = {f"R-{n:02d}": chance.choice("ABCDE") for n in chance.sample(range(30), 20)}
        rows = [order(number, **{"Order Date": "09/09/2019", "Area": area}) for number, area in areas.items()]
        versions.append((lake.put(KEY, export(rows)), areas))
    lake.wait()
    assert lake.athena(STATE) == expected(versions)

    lake.run("retract", KEY, "--reason", "the wrong shop")

    taken = lake.file(KEY, versions[-1][0])
    assert (taken["state"], taken["rows_in"]) == ("RETRACTED", 0)
    assert "the wrong shop" in taken["reason"]
    versions.pop()
    assert lake.athena(STATE) == expected(versions)
    assert {row[1]: int(row[2] or 0) for row in lake.athena(GOLD)} == by_area(expected(versions))
    assert "the wrong shop" in lake.run("explain", f"{KEY}@{taken['version']}").stdout
    before = {(row["key"], row["version"]): row for row in lake.files()}
    silver, gold = lake.athena(STATE), lake.athena("select * from jozi_dev_gold.delivery_performance order by 1, 2, 3")

    lake.run("replay", "--all")

    assert lake.athena(STATE) == silver
    assert lake.athena("select * from jozi_dev_gold.delivery_performance order by 1, 2, 3") == gold
    for row in lake.files():
        old = before[row["key"], row["version"]]
        assert (row["state"], row["rows_in"], row["inserted"]) == (old["state"], old["rows_in"], old["inserted"])

    lake.run("replay", "--file", f"{KEY}@{taken['version']}")

    assert lake.file(KEY, taken["version"])["state"] == "LOADED"
    assert len(lake.athena(STATE)) >= len(silver)
