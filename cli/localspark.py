"""A Spark of this machine for one command: no catalog, no network, silent."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cli import context

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SILENT = "rootLogger.level = off\n"


@contextmanager
def local_spark() -> Iterator[SparkSession]:
    """Starts it (some seconds) and stops it again. Its Java is the one that the sandbox uses."""
    from sandbox.java import QUICK_START, java

    with tempfile.TemporaryDirectory(prefix="lake-check-") as folder:
        home = Path(folder)
        (home / "log4j2.properties").write_text(_SILENT, encoding="utf-8")
        os.environ |= {
            "JAVA_HOME": str(java(context.cache(), 17, 21)),
            "SPARK_CONF_DIR": folder,
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": sys.executable,
            # Workers are processes of their own: they find the lake where this command found it.
            "PYTHONPATH": os.pathsep.join([str(context.PROJECT), os.environ.get("PYTHONPATH", "")]),
        }
        os.environ.pop("SPARK_REMOTE", None)
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[*]").appName("lake contract check")
        for name, value in {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.memory": "1g",
            "spark.driver.extraJavaOptions": " ".join(QUICK_START),
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.warehouse.dir": str(home / "warehouse"),
            "spark.local.dir": str(home / "local"),
            "spark.sql.session.timeZone": "Africa/Johannesburg",
            "spark.sql.ansi.enabled": "true",
        }.items():
            builder = builder.config(name, value)
        with _stderr_to(home / "spark.log"):
            spark = builder.getOrCreate()
        try:
            yield spark
        finally:
            spark.stop()


@contextmanager
def _stderr_to(log: Path) -> Iterator[None]:
    """What Java says while it starts (incubator modules, native libraries) is nothing for whoever asks about a file."""
    sys.stderr.flush()
    kept = os.dup(2)
    with log.open("wb") as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
