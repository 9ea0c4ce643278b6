"""`lake quarantine`: the rows that were set aside, and why."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import athena, context, lookup, render
from cli.options import JsonOption, StackOption, Target, TargetOption

if TYPE_CHECKING:
    from lake.entries import FileEntry

MOST_ON_SCREEN = 200


def quarantine(
    file: Annotated[
        str | None, typer.Option("--file", help="The rows of one file: key, key@version, or part of a key.")
    ] = None,
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rows in quarantine: counted by reason, or one file's rows as they came."""
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


def _reasons(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        render.show_json(found)
    elif not found:
        render.say("Nothing is in quarantine.")
    else:
        render.show_table(
            ("reason", "rows", "files", "for example", "newest file"),
            [
                (row["reason"], render.number(row["rows"]), row["files"], row["example"], row["newest_file"])
                for row in found
            ],
            numeric=("rows", "files"),
        )
        render.say("The rows of a file: `lake quarantine --file KEY`", stderr=not render.is_terminal())


def by_reason(lake: context.Lake, file: FileEntry | None = None) -> list[dict[str, Any]]:
    """Kind of reason, rows, files, an example and its file; a row with several reasons counts for each.

    A reason quotes the value that it is about; reasons that differ only in that are one kind. Most rows first.
    `file` bounds it to one file version.
    """
    sql = f"""
        SELECT kind AS reason, count(*) AS "rows", count(DISTINCT source_file) AS files,
               min(reason) AS example, max_by(source_file, loaded_at) AS newest_file
        FROM (
            SELECT regexp_replace(reason, '''.*''', '...') AS kind, reason, source_file, loaded_at
            FROM quarantine CROSS JOIN UNNEST(reasons) AS t (reason)
            WHERE {_of(file)}
        )
        GROUP BY kind
        ORDER BY 2 DESC, 1
    """  # noqa: S608  (_of() escapes)
    return _ask(lake, sql)


def kind_of(reason: str) -> str:
    """A reason without the value that it quotes: the same rule as in the statement above."""
    return re.sub("'.*'", "...", reason)


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


def _ask(lake: context.Lake, sql: str, limit: int | None = None) -> list[dict[str, Any]]:
    """Rows, or none where nothing was loaded yet and so there is no table."""
    try:
        return athena.ask(lake, sql, lake.output("SilverDatabase"), limit).dicts()
    except athena.QueryFailedError as error:
        if error.missing:
            return []
        raise
