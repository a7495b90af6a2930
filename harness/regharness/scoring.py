"""Reduce predictions to scores along ``example`` only. Fits and predicts nothing, needs no model framework.

An example counts when its target, its mean and, where there is one, its variance are all there: one that
misses any is dropped for every metric alike, and counted. The total predictive variance is the sum of the
aleatoric and the epistemic variance, of those that the model gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness.catalog import load_catalog
from regharness.dims import (
    ALEATORIC,
    DONE,
    EPISTEMIC,
    EXAMPLE,
    MEAN,
    N_EXAMPLES,
    OUTPUT,
    STATUS,
    TARGET,
)
from regharness.errors import InputError, unknown_name

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from regharness.interfaces import Metric, ShiftMetric

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
    _refuse_negative(arrays.get(VARIANCE), "the variance")
    chosen = _resolve(metrics, has_variance=VARIANCE in arrays)
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


def evaluate_cube(dataset: xr.Dataset, metrics: str | Iterable[str] = "default") -> xr.Dataset:
    """Score a cube of predictions, reducing ``example`` and keeping every other dimension.

    Parameters
    ----------
    dataset
        As `score_cube` takes it.
    metrics
        ``"default"``, or names. By default the metrics that need a variance are left out when the dataset
        has none.

    Returns
    -------
    xarray.Dataset
        As `score_cube` gives it, each metric also with ``long_name``.

    Raises
    ------
    InputError
        As of `evaluate` and `score_cube`.
    """
    chosen = _resolve(metrics, has_variance=any(v in dataset for v in (VARIANCE, ALEATORIC, EPISTEMIC)))
    scores = score_cube(dataset, chosen)
    catalog = load_catalog()
    for name in chosen:
        scores[name].attrs["long_name"] = catalog.component("metric", name).summary
    return scores


def score_cube(dataset: xr.Dataset, metrics: Mapping[str, Metric]) -> xr.Dataset:
    """Score a cube with metric objects; one cell at a time is in memory.

    Parameters
    ----------
    dataset
        ``mean`` with ``example`` among its dimensions; ``target`` with some of them; optionally ``variance``,
        or ``aleatoric_variance`` and ``epistemic_variance``. A variance that is NaN all over a cell is one
        that its model does not give. With ``n_examples``, later rows of a cell are padding and do not count.
        With ``status``, a cell that is not done is NaN, and none of its examples is valid or dropped.
    metrics
        Name in the result to metric.

    Returns
    -------
    xarray.Dataset
        One float64 variable a metric, with its ``direction``, and int64 ``n_valid`` and ``n_dropped``.

    Raises
    ------
    InputError
        When a variable or dimension is missing, the variance is given twice, or a variance is negative.
    """
    names = _cube_variables(dataset)
    kept = tuple(str(name) for name in dataset[MEAN].dims if name != EXAMPLE)
    shape = tuple(dataset.sizes[name] for name in kept)
    results: dict[str, NDArray[Any]] = {name: np.full(shape, np.nan) for name in metrics}
    results.update({name: np.zeros(shape, np.int64) for name in COUNTS})
    outputs = dataset.sizes[OUTPUT] if OUTPUT in kept else 1
    for cell, rows in _cells(dataset, [name for name in kept if name != OUTPUT]):
        arrays = {name: _load(dataset[name], {**cell, EXAMPLE: rows}, outputs) for name in names}
        variance = _total_variance(arrays, _place(dataset, cell))
        for j in range(outputs):
            column = None if variance is None else variance[:, j]
            scores = score_cell(arrays[TARGET][:, j], arrays[MEAN][:, j], column, metrics)
            place = tuple({**cell, OUTPUT: j}[name] for name in kept)
            for name, score in scores.items():
                results[name][place] = score
    return _scores(dataset, kept, results, metrics)


def compare_shifts(scores: xr.Dataset, metrics: Mapping[str, ShiftMetric], rank_by: str) -> xr.Dataset:
    """Add to scores how they change under shift.

    Parameters
    ----------
    scores
        Variables with a ``shift`` dimension and the attribute ``direction``, as `score_cube` gives them. Its
        variable or coordinate ``status``, if any, is handed on as a coordinate, so that a comparison can tell
        a failed cell from one that was never asked for (`regharness.dims.ABSENT`).
    metrics
        Name in the result to shift metric.
    rank_by
        The metric that is compared where a shift metric names none.

    Returns
    -------
    xarray.Dataset
        `scores` and one variable a shift metric, with ``direction`` (the one that the comparison sets on its
        result, else the shift metric's own) and ``of``, the compared metric.

    Raises
    ------
    InputError
        When the compared metric is not among the scores.
    """
    added = {}
    for name, metric in metrics.items():
        of = metric.of or rank_by
        comparable = [str(v) for v in scores.data_vars if "direction" in scores[v].attrs]
        if of not in comparable:
            message, choices = unknown_name("metric", of, comparable, listed="scored")
            raise InputError(f"{name} compares scores of '{of}', but there is {message}", help=choices)
        compared = scores[of].drop_attrs()
        if STATUS in scores.variables:
            compared = compared.assign_coords({STATUS: scores[STATUS]})
        result = metric.compare(compared, scores[of].attrs["direction"]).reset_coords(drop=True)
        added[name] = result.assign_attrs({"direction": metric.direction, **result.attrs, "of": of})
    return scores.assign(added)


def _resolve(metrics: str | Iterable[str], has_variance: bool) -> dict[str, Metric]:
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


def _refuse_negative(variance: Values | None, what: str) -> None:
    if variance is not None and (variance < 0).any():
        raise InputError(
            f"{what} is negative in {np.count_nonzero(variance < 0)} places, down to {np.nanmin(variance):g}",
            help="a variance is zero or above, and NaN where missing",
        )


def _cube_variables(dataset: xr.Dataset) -> list[str]:
    """Names of what a cell is scored from."""
    for name in (MEAN, TARGET):
        if name not in dataset:
            raise InputError(f"the dataset has no variable '{name}'", help=f"it has: {', '.join(map(str, dataset))}")
    if VARIANCE in dataset and (ALEATORIC in dataset or EPISTEMIC in dataset):
        raise InputError(
            f"the dataset has '{VARIANCE}' and its parts '{ALEATORIC}' or '{EPISTEMIC}'",
            help="drop one of them",
        )
    names = [name for name in (MEAN, TARGET, VARIANCE, ALEATORIC, EPISTEMIC) if name in dataset]
    for name in names:
        beyond = [str(dim) for dim in dataset[name].dims if dim not in dataset[MEAN].dims]
        if EXAMPLE not in dataset[name].dims or beyond:
            raise InputError(
                f"'{name}' has the dimensions {dataset[name].dims}",
                help=f"it needs '{EXAMPLE}', and none that '{MEAN}' has not",
            )
    return names


def _cells(dataset: xr.Dataset, over: list[str]) -> Iterator[tuple[dict[str, int], slice]]:
    """Where each finished cell lies along the dimensions `over`, and its rows that are no padding."""
    status, sizes = (dataset[name].compute() if name in dataset.variables else None for name in (STATUS, N_EXAMPLES))
    for index in product(*(range(dataset.sizes[name]) for name in over)):
        cell = dict(zip(over, index, strict=True))
        if status is not None and status.isel(cell, missing_dims="ignore").item() != DONE:
            continue
        rows = None if sizes is None else int(sizes.isel(cell, missing_dims="ignore").item())
        yield cell, slice(rows)


def _load(variable: xr.DataArray, where: Mapping[str, int | slice], outputs: int) -> Values:
    """Read ``(example, output)`` float64 of one cell."""
    part = variable.isel(where, missing_dims="ignore").transpose(EXAMPLE, OUTPUT, missing_dims="ignore")
    values = np.asarray(part.values, dtype=np.float64)
    if values.ndim == 1:
        values = values[:, np.newaxis]
    return np.broadcast_to(values, (len(values), outputs))


def _total_variance(arrays: Mapping[str, Values], place: str) -> Values | None:
    """Sum the variances that the model of this cell gives."""
    total: Values | None = None
    for name in (VARIANCE, ALEATORIC, EPISTEMIC):
        part = arrays.get(name)
        if part is None or np.isnan(part).all():
            continue
        _refuse_negative(part, f"'{name}' of {place}")
        total = part if total is None else total + part
    return total


def _place(dataset: xr.Dataset, cell: Mapping[str, int]) -> str:
    labels = {name: dataset[name][i].item() if name in dataset.coords else i for name, i in cell.items()}
    return ", ".join(f"{name} {label}" for name, label in labels.items()) or "the dataset"


def _scores(
    dataset: xr.Dataset,
    kept: tuple[str, ...],
    results: Mapping[str, NDArray[Any]],
    metrics: Mapping[str, Metric],
) -> xr.Dataset:
    coords = {name: value for name, value in dataset.coords.items() if set(value.dims) <= set(kept)}
    scores = xr.Dataset({name: (kept, values) for name, values in results.items()}, coords)
    for name, metric in metrics.items():
        scores[name].attrs["direction"] = metric.direction
    for name, long_name in COUNTS.items():
        scores[name].attrs["long_name"] = long_name
    return scores
