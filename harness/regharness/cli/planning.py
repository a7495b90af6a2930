"""The verb ``plan``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from regharness.cli.console import print_json

if TYPE_CHECKING:
    from regharness.forecast import Forecast
    from regharness.plan import Cell, Plan
    from regharness.records import Name, Record, Records
    from regharness.storage import Place

_GROUPS = 20
_NAMED = 3


@click.command()
@click.argument("spec")
@click.option(
    "-o", "--output", metavar="RUN", help="The run's folder, or its URL such as s3://.  [default: runs/<spec name>]"
)
@click.option("--only", multiple=True, metavar="KEY=GLOB", help="Plan only these cells: task, model, shift, seed.")
@click.option("--profile", metavar="NAME", help="One of the other sizes that the spec offers, such as small.")
@click.option("--like", metavar="RUN", help="Foretell the time from this run's.  [default: from what is done]")
@click.option("--json", "as_json", is_flag=True, help="Write the plan as JSON.")
@click.pass_obj
def plan(
    disabled: tuple[str, ...],
    spec: str,
    output: str | None,
    only: tuple[str, ...],
    profile: str | None,
    like: str | None,
    as_json: bool,
) -> None:
    """Show the cells of SPEC, which are done, and why the others are to be computed. Computes nothing.

    How long they will take follows from times of the same models: of another run, such as a small one, or of the cells
    that are done.
    """
    from regharness.catalog import load_catalog
    from regharness.forecast import forecast
    from regharness.plan import make_plan, select
    from regharness.spec_loading import load
    from regharness.storage import place

    catalog = load_catalog(disabled)
    made = make_plan(load(spec, catalog, profile), catalog)
    folder = place(output or f"runs/{made.spec.name}")
    cells = select(made.cells, only)
    found = _reasons(made, cells, folder)
    tasks = {name: _task_facts(made, name, cells, found) for name in made.tasks}
    todo = [cell for cell, why in zip(cells, found, strict=True) if why]
    expected = forecast(made, todo, folder if like is None else place(like))
    if not as_json:
        _show_plan(made, folder, tasks)
        _show_reasons(cells, found)
        _show_time(expected, made.spec.run.workers, len(todo))
        return
    head = {"schema_version": 1, "spec": made.spec.name, "folder": str(folder), "tasks": tasks}
    head["forecast"] = {"seconds": round(expected.seconds, 1), "unknown": expected.unknown}
    rows = (_row(cell, why) for cell, why in zip(cells, found, strict=True))
    print_json(head, cells=rows)


def _reasons(plan: Plan, cells: Sequence[Cell], folder: Place) -> list[tuple[str, ...]]:
    """Why each cell is to be computed; nothing for one that is done."""
    from regharness.records import cell_records
    from regharness.staleness import Facts, reasons

    records, facts = cell_records(folder), Facts(folder, plan.facts)
    # Looking over cubes imports zarr and xarray, half of the time that a plan takes.
    hurt = _damaged(plan, folder, records) if any(True for _ in records) else {}
    return [tuple(reasons(cell, records.last(*cell.name), facts)) or hurt.get(cell.name, ()) for cell in cells]


def _damaged(plan: Plan, folder: Place, records: Records[Record]) -> dict[Name, tuple[str]]:
    from regharness.integrity import examine
    from regharness.records import test_set_records

    test_sets = test_set_records(folder)
    damages = [one for task in plan.tasks for one in examine(folder, task, records, test_sets, deep=False)]
    return {damage.name: (f"{damage.file} of its cube is {damage.reason}",) for damage in damages}


def _row(cell: Cell, why: tuple[str, ...]) -> dict[str, Any]:
    return {
        "task": cell.task,
        "model": cell.model,
        "shift": cell.shift,
        "seed": cell.seed,
        "key": cell.key,
        "fit_key": cell.fit_key,
        "done": not why,
        "reasons": why,
    }


def _task_facts(plan: Plan, name: str, cells: Sequence[Cell], found: list[tuple[str, ...]]) -> dict[str, Any]:
    info = plan.tasks[name].info
    of_models = Counter(cell.model for cell in cells if cell.task == name)
    n, count = info.sizes["test"] * len(info.outputs), of_models.total()
    levels = sum(times * len(plan.quantile_levels[model]) for model, times in of_models.items())
    return {
        "outputs": list(info.outputs),
        "unit": info.unit,
        "length": info.length,
        "sizes": dict(info.sizes),
        "models": [model.name for model in plan.models(name)],
        "shifts": [shift.label for shift in plan.tasks[name].shifts],
        "cells": count,
        "done": sum(not why for cell, why in zip(cells, found, strict=True) if cell.task == name),
        # Mean, two variances and quantiles, float32, before compression.
        "megabytes": round((3 * count + levels) * n * 4 / 1e6, 3),
        "device": plan.spec.run.device,
        "warnings": list(info.warnings),
    }


def _show_plan(plan: Plan, folder: Place, tasks: dict[str, Any]) -> None:
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


def _show_reasons(cells: Sequence[Cell], found: list[tuple[str, ...]]) -> None:
    """Say why cells are to be computed, those with the same reasons together."""
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for cell, why in zip(cells, found, strict=True):
        if why:
            groups.setdefault(why, []).append(cell)
    if not groups:
        return
    click.echo("to compute")
    held = {key: len({getattr(cell, key) for cell in cells}) for key in ("task", "model", "shift", "seed")}
    largest = sorted(groups.items(), key=lambda group: -len(group[1]))
    for why, members in largest[:_GROUPS]:
        count = f"{len(members):,} cell{'s' if len(members) > 1 else ''}"
        click.echo(f"  {', '.join([count, *_common(members, held)])}: {'; '.join(why)}")
    rest = sum(len(members) for _, members in largest[_GROUPS:])
    if rest:
        click.echo(f"  and {rest:,} more cells for other reasons; --json lists them")


def _show_time(expected: Forecast, workers: int, todo: int) -> None:
    if not todo:
        return
    if expected.seconds:
        time = _duration(expected.seconds / workers)
        click.echo(f"about {time} on {workers} worker{'s' if workers > 1 else ''}, by what such cells have taken")
    if expected.unknown:
        names = ", ".join(expected.unknown[:_NAMED]) + (" and others" if len(expected.unknown) > _NAMED else "")
        click.echo(f"no time is known of {names}: run a part first, or name a run with --like")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _common(members: list[Cell], held: dict[str, int]) -> Iterator[str]:
    """What tells the cells of a group from the others of the plan."""
    for key, among in held.items():
        values = list(dict.fromkeys(str(getattr(cell, key)) for cell in members))
        if len(values) < among and len(values) <= _NAMED:
            yield f"{key} {' and '.join(values)}"
