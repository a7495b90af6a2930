"""The verbs ``run`` and ``plan``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regharness.cli.console import print_json, print_notes, print_rich

if TYPE_CHECKING:
    from regharness.catalog import Catalog
    from regharness.plan import Plan
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
    as_json: bool,
) -> int:
    """Compute what is missing of SPEC, score it, and show the leaderboard.

    SPEC is a file, or the name of a spec that travels with the package, such as quickstart. Running again
    resumes: a cell whose parameters, code and input files are unchanged is never computed twice.
    """
    from regharness.api import run as run_spec
    from regharness.catalog import load_catalog
    from regharness.cli.progress import make_progress

    catalog = load_catalog(disabled)
    with make_progress(catalog, quiet=quiet) as progress:
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
        )
    if as_json:
        print_json(_outcome(finished))
    else:
        _show(finished, catalog)
    return 1 if finished.failures else 0


def _outcome(run: Run) -> dict[str, Any]:
    from regharness.board_plain import plain

    return {
        "schema_version": 1,
        "folder": str(run.folder),
        "failures": run.failures,
        "warnings": {task: info["warnings"] for task, info in run.task_infos.items()},
        "leaderboard": plain(run.leaderboard().board),
    }


def _show(run: Run, catalog: Catalog) -> None:
    for task, info in run.task_infos.items():
        for warning in info["warnings"]:
            click.echo(f"warning: task '{task}': {warning}", err=True)
    print_notes(run.scores)
    print_rich(run.leaderboard(), *(run.matrix("shift", metric) for metric in run.spec.leaderboard.by_shift))
    for name in catalog.names("report"):
        report = catalog.create("report", name)
        click.echo(f"{name} report: {run.folder / ('report' + report.suffix)}")


@click.command()
@click.argument("spec")
@click.option("-o", "--output", metavar="RUN", help="The run's folder.  [default: runs/<spec name>]")
@click.option("--only", multiple=True, metavar="KEY=GLOB", help="Plan only these cells: task, model, shift, seed.")
@click.option("--json", "as_json", is_flag=True, help="Write the plan as JSON.")
@click.pass_obj
def plan(disabled: tuple[str, ...], spec: str, output: str | None, only: tuple[str, ...], as_json: bool) -> None:
    """Show the cells of SPEC, and what is already done. Computes nothing."""
    from regharness.catalog import load_catalog
    from regharness.plan import make_plan, select
    from regharness.records import Records
    from regharness.run_folder import CUBES
    from regharness.spec_loading import load

    catalog = load_catalog(disabled)
    made = make_plan(load(spec, catalog), catalog)
    folder = Path(output) if output else Path("runs") / made.spec.name
    records = Records(folder)
    cells = []
    for cell in select(made.cells, only):
        done = records.done(cell) and (folder / CUBES / f"{cell.task}.zarr").is_dir()
        cells.append({**vars(cell), "done": done})
    tasks = {name: _task_facts(made, name, [cell for cell in cells if cell["task"] == name]) for name in made.tasks}
    if as_json:
        print_json(
            {
                "schema_version": 1,
                "spec": made.spec.name,
                "folder": str(folder),
                "tasks": tasks,
                "cells": cells,
            }
        )
        return
    _show_plan(made, folder, tasks)


def _task_facts(plan: Plan, name: str, cells: list[dict[str, Any]]) -> dict[str, Any]:
    info = plan.tasks[name].info
    n = info.sizes["test"] * len(info.outputs)
    levels = sum(len(plan.quantile_levels[cell["model"]]) for cell in cells)
    return {
        "outputs": list(info.outputs),
        "unit": info.unit,
        "length": info.length,
        "sizes": dict(info.sizes),
        "models": [model.name for model in plan.models(name)],
        "shifts": [shift.label for shift in plan.tasks[name].shifts],
        "cells": len(cells),
        "done": sum(cell["done"] for cell in cells),
        # Mean, two variances and quantiles, float32, before compression.
        "megabytes": round((3 * len(cells) + levels) * n * 4 / 1e6, 3),
        "device": plan.spec.run.device,
        "warnings": list(info.warnings),
    }


def _show_plan(plan: Plan, folder: Path, tasks: dict[str, Any]) -> None:
    for name, facts in tasks.items():
        sizes = ", ".join(f"{size:,} {split}" for split, size in facts["sizes"].items())
        click.echo(
            f"task {name}: {sizes}; {facts['length']} bp; outputs {', '.join(facts['outputs'])} ({facts['unit']})"
        )
        click.echo(f"  models  {', '.join(facts['models'])}")
        click.echo(f"  shifts  {', '.join(facts['shifts'])}")
        click.echo(f"  seeds   {', '.join(map(str, plan.spec.seeds))}")
        todo = facts["cells"] - facts["done"]
        click.echo(
            f"  cells   {facts['cells']}: {facts['done']} done, {todo} to compute on {facts['device']}; "
            f"at most {facts['megabytes']} MB"
        )
        for warning in facts["warnings"]:
            click.echo(f"  warning: {warning}", err=True)
    click.echo(f"into {folder}")
