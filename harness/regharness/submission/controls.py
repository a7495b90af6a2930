"""Own the controls: predictions that follow from the targets alone, to read every other score by. Scores nothing.

They are on every board: what knowing nothing of the sequence gives, what GC content alone gives, and what is left when
the truth is known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness import dims

PREFIX = "control:"
"""Before the name of a control; no model can be called so."""
NAMES = tuple(PREFIX + name for name in ("mean", "gc_linear", "oracle"))
GC = f"{dims.COVARIATE}gc_content"

Values = NDArray[np.float64]


def control_cube(targets: xr.Dataset) -> xr.Dataset:
    """The predictions of the controls for a task.

    ``mean`` gives the mean and variance of the targets of the unshifted test set of the same seed; ``gc_linear`` their
    least-squares line on GC content, with the residual variance; ``oracle`` the noiseless truth, with the variance of
    the measurement. A control for which the data lack something is left out.

    Parameters
    ----------
    targets
        Dims shift x seed x example x output, as `regharness.submission.targets.Targets.cubes` has them.

    Returns
    -------
    xarray.Dataset
        ``mean`` and ``aleatoric_variance``, dims model x shift x seed x example x output, float32.
    """
    makers: tuple[Callable[[xr.Dataset], tuple[Any, Any] | None], ...] = (_mean, _gc_linear, _oracle)
    made = zip(NAMES, (make(targets) for make in makers), strict=True)
    found = {name: pair for name, pair in made if pair is not None}
    names = (dims.MODEL, dims.SHIFT, dims.SEED, dims.EXAMPLE, dims.OUTPUT)
    shape = tuple(targets.sizes[name] for name in names[1:])
    parts = {
        variable: (names, np.stack([np.broadcast_to(pair[i], shape) for pair in found.values()]).astype(np.float32))
        for i, variable in enumerate((dims.MEAN, dims.ALEATORIC))
    }
    coords = {name: targets[name] for name in (dims.SHIFT, dims.SEED, dims.OUTPUT)}
    return xr.Dataset(parts, {**coords, dims.MODEL: list(found)})


def _mean(targets: xr.Dataset) -> tuple[Values, Values]:
    target = _unshifted(targets, dims.TARGET)
    return np.nanmean(target, axis=1)[None, :, None], np.nanvar(target, axis=1)[None, :, None]


def _gc_linear(targets: xr.Dataset) -> tuple[Values, Values] | None:
    if GC not in targets:
        return None
    # A sequence without a known base counts as half G and C.
    gc = np.nan_to_num(targets[GC].transpose(dims.SHIFT, dims.SEED, dims.EXAMPLE).values, nan=0.5)
    target = _unshifted(targets, dims.TARGET)
    at = np.nan_to_num(_unshifted(targets, GC), nan=0.5)
    known = ~np.isnan(target)
    x = np.where(known, at[..., None], np.nan)
    centre, level = np.nanmean(x, axis=1), np.nanmean(target, axis=1)
    moved = x - centre[:, None]
    spread = np.nansum(moved**2, axis=1)
    joint = np.nansum(moved * (target - level[:, None]), axis=1)
    slope = np.divide(joint, spread, out=np.zeros_like(joint), where=spread > 0)
    residual = np.nanvar(target - level[:, None] - slope[:, None] * moved, axis=1)
    mean = level[None, :, None] + slope[None, :, None] * (gc[..., None] - centre[None, :, None])
    return mean, residual[None, :, None]


def _oracle(targets: xr.Dataset) -> tuple[Any, Any] | None:
    if dims.TRUTH not in targets:
        return None
    order = (dims.SHIFT, dims.SEED, dims.EXAMPLE, dims.OUTPUT)
    truth = targets[dims.TRUTH].transpose(*order).values
    if dims.NOISE_VARIANCE in targets:
        return truth, targets[dims.NOISE_VARIANCE].transpose(*order).values
    residual = _unshifted(targets, dims.TARGET) - _unshifted(targets, dims.TRUTH)
    return truth, np.nanvar(residual, axis=1)[None, :, None]


def _unshifted(targets: xr.Dataset, name: str) -> Values:
    """A variable on the unshifted test sets, or the first ones that there are: seed x example, and output."""
    shifts = targets[dims.SHIFT].values.tolist()
    place = shifts.index(dims.IDENTITY) if dims.IDENTITY in shifts else 0
    found = targets[name].isel({dims.SHIFT: place}).transpose(dims.SEED, dims.EXAMPLE, ...)
    values = found.values.astype(np.float64)
    sizes = targets[dims.N_EXAMPLES].isel({dims.SHIFT: place}).values
    values[np.arange(values.shape[1]) >= sizes[:, None]] = np.nan
    return values
