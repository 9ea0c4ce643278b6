"""`lake explain`: one file's whole story, in words."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import context, following, lookup, render
from cli.evidence import Evidence, gather
from cli.options import JsonOption, StackOption, Target, TargetOption
from cli.quarantine import kind_of

if TYPE_CHECKING:
    from lake.batches import LoadedBatch
    from lake.entries import FileEntry
    from lake.manifest import FileFacts

MOST_REASONS = 8
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# What it meant that a sweep made a move, by the state before and after; the other moves follow from these.
_HEALED = {
    ("", "RECEIVED"): "its event had not come: a sweep found it in the bucket and took it in",
    ("RECEIVED", "PENDING"): "nobody had finished looking at it: a sweep did",
    ("RECEIVED", "REJECTED"): "nobody had finished looking at it: a sweep did",
    ("LOADING", "PENDING"): "its batch was over without settling it: a sweep put it in line again",
    ("PENDING", "LOADING"): "nobody had started a run for it: a sweep did",
}


def explain(
    file: Annotated[str, typer.Argument(help="A key, key@version, or a part of one key.")],
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """One file's whole story: when it came, what it was taken for, and what became of each row."""
    lake = context.connect(target, stack)
    entry = lookup.find(lake, file)
    known = gather(lake, entry)
    if as_json:
        from dataclasses import asdict

        facts = asdict(entry.facts) if entry.facts else None
        history = [asdict(change) for change in entry.history]
        more = {"note": entry.note, "facts": facts, "history": history, **known.as_dict()}
        render.show_json({**following.as_dict(entry), **more})
        return
    for line in story(entry, known):
        render.say(line)
    for line in inside(entry, known.members):
        render.say(line)


def inside(entry: FileEntry, members: list[FileEntry]) -> list[str]:
    """What became of the files inside an archive, a line each; nothing for any other file."""
    lines = [
        f"  {render.safe(found.key.removeprefix(entry.key + '!/'))}: {following.situation(found)}"
        for found in sorted(members, key=lambda found: found.key)
    ]
    return ["", "Inside:", *lines] if lines else []


def story(entry: FileEntry, known: Evidence) -> list[str]:
    """The lines that `lake explain` prints."""
    findings, spoilt = known.findings, known.spoilt
    lines = [f"{render.safe(entry.key)}, version {entry.version}", "", f"It {_arrival(entry, known.versions)}"]
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
    lines += _tries(known.failed_tries)
    lines += _healed(entry)
    lines += ["", *_outcome(entry), *_shown(entry, known.batch), *_today(known.standing), *_advice(entry)]
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

    lines, before, swept = [], "", False
    for change in entry.history:
        by_sweep = bool(change.reason and change.reason.endswith(ASIDE))
        # what a sweep took in, the same sweep looks at and starts: one thing healed, not three
        follows = swept and before in ("RECEIVED", "PENDING") and change.state != "LOADED"
        if by_sweep and not follows:
            lines.append(f"  {render.moment(change.at)}  {_HEALED.get((before, change.state), _noted(change.state))}")
        before, swept = change.state, by_sweep
    return ["", "What was healed:", *lines] if lines else []


def _noted(state: str) -> str:
    return f"nobody had noted how its run ended, so a sweep did: {state}"


def _tries(failed: list[dict[str, Any]]) -> list[str]:
    """Runs of its last batch that failed, before one was good or the file was set aside."""
    if not failed:
        return []
    lines = [
        f"  {render.moment(run['started'])}  run {run['run_id']} ended {run['state']} after {run['seconds']:.1f} s: "
        f"{render.safe(run['error']) or 'no reason was given'}"
        for run in failed
    ]
    return ["", "Tries of its batch that failed:", *lines]


def _shown(entry: FileEntry, batch: LoadedBatch | None) -> list[str]:
    """Since when readers of gold see what the file says, and by which run: the last hop of its way."""
    if batch is None or entry.state not in ("LOADED", "RETRACTED"):
        return []
    if batch.shown_at is None:
        return ["Gold does not show it yet."]
    since, snapshot = datetime.fromtimestamp(batch.shown_at, UTC), batch.gold_snapshot_id
    took = (since - _time(entry.object_time)).total_seconds()
    lag = f", {took:,.0f} s after it was dropped" if entry.state == "LOADED" and batch.dropped_at is not None else ""
    where = f"gold run {batch.gold_run_id}" + (f", snapshot {snapshot}" if snapshot is not None else "")
    return [f"Gold shows it since {render.moment(since)}{lag}: {where}."]


def _today(standing: dict[str, int] | None) -> list[str]:
    """What of the file can be seen in silver now; later files may have changed it."""
    if standing is None:
        return []
    replaced = standing.get("replaced", 0)
    gone = f"; {replaced:,} gave way to newer files" if replaced else ""
    stands = standing.get("stands", 0)
    verb = "comes" if stands == 1 else "come"
    return [f"Today {render.count(stands, 'row')} of silver {verb} from it{gone}."]


def _advice(entry: FileEntry) -> list[str]:
    """What a person can do about a file that does not count."""
    which = f"lake replay --file {shlex.quote(f'{render.safe(entry.key)}@{entry.version[:8]}')}"
    match entry.state:
        case "HELD":
            return [
                "Nothing of it counts, and all other files are loaded without it. Mend the file and drop it again, or "
                f"mend what the reason names and have it read again: {which}"
            ]
        case "REJECTED":
            return [f"Nothing of it counts. Drop a mended file; if this one should be read after all: {which}"]
        case "RETRACTED":
            return [f"Nothing of it counts any more. To have it count again: {which}"]
        case _:
            return []


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
