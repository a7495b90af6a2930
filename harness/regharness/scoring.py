"""Reduce predictions to scores along ``example`` only. Fits and predicts nothing, needs no model framework.

An example counts when its target, its mean and, where there are any, its variance and its quantiles are all
there: one that misses any is dropped for every metric alike, and counted. The total predictive variance is the sum
of the aleatoric and the epistemic variance, of those that the model gives. A metric that can be computed from a
model's own quantiles is, where they have the levels that it takes; else from mean and variance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness.catalog import load_catalog
from regharness.dims import EXAMPLE, MEAN, QUANTILE, QUANTILES, TARGET
from regharness.errors import InputError
from regharness.quantiles import level_problem

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from regharness.interfaces import Metric

N_VALID, N_DROPPED = "n_valid", "n_dropped"
COUNTS = {
    N_VALID: "examples scored",
    N_DROPPED: "examples left out because the target, mean, variance or a quantile is NaN",
}
VARIANCE = "variance"

Values = NDArray[np.float64]


def evaluate(
    target: ArrayLike | xr.DataArray,
    mean: ArrayLike | xr.DataArray,
    variance: ArrayLike | xr.DataArray | None = None,
    metrics: str | Iterable[str] = "default",
    quantiles: ArrayLike | xr.DataArray | None = None,
    quantile_levels: Sequence[float] | None = None,
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
        ``"default"``, or names. By default the metrics that need a variance, or quantiles, are left out when
        there are none.
    quantiles
        ``(example, quantile)`` or ``(example, output, quantile)``; an `xarray.DataArray` has a dimension
        ``quantile`` more than `target`. Quantiles that cross are scored as they are.
    quantile_levels
        Levels along ``quantile``, from low to high, between 0 and 1; if left out, the coordinate ``quantile``.

    Returns
    -------
    dict
        Metric to float, or to ``(output,)`` float64; and ``n_valid`` and ``n_dropped``, whole numbers. Each
        output drops its own missing examples. Without any left its metrics are NaN.

    Raises
    ------
    InputError
        When a name is unknown, compares shifts, or needs a variance or quantiles that are not given; when shapes
        differ; when a variance is negative; when levels do not rise between 0 and 1.
    """
    levels = _levels(quantiles, quantile_levels)
    arrays = _arrays({TARGET: target, MEAN: mean, VARIANCE: variance, QUANTILES: quantiles}, len(levels))
    refuse_negative(arrays.get(VARIANCE), "the variance")
    chosen = resolve(metrics, VARIANCE in arrays, levels)
    if arrays[TARGET].ndim == 1:
        return score_cell(arrays[TARGET], arrays[MEAN], arrays.get(VARIANCE), chosen, arrays.get(QUANTILES), levels)
    columns = ({name: array[:, j] for name, array in arrays.items()} for j in range(arrays[TARGET].shape[1]))
    rows = [score_cell(c[TARGET], c[MEAN], c.get(VARIANCE), chosen, c.get(QUANTILES), levels) for c in columns]
    kinds = {**dict.fromkeys(chosen, np.float64), N_VALID: np.int64, N_DROPPED: np.int64}
    return {name: np.array([row[name] for row in rows], kind) for name, kind in kinds.items()}


def score_cell(
    target: Values,
    mean: Values,
    variance: Values | None,
    metrics: Mapping[str, Metric],
    quantiles: Values | None = None,
    levels: tuple[float, ...] = (),
) -> dict[str, float | int]:
    """Score one output of one cell.

    Parameters
    ----------
    target, mean, variance
        ``(example,)`` float64 of equal length; `variance` is the total, zero or above. NaN is missing.
    metrics
        Name in the result to metric.
    quantiles
        ``(example, quantile)`` float64. NaN is missing.
    levels
        Along ``quantile``, rising between 0 and 1.

    Returns
    -------
    dict
        Each metric, then ``n_valid`` and ``n_dropped``. NaN without a valid example, and for a metric that
        needs a variance, or quantiles of other levels, when there are none.
    """
    missing = np.isnan(target) | np.isnan(mean)
    if variance is not None:
        missing |= np.isnan(variance)
    if quantiles is not None:
        missing |= np.isnan(quantiles).any(axis=1)
    dropped = int(np.count_nonzero(missing))
    valid = target.size - dropped
    if dropped:
        target, mean = target[~missing], mean[~missing]
        variance = None if variance is None else variance[~missing]
        quantiles = None if quantiles is None else quantiles[~missing]
    scores: dict[str, float | int] = {}
    for name, metric in metrics.items():
        if not valid:
            scores[name] = float("nan")
        elif quantiles is not None and takes_levels(metric, levels):
            scores[name] = float(metric.score_quantiles(target, quantiles, levels))
        elif needs_quantiles(metric) or (metric.needs_variance and variance is None):
            scores[name] = float("nan")
        else:
            scores[name] = float(metric.score(target, mean, variance if metric.needs_variance else None))
    return {**scores, N_VALID: valid, N_DROPPED: dropped}


def takes_levels(metric: Metric, levels: tuple[float, ...]) -> bool:
    """Whether a metric is computed from quantiles of these levels; never where it lacks that part of its Protocol."""
    return bool(levels) and hasattr(metric, "takes_levels") and metric.takes_levels(levels)


def needs_quantiles(metric: Metric) -> bool:
    """Whether a metric has no score without quantiles."""
    return bool(getattr(metric, "needs_quantiles", False))


def resolve(metrics: str | Iterable[str], has_variance: bool, levels: tuple[float, ...] = ()) -> dict[str, Metric]:
    """Make the metrics asked for; of the default ones, those that a variance or quantiles of `levels` allow."""
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
        lacking = ""
        if needs_quantiles(metric) and not levels:
            lacking = "quantiles"
        elif metric.needs_variance and not has_variance and not takes_levels(metric, levels):
            lacking = "a predictive variance"
        if not lacking:
            chosen[name] = metric
        elif metrics != "default":
            there = "there are none" if lacking == "quantiles" else "there is none"
            raise InputError(
                f"metric '{name}' needs {lacking}, and {there}", help=f"give {lacking}, or leave the metric out"
            )
    return chosen


def _levels(quantiles: Any, given: Sequence[float] | None) -> tuple[float, ...]:
    """The levels of what was given as quantiles; none where there are no quantiles."""
    if quantiles is None:
        if given is not None:
            raise InputError("there are levels and no quantiles", help="give both")
        return ()
    if given is None:
        if not isinstance(quantiles, xr.DataArray) or QUANTILE not in quantiles.coords:
            raise InputError(
                "there are quantiles and no levels", help="give quantile_levels, such as [0.05, 0.5, 0.95]"
            )
        given = quantiles[QUANTILE].values.tolist()
    levels = tuple(float(level) for level in given)
    wrong = level_problem(levels) or ("" if levels else "there is no quantile level")
    if wrong:
        raise InputError(wrong, help="give levels from low to high, such as [0.05, 0.5, 0.95]")
    return levels


def _arrays(given: Mapping[str, Any], levels: int) -> dict[str, Values]:
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
    fitting = {name: shapes[TARGET] + ((levels,) if name == QUANTILES else ()) for name in shapes}
    if arrays[TARGET].ndim not in (1, 2) or shapes != fitting:
        raise InputError(
            "shapes do not fit: " + ", ".join(f"{name} is {shape}" for name, shape in shapes.items()),
            help="give all of them as (example,) or all as (example, output)"
            + (f", and quantiles with {levels} levels as the last axis" if levels else ""),
        )
    return arrays


def _array(name: str, value: Any) -> Values:
    if isinstance(value, xr.DataArray):
        if EXAMPLE not in value.dims:
            raise InputError(f"{name} has no dimension '{EXAMPLE}' but {value.dims}", help=f"rename one to '{EXAMPLE}'")
        last = (QUANTILE,) if QUANTILE in value.dims else ()
        value = value.transpose(EXAMPLE, ..., *last).values
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
