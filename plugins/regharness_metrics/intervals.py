"""Score the closed central intervals ``mu +- q sigma`` of a Gaussian prediction, at one level each.

Notation: y target, mu mean, e = y - mu, sigma = sqrt(variance), level c = percent / 100 and
q = Phi^-1((1 + c) / 2). All exact over the examples of a cell, in float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from regharness.interfaces import Metric

Values = NDArray[np.float64]


def _quantile(percent: int) -> float:
    # percent / 100 is the float nearest to the level; steps of np.arange or np.linspace are not.
    return float(ndtri((1 + percent / 100) / 2))


class Coverage(Metric):
    """Share of targets inside the central interval, ``mean(|e| <= q sigma)``; its borders count as inside.

    Direction: target value c. Needs: variance. A zero sigma covers only a zero error; an infinite one covers
    everything.

    Parameters
    ----------
    percent
        Level c in percent, between 0 and 100.
    """

    needs_variance = True

    def __init__(self, percent: int) -> None:
        self.direction = percent / 100
        self._quantile = _quantile(percent)

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        return float(np.mean(np.abs(target - mean) <= self._quantile * np.sqrt(variance)))


class MeanWidth(Metric):
    """Mean width of the central interval, ``2 q mean(sigma)``, in target units.

    Direction: lower, among models that reach their coverage. Needs: variance. An infinite sigma: infinity.

    Parameters
    ----------
    percent
        Level c in percent, between 0 and 100.
    """

    direction = "lower"
    needs_variance = True

    def __init__(self, percent: int) -> None:
        self._quantile = _quantile(percent)

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        return float(2 * self._quantile * np.mean(np.sqrt(variance)))


class IntervalScore(Metric):
    """Winkler's interval score, ``mean(2 q sigma + (2 / (1 - c)) max(|e| - q sigma, 0))``, in target units.

    Direction: lower, zero at best. Needs: variance. A zero sigma: ``2 / (1 - c)`` times the absolute error;
    an infinite one: infinity. Winkler, J. Am. Stat. Assoc. 67:187 (1972).

    Parameters
    ----------
    percent
        Level c in percent, between 0 and 100.
    """

    direction = "lower"
    needs_variance = True

    def __init__(self, percent: int) -> None:
        self._quantile = _quantile(percent)
        self._penalty = 200 / (100 - percent)

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        half_width = self._quantile * np.sqrt(variance)
        overshoot = np.maximum(np.abs(target - mean) - half_width, 0)
        return float(np.mean(2 * half_width + self._penalty * overshoot))
