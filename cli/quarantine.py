"""`lake quarantine`: the rows that were set aside, why, and a csv to repair them in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import athena, context, lookup, render
from cli.errors import CliError
from cli.options import JsonOption, StackOption, Target, TargetOption

if TYPE_CHECKING:
    from lake.entries import FileEntry

MOST_ON_SCREEN = 200
FileOption = Annotated[
    str | None, typer.Option("--file", help="The rows of one file: key, key@version, or part of a key.")
]
# How one kind of reason is recognised: it quotes the cell that it is about, or counts what differs from row to row.
_KINDS = (("(?s)'.*'", "..."), (r"\d+( columns?, expected| lines)", "N$1"))
_ADVICE = (  # the first words that a reason holds say what helps
    ("is missing", "fill it in, or leave the row out"),
    ("whole number", "write digits only, such as 12"),
    ("not a number", "write a number such as 12.50"),
    ("is not a", "write it in one of the forms named"),
    ("is not one of", "write one of the values named"),
    ("is below", "correct the value; if it is right, the contract's minimum is not"),
    ("is above", "correct the value; if it is right, the contract's maximum is not"),
    ("is longer", "shorten it; it may hold several values"),
    ("columns, expected", "a delimiter inside a value? move the values under their headers"),
    ("never closed", "close the quote, or take it out"),
    ("cut short", "export the file again: its end is missing"),
)
_OTHERWISE = "correct the row, or the contract and `lake replay`"

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, invoke_without_command=True
)


@app.callback()
def quarantine(
    ctx: typer.Context,
    file: FileOption = None,
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rows in quarantine: counted by reason, or one file's rows as they came. `export` writes a csv to repair them."""
    if ctx.invoked_subcommand:
        if file is not None or as_json:
            raise CliError(f"Options belong behind the word: lake quarantine {ctx.invoked_subcommand} --file F", code=2)
        ctx.obj = (target, stack)
        return
    lake = context.connect(target, stack)
    if file is None:
        _reasons(by_reason(lake), as_json)
        return
    entry = lookup.find(lake, file)
    limit = MOST_ON_SCREEN if render.is_terminal() and not as_json else None
    found = rows_of(lake, entry, limit)
    if as_json:
        render.show_json(found)
        return
    if not found:
        render.say(f"No row of {render.safe(entry.key)} is in quarantine.")
        return
    render.show_table(
        ("record", "reasons", "as it came"),
        [(row["source_row"], "; ".join(row["reasons"]), row["raw_row"]) for row in found],
        title=render.safe(entry.key) if render.is_terminal() else None,
        numeric=("record",),
    )


@app.command()
def export(
    ctx: typer.Context,
    file: FileOption = None,
    contract: Annotated[str | None, typer.Option("--contract", metavar="NAME", help="Only rows of this feed.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write. Default: repair-FEED.csv, here.")
    ] = None,
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a csv to repair: mend its cells, drop it like any file, and its rows load and leave quarantine."""
    before, its_stack = ctx.obj or (Target.sandbox, None)
    lake = context.connect(target if target is not Target.sandbox else before, stack or its_stack)
    entry = lookup.find(lake, file) if file is not None else None
    found = waiting(lake, entry, contract)
    feeds = sorted({row["contract"] for row in found})
    if out is not None and len(feeds) > 1:
        raise CliError(f"Rows of {' and '.join(feeds)} wait, a file each: choose one with --contract.", code=2)
    written = []
    for feed in feeds:
        rows = [row for row in found if row["contract"] == feed]
        path = out or _free(Path(f"repair-{feed}.csv"))
        _write(path, _sheet(lake, rows))
        files = len({(row["source_file"], row["source_version"]) for row in rows})
        written.append({"file": str(path), "contract": feed, "rows": len(rows), "files": files})
    if as_json:
        render.show_json(written)
        return
    if not written:
        whose = f"No row of {render.safe(entry.key)}" if entry else "Nothing"
        render.say(f"{whose} is in quarantine{f' for {contract}' if contract else ''}: there is nothing to repair.")
        return
    for one in written:
        rows_, files_ = render.count(int(one["rows"]), "row"), render.count(int(one["files"]), "file")
        render.say(f"{one['file']}: {rows_} of {files_}, contract {one['contract']}.")
    render.say(
        "Mend the cells (lake_reasons says what is wrong), leave the other lake_ columns as they are, and delete rows "
        "that cannot be mended: they go on waiting."
    )
    render.say(f"Then: `lake drop {written[0]['file']} --wait`")


def _reasons(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        render.show_json(found)
    elif not found:
        render.say("Nothing is in quarantine.")
    else:
        render.show_table(
            ("reason", "rows", "files", "for example", "newest file", "what to do"),
            [
                (
                    row["reason"],
                    render.number(row["rows"]),
                    row["files"],
                    row["example"],
                    row["newest_file"],
                    row["what_to_do"],
                )
                for row in found
            ],
            numeric=("rows", "files"),
        )
        render.say(
            "The rows of a file: `lake quarantine --file KEY`. A csv to repair and drop: `lake quarantine export`. "
            "The contract was wrong: change it, then `lake replay --file KEY`.",
            stderr=not render.is_terminal(),
        )


def by_reason(lake: context.Lake, file: FileEntry | None = None) -> list[dict[str, Any]]:
    """Kind of reason, rows, files, an example and its file, what to do; a row with several reasons counts for each.

    A reason quotes the value that it is about; reasons that differ only in that are one kind. Most rows first.
    `file` bounds it to one file version.
    """
    kind = "reason"
    for pattern, instead in _KINDS:
        kind = f"regexp_replace({kind}, {athena.literal(pattern)}, {athena.literal(instead)})"
    sql = f"""
        SELECT kind AS reason, count(*) AS "rows", count(DISTINCT source_file) AS files,
               min(reason) AS example, max_by(source_file, loaded_at) AS newest_file
        FROM (
            SELECT {kind} AS kind, reason, source_file, loaded_at
            FROM quarantine CROSS JOIN UNNEST(reasons) AS t (reason)
            WHERE {_of(file)}
        )
        GROUP BY kind
        ORDER BY 2 DESC, 1
    """  # noqa: S608  (_of() escapes)
    return [{**row, "what_to_do": advice(row["reason"])} for row in _ask(lake, sql)]


def kind_of(reason: str) -> str:
    """A reason without the value that it quotes: the same rule as in the statement above."""
    for pattern, instead in _KINDS:
        reason = re.sub(pattern, instead.replace("$1", r"\1"), reason)
    return reason


def advice(reason: str) -> str:
    """What a person can do about a kind of reason."""
    return next((words for part, words in _ADVICE if part in reason), _OTHERWISE)


def _of(file: FileEntry | None) -> str:
    if file is None:
        return "true"
    return f"source_file = {athena.literal(file.key)} AND source_version = {athena.literal(file.version)}"


def rows_of(lake: context.Lake, file: FileEntry, limit: int | None = None) -> list[dict[str, Any]]:
    """One file version's quarantined rows in record order, with every reason."""
    sql = f"""
        SELECT source_row, json_format(CAST(reasons AS JSON)) AS reasons, raw_row
        FROM quarantine
        WHERE {_of(file)}
        ORDER BY source_row
    """  # noqa: S608  (_of() escapes)
    return [{**row, "reasons": json.loads(row["reasons"] or "[]")} for row in _ask(lake, sql, limit)]


def waiting(lake: context.Lake, file: FileEntry | None = None, contract: str | None = None) -> list[dict[str, Any]]:
    """Rows that wait, those of a file's repairs included, the oldest first.

    With `origin_file`, `origin_version` and `origin_row`: the record that each is about.
    """
    which = ["true" if contract is None else f"contract = {athena.literal(contract)}"]
    if file is not None:
        key, version = athena.literal(file.key), athena.literal(file.version)
        which.append(f"origin_file = {key} AND origin_version = {version} OR {_of(file)}")
    sql = f"""
        SELECT * FROM (
            SELECT source_file, source_version, source_row, raw_row, contract,
                   json_format(CAST(reasons AS JSON)) AS reasons,
                   coalesce(repairs.source_file, source_file) AS origin_file,
                   coalesce(repairs.source_version, source_version) AS origin_version,
                   coalesce(repairs.source_row, source_row) AS origin_row,
                   coalesce(CAST(repairs.object_time AS timestamp), object_time, loaded_at) AS since
            FROM quarantine
        )
        WHERE {" AND ".join(f"({one})" for one in which)}
        ORDER BY contract, since, origin_file, origin_version, origin_row
    """  # noqa: S608  (literal() escapes)
    return [{**row, "reasons": json.loads(row["reasons"] or "[]")} for row in _ask(lake, sql)]


def _sheet(lake: context.Lake, rows: list[dict[str, Any]]) -> bytes:
    from lake.repair_sheet import Waiting, sheet

    names = {(row["source_file"], row["source_version"]) for row in rows}
    entries = lake.ledger.entries_of(sorted(names))
    facts = {name: entry.facts for name, entry in entries.items() if entry.facts is not None}
    return sheet(
        [
            Waiting(
                row["source_file"],
                row["source_version"],
                row["raw_row"] or "",
                tuple(row["reasons"]),
                (row["origin_file"], row["origin_version"], row["origin_row"]),
            )
            for row in rows
        ],
        facts,
    ).to_csv()


def _free(path: Path) -> Path:
    """The path, or the next one that is free: somebody may have mended rows in the file that is there."""
    number, free = 2, path
    while free.exists():
        free, number = path.with_stem(f"{path.stem}-{number}"), number + 1
    return free


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise CliError(f"{path} cannot be written ({error.strerror}): choose another place with --out.") from error


def _ask(lake: context.Lake, sql: str, limit: int | None = None) -> list[dict[str, Any]]:
    """Rows, or none where nothing was loaded yet and so there is no table."""
    try:
        return athena.ask(lake, sql, lake.output("SilverDatabase"), limit).dicts()
    except athena.QueryFailedError as error:
        if error.missing:
            return []
        raise
