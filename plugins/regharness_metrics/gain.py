"""Measure what selective prediction saves. Ranks nothing itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regharness.interfaces import Metric
from regharness_metrics.selective import SelectiveRisk

Values = NDArray[np.float64]


class SelectiveGain(Metric):
    """Share of the mean squared error that is saved by withholding the least certain examples.

    ``1 - selective_risk_c / mse`` with c the `retained` percent. Direction: higher, 1 at best; 0 where sigma tells
    nothing, below 0 where it misleads. Needs: variance. No error at all: NaN. One example: 0.
    El-Yaniv & Wiener, JMLR 11:1605 (2010).

    Parameters
    ----------
    retained
        Examples that are kept, the most certain, in percent.
    """

    direction = "higher"
    needs_variance = True

    def __init__(self, retained: int = 80) -> None:
        self._risk = SelectiveRisk(retained)

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        return float(1 - np.divide(self._risk.score(target, mean, variance), np.mean((target - mean) ** 2)))
