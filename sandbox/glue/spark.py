"""What a Glue job's Spark needs on a laptop and must not know: endpoints, jars, memory, loopback only."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.glue.role import Credentials
from sandbox.java import QUICK_START

_GLUE_CATALOG = "org.apache.iceberg.aws.glue.GlueCatalog"
# Spark tells every block and task otherwise, and the log of a run is read by people.
_LOG4J = """rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.console.type = Console
appender.console.name = stderr
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n%ex
"""


@dataclass(frozen=True)
class Engine:
    """The machine's Spark. jars: on every driver's class path. memory: of a driver, as Spark writes it."""

    java_home: str
    jars: tuple[Path, ...]
    endpoint: str
    region: str
    memory: str = "1500m"
    cores: int = 2


def parse_conf(text: str) -> dict[str, str]:
    """Glue's `--conf`: one argument that holds several, as "k1=v1 --conf k2=v2".

    Raises ValueError for a piece without an equals sign.
    """
    settings = {}
    for piece in text.split("--conf"):
        if not piece.strip():
            continue
        key, equals, value = piece.strip().partition("=")
        if not equals:
            raise ValueError(f"--conf: {piece.strip()!r} is not key=value")
        settings[key.strip()] = value.strip()
    return settings


def settings(engine: Engine, conf: Mapping[str, str], work: Path, extra_jars: tuple[Path, ...] = ()) -> dict[str, str]:
    """The job's own conf with the laptop's laid over it. work: a folder for what Spark leaves behind."""
    class_path = os.pathsep.join(str(jar) for jar in (*extra_jars, *engine.jars))
    local = {
        "spark.master": f"local[{engine.cores}]",
        "spark.driver.memory": engine.memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraClassPath": class_path,
        "spark.driver.extraJavaOptions": " ".join(QUICK_START),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": str(engine.cores),
        "spark.default.parallelism": str(engine.cores),
        "spark.sql.warehouse.dir": (work / "warehouse").as_uri(),
        "spark.local.dir": str(work / "spark"),
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.s3a.endpoint": engine.endpoint,
        "spark.hadoop.fs.s3a.endpoint.region": engine.region,
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
    }
    for catalog in _glue_catalogs(conf):
        local |= {
            f"{catalog}.glue.endpoint": engine.endpoint,
            f"{catalog}.s3.endpoint": engine.endpoint,
            f"{catalog}.s3.path-style-access": "true",
            f"{catalog}.client.region": engine.region,
            f"{catalog}.http-client.type": "apache",  # the only one in the bundle
        }
    return {**conf, **local}


def write(folder: Path, values: Mapping[str, str]) -> None:
    """Write `values` as the spark-defaults.conf of a SPARK_CONF_DIR."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{key} {value.replace(chr(92), chr(92) * 2)}\n" for key, value in sorted(values.items())]
    (folder / "spark-defaults.conf").write_text("".join(lines), encoding="utf-8")
    (folder / "log4j2.properties").write_text(_LOG4J, encoding="utf-8")


def process_environment(engine: Engine, keys: Credentials, work: Path) -> dict[str, str]:
    """The environment of a job's process, in which `SparkSession.builder.getOrCreate()` finds this Spark.

    It has nothing of the laptop's environment but what any process needs: no keys, no profile, no import path of ours.
    work: a folder with the `conf` that `write` has written.
    """
    (work / "tmp").mkdir(exist_ok=True)
    return {
        **inherited(),
        **keys.environment(),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "JAVA_HOME": engine.java_home,
        "SPARK_CONF_DIR": str(work / "conf"),
        # A host name that resolves to something odd must not matter.
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_HOSTNAME": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "TMPDIR": str(work / "tmp"),
        "TZ": "UTC",
    }


def inherited() -> dict[str, str]:
    """What any process needs of the laptop's environment."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "LAKE_HOME", "SANDBOX_TOKEN")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _glue_catalogs(conf: Mapping[str, str]) -> list[str]:
    """The prefixes spark.sql.catalog.NAME of the catalogs that are kept in Glue."""
    found = []
    for key, value in conf.items():
        prefix, _, option = key.rpartition(".")
        if prefix.startswith("spark.sql.catalog.") and (
            (option == "catalog-impl" and value == _GLUE_CATALOG) or (option == "type" and value == "glue")
        ):
            found.append(prefix)
    return found
