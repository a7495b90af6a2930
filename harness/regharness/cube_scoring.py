"""Score cubes of predictions, one cell at a time, and how their scores change under shift. Stores nothing."""

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
    QUANTILE,
    QUANTILES,
    STATUS,
    TARGET,
)
from regharness.errors import InputError, unknown_name
from regharness.quantiles import level_problem
from regharness.scoring import COUNTS, VARIANCE, Values, refuse_negative, resolve, score_cell

if TYPE_CHECKING:
    from regharness.interfaces import Metric, ShiftMetric


def evaluate_cube(dataset: xr.Dataset, metrics: str | Iterable[str] = "default") -> xr.Dataset:
    """Score a cube of predictions, reducing ``example`` and keeping every other dimension.

    Parameters
    ----------
    dataset
        As `score_cube` takes it.
    metrics
        ``"default"``, or names. By default the metrics that need a variance, or quantiles, are left out when
        the dataset has none.

    Returns
    -------
    xarray.Dataset
        As `score_cube` gives it, each metric also with ``long_name``.

    Raises
    ------
    InputError
        As of `evaluate` and `score_cube`.
    """
    has_variance = any(name in dataset for name in (VARIANCE, ALEATORIC, EPISTEMIC))
    chosen = resolve(metrics, has_variance, _levels(dataset))
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
        that its model does not give. Optionally ``quantiles``, with a dimension ``quantile`` more than ``mean``,
        whose labels are their levels; those of a level that is NaN all over a cell are
        not given either. With ``n_examples``, later rows of a cell are padding and do not count.
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
        When a variable or dimension is missing, the variance is given twice, a variance is negative, or levels
        of quantiles repeat or are not between 0 and 1.
    """
    levels = np.array(_levels(dataset))
    if QUANTILES in dataset:
        dataset = dataset.sortby(QUANTILE)
    names = _cube_variables(dataset)
    kept = tuple(str(name) for name in dataset[MEAN].dims if name != EXAMPLE)
    shape = tuple(dataset.sizes[name] for name in kept)
    results: dict[str, NDArray[Any]] = {name: np.full(shape, np.nan) for name in metrics}
    results.update({name: np.zeros(shape, np.int64) for name in COUNTS})
    outputs = dataset.sizes[OUTPUT] if OUTPUT in kept else 1
    for cell, rows in _cells(dataset, [name for name in kept if name != OUTPUT]):
        arrays = {name: _load(dataset[name], {**cell, EXAMPLE: rows}, outputs) for name in names}
        quantiles, own = _own(arrays.get(QUANTILES), levels)
        variance = _total_variance(arrays, _place(dataset, cell))
        for j in range(outputs):
            column = None if variance is None else variance[:, j]
            of_output = None if quantiles is None else quantiles[:, j]
            scores = score_cell(arrays[TARGET][:, j], arrays[MEAN][:, j], column, metrics, of_output, own)
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
    names = [name for name in (MEAN, TARGET, VARIANCE, ALEATORIC, EPISTEMIC, QUANTILES) if name in dataset]
    for name in names:
        own = [QUANTILE] if name == QUANTILES else []
        beyond = [str(dim) for dim in dataset[name].dims if dim not in (*dataset[MEAN].dims, *own)]
        if any(dim not in dataset[name].dims for dim in (EXAMPLE, *own)) or beyond:
            needed = " and ".join(f"'{dim}'" for dim in (EXAMPLE, *own))
            raise InputError(
                f"'{name}' has the dimensions {dataset[name].dims}",
                help=f"it needs {needed}, and no other that '{MEAN}' has not",
            )
    return names


def _levels(dataset: xr.Dataset) -> tuple[float, ...]:
    """Levels of the quantiles of all models, from low to high; empty without quantiles."""
    if QUANTILES not in dataset:
        return ()
    if QUANTILE not in dataset.coords:
        raise InputError(f"'{QUANTILES}' have no coordinate '{QUANTILE}'", help="give it their levels")
    levels = tuple(sorted(float(level) for level in dataset[QUANTILE].values))
    wrong = level_problem(levels)
    if wrong:
        raise InputError(wrong, help=f"the labels along '{QUANTILE}' are levels, each between 0 and 1 and there once")
    return levels


def _own(quantiles: Values | None, levels: NDArray[np.float64]) -> tuple[Values | None, tuple[float, ...]]:
    """The quantiles that the model of a cell gives ``(example, output, quantile)``, and their levels."""
    if quantiles is None:
        return None, ()
    given = ~np.isnan(quantiles).all(axis=(0, 1))
    return (quantiles[..., given], tuple(levels[given].tolist())) if given.any() else (None, ())


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
    """Read ``(example, output)`` float64 of one cell, of quantiles ``(example, output, quantile)``."""
    part = variable.isel(where, missing_dims="ignore").transpose(EXAMPLE, OUTPUT, QUANTILE, missing_dims="ignore")
    values = np.asarray(part.values, dtype=np.float64)
    if OUTPUT not in part.dims:
        values = values[:, np.newaxis]
    return np.broadcast_to(values, (len(values), outputs, *values.shape[2:]))


def _total_variance(arrays: Mapping[str, Values], place: str) -> Values | None:
    """Sum the variances that the model of this cell gives."""
    total: Values | None = None
    for name in (VARIANCE, ALEATORIC, EPISTEMIC):
        part = arrays.get(name)
        if part is None or np.isnan(part).all():
            continue
        refuse_negative(part, f"'{name}' of {place}")
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
