"""Mean and variance of ``log2(count + 1)`` for over-dispersed counts. Draws no count.

Where counts are few the delta method is wrong by a factor of two, so the moments are summed exactly on a
grid of means and dispersions and interpolated; where they are many, ``log2`` of a gamma variable and the
Poisson term ``1 / mean`` are exact enough.
"""

from __future__ import annotations

import functools
import math

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, polygamma

Array = NDArray[np.float64]

LOWEST, HIGHEST, STEPS = -5.0, 8.0, 131
"""Grid of the natural log of the mean: counts of .007 to 2,981, a tenth apart."""
LEAST_DISPERSION, MOST_DISPERSION, DISPERSIONS = 1e-4, 5.0, 41


def log2_moments(mean: Array, dispersion: Array) -> tuple[Array, Array]:
    """Mean and variance of ``log2(X + 1)``, X a gamma-Poisson (negative binomial) count.

    Parameters
    ----------
    mean
        Expected count, any shape, above 0.
    dispersion
        Squared coefficient of variation of the Poisson rate, of the same shape; 0 is a Poisson count, and more
        than 5 counts as that much.
    """
    first, second = _grid()
    shape = mean.shape
    log_mean = np.log(np.maximum(mean, 1e-300)).ravel()
    moments = np.empty((2, log_mean.size))
    _interpolate(log_mean, np.ravel(dispersion), first, second, *_large(), moments)
    return moments[0].reshape(shape), moments[1].reshape(shape)


@functools.cache
def _levels() -> Array:
    return np.concatenate([[0.0], np.geomspace(LEAST_DISPERSION, MOST_DISPERSION, DISPERSIONS - 1)])


@functools.cache
def _grid() -> tuple[Array, Array]:
    means = np.exp(np.linspace(LOWEST, HIGHEST, STEPS))
    first, second = np.empty((DISPERSIONS, STEPS)), np.empty((DISPERSIONS, STEPS))
    _tabulate(means, _levels(), first, second)
    return first, second


@functools.cache
def _large() -> tuple[Array, Array]:
    """Mean and variance of log2 of a gamma variable of mean one, at each dispersion of the grid."""
    shape = 1.0 / _levels()[1:]
    offset = (digamma(shape) - np.log(shape)) / math.log(2.0)
    return np.concatenate([[0.0], offset]), np.concatenate([[0.0], polygamma(1, shape) / math.log(2.0) ** 2])


@numba.njit(cache=True, nogil=True)
def _tabulate(means, dispersions, first, second):  # type: ignore[no-untyped-def]
    for d in range(len(dispersions)):
        phi = dispersions[d]
        for m in range(len(means)):
            mean = means[m]
            # P(0), then each probability from the one before.
            log_p = -mean if phi == 0.0 else -math.log1p(phi * mean) / phi
            total, one, two = 0.0, 0.0, 0.0
            k = 0
            while total < 1.0 - 1e-8:
                p = math.exp(log_p)
                value = math.log2(k + 1.0)
                total += p
                one += p * value
                two += p * value * value
                ratio = mean / (k + 1.0) if phi == 0.0 else mean * (1.0 + phi * k) / ((k + 1.0) * (1.0 + phi * mean))
                log_p += math.log(ratio)
                k += 1
            first[d, m] = one / total
            second[d, m] = two / total - (one / total) ** 2


@numba.njit(cache=True, nogil=True)
def _interpolate(log_mean, dispersion, first, second, offset, spread, moments):  # type: ignore[no-untyped-def]
    steps = first.shape[1]
    width = (HIGHEST - LOWEST) / (steps - 1)
    span = math.log(MOST_DISPERSION / LEAST_DISPERSION) / (len(offset) - 2)
    for i in range(len(log_mean)):
        phi = min(dispersion[i], MOST_DISPERSION)
        if phi < LEAST_DISPERSION:
            row, part = 0, phi / LEAST_DISPERSION
        else:
            at = math.log(phi / LEAST_DISPERSION) / span
            row = min(int(at), len(offset) - 3) + 1
            part = at - (row - 1)
        if log_mean[i] >= HIGHEST:
            mean = math.exp(log_mean[i])
            log2_mean = math.log2(mean + 1.0)
            poisson = 1.0 / ((mean + 1.0) * math.log(2.0) ** 2)
            moments[0, i] = (
                log2_mean + (1 - part) * offset[row] + part * offset[row + 1] - 0.5 * poisson * math.log(2.0)
            )
            moments[1, i] = poisson + (1 - part) * spread[row] + part * spread[row + 1]
            continue
        place = max((log_mean[i] - LOWEST) / width, 0.0)
        column = min(int(place), steps - 2)
        share = place - column
        for which in range(2):
            table = first if which == 0 else second
            low = (1 - share) * table[row, column] + share * table[row, column + 1]
            high = (1 - share) * table[row + 1, column] + share * table[row + 1, column + 1]
            moments[which, i] = (1 - part) * low + part * high
        if log_mean[i] < LOWEST:
            # So few that log2(X + 1) is 1 with the probability of one read, else 0.
            moments[0, i] = math.exp(log_mean[i])
            moments[1, i] = math.exp(log_mean[i])
