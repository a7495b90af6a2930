"""Measure how far predicted probabilities are from observed shares. Judges no sharpness.

Notation: y target, mu mean, e = y - mu, sigma = sqrt(variance), z = e / sigma, Phi the standard normal
distribution. All exact over the examples of a cell, in float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from regharness.interfaces import Evidence, Metric
from regharness_metrics.gaussian import standardised
from regharness_metrics.moments import Moments, from_moments

Values = NDArray[np.float64]

LEVELS = np.arange(1, 20) / 20
"""Exactly j / 20; ``np.linspace(.05, .95, 19)`` differs from them at five points."""

THRESHOLDS = tuple(ndtri(LEVELS).tolist())

BINS = 10


class KuleshovCalibrationError(Metric):
    """Sum over p = 0.05, 0.10, ..., 0.95 of ``(p - mean(z <= Phi^-1(p)))^2``.

    Direction: lower, zero at best. Needs: variance. A zero sigma gives z = 0 without an error, else signed
    infinity; an infinite one gives z = 0. Kuleshov, Fenner & Ermon, ICML (2018), equation 9, weights 1.
    """

    direction = "lower"
    needs_variance = True
    accumulator = Moments(below=THRESHOLDS)
    finalize = from_moments(
        lambda metric, m: sum((p - m["below", q] / m["n"]) ** 2 for p, q in zip(LEVELS, THRESHOLDS, strict=True))
    )

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        z = np.sort(standardised(target - mean, np.sqrt(variance)))
        observed = np.searchsorted(z, ndtri(LEVELS), side="right") / z.size
        return float(np.sum((LEVELS - observed) ** 2))

    @np.errstate(all="ignore")
    def terms(self, evidence: Evidence) -> Values:
        """``(level, example)``: whether z is at most the quantile of the level."""
        z = standardised(evidence.target - evidence.mean, np.sqrt(evidence.variance))
        return np.asarray(z <= ndtri(LEVELS)[:, None], np.float64)

    def of_means(self, means: Values) -> Values:
        """The score of each set whose observed shares are ``(level, ...)``."""
        return np.sum((LEVELS.reshape(-1, *(1,) * (means.ndim - 1)) - means) ** 2, axis=0)


class MiscalibrationArea(Metric):
    """Area between the calibration curve and the diagonal, the integral of ``|F(p) - p|`` over p in [0, 1].

    F is the empirical distribution of ``Phi(z)``. The integral is exact, without a grid: it is the
    Wasserstein-1 distance of ``Phi(z)`` to the uniform distribution. Direction: lower, within [0, 1/2].
    Needs: variance. A zero sigma gives z = 0 without an error, else signed infinity; an infinite one gives
    z = 0. Curve: Kuleshov, Fenner & Ermon, ICML (2018); area: Tran et al., MLST 1:025006 (2020).
    """

    direction = "lower"
    needs_variance = True

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        pit = ndtr(np.sort(standardised(target - mean, np.sqrt(variance))))
        # The i-th smallest value serves the uniform quantiles from (i - 1) / n to i / n; integrate its
        # distance to them in closed form.
        half = 1 / (2 * pit.size)
        distance = np.abs(pit - (2 * np.arange(pit.size) + 1) * half)
        return float(np.sum(np.where(distance >= half, 2 * half * distance, distance**2 + half**2)))


class ExpectedNormalisedCalibrationError(Metric):
    """ENCE, ``mean over bins of |RMV - RMSE| / RMV``, in 10 bins of equal count by sigma.

    RMV is a bin's root mean variance, RMSE its root mean squared error. Examples are sorted by sigma, equal
    sigmas in the order given; of n examples the first n mod 10 bins hold one more. Direction: lower; it grows
    as the root of the number of bins even for a calibrated model, so compare it at equal n only.
    Needs: variance. Fewer than 10 examples: a bin each. A bin whose sigmas are all zero: infinity, or NaN
    without an error; a bin with an infinite sigma: 1. Levi et al., Sensors 22:5540 (2022).
    """

    direction = "lower"
    needs_variance = True

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        order = np.argsort(np.sqrt(variance), kind="stable")
        squares = ((target - mean) ** 2)[order]
        size, larger = divmod(order.size, BINS)
        sizes = np.array([size + (b < larger) for b in range(min(BINS, order.size))])
        starts = np.cumsum(sizes) - sizes
        mean_square = np.add.reduceat(squares, starts) / sizes
        mean_variance = np.add.reduceat(variance[order], starts) / sizes
        return float(np.mean(np.abs(1 - np.sqrt(mean_square) / np.sqrt(mean_variance))))
