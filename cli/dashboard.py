"""`lake dashboard`: the page, on this machine only, until Ctrl-C."""

from __future__ import annotations

import os
import socket
import sys
from typing import Annotated, NoReturn

import typer

from cli import context
from cli.errors import CliError
from cli.options import StackOption, Target, TargetOption

ADDRESS = "127.0.0.1"
USUAL_PORT = 8501


def dashboard(
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=1, max=65535, help="Where it listens. Default: 8501, or a free port where that is taken."
        ),
    ] = None,
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
) -> None:
    """The answers as a page in a browser, and a zone to drop files in. Listens on this machine only."""
    lake = context.connect(target, stack)
    listen = choose_port(port)
    become([sys.executable, "-m", "dashboard", "--port", str(listen)], environment(lake))


def environment(lake: context.Lake) -> dict[str, str]:
    """What the page needs to know: the stack, and on the sandbox how to reach it.

    On AWS credentials stay where boto3 finds them, so that those that expire are renewed.
    """
    from dashboard.port import SETTINGS, settings

    found = {**os.environ, "LAKE_HOME": str(context.home())}
    if lake.target is Target.sandbox:
        found = {name: value for name, value in found.items() if not name.startswith("AWS_")} | lake.environment()
    else:
        region = lake.client("athena").meta.region_name
        found |= {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
        found.pop("AWS_ENDPOINT_URL", None)
    found[SETTINGS] = settings(lake.target.value, lake.promise_minutes, lake.outputs)
    found["PYTHONPATH"] = os.pathsep.join(filter(None, (str(context.PROJECT), os.environ.get("PYTHONPATH"))))
    return found


def choose_port(wanted: int | None) -> int:
    """The wanted port, or the usual one, or any free one. Raises CliError when the wanted one is taken."""
    for port in (wanted or USUAL_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((ADDRESS, port))
            except OSError as error:
                if wanted is not None:
                    raise CliError(
                        f"Port {wanted} cannot be used ({error.strerror}): give another with --port, or leave it out."
                    ) from error
                continue
            return int(probe.getsockname()[1])
    raise CliError("No port of this machine is free: stop something that listens, then try again.")


def become(command: list[str], environment: dict[str, str]) -> NoReturn:
    """The page takes this process's place, so that Ctrl-C and a signal reach it and nothing is left behind."""
    sys.stdout.flush()
    os.execve(command[0], command, environment)  # noqa: S606 - no shell, our own interpreter
