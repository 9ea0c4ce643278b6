"""`lake contract`: how a file fits the feeds' contracts, and a first contract for one that fits none. Needs no lake."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import render
from cli.errors import CliError
from cli.options import JsonOption, Target, TargetOption

if TYPE_CHECKING:
    from lake.compatibility import Change
    from lake.contracts import Contract
    from lake.trial import Trial

MOST_KINDS = 10
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A file on this machine.")]


@app.callback()
def contract_(target: TargetOption = Target.sandbox) -> None:
    """Does this file fit, and what would a contract for it look like? Needs no running lake, whatever the target."""


@app.command()
def check(
    file: FileArgument,
    contract: Annotated[
        str | None,
        typer.Option("--contract", help="Only this one: its name, or a yaml that is in contracts/ or not yet."),
    ] = None,
    header_only: Annotated[
        bool, typer.Option("--header-only", help="Only the columns; the values are not read.")
    ] = False,
    target: TargetOption = Target.sandbox,
    as_json: JsonOption = False,
) -> None:
    """How a file fits each contract, and what would become of its rows. 0: it would load; 1: it would not.

    With a yaml that is to take the place of a contract in use: also what that change takes, and 1 when it is refused.
    """
    _readable(file)
    contracts = _contracts(contract)
    changes = [change for one in contracts.values() for change in _changes(one)]
    fits = [_fit(file, one) for one in contracts.values()]
    answer = _answer(file, contracts)
    feed = getattr(getattr(answer, "facts", None), "contract", None)
    found: dict[str, Any] = {"file": str(file), "contract": feed, "reason": getattr(answer, "reason", None)}
    if hasattr(answer, "inside"):
        inside = ", ".join(one.name for one in answer.inside[:5])
        found["reason"] = f"{file.name} is an archive ({inside}): unpack it, and check its files one by one."
    if not as_json:
        for change in changes:
            render.say(f"{change.level}: {render.safe(change.what)}: {render.safe(change.do)}.")
        for line in _columns_in_words(fits, feed):
            render.say(line)
    tried = None
    if feed is not None and not header_only:
        tried = _try(file, contracts[feed], answer)
    if as_json:
        values = tried.as_dict() if tried else None
        render.show_json({**found, "changes": [asdict(change) for change in changes], "fits": fits, "values": values})
    elif feed is None:
        render.say(f"It would be refused: {render.safe(found['reason'])}")
        render.say(f"Another kind of file, and you want it in the lake? `lake contract new {file}`")
    elif tried is not None:
        for line in _values_in_words(tried):
            render.say(line)
    refused = any(change.level == "refused" for change in changes)
    if feed is None or refused or (tried is not None and tried.held):
        raise typer.Exit(1)


@app.command()
def new(
    file: FileArgument,
    name: Annotated[
        str | None, typer.Option("--name", help="The feed's name: lower case letters, digits and _.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="YAML", help="Where to write it. Default: standard output.")
    ] = None,
    date_order: Annotated[
        str | None, typer.Option("--date-order", help="dmy or mdy, where the dates of the file do not say.")
    ] = None,
    target: TargetOption = Target.sandbox,
    as_json: JsonOption = False,
) -> None:
    """Propose a contract (ODCS v3.1) from a file. What the file does not say is asked in comments, never guessed."""
    from lake.contracts import load_contracts, parse_contract
    from lake.propose.columns import plain
    from lake.propose.contract import propose
    from lake.propose.table import NoTableError, read_table

    _readable(file)
    if date_order not in (None, "dmy", "mdy"):
        raise CliError("--date-order is dmy (5 March is 05/03) or mdy (5 March is 03/05).", code=2)
    feed = name or plain(file.name.split(".")[0]) or "feed"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", feed):
        raise CliError(f"{feed!r} is no usable name: lower case letters, digits and _, a letter first.", code=2)
    if feed in load_contracts():
        raise CliError(f"There is a contract {feed} already: choose another with --name.", code=2)
    if out is not None and out.exists():
        raise CliError(f"{out} is there already, and somebody may have worked on it: choose another name with --out.")
    try:
        proposal = propose(read_table(file), feed, date_order)
    except NoTableError as error:
        raise CliError(str(error)) from error
    proposed = parse_contract(proposal.text, out.name if out else f"{feed}.yaml")
    answer = _answer(file, {feed: proposed})
    if hasattr(answer, "reason"):  # the proposal reads more kinds of damage than the front desk takes
        raise CliError(f"No contract would make this file loadable: {answer.reason}")
    if out is not None:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(proposal.text, encoding="utf-8")
        except OSError as error:
            raise CliError(f"{out} cannot be written ({error.strerror}): choose another place with --out.") from error
    if as_json:
        columns = [
            {"name": c.name, "header": c.header, "type": c.type, "formats": list(c.formats), "personal": c.personal}
            for c in proposal.columns
        ]
        render.show_json(
            {
                "contract": feed,
                "file": str(out) if out else None,
                "key": list(proposal.key),
                "columns": columns,
                "questions": list(proposal.questions),
                "yaml": proposal.text,
            }
        )
    elif out is None:
        typer.echo(proposal.text, nl=False)
    else:
        render.say(f"{out}: contract {feed}, {render.count(len(proposal.columns), 'column')}, key {proposal.key}.")
        for question in proposal.questions:
            render.say(f"  ? {render.safe(question)}")
        render.say(f"Next: answer what it asks, then `lake contract check {file} --contract {out}` and docs/feeds.md.")


def _readable(file: Path) -> None:
    from cli.drop import check as can_be_dropped

    can_be_dropped(file)


def _contracts(which: str | None) -> dict[str, Contract]:
    """The contracts to try. Raises CliError for one that is not there or cannot be used."""
    from lake.contracts import ContractError, load_contracts, parse_contract

    known = load_contracts()
    if which is None:
        return known
    if which in known:
        return {which: known[which]}
    path = Path(which)
    if not path.is_file():
        raise CliError(f"There is no contract {which}, and no such file: {', '.join(known)} are known.", code=2)
    try:
        one = parse_contract(path.read_text(encoding="utf-8"), path.name)
    except (ContractError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise CliError(f"This contract cannot be used: {error}") from error
    return {one.name: one}


def _changes(contract: Contract) -> list[Change]:
    """What differs from the contract of that name that is in use; nothing for a new one, or the one in use itself."""
    from lake.compatibility import compatibility
    from lake.contracts import load_contracts

    used = load_contracts().get(contract.name)
    return compatibility(used, contract) if used else []


def _answer(file: Path, contracts: dict[str, Contract]) -> Any:
    """What the front desk would say."""
    from lake.detect import HEAD_BYTES, detect

    with file.open("rb") as body:

        def read(start: int, length: int) -> bytes:
            body.seek(start)
            return body.read(length)

        return detect(read(0, HEAD_BYTES), file.stat().st_size, file.name, contracts, read)


def _fit(file: Path, contract: Contract) -> dict[str, Any]:
    """The columns of one contract and where the file has them; or why it has not enough of them."""
    from lake.repair import ORIGIN

    answer = _answer(file, {contract.name: contract})
    if not hasattr(answer, "facts"):
        reason = getattr(answer, "reason", f"{file.name} holds several files: unpack it, and check them one by one.")
        return {"contract": contract.name, "fits": False, "reason": reason}
    mine = {column.field: column.source for column in answer.facts.columns}
    return {
        "contract": contract.name,
        "fits": True,
        "columns": {field.name: mine.get(field.name) for field in contract.fields},
        "missing": [field.name for field in contract.fields if field.name not in mine],
        "unmapped": list(answer.facts.unmapped),
        "repairs": all(name in mine for name in ORIGIN),
    }


def _columns_in_words(fits: list[dict[str, Any]], feed: str | None) -> list[str]:
    lines = []
    for fit in sorted(fits, key=lambda fit: fit["contract"] != feed):
        if not fit["fits"]:
            lines.append(f"{fit['contract']}: does not fit. {render.safe(fit['reason'])}")
            continue
        found = {name: source for name, source in fit["columns"].items() if source is not None}
        lines.append(f"{fit['contract']}: fits, {len(found)} of {len(fit['columns'])} columns.")
        lines += [f"  {name:<24} {render.safe(source)}" for name, source in found.items()]
        if fit["missing"]:
            lines.append(f"  not in the file, and so empty: {', '.join(fit['missing'])}")
        if fit["unmapped"]:
            lines.append(f"  not known to the contract: {', '.join(map(render.safe, fit['unmapped']))}")
    return lines


def _try(file: Path, contract: Contract, answer: Any) -> Trial:
    from cli.localspark import local_spark
    from lake.trial import trial

    with local_spark() as spark:
        return trial(spark, contract, file, answer.facts)


def _values_in_words(tried: Trial) -> list[str]:
    from cli.quarantine import advice

    lines = [
        f"{render.count(tried.rows_in, 'row')}: {tried.good:,} good ({tried.flagged:,} of them flagged), "
        f"{tried.quarantined:,} for quarantine; {render.count(tried.blank, 'blank record')}."
    ]
    for what, findings in (("for quarantine", tried.reasons), ("flagged", tried.flags)):
        for finding in findings[:MOST_KINDS]:
            example = f" (record {finding.record:,}: {render.safe(finding.example)})"
            help_ = f"; {advice(finding.words)}" if what == "for quarantine" else ""
            lines.append(f"  {finding.rows:>9,} {what}: {render.safe(finding.words)}{help_}{example}")
        if len(findings) > MOST_KINDS:
            lines.append(f"            and {render.count(len(findings) - MOST_KINDS, 'more kind')} {what}")
    lines.append(f"It would be held: {render.safe(tried.held)}." if tried.held else "It would load.")
    return lines
