"""What a warm engine runs: a Spark session with Spark Connect's service in it, until its JVM ends.

Handed to spark-submit. Spark's own server (`SparkConnectServer`) gives each client's session a class loader and Python
workers of its own, whatever its settings say: code that Spark has generated and compiled for one run, and the modules
that its workers have imported, would serve no other. Here all runs of a server share both; they are of one role and
one Python, so there is nothing to keep apart.
"""

import sys
from typing import Any

from pyspark.sql import SparkSession

spark: Any = SparkSession.builder.getOrCreate()
# After the session is there: a client that came sooner would be told that there is none.
spark._jvm.org.apache.spark.sql.connect.service.SparkConnectService.start(spark._jsc.sc())
sys.stdin.read()  # spark-submit holds the other end
