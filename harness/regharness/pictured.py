"""Compute the curves that reports draw whether or not a spec names their metrics. Draws nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from regharness import dims
from regharness.catalog import Catalog
from regharness.cube_scoring import score_cube
from regharness.joining import text_labels
from regharness.shift_labels import strongest


def pictured_metrics(catalog: Catalog) -> dict[str, Any]:
    """Name to metric of the curves whose `Component` says that they are pictured."""
    names = [name for name in catalog.names("metric") if catalog.component("metric", name).pictured]
    return {name: catalog.create("metric", name) for name in names}


def pictured_curves(cube: xr.Dataset, catalog: Catalog) -> xr.Dataset:
    """The pictured curves of every model, on identity and at the highest severity of each shift operator.

    Parameters
    ----------
    cube
        Of one task, as `regharness.cube_scoring.score_cube` takes it, with dims model x shift x seed x example x output
        and ``status``. Of other shifts nothing is read.
    catalog
        What is installed.

    Returns
    -------
    xarray.Dataset
        One float64 variable a curve, dims model x shift x its own, with ``direction`` and ``long_name``: the mean over
        outputs, and over the seeds whose cells are done. NaN where none is done, or the model has not what the curve
        needs.
    """
    metrics = pictured_metrics(catalog)
    drawn = cube.sel({dims.SHIFT: strongest(cube[dims.SHIFT].values.tolist())})
    scored = score_cube(drawn, metrics)
    done = (drawn[dims.STATUS] == dims.DONE).transpose(*dims.CELL).values
    curves = xr.Dataset(
        coords={name: text_labels(drawn[name].values.tolist()) for name in (dims.MODEL, dims.SHIFT)},
    )
    for name, metric in metrics.items():
        values = scored[name].transpose(*dims.CELL, dims.OUTPUT, metric.dimension).values.mean(axis=3)
        curves = curves.assign_coords({metric.dimension: list(metric.labels)})
        of_done = np.where(done[..., None], values, 0.0).sum(axis=2)
        count = done.sum(axis=2)[..., None]
        mean = np.divide(of_done, count, out=np.full_like(of_done, np.nan), where=count > 0)
        curves[name] = ((dims.MODEL, dims.SHIFT, metric.dimension), mean, scored[name].attrs)
        curves[name].attrs["long_name"] = catalog.component("metric", name).summary
    return curves
