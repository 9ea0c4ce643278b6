"""The engine behind the sandbox's Athena: a Trino server's configuration and command line, and whether it answers.

Nothing here starts a process; the sandbox core does, so that it can keep pids, logs and ports in one place.
"""

import json
import shutil
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path

from sandbox.formation.declared import Declared
from sandbox.formation.engine import REFRESH_SECONDS, written
from sandbox.java import QUICK_START

MAIN_CLASS = "io.trino.server.TrinoServer"
# A proxy of the machine is not for the loopback.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
GLUE_CATALOG = "awsdatacatalog"
ICEBERG_CATALOG = "iceberg"
# UNLOAD writes files without a table. The engine writes files only for tables, so it gets a catalog of its own for
# tables that live as long as the statement, whose entries never reach Glue.
UNLOAD_CATALOG = "unload"


@dataclass(frozen=True)
class Credentials:
    """Keys of an identity that may read the whole catalog and S3: the account's owner."""

    access_key: str
    secret_key: str


@dataclass(frozen=True)
class Prepared:
    """How to start the server: its command, its environment additions, its working folder and its address."""

    command: list[str]
    env: dict[str, str]
    cwd: Path
    url: str


def prepare(
    home: Path,
    trino_home: Path,
    java_home: Path,
    endpoint: str,
    credentials: Credentials,
    port: int,
    region: str = "us-east-1",
    memory: str = "1500M",
) -> Prepared:
    """Write Trino's configuration under `home`/trino and say how to start it.

    `endpoint` is the emulator's address. The server listens on 127.0.0.1:`port` only. Calling it again rewrites the
    configuration (ports change between starts) and keeps the node id. Raises OSError when `home` cannot be written.
    """
    root = home / "trino"
    etc, data = root / "etc", root / "data"
    catalogs = etc / "catalog"
    shutil.rmtree(catalogs, ignore_errors=True)
    catalogs.mkdir(parents=True)
    data.mkdir(parents=True, exist_ok=True)
    shared = _shared(endpoint, credentials, region)
    _write(catalogs / f"{GLUE_CATALOG}.properties", {**_HIVE, **shared})
    _write(catalogs / f"{ICEBERG_CATALOG}.properties", {**_ICEBERG, **shared})
    entries = root / "unload"
    shutil.rmtree(entries, ignore_errors=True)
    entries.mkdir()
    files = {**_UNLOAD, **_s3(endpoint, credentials, region), "local.location": str(entries)}
    _write(catalogs / f"{UNLOAD_CATALOG}.properties", files)
    _write(etc / "config.properties", _server(port, trino_home, catalogs, _node_id(root)))
    rules = etc / "rules.json"  # the emulator writes it anew when a stack declares what Lake Formation grants
    if not rules.exists():
        rules.write_text(written(Declared()))
    _write(etc / "access-control.properties", _access(rules))
    _write(etc / "log.properties", {"io.trino": "WARN", "io.airlift": "WARN", "": "WARN"})
    return Prepared(_command(java_home, trino_home, etc, data, memory), {}, root, f"http://127.0.0.1:{port}")


def ready(url: str, timeout: float = 2.0) -> bool:
    """True when the server at `url` has started and has a node that works: a moment later, and what writes needs it."""
    return started(url, timeout) and has_nodes(url, timeout)


def started(url: str, timeout: float = 2.0) -> bool:
    """True when the server at `url` says that it has started."""
    try:
        with _DIRECT.open(f"{url}/v1/info", timeout=timeout) as answer:
            return json.load(answer).get("starting") is False
    except (OSError, urllib.error.URLError, ValueError):
        return False


def has_nodes(url: str, timeout: float = 2.0) -> bool:
    """True when the server at `url` knows an active node, itself as a rule, to run parts of queries on."""
    sql = b"SELECT count(*) FROM system.runtime.nodes WHERE state = 'active'"
    request: urllib.request.Request | str = urllib.request.Request(  # noqa: S310 - our own server, on the loopback
        f"{url}/v1/statement", data=sql, headers={"X-Trino-User": "sandbox", "X-Trino-Source": "ready"}
    )
    rows: list[list[int]] = []
    try:
        while request:
            with _DIRECT.open(request, timeout=timeout) as answer:
                page = json.load(answer)
            rows += page.get("data", [])
            request = page.get("nextUri", "")
    except (OSError, urllib.error.URLError, ValueError):
        return False
    return bool(rows) and rows[0][0] > 0


def _shared(endpoint: str, credentials: Credentials, region: str) -> dict[str, str]:
    """The emulator's Glue and S3, as both catalogs need them."""
    return {
        "hive.metastore.glue.endpoint-url": endpoint,
        "hive.metastore.glue.region": region,
        "hive.metastore.glue.aws-access-key": credentials.access_key,
        "hive.metastore.glue.aws-secret-key": credentials.secret_key,
        # The emulator answers a segment of GetPartitions with all partitions: more than one would repeat rows.
        "hive.metastore.glue.partitions-segments": "1",
        **_s3(endpoint, credentials, region),
    }


def _s3(endpoint: str, credentials: Credentials, region: str) -> dict[str, str]:
    return {
        "fs.native-s3.enabled": "true",
        "s3.endpoint": endpoint,
        "s3.region": region,
        "s3.path-style-access": "true",
        "s3.aws-access-key": credentials.access_key,
        "s3.aws-secret-key": credentials.secret_key,
    }


def _access(rules: Path) -> dict[str, str]:
    return {
        "access-control.name": "file",
        "security.config-file": str(rules),
        "security.refresh-period": f"{REFRESH_SECONDS:.0f}s",
    }


_HIVE = {
    "connector.name": "hive",
    "hive.metastore": "glue",
    "hive.iceberg-catalog-name": ICEBERG_CATALOG,
    "hive.storage-format": "PARQUET",
    # Athena writes to external tables, reads folders below a location, and projects partitions.
    "hive.non-managed-table-writes-enabled": "true",
    "hive.recursive-directories": "true",
    "hive.partition-projection-enabled": "true",
}

_UNLOAD = {
    "connector.name": "hive",
    "hive.metastore": "file",
    "hive.metastore.catalog.dir": "local:///",
    "fs.native-local.enabled": "true",
    "hive.non-managed-table-writes-enabled": "true",
}

_ICEBERG = {
    "connector.name": "iceberg",
    "iceberg.catalog.type": "glue",
    "iceberg.file-format": "PARQUET",
    # Athena's own table properties (vacuum_..., optimize_...) are kept with the table.
    "iceberg.allowed-extra-properties": "*",
    # VACUUM's ages come from the table's own properties, as in Athena, not from the connector's floor of seven days.
    "iceberg.expire-snapshots.min-retention": "0s",
    "iceberg.remove-orphan-files.min-retention": "0s",
}


def _server(port: int, trino_home: Path, catalogs: Path, node_id: str) -> dict[str, str]:
    return {
        "coordinator": "true",
        "node-scheduler.include-coordinator": "true",
        "http-server.http.port": str(port),
        "discovery.uri": f"http://127.0.0.1:{port}",
        # One node, itself. On a starved machine it must not take its own late answers for the death of that node.
        "failure-detector.enabled": "false",
        "discovery.max-age": "365d",
        "node.environment": "sandbox",
        "node.id": node_id,
        # The first makes the listener loopback only, the others keep an odd host name of the machine out of it.
        "node.bind-ip": "127.0.0.1",
        "node.internal-address": "127.0.0.1",
        "node.external-address": "127.0.0.1",
        "catalog.config-dir": str(catalogs),
        "plugin.dir": str(trino_home / "plugin"),
        "web-ui.enabled": "false",
        # SELECT * gives the columns that its reader may see, as in Athena.
        "hide-inaccessible-columns": "true",
        # One writer: Athena's limit of 100 new partitions is one of the statement, the engine's one of each writer.
        "task.min-writer-count": "1",
        "task.max-writer-count": "1",
        "http-server.log.enabled": "false",
        # What the cutoff and the statistics need is read while a query runs; no history is looked at later.
        "query.max-history": "20",
        "query.min-expire-age": "1m",
        "query.max-length": "1000000",
    }


def _command(java_home: Path, trino_home: Path, etc: Path, data: Path, memory: str) -> list[str]:
    return [
        str(java_home / "bin" / "java"),
        "-cp",
        f"{trino_home}/lib/*",
        f"-Xmx{memory}",
        *QUICK_START,
        "-XX:+ExitOnOutOfMemoryError",
        # A third of a start is finding and checking classes. Java leaves an archive of them when it ends, and makes it
        # anew when it is not of this Java and these jars.
        "-XX:+AutoCreateSharedArchive",
        f"-XX:SharedArchiveFile={_class_archive(trino_home)}",
        "-Djdk.attach.allowAttachSelf=true",
        # What Trino's libraries do is allowed without a page of warnings in the log.
        "-XX:+EnableDynamicAgentLoading",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-Dfile.encoding=UTF-8",
        # Athena's clock is UTC; text files without a zone are read in the JVM's.
        "-Duser.timezone=UTC",
        f"-Dnode.data-dir={data}",
        f"-Dconfig={etc / 'config.properties'}",
        f"-Dlog.levels-file={etc / 'log.properties'}",
        MAIN_CLASS,
    ]


def _class_archive(trino_home: Path) -> Path:
    """Beside the engine, for all sandboxes of the cache. One whose writing was cut short is removed.

    Java writes the head last, so such a file begins with zeros, and is neither used nor replaced.
    """
    archive = trino_home.with_name(trino_home.name + ".jsa")
    if archive.exists():
        with archive.open("rb") as file:
            if not any(file.read(4)):
                archive.unlink(missing_ok=True)
    return archive


def _node_id(root: Path) -> str:
    """The same id at every start of this home, as Trino wants it."""
    kept = root / "node-id"
    if not kept.exists():
        kept.write_text(str(uuid.uuid4()))
    return kept.read_text().strip()


def _write(path: Path, values: dict[str, str]) -> None:
    """A properties file that only the owner reads: it carries keys."""
    path.touch(mode=0o600)
    path.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
