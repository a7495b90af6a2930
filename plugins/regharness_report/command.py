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
    from regharness.errors import StorageError
    from regharness.run_folder import open_run
    from regharness.whole_folders import new_file
    from regharness_report.html import HtmlReport

    run = open_run(folder)
    path = Path(output) if output else run.folder / "report.html"
    try:
        with new_file(path) as file:
            HtmlReport().write(run, file)
    except StorageError as error:
        raise InputError(str(error)) from None
    click.echo(path)
