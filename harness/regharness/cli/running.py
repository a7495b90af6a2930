"""The verb ``run``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from regharness.cli.console import print_json, print_notes, print_rich

if TYPE_CHECKING:
    from regharness.catalog import Catalog
    from regharness.profiling import Profile
    from regharness.run_folder import Run


@click.command()
@click.argument("spec")
@click.option("-o", "--output", metavar="RUN", help="The run's folder.  [default: runs/<spec name>]")
@click.option("--only", multiple=True, metavar="KEY=GLOB", help="Compute only these cells: task, model, shift, seed.")
@click.option("--executor", metavar="NAME", help="In place of the spec's; `regharness list executors`.")
@click.option("--scheduler", metavar="ADDRESS", help="Of workers elsewhere, such as tcp://HOST:8786.")
@click.option("--workers", type=click.IntRange(min=1), help="In place of the spec's.")
@click.option("--device", metavar="D", help="auto, cpu, cuda, cuda:N or mps, in place of the spec's.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first failed cell.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option("--profile", "profiled", is_flag=True, help="Show where the time went.")
@click.option("--json", "as_json", is_flag=True, help="Write the outcome as JSON.")
@click.pass_obj
def run(
    disabled: tuple[str, ...],
    spec: str,
    output: str | None,
    only: tuple[str, ...],
    executor: str | None,
    scheduler: str | None,
    workers: int | None,
    device: str | None,
    fail_fast: bool,
    quiet: bool,
    profiled: bool,
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

    profiler = Profiler()
    catalog = load_catalog(disabled)
    with make_progress(catalog, quiet=quiet) as progress, profiler.hearing(catalog.plugins.manager):
        finished = run_spec(
            spec,
            output,
            only=only,
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
