"""Copies take the place of originals: in the order of claims, whoever is quicker, and after a crash as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from lake.entries import LOADED, PENDING, RETRACTED
from lake.erasure.bodies import Bodies
from lake.erasure.bronze import Found, Replacing, differences, look
from lake.erasure.hold import BusyError, Hold
from lake.erasure.vault import Stored
from lake.erasure.wanted import Wanted
from lake.intake import Intake
from lake.manifest import FileOutcome
from lake.requests import take_back
from tests.unit.dynamo_fake import FakeDynamo
from tests.unit.flow_fakes import COLUMNS, FakeObjects, World, object_event

GONE = Wanted("C-47")


@dataclass
class FakeVault:
    """The bucket of the fakes, with the rights of an eraser. `meanwhile`: what happens right after a put."""

    objects: FakeObjects
    hidden: set[str] = field(default_factory=set)
    meanwhile: Callable[[str, str], object] = lambda key, version: None

    def versions(self, prefix: str = "") -> Iterator[Stored]:
        for key in sorted(self.objects.stored):
            if key in self.hidden:
                yield Stored(key, "marker", 0, "", "", newest=True, marker=True)
            for place, (item, _) in enumerate(self.objects.stored[key]):
                newest = place == 0 and key not in self.hidden
                yield Stored(key, item.version, item.size, item.etag, item.object_time, newest)

    def read(self, key: str, version: str) -> bytes:
        return next(body for item, body in self.objects.stored[key] if item.version == version)

    def put(self, key: str, body: bytes) -> str:
        version = self.objects.put(key, body)
        self.hidden.discard(key)
        self.meanwhile(key, version)
        return version

    def hide(self, key: str) -> None:
        self.hidden.add(key)

    def destroy(self, key: str, version: str) -> None:
        self.objects.stored[key] = [one for one in self.objects.stored[key] if one[0].version != version]


@pytest.fixture
def world() -> World:
    return World(FakeDynamo())


@pytest.fixture
def vault(world: World) -> FakeVault:
    return FakeVault(world.objects)


def orders(*customers: str) -> bytes:
    row = "{},2026-03-05,12:00:00,Phone,Ann,Ben,Cid,Dan,Eve,Fay,A,20.5,no,,{}"
    lines = [f"{COLUMNS},Customer", *(row.format(number, who) for number, who in enumerate(customers, 1)), ""]
    return "\n".join(lines).encode()


def loaded(world: World, key: str, body: bytes) -> str:
    """A version that silver and gold have taken in, a minute after what came before."""
    world.time.seconds += 60
    version = world.objects.put(key, body)
    intake = Intake(world.flow())
    intake.finish(intake.accept(object_event(key, version)))
    settle(world)
    return version


def settle(world: World, *outcomes: FileOutcome) -> None:
    flow = world.flow()
    flow.move_on()
    while world.live("silver-job"):
        world.silver_succeeds(*outcomes)
        flow.silver.tend()
        flow = world.flow()
        flow.move_on()


def erase(world: World, vault: FakeVault, alive: Callable[[], None] = lambda: None) -> tuple[Found, Replacing]:
    """As the command does it, up to the point where silver has read the copies."""
    flow = world.flow()
    world.time.seconds += 3600
    lease = flow.leases.acquire("silver", "forget-1", flow.clock.now())
    assert lease is not None
    found = look(vault, flow.ledger, Bodies(GONE, flow.contracts))
    replacing = Replacing(flow, vault, GONE, alive)
    try:
        replacing.replace(found.copies)
        replacing.take_back(found.replaced)
    finally:
        flow.leases.release(lease)
    return found, replacing


def test_copies_have_the_time_of_their_originals_and_the_newest_stays_the_newest(world, vault) -> None:
    first = loaded(world, "orders/a.csv", orders("C-47", "C-1"))
    second = loaded(world, "orders/a.csv", orders("C-2"))
    other = loaded(world, "orders/b.csv", orders("C-3"))

    found, replacing = erase(world, vault)
    settle(world)

    assert [copy.original.version for copy in found.copies] == [first, second]
    copies = [replacing.moved[version] for version in (first, second)]
    entries = {entry.version: entry for entry in world.ledger.versions("orders/a.csv")}
    assert [entries[one].object_time for one in copies] == [entries[one].object_time for one in (first, second)]
    assert [entries[one].state for one in (first, second, *copies)] == [RETRACTED, RETRACTED, LOADED, LOADED]
    assert world.objects.stored["orders/a.csv"][0][0].version == copies[1]
    assert vault.read("orders/a.csv", copies[0]) == orders("", "C-1")
    assert world.ledger.entry("orders/b.csv", other).state == LOADED
    assert differences(world.ledger, replacing.counting) == []


def test_an_intake_that_was_quicker_does_not_make_a_copy_newer(world, vault) -> None:
    original = loaded(world, "orders/a.csv", orders("C-47"))
    vault.meanwhile = lambda key, version: Intake(world.flow()).accept(object_event(key, version))

    _, replacing = erase(world, vault)

    copy = world.ledger.entry("orders/a.csv", replacing.moved[original])
    assert copy.state == PENDING
    assert copy.object_time == world.ledger.entry("orders/a.csv", original).object_time


def test_what_was_taken_back_stays_so_in_its_copy(world, vault) -> None:
    original = loaded(world, "orders/a.csv", orders("C-47"))
    take_back(world.flow(), world.ledger.entry("orders/a.csv", original), "the wrong shop")
    settle(world)

    _, replacing = erase(world, vault)
    settle(world)

    assert world.ledger.entry("orders/a.csv", replacing.moved[original]).state == RETRACTED
    assert replacing.counting == {}


def test_an_object_that_was_deleted_stays_deleted(world, vault) -> None:
    loaded(world, "orders/a.csv", orders("C-47"))
    vault.hide("orders/a.csv")

    erase(world, vault)

    assert "orders/a.csv" in vault.hidden


def test_a_copy_that_silver_does_not_take_is_told(world, vault) -> None:
    original = loaded(world, "orders/a.csv", orders("C-47"))
    _, replacing = erase(world, vault)

    settle(world, FileOutcome("orders/a.csv", replacing.moved[original], "HELD", "it is odd"))

    assert "its copy is HELD (it is odd" in differences(world.ledger, replacing.counting)[0]
    again, _ = erase(world, vault)
    assert "its copy is HELD (it is odd" in differences(world.ledger, again.counting)[0]


def test_asked_again_after_a_crash_nothing_is_copied_twice(world, vault) -> None:
    first = loaded(world, "orders/a.csv", orders("C-47"))
    second = loaded(world, "orders/a.csv", orders("C-1"))
    lives = iter([None])

    with pytest.raises(StopIteration):
        erase(world, vault, lambda: next(lives))
    found, replacing = erase(world, vault)
    settle(world)

    assert [one.version for one in found.replaced] == [first]
    assert list(replacing.moved) == [second]
    states = {entry.version: entry.state for entry in world.ledger.versions("orders/a.csv")}
    assert (states[first], states[second]) == (RETRACTED, RETRACTED)
    assert list(states.values()).count(LOADED) == 2
    assert vault.read("orders/a.csv", replacing.moved[second]) == orders("C-1")
    assert world.objects.stored["orders/a.csv"][0][0].version == replacing.moved[second]


def test_no_silver_run_starts_while_the_lease_is_held_and_the_sweeper_leaves_it_alone(world) -> None:
    with Hold(world.flow()) as hold:
        world.time.seconds += 300
        hold.renew()
        world.time.seconds += 300
        assert world.flow().silver.tend() == "starting"
        assert world.flow().silver.start() == "busy"
        hold.alive()
    assert not world.flow().leases.read("silver").held


def test_a_lease_that_was_lost_ends_the_erasure(world) -> None:
    with Hold(world.flow()) as hold:
        flow = world.flow()
        flow.leases.release(flow.leases.read("silver"))
        flow.leases.acquire("silver", "silver-1", flow.clock.now())

        hold.renew()

        with pytest.raises(BusyError, match="was lost"):
            hold.alive()
    assert world.flow().leases.read("silver").owner == "silver-1"


def test_a_hold_that_was_silent_for_too_long_ends_the_erasure(world) -> None:
    with Hold(world.flow()) as hold:
        world.time.seconds += 329
        hold.alive()
        world.time.seconds += 1

        with pytest.raises(BusyError, match="could not be renewed"):
            hold.alive()


def test_an_erasure_waits_for_no_silver_run(world) -> None:
    flow = world.flow()
    flow.leases.acquire("silver", "silver-1", flow.clock.now())

    with pytest.raises(BusyError, match="silver-1 is at work on silver"), Hold(flow):
        pass


def test_where_one_lease_is_taken_none_is_kept(world) -> None:
    flow = world.flow()
    flow.leases.acquire("gold", "gold-1", flow.clock.now())

    with pytest.raises(BusyError, match="gold-1 is at work on gold"), Hold(flow, (flow.silver, flow.gold)):
        pass

    assert not flow.leases.read("silver").held


def test_maintenance_waits_for_an_erasure_and_an_erasure_does_not_begin_during_maintenance(world) -> None:
    flow = world.flow()
    with Hold(flow, (flow.silver, flow.gold)):
        flow.maintain.ask()
        assert flow.maintain.start() == "busy"
    assert world.flow().move_on()["maintain"] == "started"

    with pytest.raises(BusyError, match=r"maintain-.* is at work on silver"), Hold(world.flow()):
        pass


def test_a_hold_leaves_wishes_and_the_last_owners_as_they_were(world, vault) -> None:
    loaded(world, "orders/a.csv", orders("C-1"))
    world.gold_succeeds()
    flow = world.flow()
    flow.gold.tend()
    flow.gold.ask()
    before = [flow.leases.read(name) for name in ("silver", "gold")]

    with Hold(flow, (flow.silver, flow.gold)):
        pass

    after = [flow.leases.read(name) for name in ("silver", "gold")]
    assert [(one.waiting, one.last_owner) for one in after] == [(one.waiting, one.last_owner) for one in before]
    assert None not in [one.last_owner for one in after]
    assert after[1].waiting
