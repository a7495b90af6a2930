"""The verbs ``score`` and ``leaderboard``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from regharness.cli.console import print_rich


@click.command()
@click.argument("folder", metavar="RUN")
@click.option("--metrics", metavar="NAMES", help="Comma-separated, or default, in place of the spec's.")
@click.pass_obj
def score(disabled: tuple[str, ...], folder: str, metrics: str | None) -> None:
    """Score RUN again from its stored predictions. Needs no model framework."""
    from regharness.catalog import load_catalog
    from regharness.run_folder import open_run
    from regharness.run_scores import score_run
    from regharness.spec import MetricEntry

    catalog = load_catalog(disabled)
    run = open_run(folder)
    names = None
    if metrics is not None:
        names = [name.strip() for name in metrics.split(",") if name.strip()]
        if names == ["default"]:
            names = [name for name in catalog.names("metric") if catalog.component("metric", name).default]
    score_run(run, catalog, None if names is None else [MetricEntry(use=name) for name in names])
    print_rich(run.leaderboard())


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="RUN...")
@click.option("--task", "tasks", multiple=True, metavar="T", help="Only this task; may be repeated.")
@click.option("--metric", metavar="M", help="Rank by this metric in place of the spec's.")
@click.option("--by", type=click.Choice(["model", "shift", "severity"]), default="model", show_default=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "markdown", "csv", "json"]),
    default="table",
    show_default=True,
)
@click.option("-o", "--output", metavar="FILE", help="Write here instead of to stdout.")
def leaderboard(
    folders: tuple[str, ...],
    tasks: tuple[str, ...],
    metric: str | None,
    by: Literal["model", "shift", "severity"],
    form: str,
    output: str | None,
) -> None:
    """Rank the models of each RUN, with their spread over seeds."""
    from regharness.render import render
    from regharness.run_folder import open_run

    runs = [open_run(folder) for folder in folders]
    if by == "model":
        boards = [run.leaderboard(rank_by=metric, tasks=tasks) for run in runs]
    else:
        boards = [run.matrix(by, metric=metric, tasks=tasks) for run in runs]
    if form == "table" and output is None:
        print_rich(*boards)
        return
    text = render(boards, form)
    if output is None:
        click.echo(text, nl=False)
    else:
        Path(output).write_text(text, encoding="utf-8")
        click.echo(output)
