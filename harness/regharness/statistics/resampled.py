"""Turn what a statistic was on other draws into a confidence interval. Draws nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from regharness.errors import InputError, unknown_name

Array = NDArray[np.float64]
Method = Literal["bca", "percentile"]


@dataclass(frozen=True)
class Resamples:
    """A statistic, and what it would have been on other draws.

    Attributes
    ----------
    estimate
        ``(...)`` float64.
    replicates
        ``(..., resample)`` float64. NaN where a draw has no score; such draws are left out of intervals.
    jackknives
        For each thing that is drawn, ``(..., unit)`` float64: the statistic with each unit left out.
    """

    estimate: Array
    replicates: Array
    jackknives: tuple[Array, ...]


@dataclass(frozen=True)
class ResampledInterval:
    """Confidence interval of a resampled statistic: each a float, or ``(...)`` float64; NaN where there is none."""

    estimate: float | Array
    low: float | Array
    high: float | Array
    standard_error: float | Array


def resampled_interval(found: Resamples, confidence: float = 0.95, method: Method = "bca") -> ResampledInterval:
    """Turn resamples into a confidence interval.

    Parameters
    ----------
    found
        Of any shape.
    confidence
        Between 0 and 1.
    method
        ``"percentile"``, or ``"bca"``: bias-corrected and accelerated (Efron, JASA 82, 1987), the acceleration
        from the jackknife.

    Raises
    ------
    InputError
        For another method, or a confidence outside (0, 1).
    """
    if method not in ("bca", "percentile"):
        message, choices = unknown_name("method", method, ("bca", "percentile"), listed="methods")
        raise InputError(message, help=choices)
    if not 0.0 < confidence < 1.0:
        raise InputError(f"the confidence {confidence:g} is not between 0 and 1", help="0.95 is usual")
    shape = found.estimate.shape
    ends = np.full((3, *shape), np.nan)
    for place in np.ndindex(shape):
        drawn = found.replicates[place]
        drawn = np.sort(drawn[~np.isnan(drawn)])
        estimate = float(found.estimate[place])
        if np.isnan(estimate) or drawn.size < 2:
            continue
        tails = np.array([1.0 - confidence, 1.0 + confidence]) / 2.0
        if method == "bca":
            tails = _corrected(tails, drawn, estimate, [part[place] for part in found.jackknives])
        with np.errstate(invalid="ignore"):
            ends[(slice(None), *place)] = *_quantiles(drawn, tails), drawn.std(ddof=1)
    parts = (np.asarray(part) for part in (found.estimate, *ends))
    return ResampledInterval(*(part if part.ndim else float(part) for part in parts))


def _quantiles(drawn: Array, tails: Array) -> tuple[float, float]:
    """Order statistics of sorted replicates, at the same distance from both ends; infinite ones stay infinite."""
    low = int(np.ceil(tails[0] * drawn.size)) - 1
    high = drawn.size - int(np.ceil((1.0 - tails[1]) * drawn.size))
    last = drawn.size - 1
    return float(drawn[min(max(low, 0), last)]), float(drawn[min(max(high, 0), last)])


def _corrected(tails: Array, drawn: Array, estimate: float, jackknives: Sequence[Array]) -> Array:
    """Tails of the replicates that BCa takes in place of the nominal ones."""
    from scipy.special import ndtr, ndtri

    below = ((drawn < estimate).mean() + (drawn <= estimate).mean()) / 2.0
    bias = ndtri(min(max(below, 1.0 / (drawn.size + 1)), drawn.size / (drawn.size + 1)))
    shifted = bias + ndtri(tails)
    return np.asarray(ndtr(bias + shifted / (1.0 - _acceleration(jackknives) * shifted)))


def _acceleration(jackknives: Sequence[Array]) -> float:
    """A sixth of the skewness of the statistic, from each unit's influence on it (Efron 1987, eq. 7.3)."""
    cubes, squares = 0.0, 0.0
    for left in jackknives:
        known = left[np.isfinite(left)]
        if known.size < 2:
            continue
        # Of the mean of n units, each counts 1/n of its own influence, (n - 1) times what leaving it out changes.
        influence = (known.mean() - known) * (known.size - 1) / known.size
        cubes += float((influence**3).sum())
        squares += float((influence**2).sum())
    return cubes / (6.0 * squares**1.5) if squares > 0.0 else 0.0
