"""Compare each predicted probability with the share observed, as a curve or by its area. Sorts nothing by sigma.

Notation: y target, mu mean, e = y - mu, sigma = sqrt(variance), z = e / sigma, Phi the standard normal distribution. A
zero sigma gives z = 0 without an error, else signed infinity; an infinite one gives z = 0. All exact over the examples
of a cell, in float64.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, ndtri

from regharness.interfaces import Metric
from regharness.quantiles import level_places
from regharness_metrics.calibration import LEVELS, at_most, distance_to_uniform
from regharness_metrics.gaussian import standardised

Values = NDArray[np.float64]

ENDS = (1 - LEVELS) / 2, (1 + LEVELS) / 2
"""Levels of the lower and the upper ends of the central intervals."""


class CalibrationCurve(Metric):
    """Share of targets at most the predicted quantile of each level p, ``mean(z <= Phi^-1(p))``; p when calibrated.

    A curve along ``level``, whose labels are p = 0.05, 0.10, ..., 0.95, exactly j / 20. Direction: each label is its
    own target value. Needs: variance, or quantiles of all these levels, of which it is ``mean(y <= q_p)``. A zero sigma
    gives z = 0 without an error, else signed infinity; an infinite one gives z = 0.
    Kuleshov, Fenner & Ermon, ICML (2018).
    """

    direction = None
    needs_variance = True
    dimension = "level"
    labels = tuple(LEVELS.tolist())

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> Values:
        z = np.sort(standardised(target - mean, np.sqrt(variance)))
        return np.searchsorted(z, ndtri(LEVELS), side="right") / z.size

    def takes_levels(self, levels: tuple[float, ...]) -> bool:
        """Whether all 19 levels are among them."""
        return level_places(levels, LEVELS) is not None

    def score_quantiles(self, target: Values, quantiles: Values, levels: tuple[float, ...]) -> Values:
        return np.mean(at_most(target, quantiles, levels), axis=0)


class IntervalCalibrationCurve(Metric):
    """Share of targets inside the central interval of each level c, ``mean(|e| <= q sigma)``; c when calibrated.

    q is ``Phi^-1((1 + c) / 2)``, so the curve is made of `coverage_5` to `coverage_95`. A curve along ``level``, whose
    labels are c = 0.05, 0.10, ..., 0.95, exactly j / 20. Direction: each label is its own target value.
    Needs: variance, or quantiles of all levels ``(1 - c) / 2`` and ``(1 + c) / 2``. A zero sigma covers only a zero
    error; an infinite one covers everything. Kuleshov, Fenner & Ermon, ICML (2018).
    """

    direction = None
    needs_variance = True
    dimension = "level"
    labels = tuple(LEVELS.tolist())

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> Values:
        error, sigma = np.abs(target - mean), np.sqrt(variance)
        return np.array([np.mean(error <= quantile * sigma) for quantile in ndtri(ENDS[1])])

    def takes_levels(self, levels: tuple[float, ...]) -> bool:
        """Whether the ends of all 19 intervals are among them."""
        return level_places(levels, (*ENDS[0], *ENDS[1])) is not None

    def score_quantiles(self, target: Values, quantiles: Values, levels: tuple[float, ...]) -> Values:
        lower, upper = (quantiles[:, level_places(levels, ends)] for ends in ENDS)
        return np.mean((lower <= target[:, None]) & (target[:, None] <= upper), axis=0)


class MiscalibrationAreaInterval(Metric):
    """Area between the interval calibration curve and the diagonal, the integral of ``|F(c) - c|`` over c in [0, 1].

    F(c) is ``mean(|z| <= Phi^-1((1 + c) / 2))``, the share inside the central interval of level c, so the empirical
    distribution of ``2 Phi(|z|) - 1``. The integral is exact, without a grid. Unlike `miscalibration_area` it does not
    see errors of one sign where their sizes are right.

    Direction: lower, within [0, 1/2]. Needs: variance. A zero sigma gives z = 0 without an error, else signed infinity;
    an infinite one gives z = 0. Curve: Kuleshov, Fenner & Ermon, ICML (2018); area: Tran et al., MLST 1:025006 (2020).
    """

    direction = "lower"
    needs_variance = True

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        z = np.sort(np.abs(standardised(target - mean, np.sqrt(variance))))
        return distance_to_uniform(erf(z / math.sqrt(2)))
