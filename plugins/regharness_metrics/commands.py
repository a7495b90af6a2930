"""The verb ``regharness robustness``."""

from __future__ import annotations

import click


@click.command()
@click.argument("folder", metavar="RUN")
@click.option("--metric", metavar="M", help="Follow this metric in place of the one that ranks.")
@click.option("--reference", metavar="MODEL", help="The model that mCE compares with.  [default: the first of a task]")
@click.option("--task", "tasks", multiple=True, metavar="T", help="Only this task; may be repeated.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "markdown", "csv", "json"]),
    default="table",
    show_default=True,
)
@click.option("--json", "form", flag_value="json", help="Short for --format json.")
@click.option("-o", "--output", metavar="FILE", help="Write here instead of to stdout.")
def robustness(
    folder: str, metric: str | None, reference: str | None, tasks: tuple[str, ...], form: str, output: str | None
) -> None:
    """Summarise how robust each model of RUN is.

    Its score on identity, mean degradation, worst shift, area over severity, errors beside a reference model (mce,
    relative mce), effective robustness, and where they were scored the gap of coverage_90 and selective_gain.
    """
    from regharness.cli.console import print_rich, write_file
    from regharness.run_folder import open_run
    from regharness_metrics.summary import robustness_summary
    from regharness_metrics.summary_view import SummaryView, render

    summary = robustness_summary(open_run(folder).scores, metric, reference, tasks)
    if output is None and form == "table":
        print_rich(SummaryView(summary))
    elif output is None:
        click.echo(render(summary, form), nl=False)
    else:
        write_file(output, render(summary, form))
