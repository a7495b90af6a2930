"""Score the Gaussian predictive distribution and its standardised errors. Forms no intervals and no bins.

Notation: y target, mu mean, e = y - mu, sigma = sqrt(variance), z = e / sigma, Phi and phi the standard
normal distribution and density. All exact over the examples of a cell, in float64.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from regharness.interfaces import Evidence, Metric
from regharness_metrics.association import centred
from regharness_metrics.means import MeanLoss
from regharness_metrics.moments import (
    CRPS,
    LOG_SIGMA,
    POINT,
    SPREAD,
    SS,
    STANDARD,
    ZZ,
    Condensed,
    Moments,
    S,
    from_moments,
)

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


def _negative_log_likelihood(m: Condensed) -> float:
    if m["settled"]:
        return math.nan
    mean = math.inf if m["sharp"] or m["unbounded"] else (m["log_sigma"] + m["z_squared"] / 2) / m["n"]
    return mean + math.log(2 * math.pi) / 2


def _dispersion(m: Condensed) -> float:
    if m["scored"] < 2 or m["unbounded"]:
        return math.nan
    return float(np.sqrt(m.spread(SS) / (m["scored"] - 1)) / m.mean[S])


def _spread_skill(m: Condensed) -> float:
    return float(np.divide(np.sqrt(np.divide(m["variance"], m["scored"])), np.sqrt(m["squared"] / m["n"])))


class _OfPositive(Metric):
    """A metric of the examples whose sigma is not zero, by means of theirs."""

    needs_variance = True

    @np.errstate(all="ignore")
    def terms(self, evidence: Evidence) -> Values:
        """``(term, example)``: whether an example counts, and the terms of those that do, else 0."""
        kept = evidence.variance > 0
        z = _z_of_positive(evidence.target, evidence.mean, evidence.variance)
        found = np.zeros((1 + len(self.of_positive(z[:1], evidence.variance[kept][:1])), kept.size))
        found[0] = kept
        found[1:, kept] = self.of_positive(z, evidence.variance[kept])
        return found

    @np.errstate(all="ignore")
    def of_means(self, means: Values) -> Values:
        """The score of each set whose means are ``(term, ...)``."""
        return self.of_ratios(means[1:] / means[0])

    def of_positive(self, z: Values, variance: Values) -> list[Values]:
        """The terms ``(example,)`` of the examples that count."""
        raise NotImplementedError

    def of_ratios(self, ratios: Values) -> Values:
        """The score of each set by the means ``(term, ...)`` over its examples that count."""
        return ratios[0]


class NegativeLogLikelihood(MeanLoss):
    """Gaussian negative log likelihood, ``mean(ln(sigma) + z^2 / 2) + ln(2 pi) / 2``, in nats.

    Direction: lower, no lower bound. Needs: variance. A zero sigma gives +inf where the error is not zero,
    and NaN where it is; an infinite sigma gives +inf. Nix & Weigend, ICNN 1:55 (1994).
    """

    direction = "lower"
    needs_variance = True
    accumulator = Moments(frozenset({STANDARD, LOG_SIGMA}))
    finalize = from_moments(lambda metric, m: _negative_log_likelihood(m))

    def losses(self, target: Values, mean: Values, variance: Values) -> Values:
        error, sigma = target - mean, np.sqrt(variance)
        terms = np.log(sigma) + standardised(error, sigma) ** 2 / 2
        sharp = sigma == 0
        terms[sharp] = np.where(error[sharp] == 0, np.nan, np.inf)
        return terms + math.log(2 * math.pi) / 2


class ContinuousRankedProbabilityScore(MeanLoss):
    """Gaussian CRPS, ``mean(sigma (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi)))``, in target units.

    Direction: lower, zero at best. Needs: variance. A zero sigma gives the absolute error; an infinite one
    gives infinity. Gneiting et al., Monthly Weather Review 133:1098 (2005).
    """

    direction = "lower"
    needs_variance = True
    accumulator = Moments(frozenset({CRPS}))
    finalize = from_moments(lambda metric, m: m["crps"] / m["n"])

    def losses(self, target: Values, mean: Values, variance: Values) -> Values:
        error, sigma = target - mean, np.sqrt(variance)
        z = standardised(error, sigma)
        # sigma z (2 Phi(z) - 1) is e erf(z / sqrt(2)), which holds for a zero sigma and infinite z too.
        density = np.exp(-(z**2) / 2) * math.sqrt(2 / math.pi)
        return error * erf(z / math.sqrt(2)) + sigma * (density - 1 / math.sqrt(math.pi))


class ZMean(_OfPositive):
    """Mean standardised error, ``mean(z)``: positive when predicted too low.

    Direction: target value 0. Needs: variance. Examples with a zero sigma are left out, so that it belongs
    to the same z as `z_var`; all zero: NaN. An infinite sigma counts as z = 0.
    """

    direction = 0.0
    needs_variance = True
    accumulator = Moments(frozenset({SPREAD}))
    finalize = from_moments(lambda metric, m: np.divide(m["z"], m["scored"]))

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        z = _z_of_positive(target, mean, variance)
        return float(np.mean(z)) if z.size else math.nan

    def of_positive(self, z: Values, variance: Values) -> list[Values]:
        return [z]


class ZMeanSquare(_OfPositive):
    """Mean squared standardised error, ``mean(z^2)``: above 1 when overconfident, below when underconfident.

    Direction: target value 1. Needs: variance. Examples with a zero sigma are left out; all zero: NaN.
    An infinite sigma counts as z = 0. Levi et al., Sensors 22:5540 (2022).
    """

    direction = 1.0
    needs_variance = True
    accumulator = Moments(frozenset({STANDARD}))
    finalize = from_moments(lambda metric, m: np.divide(m["z_squared"], m["scored"]))

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        z = _z_of_positive(target, mean, variance)
        return float(np.mean(z**2)) if z.size else math.nan

    def of_positive(self, z: Values, variance: Values) -> list[Values]:
        return [z**2]


class ZVariance(_OfPositive):
    """Variance of the standardised error, ``mean((z - mean(z))^2)`` (ddof 0).

    Direction: target value 1. Needs: variance. Examples with a zero sigma are left out; all zero: NaN; one
    left, or one z for all: 0. Levi et al., Sensors 22:5540 (2022).
    """

    direction = 1.0
    needs_variance = True
    accumulator = Moments(frozenset({SPREAD}))
    finalize = from_moments(lambda metric, m: np.divide(m.spread(ZZ), m["scored"]))

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        z = _z_of_positive(target, mean, variance)
        return float(np.mean(centred(z) ** 2)) if z.size else math.nan

    def of_positive(self, z: Values, variance: Values) -> list[Values]:
        return [z - z.mean(), (z - z.mean()) ** 2]

    def of_ratios(self, ratios: Values) -> Values:
        return ratios[1] - ratios[0] ** 2


class Sharpness(_OfPositive):
    """Root mean variance, ``sqrt(mean(sigma^2))``, in target units.

    Direction: lower, among models that are calibrated. Needs: variance. Examples with a zero sigma are left
    out; all zero: NaN. Levi et al., Sensors 22:5540 (2022).
    """

    direction = "lower"
    needs_variance = True
    accumulator = Moments(frozenset({SPREAD}))
    finalize = from_moments(lambda metric, m: np.sqrt(np.divide(m["variance"], m["scored"])))

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        return _root_mean_variance(variance)

    def of_positive(self, z: Values, variance: Values) -> list[Values]:
        return [variance]

    def of_ratios(self, ratios: Values) -> Values:
        return np.sqrt(ratios[0])


class Dispersion(_OfPositive):
    """Coefficient of variation of sigma, ``std(sigma, ddof 1) / mean(sigma)``.

    Direction: higher; zero means one uncertainty for all. Needs: variance. Examples with a zero sigma are
    left out; fewer than two left: NaN. Constant sigma: exactly 0. An infinite sigma: NaN.
    Levi et al., Sensors 22:5540 (2022).
    """

    direction = "higher"
    needs_variance = True
    accumulator = Moments(frozenset({SPREAD}))
    finalize = from_moments(lambda metric, m: _dispersion(m))

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        sigma = np.sqrt(variance[variance > 0])
        if sigma.size < 2 or np.isinf(sigma).any():
            return math.nan
        if sigma.min() == sigma.max():
            return 0.0
        return float(np.std(sigma, ddof=1) / np.mean(sigma))

    def of_positive(self, z: Values, variance: Values) -> list[Values]:
        sigma = np.sqrt(variance)
        return [sigma, sigma - sigma.mean(), (sigma - sigma.mean()) ** 2]

    def of_ratios(self, ratios: Values) -> Values:
        return np.sqrt(np.maximum(ratios[2] - ratios[1] ** 2, 0)) / ratios[0]


class SpreadSkill(_OfPositive):
    """Spread-skill ratio, `sharpness` over `rmse`: below 1 when overconfident.

    Direction: target value 1. Needs: variance. No error at all: infinity. Every sigma zero: NaN.
    Fortin et al., J. Hydrometeorology 15:1708 (2014).
    """

    direction = 1.0
    needs_variance = True
    accumulator = Moments(frozenset({POINT, SPREAD}))
    finalize = from_moments(lambda metric, m: _spread_skill(m))

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        return float(np.divide(_root_mean_variance(variance), np.sqrt(np.mean((target - mean) ** 2))))

    def terms(self, evidence: Evidence) -> Values:
        return np.concatenate([super().terms(evidence), ((evidence.target - evidence.mean) ** 2)[None]])

    def of_positive(self, z: Values, variance: Values) -> list[Values]:
        return [variance]

    @np.errstate(all="ignore")
    def of_means(self, means: Values) -> Values:
        return np.sqrt(means[1] / means[0] / means[2])
