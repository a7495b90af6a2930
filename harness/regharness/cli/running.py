"""The verb ``run``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from regharness.cli.console import print_json, print_notes, print_rich
from regharness.errors import InputError

if TYPE_CHECKING:
    from regharness.catalog import Catalog
    from regharness.profiling import Profile
    from regharness.run_folder import Run

TIMES = "\0times"
"""Stands for ``--profile`` without a name."""


@click.command()
@click.argument("spec", required=False)
@click.option("-o", "--output", metavar="RUN", help="The run's folder.  [default: runs/<spec name>]")
@click.option("--only", multiple=True, metavar="KEY=GLOB", help="Compute only these cells: task, model, shift, seed.")
@click.option("--executor", metavar="NAME", help="In place of the spec's; `regharness list executors`.")
@click.option("--scheduler", metavar="ADDRESS", help="Of workers elsewhere, such as tcp://HOST:8786.")
@click.option("--workers", type=click.IntRange(min=1), help="In place of the spec's.")
@click.option("--device", metavar="D", help="auto, cpu, cuda, cuda:N or mps, in place of the spec's.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first failed cell.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    is_flag=False,
    flag_value=TIMES,
    metavar="[NAME]",
    help="With NAME, one of the other sizes that the spec offers, such as small; without, show where the time went.",
)
@click.option("--json", "as_json", is_flag=True, help="Write the outcome as JSON.")
@click.pass_obj
def run(
    disabled: tuple[str, ...],
    spec: str | None,
    output: str | None,
    only: tuple[str, ...],
    executor: str | None,
    scheduler: str | None,
    workers: int | None,
    device: str | None,
    fail_fast: bool,
    quiet: bool,
    profiles: tuple[str, ...],
    as_json: bool,
) -> int:
    """Compute what is missing of SPEC, score it, and show the leaderboard.

    SPEC is a file, or the name of a spec that travels with the package, such as quickstart. Running again
    resumes: a cell whose parameters, code and input files are unchanged is never computed twice.
    """
    from regharness.api import run as run_spec
    from regharness.catalog import load_catalog
    from regharness.cli.progress import make_progress
    from regharness.profiling import Profiler

    spec, size, profiled = _profiles(spec, profiles)
    profiler = Profiler()
    catalog = load_catalog(disabled)
    with make_progress(catalog, quiet=quiet) as progress, profiler.hearing(catalog.plugins.manager):
        finished = run_spec(
            spec,
            output,
            only=only,
            profile=size,
            executor=executor,
            scheduler=scheduler,
            workers=workers,
            device=device,
            fail_fast=fail_fast,
            disabled=disabled,
            watch=progress.watch,
            step=progress.step,
            stopwatch=profiler.stopwatch,
        )
    profile = profiler.profile() if profiled else None
    if as_json:
        print_json({**_outcome(finished), **({"profile": profile.plain()} if profile else {})})
    else:
        _show(finished, catalog)
        _show_profile(profile)
    return 1 if _board(finished).board.failures else 0


def _profiles(spec: str | None, profiles: tuple[str, ...]) -> tuple[str, str | None, bool]:
    """The spec, which of its sizes, and whether to show where the time went."""
    names = [name for name in profiles if name != TIMES]
    profiled = len(names) < len(profiles)
    if spec is None and names:
        # `run --profile SPEC`: what follows the option is the spec.
        spec, profiled = names.pop(), True
    if spec is None:
        raise click.UsageError("Missing argument 'SPEC'.")
    if len(names) > 1:
        raise InputError(f"--profile names {' and '.join(names)}", help="a run is of one size")
    return spec, names[0] if names else None, profiled


def _outcome(run: Run) -> dict[str, Any]:
    from regharness.board_plain import plain

    return {
        "schema_version": 1,
        "folder": str(run.folder),
        "failures": list(_board(run).board.failures),
        "warnings": {task: info["warnings"] for task, info in run.task_infos.items()},
        "leaderboard": plain(_board(run).board),
    }


def _board(run: Run) -> Any:
    """The leaderboard, which was made when the run was scored."""
    return run.last_board or run.leaderboard()


def _show(run: Run, catalog: Catalog) -> None:
    from regharness.scored import notes_of

    for task, info in run.task_infos.items():
        for warning in info["warnings"]:
            click.echo(f"warning: task '{task}': {warning}", err=True)
    print_notes(notes_of(run))
    print_rich(_board(run), *(run.matrix("shift", metric) for metric in run.spec.leaderboard.by_shift))
    for name in catalog.names("report"):
        report = catalog.create("report", name)
        click.echo(f"{name} report: {run.folder / ('report' + report.suffix)}")


def _show_profile(profile: Profile | None) -> None:
    if profile is not None:
        from regharness.cli.profile import tables

        print_rich(*tables(profile))
