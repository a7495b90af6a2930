"""The verbs ``score``, ``leaderboard`` and ``compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

from regharness.cli.console import print_notes, print_rich, write_file

if TYPE_CHECKING:
    from regharness.render import BoardView


@click.command()
@click.argument("folder", metavar="RUN")
@click.option("--metrics", metavar="NAMES", help="Comma-separated, or default, in place of the spec's.")
@click.pass_obj
def score(disabled: tuple[str, ...], folder: str, metrics: str | None) -> int:
    """Score RUN again from its stored predictions, and write its leaderboard and report. Needs no model framework.

    Everything stored is checked first, and what is damaged is not scored.
    """
    from regharness.api import finish
    from regharness.catalog import load_catalog
    from regharness.checkup import check_up
    from regharness.cli.checking import warn_of_damage
    from regharness.cli.progress import make_progress
    from regharness.errors import InputError
    from regharness.run_folder import SCORES, open_run
    from regharness.run_lock import held
    from regharness.spec import MetricEntry

    catalog = load_catalog(disabled)
    run = open_run(folder)
    names = None
    if metrics is not None:
        names = _names(metrics)
        if not names:
            raise InputError("--metrics names none", help="name them, or default, or leave the option out")
        if names == ["default"]:
            names = [name for name in catalog.names("metric") if catalog.component("metric", name).default]
    with held(run.folder), make_progress(catalog, quiet=False) as progress:
        found = check_up(run, marking=True)
        finish(run, catalog, None if names is None else [MetricEntry(use=name) for name in names], step=progress.step)
    print_notes(run.scores.attrs.get("notes", ()))
    if run.scores.attrs["rank_by"]:
        print_rich(run.leaderboard())
    else:
        click.echo(f"{run.folder / SCORES}: curves alone, so there is nothing to rank")
    return warn_of_damage(found)


def _shown_as(command: Any) -> Any:
    """Add the options that say how a board is shown."""
    form = click.Choice(["table", "markdown", "csv", "json"])
    command = click.option("-o", "--output", metavar="FILE", help="Write here instead of to stdout.")(command)
    command = click.option("--json", "form", flag_value="json", help="Short for --format json.")(command)
    return click.option("--format", "form", type=form, default="table", show_default=True)(command)


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="RUN...")
@click.option("--task", "tasks", multiple=True, metavar="T", help="Only this task; may be repeated.")
@click.option("--metric", metavar="M", help="Rank by this metric in place of the spec's.")
@click.option("--by", type=click.Choice(["model", "shift", "severity"]), default="model", show_default=True)
@click.option("--columns", metavar="NAMES", help="Comma-separated other metrics to show, in place of the spec's.")
@_shown_as
def leaderboard(
    folders: tuple[str, ...],
    tasks: tuple[str, ...],
    metric: str | None,
    by: Literal["model", "shift", "severity"],
    columns: str | None,
    form: str,
    output: str | None,
) -> None:
    """Rank the models of each RUN, with intervals over seeds and examples.

    A range of ranks, such as 1–3, says that the data cannot tell the models in it apart.
    """
    from regharness.errors import InputError
    from regharness.run_folder import open_run

    if columns is not None and by != "model":
        raise InputError(f"--columns does not go with --by {by}, which shows one metric", help="choose it by --metric")
    runs = [open_run(folder) for folder in folders]
    if by == "model":
        shown = None if columns is None else _names(columns)
        boards = [run.leaderboard(rank_by=metric, tasks=tasks, columns=shown) for run in runs]
    else:
        boards = [run.matrix(by, metric=metric, tasks=tasks) for run in runs]
    _show(boards, form, output)


@click.command()
@click.argument("folder", metavar="RUN")
@click.option("--models", nargs=2, required=True, metavar="A B", help="The two models.")
@click.option("--metric", metavar="M", help="Compare by this metric in place of the one that ranks.")
@click.option("--task", "tasks", multiple=True, metavar="T", help="Only this task; may be repeated.")
@_shown_as
def compare(
    folder: str, models: tuple[str, str], metric: str | None, tasks: tuple[str, ...], form: str, output: str | None
) -> None:
    """Compare two models of RUN under each shift: paired differences with intervals and tests.

    Both saw the same examples and seeds. A model is named as better only where the difference is beyond chance
    (adjusted for the number of shifts).
    """
    from regharness.run_folder import open_run

    _show([open_run(folder).compare(*models, metric=metric, tasks=tasks)], form, output)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _show(boards: list[BoardView], form: str, output: str | None) -> None:
    from regharness.render import render

    if form == "table" and output is None:
        print_rich(*boards)
        return
    text = render(boards, form)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_file(output, text)
