"""The causes that `lake sample` plants, as data: what a test must find again, and what it must not mistake for one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PlantedCause:
    """One thing that really makes an outcome worse in the generated orders.

    `factors` maps a silver.orders column to the values that the cause needs; all factors together make it.
    `shadows` are columns' values that go along with a factor without being a cause: to be explained, not listed.
    `stage` names the stage that takes longer, where it is one (the names of gold.stage_bottlenecks).
    """

    name: str
    outcome: str
    factors: dict[str, tuple[object, ...]]
    sentence: str
    stage: str | None = None
    shadows: tuple[tuple[str, str], ...] = ()

    def holds(self, **values: object) -> bool:
        """Whether an order with these values has the cause. Give every factor that it names."""
        return all(values[column] in allowed for column, allowed in self.factors.items())


CAUSES: tuple[PlantedCause, ...] = (
    PlantedCause(
        name="area at certain hours",
        outcome="late_delivery",
        factors={"area": ("E",), "order_hour": (21, 22)},
        sentence="Deliveries to area E ordered from 21:00 to 22:59 take 15 minutes longer, two times in three.",
        stage="delivery",
    ),
    PlantedCause(
        name="slow size",
        outcome="late_order_to_door",
        factors={"size": ("Family",)},
        sentence="A Family pizza cooks 2.7 minutes longer. Its oven and its temperature only go along with it.",
        stage="cooking",
        shadows=(("oven", "Wasabi"), ("oven_temp_c", "about 289")),
    ),
    PlantedCause(
        name="toppings mixed up",
        outcome="complaint: Wrong topping",
        factors={"stylist": ("Marco",), "size": ("Large",)},
        sentence="Large pizzas that Marco styles bring a complaint about the topping three times in ten.",
    ),
    PlantedCause(
        name="orders misread",
        outcome="complaint: Wrong size",
        factors={"order_mode": ("Email",)},
        sentence="Orders by email come in the wrong size about one time in seven.",
    ),
    PlantedCause(
        name="peak bottleneck",
        outcome="late_order_to_door",
        factors={"order_hour": (18, 19)},
        sentence="At 18:00 and 19:00, when most orders come, the base takes 2.2 minutes longer.",
        stage="base_prep",
    ),
)
