"""`lake sample`: order files to try things with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import render
from cli.errors import CliError
from cli.options import JsonOption, Target, TargetOption

if TYPE_CHECKING:
    from lake.sample import Facts


def sample(
    orders: Annotated[int, typer.Option("--orders", min=1, help="How many orders.")] = 10_000,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same file.")] = 1,
    out: Annotated[Path, typer.Option("--out", help="Where to write it.")] = Path("sample-orders.csv"),
    customers: Annotated[bool, typer.Option("--customers", help="With a customer column.")] = False,
    first_id: Annotated[
        int | None, typer.Option("--first-id", min=1, help="The first order's number (default: a range for each seed).")
    ] = None,
    clean: Annotated[bool, typer.Option("--clean", help="Without spoilt records.")] = False,
    no_causes: Annotated[bool, typer.Option("--no-causes", help="Pure noise: nothing has a cause.")] = False,
    target: TargetOption = Target.sandbox,
    as_json: JsonOption = False,
) -> None:
    """Make an order file like the company's export: same layout, same mess, causes planted."""
    from lake.sample import Spec, write

    spoilt = 0.0 if clean else Spec.spoilt_share
    spec = Spec(orders, seed, customers, spoilt, causes=not no_causes, first_id=first_id)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        facts = write(out, spec)
    except OSError as error:
        raise CliError(f"{out} cannot be written ({error.strerror}): choose another place with --out.") from error
    if as_json:
        render.show_json({"file": str(out), "bytes": out.stat().st_size, **as_dict(facts)})
        return
    for line in tell(out, facts):
        render.say(line)
    render.say(f"Next: `lake drop {out} --wait`")


def as_dict(facts: Facts) -> dict[str, Any]:
    """The answer key as plain data."""
    from dataclasses import asdict

    lists = {name: [asdict(item) for item in getattr(facts, name)] for name in ("quarantined", "flagged", "causes")}
    return {**vars(facts), **lists, "good": facts.good}


def tell(path: Path, facts: Facts) -> list[str]:
    """The file in words."""
    lines = [
        f"{path}: {render.count(facts.records, 'order')}, {facts.first_day} to {facts.last_day}, "
        f"{render.size(path.stat().st_size)}."
    ]
    if facts.quarantined or facts.flagged:
        kinds = sorted({spoilt.kind for spoilt in (*facts.quarantined, *facts.flagged)})
        lines.append(
            f"Spoilt on purpose: {render.count(len(facts.quarantined), 'record')} for quarantine, "
            f"{len(facts.flagged)} to be flagged ({', '.join(kinds)})."
        )
    return lines
