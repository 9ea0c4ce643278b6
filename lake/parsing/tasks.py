"""Many files as a few tasks: which worker reads which files, and what it yields.

A file is one piece of work; small ones share a task, so that ten thousand of them do not cost ten thousand starts.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

import pyarrow as pa

from lake.manifest import FileFacts, ManifestFile
from lake.parsing.archives import Archives
from lake.parsing.csvfile import read_csv
from lake.parsing.jsonfile import read_json
from lake.parsing.parquetfile import read_parquet
from lake.parsing.records import END, ERROR, Counter, Shape, single, without_unreadable
from lake.parsing.sheet import read_sheet
from lake.parsing.source import DamagedFile, open_body

TASK_BYTES = 32 << 20  # about what one task should read
TASK_FILES = 500
SMALL = 1 << 20  # files up to this size are fetched ahead, several at a time
AHEAD = 8
# One file is read by one task. The records of large ones are dealt out in parts of about so many bytes of text, so that
# what is done to them uses every core, and no task holds more than there is memory for.
PART = 64 << 20
PACKED = 8  # how much larger a compressed file's text is, about


@dataclass(frozen=True)
class Work:
    """One file to read, small enough to travel to a worker in thousands. `facts` points into the batch's list.

    `key` is that of the object; `member` the name inside it when that is an archive.
    """

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
    known: Mapping[str, str]  # folded names of columns and the fields they mean


def plan(
    files: Sequence[ManifestFile],
    fields: Sequence[tuple[str, str]],
    at_least: int = 2,
    known: Mapping[str, str] | None = None,
) -> Plan:
    """Spread files over tasks by size. `at_least`: tasks to use as long as there are as many files.

    `known`: every name that the contract knows, folded, with its field (`lake.headers.known_names`).
    """
    facts: dict[FileFacts, int] = {}
    works = [
        Work(
            at,
            file.bucket,
            file.object_key,
            file.version,
            file.size,
            facts.setdefault(file.facts, len(facts)),
            file.member,
        )
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
    return Plan(tasks, tuple(facts), tuple(fields), dict(known or {}))


def parts_of(files: Sequence[ManifestFile]) -> int:
    """Into how many parts the records of these files are dealt out; 0: they stay with the tasks that read the files.

    Files of a part's size or two are parts themselves, where there are others for the other cores.
    """
    sizes = [text_size(file) for file in files]
    largest, total = max(sizes), sum(sizes)
    if largest <= PART or (largest <= 2 * PART and 2 * largest <= total):
        return 0
    return -(-total // PART)


def text_size(file: ManifestFile) -> int:
    """About how many bytes of text a file holds."""
    packed = file.facts.compression or file.facts.format in ("xlsx", "parquet")
    return file.size * (PACKED if packed else 1)


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
    with Archives() as archives, ThreadPoolExecutor(AHEAD) as pool:
        for start in range(0, len(works), AHEAD):
            group = works[start : start + AHEAD]
            ahead = {
                work.file: pool.submit(_fetch, work, archives)
                for work in group
                if 0 < work.size <= SMALL and len(group) > 1
            }
            for work in group:
                fetched = ahead.get(work.file)
                opened = fetched.result if fetched else lambda work=work: _open(work, archives)
                yield from read_file(opened, work, work_plan)


def _open(work: Work, archives: Archives) -> BinaryIO:
    if work.member is None:
        return open_body(work.bucket, work.key, work.version)
    return archives.open(work.bucket, work.key, work.version, work.member)


def _fetch(work: Work, archives: Archives) -> BinaryIO:
    with _open(work, archives) as body:
        return BytesIO(body.read())


def read_file(opened: Callable[[], BinaryIO], work: Work, work_plan: Plan) -> Iterator[pa.RecordBatch]:
    """The records of one file and its end. Damage ends the file in an ERROR record; trouble of the store is raised."""
    facts = work_plan.facts[work.facts]
    fields = tuple(name for name, _ in work_plan.fields)
    counter = Counter()
    shape = Shape(work.file, fields, (None,) * len(fields), (), facts.delimiter)
    try:
        with opened() as body:
            for batch in _records(body, facts, work.file, work_plan, counter):
                if batch.num_rows:
                    yield without_unreadable(batch) if counter.broken else batch
    except DamagedFile as damage:
        yield single(shape, ERROR, note=str(damage))
    else:
        yield single(shape, END, blank=counter.blank, note=counter.remark)


def _records(
    body: BinaryIO, facts: FileFacts, file: int, work_plan: Plan, counter: Counter
) -> Iterator[pa.RecordBatch]:
    fields = tuple(name for name, _ in work_plan.fields)
    if facts.format == "csv":
        return read_csv(body, facts, file, fields, counter)
    if facts.format in ("jsonl", "json"):
        return read_json(body, facts, file, fields, work_plan.known, counter)
    if facts.format == "xlsx":
        return read_sheet(body, facts, file, fields, dict(work_plan.fields), counter)
    if facts.format == "parquet":
        return read_parquet(body, facts, file, fields, dict(work_plan.fields), counter)
    raise DamagedFile(f"files of format {facts.format} cannot be loaded yet: save it as csv and drop it again")
