"""Measure the error of the predicted mean. Looks at no uncertainty and at no ranking.

Notation: y target, mu mean, e = y - mu. All exact over the examples of a cell, in float64.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from regharness.interfaces import Metric
from regharness_metrics.means import MeanLoss, OfMoments
from regharness_metrics.moments import EE, EM, ERROR, LARGEST, MM, POINT, YY, Condensed, Moments, from_moments

Values = NDArray[np.float64]


def _around_best_line(m: Condensed) -> float:
    # By e rather than y, of which the line takes little away, so that little cancels.
    mu = m.spread(MM)
    return max(m.spread(EE) - m.spread(EM) ** 2 / mu, 0.0) / m["n"] if mu > 0 else m.spread(YY) / m["n"]


class MeanSquaredError(MeanLoss):
    """Mean squared error, ``mean(e^2)``, in squared target units.

    Direction: lower. Needs: mean. One example: its squared error. An infinite error gives infinity.
    """

    direction = "lower"
    accumulator = Moments(frozenset({POINT}))
    finalize = from_moments(lambda metric, m: m["squared"] / m["n"])

    def losses(self, target: Values, mean: Values, variance: Values | None) -> Values:
        return (target - mean) ** 2


class AffineMeanSquaredError(OfMoments):
    """Mean squared error once the mean is recalibrated by the best line, in squared target units.

    ``mean((y - a - b mu)^2)`` with a and b by least squares on the cell itself: what is left of the error when
    a batch's offset and gain are forgiven. It equals ``var(y) (1 - r^2)``.

    Direction: lower. Needs: mean. Constant predictions leave the variance of the target; one example: zero.
    """

    direction = "lower"
    accumulator = Moments(frozenset({POINT, ERROR}))
    finalize = from_moments(lambda metric, m: _around_best_line(m))

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values | None) -> float:
        y, mu = target - target.mean(), mean - mean.mean()
        spread = float(mu @ mu)
        slope = float(y @ mu) / spread if spread > 0 else 0.0
        return float(np.mean((y - slope * mu) ** 2))

    def of_moments(self, var_y: Values, var_mu: Values, covariance: Values, error: Values, square: Values) -> Values:
        slope = np.divide(covariance, var_mu, out=np.zeros_like(var_mu), where=var_mu > 0)
        return var_y - slope * covariance


class RootMeanSquaredError(MeanSquaredError):
    """Root of the mean squared error, ``sqrt(mean(e^2))``, in target units.

    Direction: lower. Needs: mean. One example: its absolute error. An infinite error gives infinity.
    """

    direction = "lower"
    finalize = from_moments(lambda metric, m: math.sqrt(m["squared"] / m["n"]))

    def score(self, target: Values, mean: Values, variance: Values | None) -> float:
        return math.sqrt(super().score(target, mean, variance))

    def of_means(self, means: Values) -> Values:
        return np.sqrt(means[0])


class MeanAbsoluteError(MeanLoss):
    """Mean absolute error, ``mean(|e|)``, in target units.

    Direction: lower. Needs: mean. One example: its absolute error. An infinite error gives infinity.
    """

    direction = "lower"
    accumulator = Moments(frozenset({ERROR}))
    finalize = from_moments(lambda metric, m: m["absolute"] / m["n"])

    def losses(self, target: Values, mean: Values, variance: Values | None) -> Values:
        return np.abs(target - mean)


class MedianAbsoluteError(Metric):
    """Median absolute error, ``median(|e|)``, in target units; an even count averages the middle two.

    Direction: lower. Needs: mean. One example: its absolute error.
    """

    direction = "lower"

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values | None) -> float:
        return float(np.median(np.abs(target - mean)))


class MaximumAbsoluteError(Metric):
    """Largest absolute error, ``max(|e|)``, in target units.

    Direction: lower. Needs: mean. One example: its absolute error.
    """

    direction = "lower"
    accumulator = Moments(frozenset({LARGEST}))
    finalize = from_moments(lambda metric, m: m.largest)

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values | None) -> float:
        return float(np.max(np.abs(target - mean)))


class Bias(MeanLoss):
    """Mean of prediction minus target, ``mean(mu - y)``, in target units: positive when predicted too high.

    Direction: target value 0. Needs: mean. One example: its signed error.
    """

    direction = 0.0
    accumulator = Moments(frozenset({ERROR}))
    finalize = from_moments(lambda metric, m: -m["error"] / m["n"])

    def losses(self, target: Values, mean: Values, variance: Values | None) -> Values:
        return mean - target
