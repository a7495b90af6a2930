"""Score a run's cubes and store the scores. Needs no model framework."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from regharness import dims
from regharness.catalog import Catalog
from regharness.cube_scoring import compare_shifts, score_cube
from regharness.magnitude import LONG_NAMES
from regharness.run_folder import SCORES, Run
from regharness.spec import MetricEntry


def score_run(run: Run, catalog: Catalog, metrics: Sequence[MetricEntry] | None = None) -> xr.Dataset:
    """Score every finished cell of a run and write ``scores.zarr``.

    Parameters
    ----------
    run
        The run.
    catalog
        What is installed.
    metrics
        In place of the spec's.

    Returns
    -------
    xarray.Dataset
        Dims task x model x shift x seed x output; ``status`` tells a cell that the spec does not ask for
        (-1) from one that is missing (0), done (1) or failed (2), and a score that is not there is NaN.
    """
    entries = run.spec.metrics if metrics is None else metrics
    made = {entry.label: catalog.create("metric", entry.use, entry.with_) for entry in entries}
    cell_metrics = {name: metric for name, metric in made.items() if not hasattr(metric, "compare")}
    shift_metrics = {name: metric for name, metric in made.items() if hasattr(metric, "compare")}
    summaries = {entry.label: catalog.component("metric", entry.use).summary for entry in entries}
    parts = [_task_scores(run, task, cell_metrics) for task in run.tasks]
    order: dict[str, list[Any]] = {
        dims.TASK: run.tasks,
        dims.MODEL: [model.name for model in run.spec.models],
        dims.SHIFT: list(dict.fromkeys(shift for task in run.tasks for shift in run.shifts(task))),
        dims.SEED: list(run.spec.seeds),
        dims.OUTPUT: list(dict.fromkeys(name for part in parts for name in part[dims.OUTPUT].values.tolist())),
    }
    scores = _join(parts, order)
    rank_by = run.spec.rank_by
    if rank_by not in made:
        rank_by = "crps" if "crps" in made else next(iter(cell_metrics), "")
    scores = compare_shifts(scores.set_coords(list(LONG_NAMES)), shift_metrics, rank_by)
    for name, summary in summaries.items():
        scores[name].attrs["long_name"] = summary
    scores.attrs = {"name": run.name, "rank_by": rank_by, "metrics": list(made)}
    _store(scores, run.folder / SCORES)
    run.__dict__.pop("scores", None)
    return scores


def _task_scores(run: Run, task: str, metrics: dict[str, Any]) -> xr.Dataset:
    cube = run.cube(task)
    scores = score_cube(cube, metrics)
    scores[dims.STATUS] = cube[dims.STATUS].astype(np.int8)
    scores = scores.drop_vars([name for name in scores.coords if name not in scores.dims])
    return scores.assign({name: cube[name].variable for name in LONG_NAMES})


def _join(parts: list[xr.Dataset], order: dict[str, list[Any]]) -> xr.Dataset:
    """Lay the tasks' scores into one array a variable; what a task does not have is NaN, its status absent."""
    fills: dict[str, Any] = {
        dims.STATUS: np.int8(dims.ABSENT),
        "n_valid": np.int64(0),
        "n_dropped": np.int64(0),
    }
    joined = xr.Dataset(coords={name: _labels(labels) for name, labels in order.items()})
    for name in dict.fromkeys(str(name) for part in parts for name in part.data_vars):
        names = [str(dim) for dim in parts[0][name].dims]
        shape = (len(parts), *(len(order[dim]) for dim in names))
        fill = fills.get(name, np.nan)
        values = np.full(shape, fill, dtype=np.asarray(fill).dtype)
        for index, part in enumerate(parts):
            places = [[order[dim].index(label) for label in part[dim].values.tolist()] for dim in names]
            values[index][np.ix_(*places)] = part[name].transpose(*names).values
        joined[name] = ((dims.TASK, *names), values, parts[0][name].attrs)
    labels = order[dims.SHIFT]
    operators, _, severities = zip(*(label.rpartition("@") for label in labels), strict=True)
    return joined.assign_coords(
        {
            dims.SHIFT_OPERATOR: (dims.SHIFT, _labels([o or dims.IDENTITY for o in operators])),
            dims.SEVERITY: (dims.SHIFT, [int(s) if s.isdigit() else 0 for s in severities]),
        }
    )


def _labels(labels: list[Any]) -> Any:
    # Fixed-length text has no zarr v3 specification, so labels are of variable length.
    return np.array(labels, dtype=np.dtypes.StringDType()) if isinstance(labels[0], str) else np.array(labels)


def _store(scores: xr.Dataset, path: Path) -> None:
    unfinished = path.with_name(path.name + ".part")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        scores.to_zarr(unfinished, mode="w", consolidated=True)
    shutil.rmtree(path, ignore_errors=True)
    unfinished.rename(path)
