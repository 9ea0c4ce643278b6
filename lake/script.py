"""The shell of a Glue job's script: its arguments, its session, and one sentence at the end of a run that failed."""

from __future__ import annotations

import argparse
import re
import traceback
from collections.abc import Callable, Mapping
from typing import Any

# What Py4J and the JVM put in front of the message that matters.
_NOISE = re.compile(r"^(An error occurred while calling .*|:?\s*(?:[\w$]+\.)+(?:[\w$]*(?:Exception|Error)):?\s*)")
_LONGEST = 500


def run(words: str | None, arguments: Mapping[str, type], work: Callable[..., object], name: str) -> None:
    """Do `work(spark, **arguments)` with what the command line gives, all of which is required.

    Glue adds arguments of its own (--JOB_NAME, --JOB_RUN_ID, ...): whatever is not named is left aside. A failure ends
    the process with `name` (a format of the arguments) and one sentence, because Glue shows the last line of a log.
    """
    from pyspark.sql import SparkSession

    parser = argparse.ArgumentParser(description=words, allow_abbrev=False)
    for argument, kind in arguments.items():
        parser.add_argument(f"--{argument}", required=True, type=kind)
    given: dict[str, Any] = vars(parser.parse_known_args()[0])
    spark = SparkSession.builder.getOrCreate()
    try:
        work(spark, **given)
    except Exception as error:
        traceback.print_exc()
        raise SystemExit(f"{name.format_map(given)} failed: {in_one_sentence(error)}") from error
    finally:
        spark.stop()


def in_one_sentence(error: BaseException) -> str:
    """The first line of the error's text that says something, without class names of the JVM."""
    for line in str(error).splitlines():
        said = " ".join(_NOISE.sub("", line.strip()).split())
        if said:
            return said[:_LONGEST]
    return type(error).__name__
