"""`lake explain`: one file's whole story, in words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import context, following, lookup, render
from cli.options import JsonOption, StackOption, Target, TargetOption
from cli.quarantine import kind_of, rows_of

if TYPE_CHECKING:
    from lake.entries import FileEntry
    from lake.manifest import FileFacts

MOST_REASONS = 8
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def explain(
    file: Annotated[str, typer.Argument(help="A key, key@version, or a part of one key.")],
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """One file's whole story: when it came, what it was taken for, and what became of each row."""
    lake = context.connect(target, stack)
    entry = lookup.find(lake, file)
    findings = findings_of(lake, entry)
    spoilt = spoilt_rows(lake, entry)
    if as_json:
        from dataclasses import asdict

        facts = asdict(entry.facts) if entry.facts else None
        history = [asdict(change) for change in entry.history]
        more = {"note": entry.note, "facts": facts, "history": history, "findings": findings, "quarantine": spoilt}
        render.show_json({**following.as_dict(entry), **more})
        return
    for line in story(entry, list(lake.ledger.versions(entry.key)), findings, spoilt):
        render.say(line)
    for line in inside(lake, entry):
        render.say(line)


def inside(lake: context.Lake, entry: FileEntry) -> list[str]:
    """What became of the files inside an archive, a line each; nothing for any other file."""
    if entry.state != "EXPANDED":
        return []
    members = [
        found for found in following.all_entries(lake) if found.parent == entry.key and found.version == entry.version
    ]
    lines = [
        f"  {render.safe(found.key.removeprefix(entry.key + '!/'))}: {following.situation(found)}"
        for found in sorted(members, key=lambda found: found.key)
    ]
    return ["", "Inside:", *lines]


def findings_of(lake: context.Lake, entry: FileEntry) -> list[str]:
    """What the silver run said about the file as a whole; empty where it was in no run or the result is gone."""
    if not entry.batch_id:
        return []
    result = lookup.batch_result(lake, entry.batch_id)
    files = result.files if result else ()
    return [f for file in files if (file.key, file.version) == entry.name for f in file.findings]


def spoilt_rows(lake: context.Lake, entry: FileEntry) -> list[dict[str, Any]]:
    """The file's quarantined rows, asked for only when there are some."""
    if not following.counts_of(entry)["quarantined"]:
        return []
    return rows_of(lake, entry)


def story(entry: FileEntry, versions: list[FileEntry], findings: list[str], spoilt: list[dict[str, Any]]) -> list[str]:
    """The lines that `lake explain` prints."""
    lines = [f"{render.safe(entry.key)}, version {entry.version}", "", f"It {_arrival(entry, versions)}"]
    if entry.facts:
        lines.append(f"It was taken for {_facts(entry.facts)}")
    elif entry.contract:
        lines.append(f"It was taken for contract {entry.contract}.")
    if entry.history:
        lines += ["", "Its way:"]
        first, told = _time(entry.history[0].at), set[str | None]()
        for change in entry.history:
            after = f"{(_time(change.at) - first).total_seconds():7.1f} s"
            # the answer of the front desk goes along to the end; once is enough
            because = f"  {render.safe(change.reason)}" if change.reason and change.reason not in told else ""
            told.add(change.reason)
            lines.append(f"  {render.moment(change.at)}  {after}  {change.state:<9}{because}")
    lines += _healed(entry)
    lines += ["", *_outcome(entry)]
    if findings:
        lines += ["", "What stands out in the file as a whole:"]
        lines += [f"  - {render.safe(finding)}" for finding in findings]
    repaired = following.counts_of(entry)["quarantined"] - len({row["source_row"] for row in spoilt})
    if entry.state == "LOADED" and repaired > 0:
        lines += ["", f"Repaired by a later file: {repaired:,} of the rows that were set aside."]
    if spoilt:
        lines += ["", "Why rows are in quarantine:", *_reasons(spoilt)]
        lines.append(f"  Each row as it came: lake quarantine --file {render.safe(entry.key)!r}")
    return lines


def _healed(entry: FileEntry) -> list[str]:
    """What a sweep had to do for the file, because an event or a process was lost."""
    from lake.sweeper import ASIDE

    moves = [change for change in entry.history if change.reason and change.reason.endswith(ASIDE)]
    if not moves:
        return []
    words = {
        "RECEIVED": "its event had not come, so the sweep found it in the bucket",
        "PENDING": "it had no answer, or its batch was over, so the sweep put it in line",
        "LOADING": "nobody had started a run for it, so the sweep did",
        "LOADED": "its run had ended unheard, so the sweep noted what it did",
    }
    lines = [f"  {render.moment(m.at)}  {words.get(m.state, f'the sweep noted that it is {m.state}')}" for m in moves]
    return ["", "What was healed:", *lines]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _arrival(entry: FileEntry, versions: list[FileEntry]) -> str:
    ordered = sorted(versions, key=lambda other: other.sort_key)
    place = next((i for i, other in enumerate(ordered, 1) if other.version == entry.version), 1)
    which = f", as version {place} of {len(ordered)} under this key" if len(ordered) > 1 else ""
    where = f" inside the archive {render.safe(entry.parent)}" if entry.parent else ""
    return f"came at {render.moment(entry.object_time)}{where}{which} ({render.size(entry.size)})."


def _facts(facts: FileFacts) -> str:
    how = [facts.format]
    if facts.format == "csv":
        how += [
            f"columns parted by {_DELIMITERS.get(facts.delimiter, repr(facts.delimiter))}",
            f"encoded in {facts.encoding}",
        ]
    if facts.compression:
        how.append(f"compressed with {facts.compression}")
    if facts.sheet:
        how.append(f"sheet {render.safe(facts.sheet)!r}")
    if facts.header_rows != 1:
        how.append(f"header in record {facts.header_rows}")
    text = f"{facts.contract}: {', '.join(how)}; {render.count(len(facts.columns), 'column')} known"
    named = [render.safe(name) for name in facts.unmapped if name.strip()]
    if named:
        text += f"; unknown to the contract, and kept beside the rows: {', '.join(named)}"
    return text + "."


def _outcome(entry: FileEntry) -> list[str]:
    if entry.state != "LOADED":
        return [following.situation(entry)[0].upper() + following.situation(entry)[1:]]
    counts = following.counts_of(entry)
    proof = sum(counts[fate] for fate in following.FATES) == counts["rows_in"]
    lines = [f"{following.arithmetic(counts)}.{' It adds up.' if proof else ' IT DOES NOT ADD UP: run `lake doctor`.'}"]
    meanings = {
        "inserted": "rows that silver did not have",
        "updated": "rows that changed",
        "unchanged": "rows that silver already had just so; they keep their lineage",
        "superseded": "older than what silver holds",
        "duplicate": "repeated later in this file; the later record counts",
        "quarantined": "set aside with their reasons",
    }
    lines += [f"  {counts[fate]:>9,} {fate}: {meanings[fate]}" for fate in following.FATES if counts[fate]]
    if counts["blank"]:
        lines.append(f"  {counts['blank']:>9,} blank records were left out and are not rows")
    if counts["flagged"]:
        lines.append(
            f"  {counts['flagged']:>9,} rows carry a flag (flags in silver.{entry.contract}), and count all the same"
        )
    by = " by ".join(
        part for part in (f"batch {entry.batch_id}", f"run {entry.run_id}" if entry.run_id else "") if part
    )
    lines.append(f"Loaded with {by}.")
    return lines


def _reasons(spoilt: list[dict[str, Any]]) -> list[str]:
    records: dict[str, list[int]] = {}
    for row in spoilt:
        for reason in row["reasons"]:
            records.setdefault(kind_of(reason), []).append(row["source_row"])
    ordered = sorted(records.items(), key=lambda item: (-len(item[1]), item[0]))
    lines = []
    for reason, rows in ordered[:MOST_REASONS]:
        some = ", ".join(f"{row:,}" for row in rows[:5]) + (", ..." if len(rows) > 5 else "")
        lines.append(f"  {len(rows):>9,} {render.safe(reason)} (record{'s' if len(rows) > 1 else ''} {some})")
    if len(ordered) > MOST_REASONS:
        lines.append(f"            and {render.count(len(ordered) - MOST_REASONS, 'more reason')}")
    return lines
