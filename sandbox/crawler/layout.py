"""From objects to tables: which folder is one table, and which folders below it are its partitions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from sandbox.crawler.objects import Thing
from sandbox.crawler.report import CrawlError
from sandbox.crawler.shape import Shape, merge

_PAIR = re.compile(r"([^=/]+)=(.*)")
_MOST_TABLES = 200


@dataclass(frozen=True)
class Partition:
    """One folder of a partitioned table; prefix is its key with the closing slash."""

    values: tuple[str, ...]
    prefix: str
    shape: Shape
    things: tuple[Thing, ...]


@dataclass(frozen=True)
class Found:
    """One table. prefix: the key of its folder with the closing slash, or of its only object."""

    prefix: str
    shape: Shape
    things: tuple[Thing, ...]
    partition_keys: tuple[str, ...] = ()
    partitions: tuple[Partition, ...] = ()

    @property
    def title(self) -> str:
        """What the table is named after: the last part of the path, empty for a bucket."""
        return self.prefix.rstrip("/").rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Rules:
    """How a crawler's Configuration groups objects. level: depth of every table, 1 is the bucket."""

    combine: bool = False
    level: int | None = None


@dataclass
class Folder:
    """A folder of the target with what lies right in it; prefix has the closing slash (empty: the bucket)."""

    prefix: str
    things: list[Thing] = field(default_factory=list)
    folders: dict[str, Folder] = field(default_factory=dict)

    def all_things(self) -> list[Thing]:
        """Every object at any depth."""
        return [*self.things, *(thing for folder in self.folders.values() for thing in folder.all_things())]

    def depth(self) -> int:
        """As Glue counts: the bucket is 1."""
        return self.prefix.count("/") + 1


Shapes = dict[str, Shape]


def tables(
    prefix: str,
    things: Iterable[Thing],
    shape_of: Callable[[list[Thing]], Shapes],
    rules: Rules,
    tell: Callable[[str], None],
) -> list[Found]:
    """The tables that the objects below a target make.

    `shape_of` gives the shapes of those of the objects that it looked at and could read. Raises CrawlError when the
    objects are so different that they would make hundreds of tables.
    """
    root = Folder(prefix)
    for thing in things:
        folder = root
        for part in thing.key[len(prefix) :].split("/")[:-1]:
            folder = folder.folders.setdefault(part, Folder(f"{folder.prefix}{part}/"))
        folder.things.append(thing)
    shapes = shape_of(root.all_things())
    found = _group(root, shapes, rules, tell)
    if len(found) > _MOST_TABLES:
        raise CrawlError(
            f"{prefix or 'the bucket'} would become {len(found)} tables: its objects are too different. "
            "Narrow the target, exclude some, or set TableLevelConfiguration."
        )
    return found


def _group(folder: Folder, shapes: Shapes, rules: Rules, tell: Callable[[str], None]) -> list[Found]:
    things = folder.all_things()
    known = [shapes[thing.key] for thing in things if thing.key in shapes]
    if not known:
        return []
    if rules.level is not None and folder.depth() < rules.level and folder.folders:
        for thing in folder.things:
            tell(f"{thing.key} lies above the level of tables and is left out")
        return [found for child in folder.folders.values() for found in _group(child, shapes, rules, tell)]
    whole = rules.combine or rules.level is not None or any(shape.declared for shape in known)
    if whole or all(shape.is_like(known[0]) for shape in known):
        return [_table(folder, things, shapes, known, tell)]
    below = [found for child in folder.folders.values() for found in _group(child, shapes, rules, tell)]
    alone = [Found(thing.key, shapes[thing.key], (thing,)) for thing in folder.things if thing.key in shapes]
    return below + alone


def _table(
    folder: Folder, things: list[Thing], shapes: Shapes, known: list[Shape], tell: Callable[[str], None]
) -> Found:
    """One table of everything below the folder, with the shape of most; a declared shape comes before all others."""
    ranked = Counter((not shape.declared, shape.classification, shape.serde) for shape in known)
    best = min(ranked, key=lambda key: (key[0], -ranked[key]))
    leader = next(s for s in known if (not s.declared, s.classification, s.serde) == best)
    for thing in things:
        if thing.key in shapes and not shapes[thing.key].reads_like(leader):
            tell(f"{thing.key} is not read like the rest of its table ({leader.classification})")
    alike = (s for s in known if s is not leader and s.reads_like(leader) and s.declared == leader.declared)
    shape = merge([leader, *alike])
    keys, levels = _partition_keys(folder, things, shape, tell)
    if not keys:
        return Found(folder.prefix, shape, tuple(things))
    groups: dict[str, list[Thing]] = {}
    for thing in things:
        groups.setdefault(thing.key[: -len(thing.name)], []).append(thing)
    partitions = tuple(
        Partition(_values(prefix[len(folder.prefix) :], levels), prefix, _own_shape(group, shapes, shape), tuple(group))
        for prefix, group in sorted(groups.items())
    )
    return Found(folder.prefix, shape, tuple(things), keys, partitions)


def _own_shape(things: list[Thing], shapes: Shapes, table: Shape) -> Shape:
    """A partition's own columns where one of its objects was looked at, else the table's."""
    own = [shapes[thing.key] for thing in things if thing.key in shapes and shapes[thing.key].reads_like(table)]
    return merge(own) if own else table


def _partition_keys(
    folder: Folder, things: list[Thing], shape: Shape, tell: Callable[[str], None]
) -> tuple[tuple[str, ...], list[bool]]:
    """Names of the partition keys, and for each level whether its folders are named `key=value`."""
    paths = [thing.key[len(folder.prefix) :].split("/")[:-1] for thing in things]
    if len({len(path) for path in paths}) != 1:
        tell(f"{folder.prefix} holds objects at several depths: its folders are no partitions")
        return (), []
    taken = {column.name for column in shape.columns}
    keys: list[str] = []
    pairs: list[bool] = []
    for number, names in enumerate(zip(*paths, strict=True)):
        matches = [_PAIR.fullmatch(name) for name in set(names)]
        named = {match.group(1).lower() for match in matches if match}
        pair = all(matches) and len(named) == 1
        key = named.pop() if pair else f"partition_{number}"
        while key in taken:
            key = f"{key}_0"  # A key named like a column would make the table unreadable.
        taken.add(key)
        keys.append(key)
        pairs.append(pair)
    return tuple(keys), pairs


def _values(path: str, pairs: list[bool]) -> tuple[str, ...]:
    """`year=2018/za/` -> (`2018`, `za`). Writers escape a value that stands behind a key."""
    parts = path.rstrip("/").split("/")
    return tuple(unquote(part.partition("=")[2]) if pair else part for part, pair in zip(parts, pairs, strict=True))
