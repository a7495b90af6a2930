"""Score closed central intervals, at one level each: a model's own, else ``mu +- q sigma`` of a Gaussian prediction.

Notation: y target, mu mean, e = y - mu, sigma = sqrt(variance), level c = percent / 100 and
q = Phi^-1((1 + c) / 2). A model's own interval reaches from its quantile of level (1 - c) / 2, l, to that of level
(1 + c) / 2, u; where it gives both, they are used and its variance is not. All exact over the examples of a cell, in
float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regharness.quantiles import level_places
from regharness_metrics.means import MeanLoss
from regharness_metrics.moments import STANDARD, Moments, central_quantile, from_moments

Values = NDArray[np.float64]


class _IntervalMetric(MeanLoss):
    """A score of the central interval of one level."""

    needs_variance = True

    def __init__(self, percent: int) -> None:
        self._percent = percent
        self._quantile = central_quantile(percent)
        self._ends = ((100 - percent) / 200, (100 + percent) / 200)

    def takes_levels(self, levels: tuple[float, ...]) -> bool:
        """Whether both ends of the interval are among them."""
        return level_places(levels, self._ends) is not None

    def _interval(self, quantiles: Values, levels: tuple[float, ...]) -> tuple[Values, Values]:
        """Lower and upper ends ``(example,)``."""
        places = level_places(levels, self._ends)
        assert places is not None
        lower, upper = quantiles[:, places].T
        return lower, upper


class Coverage(_IntervalMetric):
    """Share of targets inside the central interval, ``mean(|e| <= q sigma)``; its borders count as inside.

    Direction: target value c. Needs: variance, or quantiles, of which it is ``mean(l <= y <= u)``. A zero sigma
    covers only a zero error; an infinite one covers everything.

    Parameters
    ----------
    percent
        Level c in percent, between 0 and 100.
    """

    finalize = from_moments(lambda metric, m: m["inside", metric._percent] / m["n"])

    def __init__(self, percent: int) -> None:
        super().__init__(percent)
        self.direction = percent / 100
        self.accumulator = Moments(inside=(percent,))

    def losses(self, target: Values, mean: Values, variance: Values) -> Values:
        return np.asarray(np.abs(target - mean) <= self._quantile * np.sqrt(variance), np.float64)

    def quantile_losses(self, target: Values, quantiles: Values, levels: tuple[float, ...]) -> Values:
        lower, upper = self._interval(quantiles, levels)
        return np.asarray((lower <= target) & (target <= upper), np.float64)


class MeanWidth(_IntervalMetric):
    """Mean width of the central interval, ``2 q mean(sigma)``, in target units.

    Direction: lower, among models that reach their coverage. Needs: variance, or quantiles, of which it is
    ``mean(u - l)``. An infinite sigma: infinity.

    Parameters
    ----------
    percent
        Level c in percent, between 0 and 100.
    """

    direction = "lower"
    finalize = from_moments(lambda metric, m: 2 * metric._quantile * m["sigma"] / m["n"])

    def __init__(self, percent: int) -> None:
        super().__init__(percent)
        # With its level, at which a model's own quantiles stand in for the variance.
        self.accumulator = Moments(frozenset({STANDARD}), inside=(percent,))

    def losses(self, target: Values, mean: Values, variance: Values) -> Values:
        return 2 * self._quantile * np.sqrt(variance)

    def quantile_losses(self, target: Values, quantiles: Values, levels: tuple[float, ...]) -> Values:
        lower, upper = self._interval(quantiles, levels)
        return upper - lower


class IntervalScore(_IntervalMetric):
    """Winkler's interval score, ``mean(2 q sigma + (2 / (1 - c)) max(|e| - q sigma, 0))``, in target units.

    Direction: lower, zero at best. Needs: variance, or quantiles, of which it is ``mean(u - l + (2 / (1 - c))
    (max(l - y, 0) + max(y - u, 0)))``. A zero sigma: ``2 / (1 - c)`` times the absolute error;
    an infinite one: infinity. Winkler, J. Am. Stat. Assoc. 67:187 (1972).

    Parameters
    ----------
    percent
        Level c in percent, between 0 and 100.
    """

    direction = "lower"
    finalize = from_moments(
        lambda metric, m: (2 * metric._quantile * m["sigma"] + metric._penalty * m["over", metric._percent]) / m["n"]
    )

    def __init__(self, percent: int) -> None:
        super().__init__(percent)
        self._penalty = 200 / (100 - percent)
        self.accumulator = Moments(frozenset({STANDARD}), over=(percent,))

    def losses(self, target: Values, mean: Values, variance: Values) -> Values:
        half_width = self._quantile * np.sqrt(variance)
        overshoot = np.maximum(np.abs(target - mean) - half_width, 0)
        return 2 * half_width + self._penalty * overshoot

    def quantile_losses(self, target: Values, quantiles: Values, levels: tuple[float, ...]) -> Values:
        lower, upper = self._interval(quantiles, levels)
        overshoot = np.maximum(lower - target, 0) + np.maximum(target - upper, 0)
        return upper - lower + self._penalty * overshoot
