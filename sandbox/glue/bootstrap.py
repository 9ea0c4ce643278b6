"""Runs a Glue job's script in its own process: `python bootstrap.py SCRIPT ARGUMENTS...`

`python bootstrap.py --wait MODULES...` imports the modules and waits for a line on standard input that says what to run
and how: {"argv": [SCRIPT, ARGUMENTS...], "env": {...}, "cwd": ..., "output": FILE, "error": FILE}.

It is handed to a fresh interpreter as a file and imports nothing of the sandbox. It says in a file what went wrong
(SANDBOX_ERROR_FILE), because the last line of standard error may be Spark's or a shutdown hook's.
"""

import importlib
import json
import os
import runpy
import sys
import tempfile


def explain(error: BaseException) -> str:
    """One line, as Glue's ErrorMessage puts it: the exception's name and the first line of its message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    name = type(error).__name__
    return f"{name}: {lines[0]}" if lines else name


def tell(message: str) -> None:
    with open(os.environ["SANDBOX_ERROR_FILE"], "w", encoding="utf-8") as out:
        out.write(message)


def forget() -> None:
    """Let a warm engine forget the run's views and cached tables, also where the script did not end its session."""
    if "SPARK_REMOTE" in os.environ and "pyspark.sql" in sys.modules:
        from pyspark.sql import SparkSession

        session = SparkSession.getActiveSession()
        if session is not None:
            session.stop()


def become(line: str) -> list[str]:
    """Turn this process into the one that the line describes: script and arguments."""
    told = json.loads(line)
    os.environ.clear()
    os.environ.update(told["env"])
    os.chdir(told["cwd"])
    tempfile.tempdir = None  # an import may have looked it up
    for standard, path in enumerate((os.devnull, told["output"], told["error"])):
        opened = os.open(path, os.O_WRONLY if standard else os.O_RDONLY)
        os.dup2(opened, standard)
        os.close(opened)
    return list(told["argv"])


def main() -> None:
    command = sys.argv[1:]
    del sys.path[0]  # our own folder
    if command[0] == "--wait":
        for module in command[1:]:
            importlib.import_module(module)
        line = sys.stdin.readline()
        if not line:
            return  # whoever started it is gone
        command = become(line)
    sys.argv = command
    sys.path.insert(0, os.path.dirname(command[0]))  # as if the interpreter had been given the script
    try:
        runpy.run_path(command[0], run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            tell(end.code.strip().splitlines()[-1] if end.code.strip() else "SystemExit")
        elif end.code not in (None, 0):
            tell(f"SystemExit: {end.code}")
        raise
    except BaseException as error:
        tell(explain(error))
        raise
    finally:
        forget()


if __name__ == "__main__":
    main()
