"""Score a run's cubes on blocks of examples. Stores nothing, knows no folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from regharness import dims
from regharness.block_scoring import score_on_blocks
from regharness.cube_cells import Cells
from regharness.joining import join


def has_blocks(metric: Any) -> bool:
    """Whether a metric is one number of the examples of one cell, to which blocks of them can contribute."""
    of_shifts = hasattr(metric, "compare") or hasattr(metric, "score_against")
    return not of_shifts and not getattr(metric, "dimension", "")


def run_on_blocks(
    cubes: Mapping[str, xr.Dataset | Cells], metrics: Mapping[str, Any], labels: Mapping[str, Sequence[Any]]
) -> xr.Dataset:
    """What blocks of examples contribute to the scores of a run.

    Parameters
    ----------
    cubes
        Task to its predictions and targets, or to the cells of them.
    metrics
        Name in the result to metric; those that no block can contribute to are left out.
    labels
        All tasks, models, shifts and seeds of the run.

    Returns
    -------
    xarray.Dataset
        Dims task x model x shift x seed x block.
    """
    chosen = {name: metric for name, metric in metrics.items() if has_blocks(metric)}
    parts = [score_on_blocks(cube, chosen) for cube in cubes.values()]
    parts = [part.drop_vars([name for name in part.coords if name not in part.dims]) for part in parts]
    return join(parts, {name: labels[name] for name in (dims.TASK, *dims.CELL)})
