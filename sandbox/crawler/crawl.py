"""Runs one crawl: reads a crawler's targets, and writes what it finds to its database."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sandbox.crawler import iceberg
from sandbox.crawler.catalog import Catalog, Policy
from sandbox.crawler.classify import UnreadableError, classify, csv_classifiers
from sandbox.crawler.globs import matcher
from sandbox.crawler.layout import Found, Rules, Shapes, tables
from sandbox.crawler.objects import Bucket, Thing, split
from sandbox.crawler.report import CrawlError, CrawlReport
from sandbox.crawler.tables import location, partition_input, table_input, table_name, with_suffix

#: So many objects of one folder are looked at (Glue's SampleSize, where the target does not set it), and of all.
SAMPLES = 10
MOST_SAMPLES = 500

_POLICIES = {"LOG", "DELETE_FROM_DATABASE", "DEPRECATE_IN_DATABASE"}


def crawl(crawler: dict[str, Any], classifiers: list[dict[str, Any]], s3: Any, glue: Any) -> CrawlReport:
    """Crawl all targets of `crawler` (as GetCrawler gives it) with clients that carry the crawler's role.

    `classifiers` are the crawler's own, in its order, as GetClassifier gives them. Raises CrawlError.
    """
    report = CrawlReport()
    targets = crawler.get("Targets") or {}
    for kind, given in targets.items():
        if given and kind not in ("S3Targets", "IcebergTargets"):
            raise CrawlError(f"The sandbox's crawler has no {kind}: it crawls S3Targets and IcebergTargets.")
    if not any(targets.values()):
        raise CrawlError(f"The crawler {crawler.get('Name')} has no targets.")
    custom = csv_classifiers(classifiers)
    configuration = _configuration(crawler)
    if not crawler.get("DatabaseName"):
        raise CrawlError(f"The crawler {crawler.get('Name')} has no database to write to.")
    catalog = Catalog(glue, crawler["DatabaseName"], _policy(crawler, configuration), report)
    catalog.check()
    _Crawl(crawler, custom, configuration, s3, catalog, report).run()
    return report


class _Crawl:
    def __init__(
        self,
        crawler: dict[str, Any],
        custom: list[dict[str, Any]],
        configuration: dict[str, Any],
        s3: Any,
        catalog: Catalog,
        report: CrawlReport,
    ) -> None:
        self._name: str = crawler["Name"]
        self._prefix: str = crawler.get("TablePrefix") or ""
        self._targets: dict[str, Any] = crawler["Targets"]
        self._custom = custom
        self._grouping = configuration.get("Grouping") or {}
        self._s3 = s3
        self._catalog = catalog
        self._report = report
        self._written: set[str] = set()

    def run(self) -> None:
        roots: list[str] = []
        for target in self._targets.get("S3Targets") or []:
            roots.append(self._s3_target(target))
        for target in self._targets.get("IcebergTargets") or []:
            for path in target.get("Paths") or []:
                roots.append(self._iceberg_path(path, target))
        self._look_for_gone(roots)

    def _s3_target(self, target: dict[str, Any]) -> str:
        """Crawl one S3 target. The location that it covers."""
        name, key = split(target["Path"])
        bucket = Bucket(self._s3, name)
        if key and not key.endswith("/") and not bucket.exists(key):
            key += "/"
        exclusions = list(target.get("Exclusions") or [])
        excluded = matcher(exclusions)
        base = key if key.endswith("/") or not key else key.rpartition("/")[0] + "/"
        things = [
            thing
            for thing in bucket.things(key)
            if not (excluded and excluded.fullmatch(thing.key[len(base) :])) and (base == key or thing.key == key)
        ]
        if not things:
            self._say(f"There is nothing to read under {target['Path']}")
        rules = Rules(
            combine=self._grouping.get("TableGroupingPolicy") == "CombineCompatibleSchemas",
            level=self._grouping.get("TableLevelConfiguration"),
        )
        look = self._looker(bucket, int(target.get("SampleSize") or SAMPLES))
        for found in tables(base, things, look, rules, lambda line: self._say(f"s3://{name}/{line}")):
            self._write(bucket, found, exclusions)
        return location(name, key)

    def _looker(self, bucket: Bucket, samples: int) -> Callable[[list[Thing]], Shapes]:
        """Looks at the oldest and the newest objects of each folder: a change of layout shows between them."""

        def look(things: list[Thing]) -> Shapes:
            folders: dict[str, list[Thing]] = {}
            for thing in sorted(things, key=lambda thing: thing.modified, reverse=True):
                folders.setdefault(thing.key.rpartition("/")[0], []).append(thing)
            share = max(1, min(samples, MOST_SAMPLES // max(len(folders), 1)))
            shapes: Shapes = {}
            for folder in list(folders.values())[:MOST_SAMPLES]:
                chosen = folder if len(folder) <= share else [*folder[: max(share - 1, 1)], folder[-1]][:share]
                for thing in chosen:
                    try:
                        shapes[thing.key] = classify(bucket, thing, self._custom)
                    except UnreadableError as problem:
                        self._say(f"s3://{bucket.name}/{thing.key} is left out: {problem}")
            return shapes

        return look

    def _write(self, bucket: Bucket, found: Found, exclusions: list[str]) -> None:
        name = self._free_name(found.title or bucket.name, location(bucket.name, found.prefix))
        wanted = table_input(name, self._name, bucket.name, found, exclusions)
        table = self._catalog.put(wanted)
        self._written.add(name)
        keys = [key["Name"] for key in table.get("PartitionKeys", [])]
        if keys and keys == list(found.partition_keys):
            inherit = self._catalog.policy.inherit
            entries = [partition_input(bucket.name, entry, table, inherit) for entry in found.partitions]
            self._catalog.put_partitions(name, entries)

    def _free_name(self, title: str, path: str) -> str:
        """The table's name; with its location's mark when another location has taken that name."""
        name = table_name(self._prefix, title)
        taken = name in self._written
        if not taken and (current := self._catalog.table(name)):
            held = current.get("StorageDescriptor", {}).get("Location") or ""
            taken = held.rstrip("/") != path.rstrip("/")
        return with_suffix(name, path) if taken else name

    def _iceberg_path(self, path: str, target: dict[str, Any]) -> str:
        """Crawl one path of an Iceberg target. The location that it covers."""
        name, key = split(path)
        prefix = key if not key or key.endswith("/") else key + "/"
        bucket = Bucket(self._s3, name)
        depth = int(target.get("MaximumTraversalDepth") or iceberg.DEPTH)
        excluded = matcher(list(target.get("Exclusions") or []))
        folders = [
            folder
            for folder in iceberg.table_folders(bucket, prefix, depth)
            if not (excluded and excluded.fullmatch(folder[len(prefix) :].rstrip("/")))
        ]
        if not folders:
            self._say(f"There is no Iceberg table under {path}")
        for folder in folders:
            title = folder.rstrip("/").rsplit("/", 1)[-1] or name
            table = self._free_name(title, location(name, folder))
            if iceberg.put(self._catalog, bucket, folder, table, self._name, self._say):
                self._written.add(table)
        return location(name, prefix)

    def _look_for_gone(self, roots: list[str]) -> None:
        """Tables that this crawler made under these locations, and of which nothing was found now."""
        for table in self._catalog.tables():
            held = table.get("StorageDescriptor", {}).get("Location") or ""
            mine = table.get("Parameters", {}).get("UPDATED_BY_CRAWLER") == self._name
            if mine and table["Name"] not in self._written and held.startswith(tuple(roots)):
                self._catalog.gone(table)

    def _say(self, line: str) -> None:
        self._report.messages.append(line)


def _configuration(crawler: dict[str, Any]) -> dict[str, Any]:
    try:
        given = json.loads(crawler.get("Configuration") or "{}")
    except ValueError as problem:
        raise CrawlError(f"The crawler's Configuration is not JSON: {problem}") from problem
    return given if isinstance(given, dict) else {}


def _policy(crawler: dict[str, Any], configuration: dict[str, Any]) -> Policy:
    asked = crawler.get("SchemaChangePolicy") or {}
    update = asked.get("UpdateBehavior") or "UPDATE_IN_DATABASE"
    delete = asked.get("DeleteBehavior") or "DEPRECATE_IN_DATABASE"
    if update not in ("LOG", "UPDATE_IN_DATABASE") or delete not in _POLICIES:
        raise CrawlError(f"The crawler's SchemaChangePolicy is unknown: {update}, {delete}.")
    output = configuration.get("CrawlerOutput") or {}
    tables_do = (output.get("Tables") or {}).get("AddOrUpdateBehavior")
    partitions_do = (output.get("Partitions") or {}).get("AddOrUpdateBehavior")
    if (crawler.get("RecrawlPolicy") or {}).get("RecrawlBehavior") == "CRAWL_NEW_FOLDERS_ONLY":
        update = delete = "LOG"  # Only new folders count: what is there is never changed.
    return Policy(update, delete, tables_do == "MergeNewColumns", partitions_do == "InheritFromTable")
