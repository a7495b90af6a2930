"""Measure how far predicted probabilities are from observed shares. Judges no sharpness.

Notation: y target, mu mean, e = y - mu, sigma = sqrt(variance), z = e / sigma, Phi the standard normal
distribution. All exact over the examples of a cell, in float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from regharness.interfaces import Evidence, Metric
from regharness.quantiles import level_places
from regharness_metrics.gaussian import standardised
from regharness_metrics.moments import Moments, from_moments

Values = NDArray[np.float64]

LEVELS = np.arange(1, 20) / 20
"""Exactly j / 20; ``np.linspace(.05, .95, 19)`` differs from them at five points."""

THRESHOLDS = tuple(ndtri(LEVELS).tolist())

BINS = 10


def at_most(target: Values, quantiles: Values, levels: tuple[float, ...]) -> NDArray[np.bool_]:
    """Whether y is at most the model's own quantile of each of the 19 levels, ``(example, level)``."""
    return target[:, None] <= quantiles[:, level_places(levels, LEVELS)]


def distance_to_uniform(ordered: Values) -> float:
    """Wasserstein-1 distance to the uniform distribution on [0, 1] of values in it that do not fall."""
    # The i-th smallest value serves the uniform quantiles from (i - 1) / n to i / n; integrate its
    # distance to them in closed form.
    half = 1 / (2 * ordered.size)
    distance = np.abs(ordered - (2 * np.arange(ordered.size) + 1) * half)
    return float(np.sum(np.where(distance >= half, 2 * half * distance, distance**2 + half**2)))


def bin_sizes(examples: int) -> NDArray[np.int64]:
    """Examples in each of the bins of equal count by sigma, from low to high."""
    size, larger = divmod(examples, BINS)
    return np.array([size + (b < larger) for b in range(min(BINS, examples))])


class KuleshovCalibrationError(Metric):
    """Sum over p = 0.05, 0.10, ..., 0.95 of ``(p - mean(z <= Phi^-1(p)))^2``.

    Direction: lower, zero at best. Needs: variance, or quantiles of all these levels, of which it takes
    ``mean(y <= q_p)``. A zero sigma gives z = 0 without an error, else signed
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

    def takes_levels(self, levels: tuple[float, ...]) -> bool:
        """Whether all 19 levels are among them."""
        return level_places(levels, LEVELS) is not None

    def score_quantiles(self, target: Values, quantiles: Values, levels: tuple[float, ...]) -> float:
        return float(np.sum((LEVELS - np.mean(at_most(target, quantiles, levels), axis=0)) ** 2))

    @np.errstate(all="ignore")
    def terms(self, evidence: Evidence) -> Values:
        """``(level, example)``: whether y is at most the quantile of the level."""
        if evidence.quantiles is not None and self.takes_levels(evidence.levels):
            return at_most(evidence.target, evidence.quantiles, evidence.levels).T.astype(np.float64)
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
        return distance_to_uniform(ndtr(np.sort(standardised(target - mean, np.sqrt(variance)))))


class ExpectedNormalisedCalibrationError(Metric):
    """ENCE, ``mean over bins of |RMV - RMSE| / RMV``, in 10 bins of equal count by sigma.

    RMV is a bin's root mean variance, RMSE its root mean squared error. Examples are sorted by sigma, equal
    sigmas in the order given; of n examples the first n mod 10 bins hold one more. Direction: lower; it grows
    as the root of the number of bins even for a calibrated model, so compare it with `ence_reference`.
    Needs: variance. Fewer than 10 examples: a bin each. A bin whose sigmas are all zero: infinity, or NaN
    without an error; a bin with an infinite sigma: NaN. Levi et al., Sensors 22:5540 (2022).
    """

    direction = "lower"
    needs_variance = True

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        order = np.argsort(np.sqrt(variance), kind="stable")
        squares = ((target - mean) ** 2)[order]
        sizes = bin_sizes(order.size)
        starts = np.cumsum(sizes) - sizes
        mean_square = np.add.reduceat(squares, starts) / sizes
        mean_variance = np.add.reduceat(variance[order], starts) / sizes
        predicted = np.sqrt(mean_variance)
        return float(np.mean(np.abs(predicted - np.sqrt(mean_square)) / predicted))
