"""Score a run's cubes and store the scores. Needs no model framework."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np
import xarray as xr

from regharness import dims
from regharness.catalog import Catalog
from regharness.cube_cells import Cells
from regharness.cube_scoring import compare_shifts, score_cube, wanted
from regharness.joining import join
from regharness.magnitude import LONG_NAMES
from regharness.run_blocks import run_on_blocks
from regharness.run_folder import BLOCKS, SCORES, Run
from regharness.scoring import called
from regharness.spec import MetricEntry
from regharness.storage import Place, remove_tree
from regharness.whole_folders import new_folder

Step = Callable[[str, int, int], None]
"""Hears what is done after the cells are computed: its name, steps done, steps in all."""


def score_run(
    run: Run,
    catalog: Catalog,
    metrics: Sequence[MetricEntry] | None = None,
    step: Step = lambda what, done, total: None,
) -> xr.Dataset:
    """Score every finished cell of a run and write ``scores.zarr``.

    Parameters
    ----------
    run
        The run.
    catalog
        What is installed.
    metrics
        In place of the spec's.
    step
        Told ``("scoring TASK", cells done, cells in all)``, and that blocks of examples are scored.

    Returns
    -------
    xarray.Dataset
        Dims task x model x shift x seed x output; ``status`` tells a cell that the spec does not ask for
        (-1) from one that is missing (0), done (1) or failed (2), and a score that is not there is NaN. The attribute
        ``notes`` says which metrics no model of a task can have.
    """
    entries = run.spec.metrics if metrics is None else metrics
    made = {entry.label: catalog.create("metric", entry.use, entry.with_) for entry in entries}
    cell_metrics = {name: metric for name, metric in made.items() if not hasattr(metric, "compare")}
    shift_metrics = {name: metric for name, metric in made.items() if hasattr(metric, "compare")}
    summaries = {entry.label: catalog.component("metric", entry.use).summary for entry in entries}
    cells = {task: Cells(cube, wanted(cell_metrics)) for task, cube in run.cubes.items()}
    parts = [_task_scores(cells[task], cell_metrics, task, step) for task in run.tasks]
    outputs = list(dict.fromkeys(name for part in parts for name in part[dims.OUTPUT].values.tolist()))
    order: dict[str, list[Any]] = {**run.labels, dims.OUTPUT: outputs}
    scores = join(parts, order)
    rank_by = run.spec.rank_by
    if rank_by not in made:
        numbers = [name for name, metric in cell_metrics.items() if not getattr(metric, "dimension", "")]
        rank_by = "crps" if "crps" in made else next(iter(numbers), "")
    scores = compare_shifts(scores.set_coords(list(LONG_NAMES)), shift_metrics, rank_by)
    for name, summary in summaries.items():
        scores[name].attrs["long_name"] = summary
    notes = [note for task in run.tasks for note in _unmet(cells[task], task, cell_metrics)]
    for task, part in zip(run.tasks, parts, strict=True):
        notes += [f"task '{task}': {note}" for note in part.attrs.get("notes", ())]
    scores.attrs = {"name": run.name, "rank_by": rank_by, "metrics": list(made), "notes": notes}
    # Blocks of other scores must not outlive them; missing ones are computed when they are asked for.
    remove_tree(run.folder / BLOCKS)
    store(scores, run.folder / SCORES)
    shown = {rank_by, *run.spec.leaderboard.by_shift}
    step("scoring blocks of examples", 0, 1)
    on_blocks = run_on_blocks(cells, {name: made[name] for name in made if name in shown}, order)
    store(on_blocks, run.folder / BLOCKS)
    for name in ("scores", "scored_blocks"):
        run.__dict__.pop(name, None)
    return scores


def _task_scores(cells: Cells, metrics: dict[str, Any], task: str, step: Step) -> xr.Dataset:
    cube, scored = cells.dataset, count(1)
    done = int((cube[dims.STATUS] == dims.DONE).sum())
    scores = score_cube(cells, metrics, step=lambda: step(f"scoring {task}", next(scored), done))
    scores[dims.STATUS] = cube[dims.STATUS].astype(np.int8)
    scores = scores.drop_vars([name for name in scores.coords if name not in scores.dims])
    return scores.assign({name: cube[name].variable for name in LONG_NAMES})


def _unmet(cells: Cells, task: str, metrics: dict[str, Any]) -> Iterator[str]:
    """Which metrics have no score in a task, whatever the model, for want of what the data do not have."""
    for name, metric in metrics.items():
        for part in getattr(metric, "needs", ()):
            if part not in cells.parts:
                yield f"task '{task}': no score of '{name}', which needs {called(part)}"


def store(scores: xr.Dataset, at: Place) -> None:
    """Write a dataset in place of the one there, whole or not at all."""
    with warnings.catch_warnings(), new_folder(at) as folder:
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        scores.to_zarr(folder, mode="w", consolidated=True)
