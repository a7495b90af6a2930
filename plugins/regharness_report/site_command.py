"""The verb ``regharness site``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from regharness.cli.group import OwnPluginsCommand


@click.command(cls=OwnPluginsCommand)
@click.argument("folder", metavar="SUBMISSIONS_DIR")
@click.option("-o", "--output", required=True, metavar="SITE", help="The folder to write; a site there is replaced.")
@click.option(
    "--targets", multiple=True, metavar="RUN", help="A run, or a file of targets, to score against; may be repeated."
)
@click.option("--records", metavar="FOLDER", help="The organiser's score records.")
@click.pass_obj
def site(disabled: tuple[str, ...], folder: str, output: str, targets: tuple[str, ...], records: str | None) -> int:
    """Write the community leaderboard of the submissions in SUBMISSIONS_DIR as a static site.

    Every submission is verified anew; one that does not pass is on no board, and the exit status is 3 then. Scores come
    from targets, else from records, else they are shown as their makers report them.
    """
    from regharness.board_tables import visible
    from regharness.catalog import load_catalog
    from regharness.cli.progress import make_progress
    from regharness.errors import InputError, StorageError
    from regharness.submission.gathering import gather
    from regharness.submission.targets import open_targets
    from regharness_report.site import write_site

    catalog = load_catalog(disabled)
    with ExitStack() as stack:
        held = [stack.enter_context(open_targets(one)) for one in targets]
        progress = stack.enter_context(make_progress(catalog, quiet=False))
        found = gather(Path(folder), catalog, held, None if records is None else Path(records), progress.step)
        progress.step("writing the site", 0, 1)
        try:
            write_site(found.results, Path(output), found.files)
        except StorageError as error:
            raise InputError(str(error)) from None
    for note in found.notes:
        click.echo(visible(note), err=True)
    for path, reasons in found.refused.items():
        click.echo(visible(f"refused: {path}: {'; '.join(reasons)}"), err=True)
    click.echo(Path(output) / "index.html")
    return 3 if found.refused else 0
