"""The `lake` command: wires the commands together and turns every failure into one sentence.

Each command's module is imported only when that command runs, so that `lake --help` answers at once.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from cli.errors import CliError, explain_exception, keep_traceback

# name -> (module, function, one line for --help). In the order of a first day's work.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("demo", "demo", "See the whole thing: a file on its way, then the answers."),
    "up": ("local", "up", "Start the sandbox: the whole stack on this machine."),
    "down": ("local", "down", "Stop the sandbox; state stays, unless --wipe."),
    "status": ("local", "status", "What runs, where it listens, what it uses."),
    "doctor": ("doctor", "doctor", "Check everything that can be wrong, and say what to do."),
    "env": ("local", "env", 'Export lines for a shell: eval "$(lake env)".'),
    "sample": ("sample", "sample", "Make an order file with planted causes."),
    "drop": ("drop", "drop", "Put files in the bronze bucket."),
    "wait": ("wait", "wait", "Wait until nothing is pending or running."),
    "files": ("files", "files", "Every file that arrived, and what became of it."),
    "explain": ("explain", "explain", "One file's whole story, with the arithmetic."),
    "lineage": ("lineage", "lineage", "From a file to the tables that show it, or from a table back to its files."),
    "quarantine": ("quarantine", "app", "Rows that were set aside, why, and a csv to repair them."),
    "contract": ("contract", "app", "Does a file fit? Propose a contract for one that does not."),
    "retract": ("retract", "retract", "Take a wrong file back."),
    "replay": ("replay", "replay", "Read a file again from bronze, or all of them."),
    "forget": ("forget", "forget", "Erase one customer, everywhere."),
    "runs": ("runs", "runs", "Runs of the jobs."),
    "cost": ("cost", "cost", "What it costs on AWS: the runs that were, and a month."),
    "sweep": ("sweep", "sweep", "Heal now what got lost or stuck."),
    "maintain": ("maintain", "maintain", "Care for the tables now: small files, old snapshots, orphans."),
    "causes": ("causes", "causes", "Why: root causes, ranked, with their evidence."),
    "query": ("query", "query", "Ask Athena."),
    "dashboard": ("dashboard", "dashboard", "The answers as a page, and a zone to drop files in."),
}
INTERRUPTED = 130


class LakeGroup(TyperGroup):
    """Loads a command when it is asked for, and reports failures in one sentence."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module, function, _ = COMMANDS[cmd_name]
        found = getattr(import_module(f"cli.{module}"), function)
        if isinstance(found, typer.Typer):  # a command with words of its own
            return typer.main.get_command(found)
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        single.command(name=cmd_name)(found)
        return typer.main.get_command(single)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _complain("Stopped.")
            raise typer.Exit(INTERRUPTED) from None
        except CliError as error:
            _complain(str(error))
            raise typer.Exit(error.code) from error
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if type(error).__module__.startswith(("click.", "typer.")):
                raise  # wrong use: it prints its own sentence and ends with 2
            from cli.context import home

            log = keep_traceback(error, home())
            sentence = explain_exception(error)
            if sentence is None:
                sentence = f"Something went wrong ({type(error).__name__}: {error}). See {log}, and try `lake doctor`."
            _complain(sentence)
            raise typer.Exit(1) from error


def _complain(sentence: str) -> None:
    from cli import render

    # one line, whatever text an exception brought along
    render.say(render.safe(" ".join(sentence.split())), stderr=True, style="red")


app = typer.Typer(
    cls=LakeGroup,
    name="lake",
    help="Jozi Lake: drop a raw order file, and ask why deliveries are late.",
    epilog="Every command works on the sandbox and on AWS (--target sandbox|aws). Start with `lake demo`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _lake() -> None:
    """Jozi Lake: drop a raw order file, and ask why deliveries are late."""


def main() -> None:
    """The console script. Exit codes: 0 done, 1 failed, 2 wrong use, 130 stopped by Ctrl-C."""
    try:
        app()
    except BrokenPipeError:
        # the reader of the pipe has seen enough (`lake files | head`); nothing may be written at exit either
        sys.stdout = None
        sys.exit(0)


if __name__ == "__main__":
    main()
