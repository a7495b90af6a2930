"""Build scores by hand, for tests of what shows them. Reads no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from regharness import dims
from regharness.magnitude import BY_OUTPUT, LONG_NAMES

Table = Mapping[str, Sequence[Sequence[float]]]


def make_scores(
    tables: Mapping[str, Table],
    shifts: Sequence[str],
    *,
    directions: Mapping[str, Any] | None = None,
    failed: Sequence[tuple[str, str, int]] = (),
    name: str = "made",
) -> xr.Dataset:
    """Make the scores of one task, ``task``, and one output, ``output``.

    Parameters
    ----------
    tables
        Metric to model to rows of scores, one a shift, of one number a seed. The first metric ranks.
    shifts
        Labels, ``identity`` first, such as ``gc_content@3``.
    directions
        Metric to direction; ``"lower"`` if left out.
    failed
        Cells ``(model, shift, seed)`` that failed: their scores become NaN.

    Returns
    -------
    xarray.Dataset
        As a run stores its scores.
    """
    metrics = list(tables)
    models = list(tables[metrics[0]])
    seeds = range(len(tables[metrics[0]][models[0]][0]))
    full = (dims.TASK, dims.MODEL, dims.SHIFT, dims.SEED, dims.OUTPUT)
    status = np.full((1, len(models), len(shifts), len(seeds)), dims.DONE, np.int8)
    for model, shift, seed in failed:
        status[0, models.index(model), list(shifts).index(shift), seed] = dims.FAILED
    done = (status == dims.DONE)[..., None]
    parts = [label.rpartition("@") for label in shifts]
    scores = xr.Dataset(
        coords={
            dims.TASK: ["task"],
            dims.MODEL: models,
            dims.SHIFT: list(shifts),
            dims.SEED: list(seeds),
            dims.OUTPUT: ["output"],
            dims.SHIFT_OPERATOR: (dims.SHIFT, [operator or dims.IDENTITY for operator, _, _ in parts]),
            dims.SEVERITY: (dims.SHIFT, [int(s) if s.isdigit() else 0 for _, _, s in parts]),
        }
    )
    each = (dims.TASK, dims.SHIFT, dims.SEED)
    scores = scores.assign_coords(
        {name: (each, np.zeros((1, len(shifts), len(seeds)))) for name in LONG_NAMES if name not in BY_OUTPUT}
        | {name: ((*each, dims.OUTPUT), np.ones((1, len(shifts), len(seeds), 1))) for name in BY_OUTPUT}
    )
    for metric in metrics:
        values = np.array([tables[metric][model] for model in models], dtype=np.float64)[None, ..., None]
        scores[metric] = (full, np.where(done, values, np.nan))
        scores[metric].attrs["direction"] = (directions or {}).get(metric, "lower")
    scores["n_valid"] = (full, np.where(done, 100, 0).astype(np.int64))
    scores["n_dropped"] = (full, np.zeros_like(done, dtype=np.int64))
    scores[dims.STATUS] = (full[:-1], status)
    scores.attrs = {"name": name, "rank_by": metrics[0], "metrics": metrics}
    return scores
