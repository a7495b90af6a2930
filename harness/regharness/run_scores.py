"""Score a run's cubes and store the scores. Needs no model framework."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    cells = {task: Cells(cube, needed(entries, catalog)) for task, cube in run.cubes.items()}
    scores = score_cubes(cells, run.labels, entries, run.spec.rank_by, catalog, step).assign_attrs(name=run.name)
    # Blocks of other scores must not outlive them; missing ones are computed when they are asked for.
    remove_tree(run.folder / BLOCKS)
    store(scores, run.folder / SCORES)
    shown = {scores.attrs["rank_by"], *run.spec.leaderboard.by_shift}
    step("scoring blocks of examples", 0, 1)
    made = {entry.label: catalog.create("metric", entry.use, entry.with_) for entry in entries if entry.label in shown}
    on_blocks = run_on_blocks(cells, made, {**run.labels, dims.OUTPUT: scores[dims.OUTPUT].values.tolist()})
    store(on_blocks, run.folder / BLOCKS)
    for name in ("scores", "scored_blocks"):
        run.__dict__.pop(name, None)
    return scores


def needed(entries: Sequence[MetricEntry], catalog: Catalog) -> frozenset[str]:
    """What metrics need beside predictions and targets, as `Metric.needs` writes it."""
    return wanted({entry.label: catalog.create("metric", entry.use, entry.with_) for entry in entries})


def score_cubes(
    cells: Mapping[str, Cells],
    labels: Mapping[str, Sequence[Any]],
    entries: Sequence[MetricEntry],
    rank_by: str,
    catalog: Catalog,
    step: Step = lambda what, done, total: None,
) -> xr.Dataset:
    """Score the cells of several tasks.

    Parameters
    ----------
    cells
        Task to its cells, read for all that is `needed`; their cubes have ``status``, and how far each shift went.
    labels
        All tasks, models, shifts and seeds, in order.
    entries
        The metrics.
    rank_by
        Label of the one that ranks; another takes its place where it is not among them.
    catalog
        What is installed.
    step
        As of `score_run`.

    Returns
    -------
    xarray.Dataset
        As of `score_run`, with the attributes ``rank_by``, ``metrics`` and ``notes``.
    """
    made = {entry.label: catalog.create("metric", entry.use, entry.with_) for entry in entries}
    cell_metrics = {name: metric for name, metric in made.items() if not hasattr(metric, "compare")}
    shift_metrics = {name: metric for name, metric in made.items() if hasattr(metric, "compare")}
    parts = [_task_scores(cells[task], cell_metrics, task, step) for task in cells]
    outputs = list(dict.fromkeys(name for part in parts for name in part[dims.OUTPUT].values.tolist()))
    scores = join(parts, {**labels, dims.OUTPUT: outputs})
    if rank_by not in made:
        numbers = [name for name, metric in cell_metrics.items() if not getattr(metric, "dimension", "")]
        rank_by = "crps" if "crps" in made else next(iter(numbers), "")
    scores = compare_shifts(scores.set_coords(list(LONG_NAMES)), shift_metrics, rank_by)
    for entry in entries:
        scores[entry.label].attrs["long_name"] = catalog.component("metric", entry.use).summary
    notes = [note for task in cells for note in _unmet(cells[task], task, cell_metrics)]
    for task, part in zip(cells, parts, strict=True):
        notes += [f"task '{task}': {note}" for note in part.attrs.get("notes", ())]
    scores.attrs = {"rank_by": rank_by, "metrics": list(made), "notes": notes}
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
