"""Score predictions against targets, as sheets. Stores nothing, trusts no claim."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from regharness import dims
from regharness.catalog import Catalog
from regharness.cube_cells import Cells
from regharness.joining import join
from regharness.magnitude import LONG_NAMES
from regharness.pictured import pictured_curves
from regharness.run_blocks import run_on_blocks
from regharness.run_scores import Step, needed, score_cubes
from regharness.spec import MetricEntry
from regharness.submission.benchmark import Benchmark
from regharness.submission.controls import control_cube
from regharness.submission.sheets import Sheet
from regharness.submission.targets import Targets


def known_metrics(benchmark: Benchmark, catalog: Catalog) -> list[MetricEntry]:
    """The metrics of a benchmark that are installed here; those of other plugins cannot be computed."""
    return [entry for entry in benchmark.metrics if entry.use in catalog.names("metric")]


def metrics_of_cells(benchmark: Benchmark, catalog: Catalog) -> set[str]:
    """Labels of the metrics of a benchmark that a cell has by itself, whatever the others are."""
    made = {
        entry.label: catalog.create("metric", entry.use, entry.with_) for entry in known_metrics(benchmark, catalog)
    }
    return {
        name for name, metric in made.items() if not (hasattr(metric, "compare") or hasattr(metric, "score_against"))
    }


def score_predictions(
    predictions: Mapping[str, xr.Dataset],
    targets: Targets,
    catalog: Catalog,
    step: Step = lambda what, done, total: None,
) -> dict[str, Sheet]:
    """Score predictions on all cells that there are targets for.

    Parameters
    ----------
    predictions
        Task to what was predicted: ``mean`` and, where there are, variances and quantiles, dims model x shift x seed x
        example x output.
    targets
        What they are held against.
    catalog
        What is installed.
    step
        Told how far it is, as of `regharness.run_scores.score_run`.

    Returns
    -------
    dict
        Model to its sheet; empty where there is no target for any cell.
    """
    beside = {task: _beside(cube, targets.cubes[task]) for task, cube in predictions.items() if task in targets.cubes}
    cubes = {task: cube for task, cube in beside.items() if cube.sizes[dims.SHIFT] and cube.sizes[dims.SEED]}
    if not cubes:
        return {}
    benchmark = targets.benchmark
    entries = known_metrics(benchmark, catalog)
    cells = {task: Cells(cube, needed(entries, catalog)) for task, cube in cubes.items()}
    models = list(dict.fromkeys(name for cube in cubes.values() for name in cube[dims.MODEL].values.tolist()))
    labels = {
        dims.TASK: list(cubes),
        dims.MODEL: models,
        dims.SHIFT: list(dict.fromkeys(name for cube in cubes.values() for name in cube[dims.SHIFT].values.tolist())),
        dims.SEED: [seed for seed in benchmark.seeds if any(seed in cube[dims.SEED].values for cube in cubes.values())],
    }
    scores = score_cubes(cells, labels, entries, benchmark.rank_by, catalog, step)
    ranking = {
        entry.label: catalog.create("metric", entry.use, entry.with_)
        for entry in entries
        if entry.label in {scores.attrs["rank_by"], *benchmark.leaderboard.by_shift}
    }
    blocks = run_on_blocks(cells, ranking, labels)
    parts = [pictured_curves(cube, catalog) for cube in cubes.values()]
    curves = join(parts, {name: part for name, part in labels.items() if name != dims.SEED})
    return {
        model: Sheet(*(part.sel({dims.MODEL: model}).drop_vars(dims.MODEL) for part in (scores, blocks, curves)))
        for model in models
    }


def score_controls(targets: Targets, catalog: Catalog) -> dict[str, Sheet]:
    """Control to its sheet, on all tasks."""
    return score_predictions({task: control_cube(cube) for task, cube in targets.cubes.items()}, targets, catalog)


def _beside(predictions: xr.Dataset, targets: xr.Dataset) -> xr.Dataset:
    """Predictions beside their targets, on the shifts and seeds that both have, in the order of the targets."""
    common = {
        name: [label for label in targets[name].values.tolist() if label in predictions[name].values.tolist()]
        for name in (dims.SHIFT, dims.SEED)
    }
    theirs = targets.sel(common)
    # Both have padding of their own below the largest test set.
    rows = {dims.EXAMPLE: slice(int(theirs[dims.N_EXAMPLES].max()) if theirs[dims.N_EXAMPLES].size else 0)}
    ours = predictions.drop_vars([dims.N_EXAMPLES, dims.STATUS], errors="ignore").sel(common).isel(rows)
    theirs = theirs.isel(rows)
    both = theirs.assign({name: ours[name].variable for name in ours.data_vars})
    coords = {name: ours[name] for name in (dims.MODEL, dims.QUANTILE) if name in ours.dims}
    sizes = {name: ours.sizes[dims.MODEL] if name == dims.MODEL else theirs.sizes[name] for name in dims.CELL}
    status = np.full(tuple(sizes.values()), dims.DONE, np.int8)
    held = both.assign_coords(coords).assign({dims.STATUS: (dims.CELL, status)})
    return held.set_coords([name for name in LONG_NAMES if name in held])
