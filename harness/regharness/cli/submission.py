"""The verbs of ``submission``: pack a model's predictions, verify someone's, and write what both stand on."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from regharness.cli.console import print_json, print_rich
from regharness.cli.group import OwnPluginsCommand, RegharnessGroup

if TYPE_CHECKING:
    from regharness.catalog import Catalog
    from regharness.submission.score_records import ScoreRecord, Vouched
    from regharness.submission.targets import Targets
    from regharness.submission.verification import Verdict


@click.group(cls=RegharnessGroup)
def submission() -> None:
    """Take part in a leaderboard, or run one: predictions as files that anyone can verify."""


@submission.command()
@click.argument("folder", metavar="RUN")
@click.option("--model", required=True, metavar="M", help="Name of a model in the run's spec.")
@click.option("--card", metavar="FILE", help="Its model card, YAML; what the run knows of it if left out.")
@click.option("-o", "--output", metavar="FILE", help="The file; never overwritten.  [default: <model>.zip]")
@click.option("--json", "as_json", is_flag=True, help="Write the outcome as JSON.")
@click.pass_obj
def pack(
    disabled: tuple[str, ...], folder: str, model: str, card: str | None, output: str | None, as_json: bool
) -> None:
    """Write the predictions of one model of RUN, and its scores, as a submission file.

    No code, no weights and no targets go in.
    """
    from regharness.catalog import load_catalog
    from regharness.cli.progress import make_progress
    from regharness.parameters import file_digest
    from regharness.run_folder import open_run
    from regharness.submission.cards import read_card
    from regharness.submission.naming import slug_of
    from regharness.submission.packing import pack as pack_model

    catalog, run = load_catalog(disabled), open_run(folder)
    written = None if card is None else read_card(Path(card))
    target = _new(output or f"{slug_of(model) if written is None else written.slug}.zip")
    with make_progress(catalog, quiet=as_json) as progress:
        packed = pack_model(run, model, target, catalog, written, progress.step)
    if as_json:
        print_json({"schema_version": 1, "file": str(target), "sha256": file_digest(target), "model": packed.slug})
        return
    click.echo(f"{target}: '{packed.display}', {_size(target)}, sha256 {file_digest(target)[:12]}")
    if written is None:
        click.echo("its model card says what the run knows; --card FILE gives authors, licence and more", err=True)


@submission.command()
@click.argument("folder", metavar="RUN")
@click.option("-o", "--output", required=True, metavar="FILE", help="The file; never overwritten.")
@click.option("--only", multiple=True, metavar="KEY=GLOB", help="The public part: task, shift, seed. May be repeated.")
def targets(folder: str, output: str, only: tuple[str, ...]) -> None:
    """Write the targets of RUN as a file, so that others can verify without the run.

    With --only, a public part of them; the rest stays with whoever has the run.
    """
    from regharness.run_folder import open_run
    from regharness.submission.targets import write_targets

    target = _new(output)
    write_targets(open_run(folder), target, only)
    click.echo(f"{target}: {_size(target)}")


@submission.command()
@click.argument("folder", metavar="RUN")
@click.option("-o", "--output", required=True, metavar="FILE", help="The file; never overwritten.")
@click.option("--only", multiple=True, metavar="KEY=GLOB", help="A part of it: task, shift, seed. May be repeated.")
@click.option("--training", is_flag=True, help="With the training and calibration examples and their targets.")
@click.pass_obj
def template(disabled: tuple[str, ...], folder: str, output: str, only: tuple[str, ...], training: bool) -> None:
    """Write the test sequences of RUN without their targets, for those who predict outside the harness.

    The file tells them what to do; their table comes back by `from-predictions`.
    """
    from regharness.catalog import load_catalog
    from regharness.cli.progress import make_progress
    from regharness.run_folder import open_run
    from regharness.submission.template import write_template

    catalog, target = load_catalog(disabled), _new(output)
    with make_progress(catalog, quiet=False) as progress:
        written = write_template(open_run(folder), target, catalog, only, training=training, step=progress.step)
    told = f", {written.training:,} to learn from" if training else ""
    click.echo(f"{target}: {written.examples:,} examples to predict{told}, {_size(target)}")


@submission.command("from-predictions")
@click.argument("table", metavar="TABLE")
@click.option("--template", required=True, metavar="FILE", help="The template that TABLE answers to.")
@click.option("--card", required=True, metavar="FILE", help="The model card, as in the template, filled in.")
@click.option("-o", "--output", metavar="FILE", help="The file; never overwritten.  [default: <slug>.zip]")
@click.option("--targets", metavar="RUN", help="A run, or a file of targets, to score against and state the scores.")
@click.pass_obj
def from_predictions(
    disabled: tuple[str, ...], table: str, template: str, card: str, output: str | None, targets: str | None
) -> None:
    """Write a submission of TABLE, CSV or Parquet, with the columns that the template's README tells of.

    Everything that is wrong with it is told at once, by rows.
    """
    from regharness.catalog import load_catalog
    from regharness.cli.progress import make_progress
    from regharness.parameters import file_digest
    from regharness.submission.cards import read_card
    from regharness.submission.from_table import from_predictions as write_from
    from regharness.submission.targets import open_targets

    catalog, told = load_catalog(disabled), read_card(Path(card))
    target = _new(output or f"{told.slug}.zip")
    with ExitStack() as stack:
        held = None if targets is None else stack.enter_context(open_targets(targets))
        progress = stack.enter_context(make_progress(catalog, quiet=held is None))
        left = write_from(Path(table), Path(template), told, target, catalog, held, progress.step)
    click.echo(f"{target}: '{told.display}', {_size(target)}, sha256 {file_digest(target)[:12]}")
    if left:
        click.echo(f"without the tasks {', '.join(left)}, of which the table has no row", err=True)


@submission.command(cls=OwnPluginsCommand)
@click.argument("file", metavar="FILE")
@click.option("--targets", metavar="RUN", help="The organiser's run, or a file of targets, to score against.")
@click.option("--rerun", metavar="RUN", help="A run in which the model was run again, to compare with.")
@click.option("--record", metavar="FOLDER", help="Write what was found into this folder of score records.")
@click.option("--json", "as_json", is_flag=True, help="Write what was found as JSON.")
@click.pass_obj
def verify(
    disabled: tuple[str, ...], file: str, targets: str | None, rerun: str | None, record: str | None, as_json: bool
) -> int:
    """Check a submission, and compute every score of it again. Exit status 3 if a check failed.

    Nothing of the file is run, no third-party plugin is loaded, and it is read in bounded time and memory.
    """
    from regharness.catalog import load_catalog
    from regharness.cli.progress import make_progress
    from regharness.run_folder import open_run
    from regharness.submission.targets import open_targets
    from regharness.submission.verification import as_json as plain
    from regharness.submission.verification import verify as verify_file

    catalog = load_catalog(disabled)
    with ExitStack() as stack:
        held = None if targets is None else stack.enter_context(open_targets(targets))
        progress = stack.enter_context(make_progress(catalog, quiet=as_json))
        again = None if rerun is None else open_run(rerun)
        verdict = verify_file(Path(file), catalog, held, again, progress.step)
        badge = _record(verdict, held, Path(record), catalog) if record is not None and verdict.passed else None
    if as_json:
        print_json(plain(verdict, badge or _badge(verdict, held)))
    else:
        _show(verdict, badge or _badge(verdict, held))
    return 0 if verdict.passed else 3


def _badge(verdict: Verdict, targets: Targets | None, earlier: ScoreRecord | None = None) -> Vouched:
    """Who vouches for the scores of a submission that passed."""
    from regharness.submission.score_records import badge_of

    checked = {check.name for check in verdict.checks if check.status == "passed"}
    return badge_of(checked, "" if targets is None else targets.created, earlier)


def _record(verdict: Verdict, targets: Targets | None, folder: Path, catalog: Catalog) -> Vouched:
    """Write what was found into the folder of records; a record with scores is not replaced by one without."""
    from regharness.submission.rescoring import score_controls
    from regharness.submission.score_records import find_record, write_record
    from regharness.submission.targets import reference

    assert verdict.manifest is not None
    before = find_record(folder, verdict.digest)
    if before is not None and before.badge is not None and verdict.scored is None:
        return before.badge
    badge = _badge(verdict, targets, before)
    sheets = {} if verdict.scored is None else {verdict.slug: verdict.scored}
    write_record(
        folder, verdict.digest, verdict.manifest.benchmark, sheets, badge, before.first_verified if before else ""
    )
    if targets is not None:
        write_record(folder, None, reference(targets.benchmark), score_controls(targets, catalog))
    return badge


def _show(verdict: Verdict, badge: Vouched) -> None:
    from rich.table import Table
    from rich.text import Text

    from regharness.board_tables import visible

    styles = {"passed": "green", "failed": "bold red"}
    table = Table(box=None, pad_edge=False, show_header=False)
    for check in verdict.checks:
        if check.status != "not checked":
            table.add_row(Text(check.status, style=styles[check.status]), check.name, Text(visible(check.reason)))
    left = [check.name for check in verdict.checks if check.status == "not checked"]
    print_rich(table)
    if left:
        click.echo(f"not checked: {', '.join(left)}")
    if verdict.passed:
        click.echo(f"{visible(str(verdict.path))}: passed, {badge}; sha256 {verdict.digest}")
    else:
        click.echo(visible(f"{verdict.path}: refused: {'; '.join(verdict.reasons)}"))


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e3:.0f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"


def _new(output: str) -> Path:
    """A path at which nothing is yet; the folders above it are made."""
    from regharness.errors import InputError
    from regharness.storage import make_folder

    path = Path(output)
    if path.exists() or path.is_symlink():
        raise InputError(f"{path} is there already", help="give another file with -o, or move that one away")
    make_folder(path.parent)
    return path
