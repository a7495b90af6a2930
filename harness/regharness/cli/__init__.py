"""The command line: wire plugins, commands and errors together. Computes nothing itself."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from regharness.cli.checking import doctor
from regharness.cli.components import list_, show
from regharness.cli.creating import new
from regharness.cli.exporting import export
from regharness.cli.group import RegharnessGroup
from regharness.cli.leakage import leakage
from regharness.cli.planning import plan
from regharness.cli.results import compare, leaderboard, score
from regharness.cli.running import run
from regharness.cli.specs import schema, validate
from regharness.cli.submission import submission
from regharness.cli.verbs import disabled_in, plugin_verbs
from regharness.errors import InputError, RegharnessError

INTERRUPTED = 130


@click.group(cls=RegharnessGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="regharness", prog_name="regharness")
@click.option(
    "-p",
    "plugins",
    multiple=True,
    metavar="no:NAME",
    help="Switch a plugin off; may be repeated.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error. Works anywhere on the line.")
@click.pass_context
def cli(context: click.Context, plugins: tuple[str, ...], debug: bool) -> None:
    """Can I still trust this model when the biology or the assay changes?

    Evaluates models of regulatory DNA under distribution shift: error, calibration, coverage and selective
    prediction. Start with `regharness run quickstart`.
    """
    context.obj = disabled_in(plugins)


for command in (
    run,
    plan,
    validate,
    schema,
    score,
    leaderboard,
    compare,
    leakage,
    export,
    submission,
    list_,
    show,
    new,
    doctor,
):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the program and exit; a user's mistake ends in one readable line each, on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        with _interruptible(), plugin_verbs(cli, words):
            code = cli.main(args=words, prog_name="regharness", standalone_mode=False) or 0
            sys.stdout.flush()
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted; what was computed is kept, and the same command goes on from here")
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except click.ClickException as error:
        if debug:
            raise
        error.show()
        code = error.exit_code
    except RegharnessError as error:
        if debug:
            raise
        _show(error)
        code = error.exit_code
    except Exception as error:
        if debug:
            raise
        _say(f"error: {type(error).__name__}: {' '.join(str(error).split())}")
        _say("help: this is a fault of regharness or of a plugin; --debug shows where")
        code = 1
    sys.exit(code)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C and a request to terminate end the program in order, and a second one at once.

    What is on disk is whole at any moment, so that ending at once costs the cell that was computed and no more.
    """
    signals = (signal.SIGINT, signal.SIGTERM)
    try:
        before = {number: signal.signal(number, _stop) for number in signals}
    except ValueError:
        # Only the main thread may say what a signal does.
        yield
        return
    try:
        yield
    finally:
        # After an interrupt a second one still ends at once, until the process is gone.
        if signal.getsignal(signal.SIGINT) is _stop:
            for number, handler in before.items():
                signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda number, frame: os._exit(INTERRUPTED))
    raise KeyboardInterrupt


def _show(error: RegharnessError) -> None:
    if not isinstance(error, InputError):
        _say(f"error: {error}")
        return
    for problem in error.problems:
        _say(f"{problem.where}: {problem.message}" if problem.where else f"error: {problem.message}")
        if problem.source:
            source = problem.source.replace("\t", " ")
            _say(f"    {source}")
            _say(f"    {' ' * (problem.column - 1)}^")
        if problem.help:
            _say(f"  help: {problem.help}")


def _say(text: str) -> None:
    click.echo("".join(c if c == "\n" or c.isprintable() else ascii(c)[1:-1] for c in text), err=True)
