"""Measure how prediction and target vary together. Looks at no uncertainty but for its ranking of errors.

Notation: y target, mu mean, e = y - mu. A side is constant when all its values are equal, tested exactly:
rounding makes the variance of a repeated 0.1 positive. All exact over the examples of a cell, in float64; ranks of
more than 100,000 that come in blocks are those of fine bins, which move a correlation by less than 0.0005
(`regharness_metrics.orders`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regharness.interfaces import Metric
from regharness_metrics.bins import Ordered
from regharness_metrics.means import OfMoments
from regharness_metrics.moments import ERROR, MM, POINT, YM, YY, Condensed, Moments, from_moments
from regharness_metrics.orders import estimated, rank_correlation_of

Values = NDArray[np.float64]


def centred(values: Values) -> Values:
    """Subtract the mean; exactly zero for a constant.

    The second subtraction takes away the rounding of the first mean, which counts when the offset is far
    larger than the spread.
    """
    if values.min() == values.max():
        return np.zeros_like(values)
    shifted = values - values.mean()
    return shifted - shifted.mean()


def correlation(left: Values, right: Values) -> float:
    """Pearson correlation of two ``(example,)`` arrays in [-1, 1]; NaN when a side is constant."""
    left, right = centred(left), centred(right)
    # Scaled by the largest value, squares neither overflow nor underflow; a constant side becomes 0/0.
    left, right = left / np.abs(left).max(), right / np.abs(right).max()
    return float(np.clip(left @ right / np.sqrt((left @ left) * (right @ right)), -1, 1))


def rank_correlation(left: Values, right: Values) -> float:
    """Pearson correlation of average ranks; NaN when a side is constant."""
    return correlation(average_ranks(left), average_ranks(right))


def average_ranks(values: Values) -> Values:
    """Ranks from 1 of ``(example,)``, ties getting their mean; as scipy's, without what that costs on a small cell."""
    order = np.argsort(values)
    placed = values[order]
    fresh = np.flatnonzero(np.concatenate(([True], placed[1:] != placed[:-1])))
    ranks = np.empty(values.size)
    if fresh.size == values.size:
        ranks[order] = np.arange(1, values.size + 1)
        return ranks
    sizes = np.diff(fresh, append=values.size)
    ranks[order] = np.repeat(fresh + (sizes + 1) / 2, sizes)
    return ranks


def _correlation_of(m: Condensed) -> float:
    return float(np.clip(np.divide(m.spread(YM), np.sqrt(m.spread(YY)) * np.sqrt(m.spread(MM))), -1, 1))


def _concordance(m: Condensed) -> float:
    _, constant_mean, _ = m.constant
    if constant_mean:
        return float("nan")
    return float(np.divide(2 * m.spread(YM), m.spread(YY) + m.spread(MM) + m["error"] ** 2 / m["n"]))


class R2(OfMoments):
    """Coefficient of determination, ``1 - SSE / SST`` with ``SST = sum((y - mean(y))^2)``.

    Direction: higher, 1 at best, no lower bound. Needs: mean. Fewer than two examples: NaN.
    Constant target: -inf, or NaN when every prediction is exact.
    """

    direction = "higher"
    accumulator = Moments(frozenset({POINT}))
    finalize = from_moments(lambda metric, m: 1 - np.divide(m["squared"], m.spread(YY)))

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values | None) -> float:
        if target.size < 2:
            return float("nan")
        residual, total = target - mean, centred(target)
        return float(1 - np.divide(residual @ residual, total @ total))

    def of_moments(self, var_y: Values, var_mu: Values, covariance: Values, error: Values, square: Values) -> Values:
        return 1 - square / var_y


class PearsonR(OfMoments):
    """Pearson's product-moment correlation of target and mean.

    Direction: higher, within [-1, 1]. Needs: mean. A constant side, so also one example: NaN.
    """

    direction = "higher"
    accumulator = Moments(frozenset({POINT}))
    finalize = from_moments(lambda metric, m: _correlation_of(m))

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values | None) -> float:
        return correlation(target, mean)

    def of_moments(self, var_y: Values, var_mu: Values, covariance: Values, error: Values, square: Values) -> Values:
        return covariance / np.sqrt(var_y * var_mu)


class SpearmanRho(Metric):
    """Spearman's rank correlation of target and mean: Pearson's on ranks, ties getting their average rank.

    Direction: higher, within [-1, 1]. Needs: mean. A constant side, so also one example: NaN.
    """

    direction = "higher"
    accumulator = Ordered(frozenset({("target", "mean")}))
    finalize = estimated(lambda metric, state: rank_correlation_of(state, "target", "mean"), relative=False)

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values | None) -> float:
        return rank_correlation(target, mean)


class ConcordanceCorrelation(OfMoments):
    """Lin's concordance correlation, ``2 s_xy / (s_x^2 + s_y^2 + (mean(y) - mean(mu))^2)``, moments over n.

    Direction: higher, within [-1, 1]. Needs: mean. A constant target: 0. A constant mean, so also one example: NaN.
    Lin, Biometrics 45:255 (1989).
    """

    direction = "higher"
    accumulator = Moments(frozenset({POINT, ERROR}))
    finalize = from_moments(lambda metric, m: _concordance(m))

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values | None) -> float:
        if mean.min() == mean.max():
            return float("nan")
        left, right = centred(target), centred(mean)
        spread = left @ left + right @ right + target.size * np.mean(target - mean) ** 2
        return float(np.divide(2 * (left @ right), spread))

    def of_moments(self, var_y: Values, var_mu: Values, covariance: Values, error: Values, square: Values) -> Values:
        return np.where(var_mu == 0, np.nan, 2 * covariance / (var_y + var_mu + error * error))


class SpearmanErrorSigma(Metric):
    """Spearman's rank correlation of the absolute error and sigma: does the model know where it errs?

    Direction: higher, within [-1, 1]. Needs: variance. Ties get their average rank. Constant errors or a
    constant sigma, so also one example: NaN.
    """

    direction = "higher"
    needs_variance = True
    accumulator = Ordered(frozenset({("error", "variance")}))
    finalize = estimated(lambda metric, state: rank_correlation_of(state, "error", "variance"), relative=False)

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        return rank_correlation(np.abs(target - mean), np.sqrt(variance))
