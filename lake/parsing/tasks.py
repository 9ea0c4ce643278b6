"""Many files as a few tasks: which worker reads which files, and what it yields.

A file is one piece of work; small ones share a task, so that ten thousand of them do not cost ten thousand starts.
"""

from __future__ import annotations

import heapq
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, cast

import pyarrow as pa

from lake.manifest import FileFacts, ManifestFile
from lake.parsing.csvfile import read_csv
from lake.parsing.records import END, ERROR, Counter, Shape, single
from lake.parsing.sheet import read_sheet
from lake.parsing.source import DamagedFile, open_body

TASK_BYTES = 32 << 20  # about what one task should read
TASK_FILES = 500
SMALL = 1 << 20  # files up to this size are fetched ahead, several at a time
AHEAD = 8


@dataclass(frozen=True)
class Work:
    """One file to read, small enough to travel to a worker in thousands. `facts` points into the batch's list."""

    file: int
    bucket: str
    key: str
    version: str
    size: int
    facts: int
    member: str | None = None


@dataclass(frozen=True)
class Plan:
    """What each task reads. Facts are kept once: thousands of files of a feed usually share one layout."""

    tasks: tuple[tuple[Work, ...], ...]
    facts: tuple[FileFacts, ...]
    fields: tuple[tuple[str, str], ...]  # every field of the contract with its logical type


def plan(files: Sequence[ManifestFile], fields: Sequence[tuple[str, str]], at_least: int = 2) -> Plan:
    """Spread files over tasks by size. `at_least`: tasks to use as long as there are as many files."""
    facts: dict[FileFacts, int] = {}
    works = [
        Work(at, file.bucket, file.key, file.version, file.size, facts.setdefault(file.facts, len(facts)), file.member)
        for at, file in enumerate(files)
    ]
    total = sum(file.size for file in files)
    wanted = max(at_least, -(-total // TASK_BYTES), -(-len(files) // TASK_FILES))
    bins: list[tuple[int, int, list[Work]]] = [(0, at, []) for at in range(max(1, min(len(files), wanted)))]
    for work in sorted(works, key=lambda work: -work.size):
        load, at, content = heapq.heappop(bins)
        content.append(work)
        heapq.heappush(bins, (load + work.size + SMALL // 16, at, content))
    tasks = tuple(tuple(content) for _, _, content in sorted(bins, key=lambda item: item[1]))
    return Plan(tasks, tuple(facts), tuple(fields))


def reader(work_plan: Plan) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function for `mapInArrow`: its input rows are task numbers (a column `id`), its output records."""

    def read(ids: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in ids:
            for number in batch.column("id").to_pylist():
                yield from read_task(work_plan, number)

    return read


def read_task(work_plan: Plan, number: int) -> Iterator[pa.RecordBatch]:
    """All records of one task's files."""
    works = work_plan.tasks[number]
    with ThreadPoolExecutor(AHEAD) as pool:
        for start in range(0, len(works), AHEAD):
            group = works[start : start + AHEAD]
            ahead = {
                work.file: pool.submit(_fetch, work) for work in group if 0 < work.size <= SMALL and len(group) > 1
            }
            for work in group:
                fetched = ahead.get(work.file)
                opened = fetched.result if fetched else lambda work=work: open_body(work.bucket, work.key, work.version)
                yield from read_file(opened, work, work_plan)


def _fetch(work: Work) -> BinaryIO:
    with open_body(work.bucket, work.key, work.version) as body:
        return BytesIO(body.read())


def read_file(opened: Callable[[], BinaryIO], work: Work, work_plan: Plan) -> Iterator[pa.RecordBatch]:
    """The records of one file and its end. Damage ends the file in an ERROR record; trouble of the store is raised."""
    facts = work_plan.facts[work.facts]
    fields = tuple(name for name, _ in work_plan.fields)
    counter = Counter()
    shape = Shape(work.file, fields, (None,) * len(fields), (), facts.delimiter)
    try:
        with opened() as body:
            for batch in _records(_member(body, work.member), facts, work.file, work_plan, counter):
                if batch.num_rows:
                    yield batch
    except DamagedFile as damage:
        yield single(shape, ERROR, note=str(damage))
    else:
        yield single(shape, END, blank=counter.blank)


def _records(
    body: BinaryIO, facts: FileFacts, file: int, work_plan: Plan, counter: Counter
) -> Iterator[pa.RecordBatch]:
    fields = tuple(name for name, _ in work_plan.fields)
    if facts.format == "csv":
        return read_csv(body, facts, file, fields, counter)
    if facts.format == "xlsx":
        return read_sheet(body, facts, file, fields, dict(work_plan.fields), counter)
    raise DamagedFile(f"files of format {facts.format} cannot be loaded yet: save it as csv and drop it again")


def _member(body: BinaryIO, name: str | None) -> BinaryIO:
    """The member of an archive, or the body itself."""
    if name is None:
        return body
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the member is read
    while block := body.read(SMALL):
        copy.write(block)
    try:
        return cast(BinaryIO, zipfile.ZipFile(copy).open(name))
    except (zipfile.BadZipFile, KeyError, RuntimeError) as error:
        raise DamagedFile(f"member {name} cannot be read out of the archive: {error}") from error
