"""Reduce predictions to scores along ``example`` only. Fits and predicts nothing, needs no model framework.

An example counts when its target, its mean and, where there is one, its variance are all there: one that
misses any is dropped for every metric alike, and counted. The total predictive variance is the sum of the
aleatoric and the epistemic variance, of those that the model gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness.catalog import load_catalog
from regharness.dims import (
    EXAMPLE,
    MEAN,
    TARGET,
)
from regharness.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from regharness.interfaces import Metric

N_VALID, N_DROPPED = "n_valid", "n_dropped"
COUNTS = {
    N_VALID: "examples scored",
    N_DROPPED: "examples left out because the target, mean or variance is NaN",
}
VARIANCE = "variance"

Values = NDArray[np.float64]


def evaluate(
    target: ArrayLike | xr.DataArray,
    mean: ArrayLike | xr.DataArray,
    variance: ArrayLike | xr.DataArray | None = None,
    metrics: str | Iterable[str] = "default",
) -> dict[str, Any]:
    """Score one set of predictions.

    Parameters
    ----------
    target, mean
        ``(example,)`` or ``(example, output)``; an `xarray.DataArray` has a dimension ``example`` and at most
        one more, in any order. Computed in float64. NaN is missing.
    variance
        Total predictive variance, of the same shape, zero or above.
    metrics
        ``"default"``, or names. By default the metrics that need a variance are left out when there is none.

    Returns
    -------
    dict
        Metric to float, or to ``(output,)`` float64; and ``n_valid`` and ``n_dropped``, whole numbers. Each
        output drops its own missing examples. Without any left its metrics are NaN.

    Raises
    ------
    InputError
        When a name is unknown, compares shifts, or needs a variance that is not given; when shapes differ;
        when a variance is negative.
    """
    arrays = _arrays({TARGET: target, MEAN: mean, VARIANCE: variance})
    refuse_negative(arrays.get(VARIANCE), "the variance")
    chosen = resolve(metrics, has_variance=VARIANCE in arrays)
    if arrays[TARGET].ndim == 1:
        return score_cell(arrays[TARGET], arrays[MEAN], arrays.get(VARIANCE), chosen)
    columns = ({name: array[:, j] for name, array in arrays.items()} for j in range(arrays[TARGET].shape[1]))
    rows = [score_cell(c[TARGET], c[MEAN], c.get(VARIANCE), chosen) for c in columns]
    kinds = {**dict.fromkeys(chosen, np.float64), N_VALID: np.int64, N_DROPPED: np.int64}
    return {name: np.array([row[name] for row in rows], kind) for name, kind in kinds.items()}


def score_cell(
    target: Values, mean: Values, variance: Values | None, metrics: Mapping[str, Metric]
) -> dict[str, float | int]:
    """Score one output of one cell.

    Parameters
    ----------
    target, mean, variance
        ``(example,)`` float64 of equal length; `variance` is the total, zero or above. NaN is missing.
    metrics
        Name in the result to metric.

    Returns
    -------
    dict
        Each metric, then ``n_valid`` and ``n_dropped``. NaN without a valid example, and for a metric that
        needs a variance when there is none.
    """
    missing = np.isnan(target) | np.isnan(mean)
    if variance is not None:
        missing |= np.isnan(variance)
    dropped = int(np.count_nonzero(missing))
    valid = target.size - dropped
    if dropped:
        target, mean = target[~missing], mean[~missing]
        variance = None if variance is None else variance[~missing]
    scores: dict[str, float | int] = {}
    for name, metric in metrics.items():
        if not valid or (metric.needs_variance and variance is None):
            scores[name] = float("nan")
        else:
            scores[name] = float(metric.score(target, mean, variance if metric.needs_variance else None))
    return {**scores, N_VALID: valid, N_DROPPED: dropped}


def resolve(metrics: str | Iterable[str], has_variance: bool) -> dict[str, Metric]:
    catalog = load_catalog()
    if metrics == "default":
        names = [name for name in catalog.names("metric") if catalog.component("metric", name).default]
    else:
        names = [metrics] if isinstance(metrics, str) else list(metrics)
    chosen: dict[str, Metric] = {}
    for name in names:
        metric = catalog.create("metric", name, {})
        if not hasattr(metric, "score"):
            raise InputError(
                f"metric '{name}' compares shifts, so it cannot score predictions",
                help="name it in a benchmark's spec, or hand it to regharness.scoring.compare_shifts",
            )
        if has_variance or not metric.needs_variance:
            chosen[name] = metric
        elif metrics != "default":
            raise InputError(
                f"metric '{name}' needs a predictive variance, and there is none",
                help="give the variance, or leave the metric out",
            )
    return chosen


def _arrays(given: Mapping[str, Any]) -> dict[str, Values]:
    """Check what was given and turn it into float64 arrays, ``example`` first; absent stays absent."""
    given = {name: value for name, value in given.items() if value is not None}
    try:
        xr.align(*(value for value in given.values() if isinstance(value, xr.DataArray)), join="exact")
    except ValueError as error:
        raise InputError(
            f"the labels of {', '.join(given)} differ: {error}",
            help="give the same examples in the same order",
        ) from None
    arrays = {name: _array(name, value) for name, value in given.items()}
    shapes = {name: array.shape for name, array in arrays.items()}
    if arrays[TARGET].ndim not in (1, 2) or len(set(shapes.values())) > 1:
        raise InputError(
            "shapes do not fit: " + ", ".join(f"{name} is {shape}" for name, shape in shapes.items()),
            help="give all of them as (example,) or all as (example, output)",
        )
    return arrays


def _array(name: str, value: Any) -> Values:
    if isinstance(value, xr.DataArray):
        if EXAMPLE not in value.dims:
            raise InputError(f"{name} has no dimension '{EXAMPLE}' but {value.dims}", help=f"rename one to '{EXAMPLE}'")
        value = value.transpose(EXAMPLE, ...).values
    try:
        if isinstance(value, np.ma.MaskedArray):
            value = np.ma.filled(value.astype(np.float64), np.nan)
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is not an array of numbers: {error}") from None


def refuse_negative(variance: Values | None, what: str) -> None:
    if variance is not None and (variance < 0).any():
        raise InputError(
            f"{what} is negative in {np.count_nonzero(variance < 0)} places, down to {np.nanmin(variance):g}",
            help="a variance is zero or above, and NaN where missing",
        )
