"""The verb ``regharness report``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="RUN")
@click.option("-o", "--output", metavar="FILE", help="Where to write it.  [default: RUN/report.html]")
def report(folder: str, output: str | None) -> None:
    """Write RUN as one self-contained HTML file."""
    from regharness import InputError
    from regharness.run_folder import open_run
    from regharness_report.html import HtmlReport

    path = Path(output) if output else Path(folder) / "report.html"
    run = open_run(folder)
    try:
        HtmlReport().write(run, path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
    click.echo(path)
