"""The engines that run on the laptop, brought into a cache by coordinate, pinned by sha256, once.

`spark_jars` what Spark needs beside PySpark's own jars, `trino_home` the engine behind Athena. Both return at once when
the cache holds them, are safe when two call at once, and go on with a cut download where it stopped.
"""

from sandbox.engines.cache import spark_jars, trino_home
from sandbox.java import EngineError

__all__ = ["EngineError", "spark_jars", "trino_home"]
