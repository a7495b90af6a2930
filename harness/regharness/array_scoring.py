"""Score arrays of predictions of one model on one test set. Owns what `evaluate` takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness.dims import (
    EXAMPLE,
    MEAN,
    MEMBER,
    MEMBER_VARIANCE,
    MEMBERS,
    NOISE_VARIANCE,
    QUANTILE,
    QUANTILES,
    TARGET,
    VARIANCE,
)
from regharness.errors import InputError
from regharness.metric_protocols import COVARIATES, Evidence
from regharness.quantiles import level_problem
from regharness.scoring import COUNTS, AnyMetric, missing, resolve, score_cell
from regharness.variances import refuse_negative

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Arrays = dict[str, NDArray[Any]]

_LAST = {QUANTILES: QUANTILE, MEMBERS: MEMBER, MEMBER_VARIANCE: MEMBER}
"""The dimension that these have beside those of the target."""


def evaluate(
    target: ArrayLike | xr.DataArray,
    mean: ArrayLike | xr.DataArray | None = None,
    variance: ArrayLike | xr.DataArray | None = None,
    metrics: str | Iterable[str] = "default",
    quantiles: ArrayLike | xr.DataArray | None = None,
    quantile_levels: Sequence[float] | None = None,
    *,
    members: ArrayLike | xr.DataArray | None = None,
    member_variance: ArrayLike | xr.DataArray | None = None,
    noise_variance: ArrayLike | xr.DataArray | None = None,
    covariates: Mapping[str, ArrayLike] | None = None,
    exact: bool = False,
) -> dict[str, Any]:
    """Score one set of predictions: Gaussian ones, quantiles, intervals, or the members of an ensemble.

    Parameters
    ----------
    target, mean
        ``(example,)`` or ``(example, output)``; an `xarray.DataArray` has a dimension ``example`` and at most
        one more, in any order. NaN is missing. The mean can be left out where there are members, whose mean it then
        is, or where quantiles alone are scored.
    variance
        Total predictive variance, of the same shape, zero or above. Left out where there are members, it is theirs:
        the mean of their variances, if given, and the variance of their means (ddof 0).
    metrics
        ``"default"``, or names. Of the default ones, those that need what is not given are left out.
    quantiles
        ``(example, quantile)`` or ``(example, output, quantile)``; an `xarray.DataArray` has a dimension
        ``quantile`` more than `target`. Quantiles that cross are scored as they are. The two ends of a central 90%
        interval are the quantiles of levels 0.05 and 0.95.
    quantile_levels
        Levels along ``quantile``, from low to high, between 0 and 1; if left out, the coordinate ``quantile``.
    members, member_variance
        ``(example, member)`` or ``(example, output, member)``: what each member of an ensemble predicts, and its
        variance.
    noise_variance
        Variance of the measurement, of the target's shape; NaN where it is not known.
    covariates
        Name to ``(example,)``, numbers or text, for metrics that look at more than predictions.
    exact
        A cell of more than 100,000 examples is gone through in blocks, and metrics of ranks come from fine histograms,
        within the error that they state; with `exact` all examples are sorted instead.

    Returns
    -------
    dict
        Metric to float, or to ``(output,)`` float64; a curve has its own dimension last; and ``n_valid`` and
        ``n_dropped``, whole numbers. Each output drops its own missing examples. Without any left its metrics are
        NaN.

    Raises
    ------
    InputError
        When a name is unknown, compares shifts, or needs what is not given; when shapes differ; when a variance is
        negative; when levels do not rise between 0 and 1.
    """
    given = {
        TARGET: target,
        MEAN: mean,
        VARIANCE: variance,
        QUANTILES: quantiles,
        MEMBERS: members,
        MEMBER_VARIANCE: member_variance,
        NOISE_VARIANCE: noise_variance,
    }
    asked = Asked.of(given, quantile_levels, covariates or {}, metrics)
    rows = [score_cell(part, asked.metrics, exact=exact) for part in asked.outputs]
    if asked.single:
        return rows[0]
    scores: dict[str, Any] = {}
    for name in (*asked.metrics, *COUNTS):
        shape = (len(rows), *np.shape(missing(asked.metrics[name]))) if name in asked.metrics else (len(rows),)
        scores[name] = np.array([row[name] for row in rows], np.int64 if name in COUNTS else np.float64).reshape(shape)
    return scores


@dataclass(frozen=True)
class Asked:
    """What is to be scored, checked.

    Attributes
    ----------
    outputs
        The examples of each output.
    metrics
        Name to metric.
    single
        Whether the arrays have no axis of outputs.
    """

    outputs: list[Evidence]
    metrics: dict[str, AnyMetric]
    single: bool

    @classmethod
    def of(
        cls,
        given: Mapping[str, Any],
        quantile_levels: Sequence[float] | None,
        covariates: Mapping[str, Any],
        metrics: str | Iterable[str],
    ) -> Asked:
        """Check arrays by name, some of them None, and make the metrics that they are asked for."""
        levels = _levels(given.get(QUANTILES), quantile_levels)
        arrays = _arrays(given, len(levels))
        for name in (VARIANCE, MEMBER_VARIANCE, NOISE_VARIANCE):
            refuse_negative(arrays.get(name), f"the {name.replace('_', ' ')}")
        of_examples = _covariates(covariates, len(arrays[TARGET]))
        arrays = with_moments_of_members(arrays)
        single = arrays[TARGET].ndim == 1
        outputs = [Evidence(**part, levels=levels, covariates=of_examples) for part in _columns(arrays, single)]
        parts = frozenset([*arrays, *(COVARIATES + name for name in of_examples)])
        return cls(outputs, resolve(metrics, parts, levels), single)


def with_moments_of_members(arrays: Arrays) -> Arrays:
    """Add the mean and the total variance of an ensemble's members, where they are not given.

    Members are ``(..., member)``. The total is the mean of their variances and the variance of their means (ddof 0):
    the law of total variance; Kendall & Gal, NeurIPS (2017). Both are computed about the mean. An infinite member makes
    it infinite.
    """
    if MEMBERS not in arrays:
        return arrays
    members = arrays[MEMBERS].astype(np.float64, copy=False)
    with np.errstate(invalid="ignore"):
        mean = members.mean(axis=-1)
        spread = np.square(members - mean[..., None]).mean(axis=-1)
    found = {MEAN: mean}
    if VARIANCE not in arrays:
        found[VARIANCE] = np.where(np.isinf(members).any(axis=-1), np.inf, spread)
        if MEMBER_VARIANCE in arrays:
            found[VARIANCE] = found[VARIANCE] + arrays[MEMBER_VARIANCE].mean(axis=-1, dtype=np.float64)
    return {**found, **arrays}


def _columns(arrays: Arrays, single: bool) -> list[dict[str, Any]]:
    """The arrays of each output."""
    if single:
        return [arrays]
    return [{name: array[:, j] for name, array in arrays.items()} for j in range(arrays[TARGET].shape[1])]


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
    try:
        levels = tuple(float(level) for level in given)
    except (TypeError, ValueError) as error:
        raise InputError(f"the quantile levels are no numbers: {error}") from None
    wrong = level_problem(levels) or ("" if levels else "there is no quantile level")
    if wrong:
        raise InputError(wrong, help="give levels from low to high, such as [0.05, 0.5, 0.95]")
    return levels


def _arrays(given: Mapping[str, Any], levels: int) -> Arrays:
    """Check what was given and turn it into arrays, ``example`` first; absent stays absent."""
    given = {name: value for name, value in given.items() if value is not None}
    try:
        xr.align(*(value for value in given.values() if isinstance(value, xr.DataArray)), join="exact")
    except ValueError as error:
        raise InputError(
            f"the labels of {', '.join(given)} differ: {error}",
            help="give the same examples in the same order",
        ) from None
    arrays = {name: _array(name, value) for name, value in given.items()}
    if not arrays.keys() & {MEAN, QUANTILES, MEMBERS}:
        raise InputError("there is no prediction", help="give mean, members, or quantiles")
    if MEMBER_VARIANCE in arrays and MEMBERS not in arrays:
        raise InputError("there are variances of members and no members", help="give both")
    shapes = {name: array.shape for name, array in arrays.items()}
    # As many members as there are: any number, but one at least.
    last = {QUANTILES: levels, **dict.fromkeys((MEMBERS, MEMBER_VARIANCE), max(1, *shapes.get(MEMBERS, (1,))[-1:]))}
    fitting = {name: shapes[TARGET] + ((last[name],) if name in last else ()) for name in shapes}
    if arrays[TARGET].ndim not in (1, 2) or shapes != fitting:
        raise InputError(
            "shapes do not fit: " + ", ".join(f"{name} is {shape}" for name, shape in shapes.items()),
            help="give all of them as (example,) or all as (example, output)"
            + (f", and quantiles with {levels} levels as the last axis" if levels else "")
            + (", and members with one axis more" if MEMBERS in shapes else ""),
        )
    return arrays


def _array(name: str, value: Any) -> NDArray[Any]:
    if isinstance(value, xr.DataArray):
        if EXAMPLE not in value.dims:
            raise InputError(f"{name} has no dimension '{EXAMPLE}' but {value.dims}", help=f"rename one to '{EXAMPLE}'")
        last = [_LAST[name]] if _LAST.get(name) in value.dims else []
        value = value.transpose(EXAMPLE, ..., *last).values
    try:
        if isinstance(value, np.ma.MaskedArray):
            value = np.ma.filled(value.astype(np.float64), np.nan)
        array = np.asarray(value)
        if array.dtype.kind == "c":
            raise InputError(f"{name} is of complex numbers", help="give real ones")
        return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is not an array of numbers: {error}") from None


def _covariates(given: Mapping[str, Any], examples: int) -> Arrays:
    found = {name: np.asarray(value) for name, value in given.items()}
    for name, value in found.items():
        if value.shape != (examples,):
            raise InputError(
                f"the covariate '{name}' is {value.shape}, and there are {examples} examples",
                help="give one value an example",
            )
    return found
