"""One Spark session for all Spark tests: settings as jobs have them, a catalog in a temporary folder, no network."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from sandbox.engines import spark_jars
from sandbox.java import QUICK_START, java

ROOT = Path(__file__).resolve().parents[2]
CATALOG = "spark.sql.catalog.glue_catalog"


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A classic session, or one on the Spark Connect server that SPARK_REMOTE names (with a catalog of its own)."""
    if os.environ.get("SPARK_REMOTE"):
        session = SparkSession.builder.getOrCreate()
        yield session
        session.stop()
        return
    cache = Path(os.environ.get("LAKE_CACHE") or Path.home() / ".cache" / "jozi-lake")
    warehouse = tmp_path_factory.mktemp("warehouse")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_HOME", str(java(cache, 17, 21)))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        # Workers are processes of their own: they find the lake where these tests find it.
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        builder = SparkSession.builder.master("local[2]").appName("tests")
        for name, value in _settings(cache, warehouse).items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()


def _settings(cache: Path, warehouse: Path) -> dict[str, str]:
    return {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.driver.extraClassPath": os.pathsep.join(str(jar) for jar in spark_jars(cache)),
        "spark.driver.extraJavaOptions": " ".join((*QUICK_START, f"-Dderby.system.home={warehouse}")),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.codegen.cache.maxEntries": "3000",  # as the sandbox's warm engines; tests share what was compiled
        "spark.sql.warehouse.dir": str(warehouse / "spark"),
        "spark.local.dir": str(warehouse / "local"),
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        CATALOG: "org.apache.iceberg.spark.SparkCatalog",
        f"{CATALOG}.type": "hadoop",
        f"{CATALOG}.warehouse": str(warehouse / "iceberg"),
        "spark.sql.session.timeZone": "Africa/Johannesburg",
        "spark.sql.ansi.enabled": "true",
    }
