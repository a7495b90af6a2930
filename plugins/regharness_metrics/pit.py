"""Score the probability integral transform: the predicted probability of a value at most the measured one.

Draws no calibration curve. Notation: y target, mu mean, sigma = sqrt(variance), z = (y - mu) / sigma, Phi the standard
normal distribution, u = Phi(z), uniform between 0 and 1 for a model that is calibrated (Dawid, J. R. Stat. Soc. A
147:278, 1984). A zero sigma gives u = 1/2 without an error, else 0 or 1; an infinite one gives 1/2. All exact over the
examples of a cell, in float64: in float32 u rounds to 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from regharness.interfaces import Evidence, Metric
from regharness_metrics.association import centred
from regharness_metrics.gaussian import standardised
from regharness_metrics.means import MeanLoss

Values = NDArray[np.float64]

BINS = 10
INNER_EDGES = np.arange(1, BINS) / BINS


def transformed(target: Values, mean: Values, variance: Values) -> Values:
    """u of each ``(example,)``."""
    return np.asarray(ndtr(standardised(target - mean, np.sqrt(variance))), np.float64)


def _counts(u: Values) -> Values:
    """Examples in each bin; a u on an edge belongs to the bin above it, and 1 to the last."""
    if np.isnan(u).any():
        return np.full(BINS, np.nan)
    return np.bincount(np.searchsorted(INNER_EDGES, u, side="right"), minlength=BINS).astype(np.float64)


class PitMean(MeanLoss):
    """Mean of the probability integral transform, ``mean(u)``: above 1/2 when predicted too low.

    Direction: target value 1/2. Needs: variance. A zero sigma counts as u = 1/2 without an error, else as 0 or 1; an
    infinite one as 1/2. Dawid, J. R. Stat. Soc. A 147:278 (1984).
    """

    direction = 0.5
    needs_variance = True

    def losses(self, target: Values, mean: Values, variance: Values) -> Values:
        return transformed(target, mean, variance)


class PitVariance(Metric):
    """Variance of the probability integral transform, ``mean((u - mean(u))^2)`` (ddof 0).

    Above 1/12 when overconfident, below when underconfident. Direction: target value 1/12. Needs: variance. One
    example, or one u for all: 0. A zero sigma counts as u = 1/2 without an error, else as 0 or 1; an infinite one as
    1/2. Dawid, J. R. Stat. Soc. A 147:278 (1984); Gneiting, Balabdaoui & Raftery, J. R. Stat. Soc. B 69:243 (2007).
    """

    direction = 1 / 12
    needs_variance = True

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        return float(np.mean(centred(transformed(target, mean, variance)) ** 2))

    @np.errstate(all="ignore")
    def terms(self, evidence: Evidence) -> Values:
        """``(2, example)``: u about the cell's own mean, and its square."""
        u = centred(transformed(evidence.target, evidence.mean, evidence.variance))
        return np.stack([u, u * u])

    def of_means(self, means: Values) -> Values:
        """The score of each set whose means are ``(2, ...)``."""
        return means[1] - means[0] ** 2


class PitKolmogorovSmirnov(Metric):
    """Kolmogorov-Smirnov distance of u to the uniform distribution, ``sup over p of |mean(u <= p) - p|``.

    The largest gap between calibration curve and diagonal. Direction: lower, within [1 / (2n), 1]. Needs: variance. A
    zero sigma counts as u = 1/2 without an error, else as 0 or 1; an infinite one as 1/2.
    Dawid, J. R. Stat. Soc. A 147:278 (1984).
    """

    direction = "lower"
    needs_variance = True

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        u = np.sort(transformed(target, mean, variance))
        steps = np.arange(u.size + 1) / u.size
        return float(max(np.max(steps[1:] - u), np.max(u - steps[:-1])))


class PitCramerVonMises(Metric):
    """Cramer-von Mises statistic of u, ``W^2 = 1 / (12 n) + sum over i of ((2i - 1) / (2n) - u_(i))^2``.

    u_(i) is the i-th smallest. Direction: lower; about 1/6 when calibrated, whatever n, and proportional to n
    when not, so compare it at equal n only. Needs: variance. A zero sigma counts as u = 1/2 without an error, else as 0
    or 1; an infinite one as 1/2. Dawid, J. R. Stat. Soc. A 147:278 (1984).
    """

    direction = "lower"
    needs_variance = True

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        u = np.sort(transformed(target, mean, variance))
        middles = (2 * np.arange(1, u.size + 1) - 1) / (2 * u.size)
        return float(1 / (12 * u.size) + np.sum((middles - u) ** 2))


class PitChiSquare(Metric):
    """Chi-square statistic of `pit_histogram`, ``sum over bins of (o - n / 10)^2 / (n / 10)``, o of n examples in it.

    Direction: lower; about 9 when calibrated, whatever n, and proportional to n when not, so compare it at equal n
    only. Needs: variance. A zero sigma counts as u = 1/2 without an error, else as 0 or 1; an infinite one as 1/2.
    Dawid, J. R. Stat. Soc. A 147:278 (1984).
    """

    direction = "lower"
    needs_variance = True

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        expected = target.size / BINS
        return float(np.sum((_counts(transformed(target, mean, variance)) - expected) ** 2) / expected)


class PitHistogram(Metric):
    """Share of examples in each of 10 equal bins of u; a tenth in each when calibrated.

    A curve along ``bin``, whose labels are the middles 0.05, 0.15, ..., 0.95. A bin holds its lower edge and not its
    upper one, but for the last, which holds 1 too: a zero error, u = 1/2, is in the bin of 0.55. The shares add to 1.
    A valley in the middle tells of overconfidence, a hill of underconfidence, a slope of bias.

    Direction: target value 0.1. Needs: variance. A zero sigma counts as u = 1/2 without an error, else as 0 or 1; an
    infinite one as 1/2. Dawid, J. R. Stat. Soc. A 147:278 (1984).
    """

    direction = 1 / BINS
    needs_variance = True
    dimension = "bin"
    labels = tuple((2 * j + 1) / (2 * BINS) for j in range(BINS))

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> Values:
        return _counts(transformed(target, mean, variance)) / target.size
