"""Score the Gaussian predictive distribution and its standardised errors. Forms no intervals and no bins.

Notation: y target, mu mean, e = y - mu, sigma = sqrt(variance), z = e / sigma, Phi and phi the standard
normal distribution and density. All exact over the examples of a cell, in float64.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from regharness.interfaces import Metric

Values = NDArray[np.float64]


def standardised(error: Values, sigma: Values) -> Values:
    """Return z: 0 where sigma is infinite or both are 0, signed infinity where only sigma is 0."""
    defined = np.isfinite(sigma) & ((sigma != 0) | (error != 0))
    # abs, because sqrt(-0.0) is -0.0 and would turn the sign of the infinity.
    return np.divide(error, np.abs(sigma), out=np.zeros_like(error), where=defined)


def _z_of_positive(target: Values, mean: Values, variance: Values) -> Values:
    kept = variance > 0
    return standardised((target - mean)[kept], np.sqrt(variance[kept]))


def _root_mean_variance(variance: Values) -> float:
    positive = variance[variance > 0]
    return float(np.sqrt(np.mean(positive))) if positive.size else math.nan


class NegativeLogLikelihood(Metric):
    """Gaussian negative log likelihood, ``mean(ln(sigma) + z^2 / 2) + ln(2 pi) / 2``, in nats.

    Direction: lower, no lower bound. Needs: variance. A zero sigma gives +inf where the error is not zero,
    and NaN where it is; an infinite sigma gives +inf. Nix & Weigend, ICNN 1:55 (1994).
    """

    direction = "lower"
    needs_variance = True

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        error, sigma = target - mean, np.sqrt(variance)
        terms = np.log(sigma) + standardised(error, sigma) ** 2 / 2
        sharp = sigma == 0
        terms[sharp] = np.where(error[sharp] == 0, np.nan, np.inf)
        return float(np.mean(terms)) + math.log(2 * math.pi) / 2


class ContinuousRankedProbabilityScore(Metric):
    """Gaussian CRPS, ``mean(sigma (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi)))``, in target units.

    Direction: lower, zero at best. Needs: variance. A zero sigma gives the absolute error; an infinite one
    gives infinity. Gneiting et al., Monthly Weather Review 133:1098 (2005).
    """

    direction = "lower"
    needs_variance = True

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        error, sigma = target - mean, np.sqrt(variance)
        z = standardised(error, sigma)
        # sigma z (2 Phi(z) - 1) is e erf(z / sqrt(2)), which holds for a zero sigma and infinite z too.
        density = np.exp(-(z**2) / 2) * math.sqrt(2 / math.pi)
        return float(np.mean(error * erf(z / math.sqrt(2)) + sigma * (density - 1 / math.sqrt(math.pi))))


class ZMean(Metric):
    """Mean standardised error, ``mean(z)``: positive when predicted too low.

    Direction: target value 0. Needs: variance. Examples with a zero sigma are left out, so that it belongs
    to the same z as `z_var`; all zero: NaN. An infinite sigma counts as z = 0.
    """

    direction = 0.0
    needs_variance = True

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        z = _z_of_positive(target, mean, variance)
        return float(np.mean(z)) if z.size else math.nan


class ZMeanSquare(Metric):
    """Mean squared standardised error, ``mean(z^2)``: above 1 when overconfident, below when underconfident.

    Direction: target value 1. Needs: variance. Examples with a zero sigma are left out; all zero: NaN.
    An infinite sigma counts as z = 0. Levi et al., Sensors 22:5540 (2022).
    """

    direction = 1.0
    needs_variance = True

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        z = _z_of_positive(target, mean, variance)
        return float(np.mean(z**2)) if z.size else math.nan


class ZVariance(Metric):
    """Variance of the standardised error, ``mean((z - mean(z))^2)`` (ddof 0).

    Direction: target value 1. Needs: variance. Examples with a zero sigma are left out; all zero: NaN; one
    left: 0. Levi et al., Sensors 22:5540 (2022).
    """

    direction = 1.0
    needs_variance = True

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        z = _z_of_positive(target, mean, variance)
        return float(np.var(z)) if z.size else math.nan


class Sharpness(Metric):
    """Root mean variance, ``sqrt(mean(sigma^2))``, in target units.

    Direction: lower, among models that are calibrated. Needs: variance. Examples with a zero sigma are left
    out; all zero: NaN. Levi et al., Sensors 22:5540 (2022).
    """

    direction = "lower"
    needs_variance = True

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        return _root_mean_variance(variance)


class Dispersion(Metric):
    """Coefficient of variation of sigma, ``std(sigma, ddof 1) / mean(sigma)``.

    Direction: higher; zero means one uncertainty for all. Needs: variance. Examples with a zero sigma are
    left out; fewer than two left: NaN. Constant sigma: exactly 0. An infinite sigma: NaN.
    Levi et al., Sensors 22:5540 (2022).
    """

    direction = "higher"
    needs_variance = True

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        sigma = np.sqrt(variance[variance > 0])
        if sigma.size < 2 or np.isinf(sigma).any():
            return math.nan
        if sigma.min() == sigma.max():
            return 0.0
        return float(np.std(sigma, ddof=1) / np.mean(sigma))


class SpreadSkill(Metric):
    """Spread-skill ratio, `sharpness` over `rmse`: below 1 when overconfident.

    Direction: target value 1. Needs: variance. No error at all: infinity. Every sigma zero: NaN.
    Fortin et al., J. Hydrometeorology 15:1708 (2014).
    """

    direction = 1.0
    needs_variance = True

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        return float(np.divide(_root_mean_variance(variance), np.sqrt(np.mean((target - mean) ** 2))))
