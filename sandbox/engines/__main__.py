"""`python -m sandbox.engines`: bring everything now, with a progress bar, so that a later start needs no network."""

import os
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from sandbox.engines import EngineError, spark_jars, trino_home
from sandbox.java import java


def main() -> int:
    """0 when everything is in LAKE_CACHE (default `~/.cache/jozi-lake`); 1 with one sentence on stderr otherwise."""
    cache = Path(os.environ.get("LAKE_CACHE") or Path.home() / ".cache" / "jozi-lake").expanduser()
    columns = (TextColumn("{task.fields[part]:>6}"), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as bars:
            tasks: dict[str, TaskID] = {}

            def tell(part: str, message: str, fraction: float | None) -> None:
                if part not in tasks:
                    tasks[part] = bars.add_task(message, part=part, total=None)
                total = None if fraction is None else 1.0
                bars.update(tasks[part], description=message, total=total, completed=fraction or 0.0)

            java(cache, 17, 21, tell)
            java(cache, 24, None, tell)
            spark_jars(cache, tell)
            trino_home(cache, tell)
            for task in tasks.values():
                bars.update(task, description="ready", total=1.0, completed=1.0)
    except EngineError as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. Start again to go on with what is already here.", file=sys.stderr)
        return 1
    print(f"Engines are ready in {cache}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
